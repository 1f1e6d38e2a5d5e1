"""Wait for the signals a service gets."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def received_signals() -> Iterator[Callable[[], int]]:
    """A function that waits for the next signal and tells its number; the former handlers come back at the end.

    A handler in Python runs between two steps of the main thread, which takes none while it waits: a signal that comes
    just before, or that another thread receives, would lie there until the next one. The numbers that Python writes
    into a pipe at once do end the waiting.
    """
    waiting, told = os.pipe()
    os.set_blocking(told, False)

    def receive() -> int:
        while (number := os.read(waiting, 1)[0]) not in SIGNALS:
            pass
        return number

    former_descriptor = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    former = {number: signal.signal(number, lambda _number, _frame: None) for number in SIGNALS}
    try:
        yield receive
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former_descriptor)
        os.close(waiting)
        os.close(told)
