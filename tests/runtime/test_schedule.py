"""When tasks run, on a clock that the test moves."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.errors import Stopped
from exporter.runtime.schedule import LANE_SECONDS, MAX_SLEEP_SECONDS, Agenda, CannotStart, Lane, Schedule, Task
from tests.support.threads import thread_limit
from tests.support.tools import eventually

PATIENCE = 10.0


@dataclass
class HandClock:
    """A clock whose hands the test moves; waiting waits for real."""

    now: float = 100.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def wait(self, event: threading.Event, _seconds: float) -> bool:
        return event.wait(PATIENCE)


@dataclass
class Runs:
    """Notes runs; each waits until it is let go, and then asks to be due again after `delay`."""

    delay: float = 60.0
    started: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    release: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    outcome: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        self.started.release()
        assert self.release.acquire(timeout=PATIENCE)
        self.outcome()
        return self.delay

    def has_started(self) -> bool:
        return self.started.acquire(timeout=PATIENCE)

    def has_begun(self) -> bool:
        return self.started.acquire(blocking=False)

    def is_waiting(self) -> bool:
        return not self.has_begun()


def idle() -> None:
    """Nothing to do at a tick."""


def settle(schedule: Schedule) -> None:
    """Wait until every run thread has ended, so that its task is on the agenda again."""
    for thread in threading.enumerate():
        if thread.name.startswith("run "):
            thread.join(PATIENCE)
    schedule.run_due()


def test_agenda_returns_due_keys_in_order_of_time() -> None:
    """Only due keys are taken, the earliest first, each once."""
    agenda = Agenda()
    agenda.put("late", 30)
    agenda.put("early", 10)
    agenda.put("later", 40)
    assert agenda.take(30) == [(10, "early"), (30, "late")]
    assert agenda.take(30) == []
    assert agenda.next_at() == 40


def test_agenda_forgets_replaced_and_discarded_times() -> None:
    """A key has one time, the last one given; a discarded key none."""
    agenda = Agenda()
    agenda.put("moved", 10)
    agenda.put("moved", 20)
    agenda.put("gone", 5)
    agenda.discard("gone")
    assert agenda.next_at() == 20
    assert agenda.take(15) == []
    assert agenda.take(20) == [(20, "moved")]
    assert agenda.next_at() is None


def test_agenda_that_is_changed_often_stays_small() -> None:
    """Times that were replaced do not stay until they would have come."""
    agenda = Agenda()
    for number in range(10_000):
        agenda.put("moved", 1e6 - number)
        agenda.put("other", 1e6)
    assert len(agenda._due) < 200
    assert agenda.take(2e6) == [(1e6 - 9999, "moved"), (1e6, "other")]


def test_moved_task_is_due_when_it_was_moved_to() -> None:
    """Sooner or later than it was planned; what is not on the schedule is no error."""
    clock, runs = HandClock(), Runs()
    schedule = Schedule(clock, idle)
    schedule.reconcile({"a": Task(runs, first_delay=30)})
    schedule.move("a", 3)
    schedule.move("unknown", 1)
    assert schedule.run_due() == 3
    schedule.move("a", 4)
    assert schedule.run_due() == 4
    clock.now += 4
    schedule.run_due()
    assert runs.has_started()
    runs.release.release()
    settle(schedule)


def test_task_that_is_moved_while_it_runs_comes_back_then() -> None:
    """What its run returns was planned before it was moved."""
    clock, runs = HandClock(), Runs()
    schedule = Schedule(clock, idle)
    schedule.reconcile({"a": Task(runs)})
    schedule.run_due()
    assert runs.has_started()
    schedule.move("a", 2)
    runs.release.release()
    settle(schedule)
    assert schedule.run_due() == 2


def test_a_task_is_due_again_after_the_delay_it_returns() -> None:
    """The first run starts after its delay, the next one after what the run returned."""
    clock, runs = HandClock(), Runs()
    schedule = Schedule(clock, idle)
    schedule.reconcile({"a": Task(runs, first_delay=3)})
    assert schedule.run_due() == 3
    assert runs.is_waiting()
    clock.now += 3
    schedule.run_due()
    assert runs.has_started()
    runs.release.release()
    settle(schedule)
    clock.now += 59
    schedule.run_due()
    assert runs.is_waiting()
    clock.now += 1
    schedule.run_due()
    assert runs.has_started()
    runs.release.release()
    settle(schedule)


def test_a_slow_run_delays_nobody_and_never_overlaps_itself() -> None:
    """While one task hangs, others go on, and the hanging one is not started again."""
    clock, slow, quick = HandClock(), Runs(), Runs(delay=1)
    schedule = Schedule(clock, idle)
    schedule.reconcile({"slow": Task(slow), "quick": Task(quick)})
    schedule.run_due()
    assert slow.has_started()
    for _ in range(3):
        assert quick.has_started()
        quick.release.release()
        for thread in threading.enumerate():
            if thread.name == "run quick":
                thread.join(PATIENCE)
        clock.now += 1
        schedule.run_due()
    assert slow.is_waiting()
    assert quick.has_started()
    slow.release.release()
    quick.release.release()
    settle(schedule)


def test_exception_in_a_task_is_reported_and_the_task_comes_back() -> None:
    """A task that raises is due again after a minute, whatever becomes of the report."""

    def crash() -> None:
        raise RuntimeError("octocat@example.com")

    def fail(error: Exception) -> None:
        errors.append(error)
        raise OSError("no space left on device")

    errors: list[Exception] = []
    clock, runs = HandClock(), Runs(outcome=crash)
    schedule = Schedule(clock, idle)
    schedule.reconcile({"a": Task(runs, failed=fail)})
    schedule.run_due()
    runs.release.release()
    settle(schedule)
    assert runs.has_started()
    assert [type(error) for error in errors] == [RuntimeError]
    clock.now += 60
    schedule.run_due()
    assert runs.has_started()
    runs.release.release()
    settle(schedule)


def test_stopped_run_of_a_wanted_task_is_a_failure() -> None:
    """Only the end of the process or other tasks stop a run; one that was stopped otherwise is tried again."""

    def stop() -> None:
        raise Stopped

    errors: list[Exception] = []
    clock, runs = HandClock(), Runs(outcome=stop)
    schedule = Schedule(clock, idle)
    schedule.reconcile({"a": Task(runs, failed=errors.append)})
    schedule.run_due()
    assert runs.has_started()
    runs.release.release()
    settle(schedule)
    assert len(errors) == 1
    clock.now += 60
    schedule.run_due()
    assert runs.has_started()
    schedule.reconcile({})
    runs.release.release()
    settle(schedule)
    assert len(errors) == 1
    clock.now += 1000
    assert schedule.run_due() == MAX_SLEEP_SECONDS


def test_refused_thread_delays_a_task_and_loses_none() -> None:
    """Where the system starts no thread, it is reported, tried again after some seconds, and works in the end."""
    clock, errors = HandClock(), list[Exception]()
    runs = {name: Runs() for name in ("a", "b", "c")}
    schedule = Schedule(clock, idle)
    schedule.reconcile({name: Task(run, failed=errors.append) for name, run in runs.items()})
    with thread_limit(1) as limit:
        assert schedule.run_due() == 5
        assert [type(error) for error in errors] == [CannotStart]
        schedule.run_due()
        assert limit.refused == 1, "nothing is started for a while after a refusal"
        clock.now += 5
        schedule.run_due()
        assert limit.refused == 2
        clock.now += 5
        limit.allowed = 10
        schedule.run_due()
    assert all(run.has_started() for run in runs.values())
    for run in runs.values():
        run.release.release()
    settle(schedule)


def test_healthy_says_whether_tasks_are_started() -> None:
    """Unhealthy when the system has refused threads for a minute; healthy again when they start."""
    clock, ticked = HandClock(), threading.Semaphore(0)
    runs = Runs()
    schedule = Schedule(clock, ticked.release)
    with thread_limit(1) as limit:
        schedule.start()
        schedule.reconcile({"a": Task(runs)})
        for seconds, healthy in ((0, True), (59, True), (2, False)):
            clock.now += seconds
            schedule._wake.set()
            assert ticked.acquire(timeout=PATIENCE)
            assert schedule.is_healthy() is healthy
        assert limit.refused
        limit.allowed = 10
        clock.now += 5
        schedule._wake.set()
        assert runs.has_started()
    assert schedule.is_healthy()
    runs.release.release()
    schedule.stop()


def test_lane_begins_a_few_runs_at_a_time() -> None:
    """Of tasks that share a lane only as many begin as it has room for; the next when one ends."""
    clock, lane = HandClock(), Lane(2)
    runs = [Runs() for _ in range(4)]
    schedule = Schedule(clock, idle)
    schedule.reconcile({number: Task(run, lane=lane) for number, run in enumerate(runs)})
    schedule.run_due()
    assert [run.has_started() for run in runs[:2]] == [True, True]
    assert all(run.is_waiting() for run in runs[2:])
    runs[1].release.release()
    eventually(lambda: schedule.run_due() > 0 and runs[2].has_begun(), "the next one begins")
    assert runs[3].is_waiting()
    for run in runs:
        run.release.release()
    eventually(lambda: schedule.run_due() > 0 and runs[3].has_begun(), "the last one begins")
    settle(schedule)


def test_hung_runs_cannot_fill_a_lane() -> None:
    """A run that lasts longer than a request counts no more: the tasks behind it begin."""
    clock, lane = HandClock(), Lane(2)
    hung, others = [Runs(), Runs()], [Runs(), Runs()]
    schedule = Schedule(clock, idle)
    schedule.reconcile({number: Task(run, lane=lane) for number, run in enumerate([*hung, *others])})
    assert schedule.run_due() == MAX_SLEEP_SECONDS
    assert all(run.has_started() for run in hung)
    assert all(run.is_waiting() for run in others)
    clock.now += LANE_SECONDS - 1
    assert schedule.run_due() == 1
    clock.now += 1
    schedule.run_due()
    assert all(run.has_started() for run in others)
    for run in [*hung, *others]:
        run.release.release()
    settle(schedule)


def test_hundred_enterprises_start_few_threads() -> None:
    """At a start every task is due, but each credential begins only as many as it has connections."""
    clock, lanes = HandClock(), [Lane(4) for _ in range(100)]
    runs = Runs()
    schedule = Schedule(clock, idle)
    schedule.reconcile({(lane, number): Task(runs, lane=lane) for lane in lanes for number in range(16)})
    before = threading.active_count()
    schedule.run_due()
    assert threading.active_count() - before <= 400
    schedule.reconcile({})
    for _ in range(1600):
        runs.release.release()
    settle(schedule)


def test_loop_that_ends_by_itself_reports_it() -> None:
    """An end that nobody asked for is reported, so that the process can end; one that was asked for is not."""
    ended = threading.Event()

    class Broken(HandClock):
        def wait(self, _event: threading.Event, _seconds: float) -> bool:
            raise RuntimeError("cannot wait")

    schedule = Schedule(Broken(), idle)
    schedule.start(ended.set)
    assert ended.wait(PATIENCE)
    assert not schedule.is_healthy()

    ended.clear()
    schedule = Schedule(HandClock(), idle)
    schedule.start(ended.set)
    schedule.stop()
    assert not ended.is_set()


def test_mistake_in_a_tick_does_not_end_the_loop() -> None:
    """What the loop does besides may fail: tasks are started all the same."""
    clock, runs, ticks = HandClock(), Runs(delay=0), threading.Semaphore(0)

    def tick() -> None:
        ticks.release()
        raise OSError("no space left on device")

    schedule = Schedule(clock, tick)
    schedule.reconcile({"a": Task(runs)})
    schedule.start()
    for _ in range(3):
        assert runs.has_started()
        runs.release.release()
    assert ticks.acquire(timeout=PATIENCE)
    assert schedule.is_healthy()
    schedule.stop()
    runs.release.release()


def test_replaced_task_starts_and_removed_one_never_runs_again() -> None:
    """After a reload a removed task is not run, a new one is, and the end of an old run changes nothing."""
    clock, old, new = HandClock(), Runs(), Runs()
    schedule = Schedule(clock, idle)
    schedule.reconcile({"a": Task(old), "b": Task(old, first_delay=10)})
    schedule.run_due()
    assert old.has_started()
    schedule.reconcile({"a": Task(new, first_delay=5)})
    old.release.release()
    settle(schedule)
    clock.now += 60
    schedule.run_due()
    assert new.has_started()
    assert old.is_waiting()
    new.release.release()
    settle(schedule)


def test_loop_runs_tasks_and_ticks_until_it_is_stopped() -> None:
    """Started, the loop runs what is put on it, calls the tick and is healthy; stopped, it is not."""
    clock, runs, ticks = HandClock(), Runs(), threading.Semaphore(0)
    schedule = Schedule(clock, ticks.release)
    assert not schedule.is_healthy()
    schedule.start()
    schedule.reconcile({"a": Task(runs), "b": Task(runs, first_delay=10)})
    assert runs.has_started()
    assert ticks.acquire(timeout=PATIENCE)
    assert schedule.is_healthy()
    clock.now += 71
    assert not schedule.is_healthy(), "a loop that has not started for a minute what is due is not healthy"
    runs.release.release()
    schedule.stop()
    assert not schedule.is_healthy()
    schedule.stop()
