"""Do a few things at a time and hand the results on in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Pending(Generic[Item, Result]):
    """One call under way."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self._done = threading.Event()
        self._result: Result
        self._error: BaseException | None = None

    def run(self, function: Callable[[Item], Result]) -> None:
        try:
            self._result = function(self.item)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
            self._error = error
        finally:
            self._done.set()

    def result(self) -> Result:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


def in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield function(item) for each item in order, computing up to *workers* at a time.

    At most twice as many results wait to be taken, so memory does not grow with the number of items. Own threads and
    not an executor: these die with the process, while an executor would hold up its end for a read time-out. They are
    started as they are needed; where the system refuses one, those that run, or the caller alone, do the work.
    """
    jobs: SimpleQueue[_Pending[Item, Result] | None] = SimpleQueue()
    waiting: deque[_Pending[Item, Result]] = deque()
    started = 0

    def next_result() -> Result:
        pending = waiting.popleft()
        if not started:
            jobs.get_nowait()
            pending.run(function)
        return pending.result()

    try:
        for item in items:
            pending: _Pending[Item, Result] = _Pending(item)
            jobs.put(pending)
            waiting.append(pending)
            if started < workers and _start(function, jobs, started):
                started += 1
            if len(waiting) >= 2 * workers:
                yield next_result()
        while waiting:
            yield next_result()
    finally:
        with suppress(Empty):  # the consumer gave up: start nothing more
            while True:
                jobs.get_nowait()
        for _ in range(started):
            jobs.put(None)


def _start(function: Callable[[Item], Result], jobs: "SimpleQueue[_Pending[Item, Result] | None]", number: int) -> bool:
    """Start a worker; return whether that was possible."""
    try:
        threading.Thread(target=_work, args=(function, jobs), name=f"pages-{number}", daemon=True).start()
    except RuntimeError:  # a limit of processes or of memory
        return False
    return True


def _work(function: Callable[[Item], Result], jobs: "SimpleQueue[_Pending[Item, Result] | None]") -> None:
    while (pending := jobs.get()) is not None:
        pending.run(function)
