"""Wait for the signals a service gets, or for a reason of its own to end."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
WOKEN = 0
"""What `Signals.receive` returns after `Signals.wake`; no signal has this number."""


@dataclass(frozen=True, slots=True)
class Signals:
    """A pipe into which Python writes the numbers of signals."""

    reader: int
    writer: int

    def receive(self) -> int:
        """Wait for the next signal and return its number, or WOKEN."""
        while (number := os.read(self.reader, 1)[0]) not in {*SIGNALS, WOKEN}:
            pass
        return number

    def wake(self) -> None:
        """End the waiting, from any thread."""
        with suppress(BlockingIOError):  # full: there is enough to read
            os.write(self.writer, bytes([WOKEN]))


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
def received_signals() -> Iterator[Signals]:
    """Receive signals until the block ends; then the former handlers come back.

    A handler in Python runs between two steps of the main thread, which takes none while it waits: a signal that comes
    just before, or that another thread receives, would lie there until the next one. The numbers that Python writes
    into a pipe immediately do end the waiting.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    former_descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    former = {number: signal.signal(number, lambda _number, _frame: None) for number in SIGNALS}
    try:
        yield Signals(reader, writer)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former_descriptor)
        os.close(reader)
        os.close(writer)
