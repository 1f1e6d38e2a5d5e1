"""A few things at a time, handed on in order."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice

import pytest

from exporter.github.parallel import in_order
from tests.support.threads import thread_limit

PATIENCE = 10.0


def join_workers() -> None:
    """Wait until the threads of every abandoned or finished walk have ended."""
    for thread in threading.enumerate():
        if thread.name.startswith("pages-"):
            thread.join(PATIENCE)
            assert not thread.is_alive()


@dataclass
class Pulled:
    """An endless list that counts what was taken of it."""

    taken: int = 0

    def __iter__(self) -> Iterator[int]:
        for number in count():
            self.taken += 1
            yield number


@dataclass
class Gated:
    """A function whose calls wait until they are let go; notes which began."""

    began: list[int] = field(default_factory=list)
    started: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    gate: threading.Event = field(default_factory=threading.Event)

    def __call__(self, number: int) -> int:
        self.began.append(number)
        self.started.release()
        assert self.gate.wait(PATIENCE)
        return number

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            assert self.started.acquire(timeout=PATIENCE)


@contextmanager
def nervous_threads() -> Iterator[None]:
    """Let the interpreter change threads as often as it can, so that races show."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-7)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 2, 9, 10, 11, 100])
def test_results_come_in_order(items: int, workers: int) -> None:
    """Results come in the order of the items, each once, whatever the number of workers."""
    assert list(in_order(lambda number: number * 2, range(items), workers)) == [number * 2 for number in range(items)]


def test_results_come_in_order_when_the_first_is_slow() -> None:
    """A slow first item delays its successors' results, not their work."""
    slow = threading.Event()
    second = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second.wait(PATIENCE)
            slow.set()
        second.set()
        return number

    assert list(in_order(work, range(2), 2)) == [0, 1]
    assert slow.is_set()


def test_all_workers_are_used() -> None:
    """As many calls as there are workers are under way."""
    together = threading.Barrier(3, timeout=PATIENCE)
    assert len(list(in_order(lambda _number: together.wait(), range(6), 3))) == 6


def test_no_more_than_the_workers_run() -> None:
    """No more calls than there are workers are under way."""
    gated = Gated()
    walk = in_order(gated, range(20), 3)
    consumer = threading.Thread(target=list, args=(walk,))
    consumer.start()
    gated.wait_for(3)
    assert not gated.started.acquire(blocking=False)
    gated.gate.set()
    consumer.join(PATIENCE)
    assert sorted(gated.began) == list(range(20))


@pytest.mark.parametrize("workers", [1, 4])
def test_look_ahead_is_bounded(workers: int) -> None:
    """At no time are more than twice as many results outstanding as there are workers."""
    pulled = Pulled()
    walk = in_order(lambda number: number, pulled, workers)
    assert pulled.taken == 0
    for taken, result in enumerate(islice(walk, 50)):
        assert result == taken
        assert pulled.taken - taken == 2 * workers


def test_error_is_raised_in_its_place() -> None:
    """What precedes an error is handed on before it is raised, with its own type and message."""
    results: list[int] = []

    def work(number: int) -> int:
        if number == 3:
            raise LookupError("the fourth")
        return number

    with pytest.raises(LookupError, match="the fourth"):
        results.extend(in_order(work, range(10), 2))
    walk = in_order(work, range(10), 2)
    assert list(islice(walk, 3)) == [0, 1, 2]
    with pytest.raises(LookupError):
        next(walk)
    join_workers()


def test_error_stops_the_rest() -> None:
    """After an error its worker may take one more call; what else waits is never started."""
    gated = Gated()

    def work(number: int) -> int:
        if number == 0:
            gated.wait_for(1)
            raise LookupError
        return gated(number)

    with pytest.raises(LookupError):
        next(in_order(work, range(100), 2))
    gated.gate.set()
    join_workers()
    assert set(gated.began) <= {1, 2}


def test_closing_stops_the_rest() -> None:
    """When the consumer has enough, nothing is started that was not under way."""
    gated = Gated()
    walk = in_order(lambda number: number if number == 0 else gated(number), range(100), 2)
    assert next(walk) == 0
    gated.wait_for(2)
    walk.close()  # type: ignore[attr-defined]
    gated.gate.set()
    join_workers()
    assert sorted(gated.began) == [1, 2]


def test_workers_end_with_the_iteration() -> None:
    """No thread outlives a walk that ended by itself, by an error or by its consumer."""
    list(in_order(int, range(10), 3))
    walk = in_order(int, range(10), 3)
    next(walk)
    del walk
    join_workers()


def test_error_of_the_items_is_raised() -> None:
    """An error of what gives the items ends the walk and its threads."""

    def items() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(in_order(int, items(), 2))
    join_workers()


def test_closing_does_not_wait_for_work_under_way() -> None:
    """Giving up ends immediately also when the workers empty the queue at that very moment."""
    finished = threading.Event()

    def give_up(gate: threading.Event) -> None:
        walk = in_order(lambda number: number == 0 or gate.wait(PATIENCE), count(), 8)
        next(walk)
        gate.set()
        walk.close()  # type: ignore[attr-defined]

    def give_up_often() -> None:
        for _ in range(500):  # each hits the moment with a chance of a few per cent
            give_up(threading.Event())
        finished.set()

    with nervous_threads():
        threading.Thread(target=give_up_often, daemon=True).start()
        assert finished.wait(6 * PATIENCE)
    join_workers()


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_refused_threads_leave_no_worker_behind(allowed: int) -> None:
    """Where the system starts too few threads, or none, the others or the caller do the work, and none stays."""
    with thread_limit(allowed) as limit:
        assert list(in_order(lambda number: number * 2, range(25), 4)) == [number * 2 for number in range(25)]
        assert limit.refused
    join_workers()


def test_short_list_starts_no_idle_worker() -> None:
    """No more threads are started than there are items."""
    with thread_limit(10) as limit:
        assert list(in_order(lambda number: number, range(2), 8)) == [0, 1]
    assert limit.allowed == 8
