"""Wait for the signals a service gets."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """While a service starts: ignore SIGHUP, whose default would end the process, and end cleanly on the others.

    As the first process of a container, without a handler, it would not even get them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Any] = {
        signal.SIGHUP: signal.SIG_IGN,
        signal.SIGTERM: end,
        signal.SIGINT: end,
    }
    former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def end(_number: int, _frame: Any) -> NoReturn:
    """End the process as one that was asked to."""
    raise SystemExit(0)


@contextmanager
def received_signals() -> Iterator[Callable[[], int]]:
    """A function that waits for the next signal and returns its number; the former handlers come back at the end.

    A handler in Python runs between two steps of the main thread, which takes none while it waits: a signal that comes
    just before, or that another thread receives, would lie there until the next one. The numbers that Python writes
    into a pipe at once do end the waiting.
    """
    waiting, received = os.pipe()
    os.set_blocking(received, False)

    def receive() -> int:
        while (number := os.read(waiting, 1)[0]) not in SIGNALS:
            pass
        return number

    former_descriptor = signal.set_wakeup_fd(received, warn_on_full_buffer=False)
    former = {number: signal.signal(number, lambda _number, _frame: None) for number in SIGNALS}
    try:
        yield receive
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former_descriptor)
        os.close(waiting)
        os.close(received)
