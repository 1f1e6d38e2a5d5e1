"""A system that refuses new threads, as at a limit of processes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

START = threading.Thread.start


class ThreadLimit:
    """How many more threads may start."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.refused = 0

    def start(self, thread: threading.Thread) -> None:
        """Start *thread*, or fail as Python does where the system refuses."""
        if self.allowed <= 0:
            self.refused += 1
            raise RuntimeError("can't start new thread")
        self.allowed -= 1
        START(thread)


@contextmanager
def thread_limit(allowed: int = 0) -> Iterator[ThreadLimit]:
    """Let *allowed* more threads start; the limit may be changed meanwhile."""
    limit = ThreadLimit(allowed)

    def start(thread: threading.Thread) -> None:
        limit.start(thread)

    with mock.patch.object(threading.Thread, "start", start):
        yield limit
