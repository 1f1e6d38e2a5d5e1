"""When tasks run, on a clock that the test moves."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.errors import Stopped
from exporter.runtime.schedule import LONGEST_SLEEP_SECONDS, Agenda, Schedule, Task

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

    def is_waiting(self) -> bool:
        return not self.started.acquire(blocking=False)


def idle() -> None:
    """Nothing to do at a tick."""


def settle(schedule: Schedule) -> None:
    """Wait until every run thread has ended, so that its task is on the agenda again."""
    for thread in threading.enumerate():
        if thread.name.startswith("run "):
            thread.join(PATIENCE)
    schedule.run_due()


def test_agenda_gives_what_is_due_in_order_of_time() -> None:
    """Only due keys are taken, the earliest first, each once."""
    agenda = Agenda()
    agenda.put("late", 30)
    agenda.put("early", 10)
    agenda.put("later", 40)
    assert agenda.take(30) == ["early", "late"]
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
    assert agenda.take(20) == ["moved"]
    assert agenda.next_at() is None


def test_a_task_is_due_again_after_the_delay_it_returns() -> None:
    """The first run starts after its delay, the next one after what the run returned."""
    clock, runs = HandClock(), Runs()
    schedule = Schedule(clock, idle)
    schedule.replace({"a": Task(runs, first_delay=3)})
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
    schedule.replace({"slow": Task(slow), "quick": Task(quick)})
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


def test_a_crash_is_survived_and_tried_again() -> None:
    """A task that raises is due again after a minute."""

    def crash() -> None:
        raise RuntimeError("octocat@example.com")

    clock, runs = HandClock(), Runs(outcome=crash)
    schedule = Schedule(clock, idle)
    schedule.replace({"a": Task(runs)})
    schedule.run_due()
    runs.release.release()
    settle(schedule)
    assert runs.has_started()
    clock.now += 60
    schedule.run_due()
    assert runs.has_started()
    runs.release.release()
    settle(schedule)


def test_a_stopped_run_is_not_due_again() -> None:
    """A run that was told to stop is the last one."""

    def stop() -> None:
        raise Stopped

    clock, runs = HandClock(), Runs(outcome=stop)
    schedule = Schedule(clock, idle)
    schedule.replace({"a": Task(runs)})
    schedule.run_due()
    runs.release.release()
    settle(schedule)
    clock.now += 1000
    assert schedule.run_due() == LONGEST_SLEEP_SECONDS


def test_replaced_tasks_start_anew_and_removed_ones_never_again() -> None:
    """After a reload a removed task is not run, a new one is, and the end of an old run changes nothing."""
    clock, old, new = HandClock(), Runs(), Runs()
    schedule = Schedule(clock, idle)
    schedule.replace({"a": Task(old), "b": Task(old, first_delay=10)})
    schedule.run_due()
    assert old.has_started()
    schedule.replace({"a": Task(new, first_delay=5)})
    old.release.release()
    settle(schedule)
    clock.now += 60
    schedule.run_due()
    assert new.has_started()
    assert old.is_waiting()
    new.release.release()
    settle(schedule)


def test_the_loop_runs_tasks_ticks_and_stops() -> None:
    """Started, the loop runs what is put on it, calls the tick and is alive; stopped, it is not."""
    clock, runs, ticks = HandClock(), Runs(), threading.Semaphore(0)
    schedule = Schedule(clock, ticks.release)
    assert not schedule.is_alive()
    schedule.start()
    schedule.replace({"a": Task(runs)})
    assert runs.has_started()
    assert ticks.acquire(timeout=PATIENCE)
    assert schedule.is_alive()
    clock.now += 61
    assert not schedule.is_alive(), "a loop that has not looked at the time for a minute is not healthy"
    runs.release.release()
    schedule.stop()
    assert not schedule.is_alive()
    schedule.stop()
