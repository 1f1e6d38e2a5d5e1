"""When to run what. Knows nothing of GitHub: a task is a key and something to call.

One thread watches the time and starts a short-lived thread per due run, so a slow run delays no other one. A task is
due again only when its run has ended, so no run overlaps itself. Whatever a run raises, its task comes back; whatever
the system refuses, the loop continues.

Tasks that share a lane begin a few at a time: a run that could only wait for a free connection needs no thread yet. A
run that has lasted longer than one request may take counts no more, so hung runs can neither fill a lane nor the
process: each task has at most one.
"""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import structlog

from exporter.clock import Clock
from exporter.errors import Stopped, describe_bug

log = structlog.get_logger()

MAX_SLEEP_SECONDS = 5.0
MAX_LATE_SECONDS = 60.0
"""How late what is due may begin before the process counts as unhealthy."""
RETRY_SECONDS = 60.0
"""When a task that raised is due again."""
REFUSED_THREAD_SECONDS = 5.0
"""How long nothing is started after the system refused a thread."""
MAX_OUTDATED = 100
"""Entries of the agenda that may be outdated, besides as many as are not."""
LANE_SECONDS = 30.0
"""How long a run counts in its lane: as long as one request waits for an answer."""


class CannotStart(Exception):
    """The system refused a thread: a limit of processes or of memory."""


@dataclass(frozen=True, eq=False, slots=True)
class Lane:
    """What several tasks share; at most `capacity` of them begin at a time."""

    capacity: int


def _ignore(_error: Exception) -> None:
    """Report to nobody."""


@dataclass(frozen=True, eq=False, slots=True)
class Task:
    """Something to run again and again.

    Attributes:
        run: does the work and returns the seconds until it is due again.
        first_delay: seconds until it is due first.
        lane: what it shares with others; None if nothing.
        failed: called with what `run` raised, or with `CannotStart`.
    """

    run: Callable[[], float]
    first_delay: float = 0.0
    lane: Lane | None = None
    failed: Callable[[Exception], None] = _ignore


class Agenda:
    """Which task is due when; pure bookkeeping on a clock's readings."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Hashable]] = []
        self._current: dict[Hashable, int] = {}
        self._numbers = 0

    def __contains__(self, key: Hashable) -> bool:
        """Whether *key* is due at some time."""
        return key in self._current

    def put(self, key: Hashable, at: float) -> None:
        """Make *key* due at *at*, in place of any other time."""
        self._numbers += 1
        self._current[key] = self._numbers
        heapq.heappush(self._due, (at, self._numbers, key))
        if len(self._due) > MAX_OUTDATED + 2 * len(self._current):
            self._due = [entry for entry in self._due if self._current.get(entry[2]) == entry[1]]
            heapq.heapify(self._due)

    def discard(self, key: Hashable) -> None:
        """Make *key* never due."""
        self._current.pop(key, None)

    def take(self, now: float) -> list[tuple[float, Hashable]]:
        """Take what is due at *now* off the agenda, with the time it was due at, earliest first."""
        taken = []
        while self._due and self._due[0][0] <= now:
            at, number, key = heapq.heappop(self._due)
            if self._current.get(key) == number:
                del self._current[key]
                taken.append((at, key))
        return taken

    def next_at(self) -> float | None:
        """When something is due next."""
        while self._due and self._current.get(self._due[0][2]) != self._due[0][1]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None


@dataclass(slots=True)
class _Queue:
    """What of one lane is due, and when those of its runs began that still count."""

    due: deque[tuple[float, Hashable]] = field(default_factory=deque)
    began: dict[Task, float] = field(default_factory=dict)

    def free_at(self, lane: Lane | None, now: float) -> float:
        """When the next one may begin, as far as that is known."""
        if lane is None:
            return now
        self.began = {task: at for task, at in self.began.items() if now < at + LANE_SECONDS}
        return now if len(self.began) < lane.capacity else min(self.began.values()) + LANE_SECONDS


class Schedule:
    """The loop: starts due tasks until it is stopped."""

    def __init__(self, clock: Clock, tick: Callable[[], None]) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._tick = tick
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._agenda = Agenda()
        self._queues: dict[Lane | None, _Queue] = {}
        self._tasks: dict[Hashable, Task] = {}
        self._moved: dict[Hashable, float] = {}
        self._refused_at: float | None = None
        self._refused_due: float | None = None
        self._thread: threading.Thread | None = None
        self._is_running = False
        self._on_failure: Callable[[], None] = lambda: None

    def reconcile(self, tasks: Mapping[Hashable, Task]) -> None:
        """Run *tasks* and nothing else from now on; those that are on the schedule already keep their times.

        A run under way of a task that is gone ends by itself.
        """
        with self._lock:
            now = self._clock.monotonic()
            for key in self._tasks.keys() - tasks.keys():
                self._agenda.discard(key)
                self._moved.pop(key, None)
            for key, task in tasks.items():
                if self._tasks.get(key) is not task:
                    self._agenda.put(key, now + task.first_delay)
            former, self._tasks = self._tasks, dict(tasks)
            for queue in self._queues.values():
                stay = ((due, key) for due, key in queue.due if former.get(key) is self._tasks.get(key))
                queue.due = deque(stay)
        self._wake.set()

    def move(self, key: Hashable, seconds: float) -> None:
        """Make the task *key* due in *seconds*; one whose run is about to end comes back then."""
        with self._lock:
            at = self._clock.monotonic() + seconds
            if key in self._agenda:
                self._agenda.put(key, at)
            elif key in self._tasks:
                self._moved[key] = at
        self._wake.set()

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start the loop in a thread of its own; *on_failure* is called there if it ends without `stop`."""
        self._on_failure = on_failure
        self._is_running = True
        self._thread = threading.Thread(target=self._loop, name="schedule", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop; runs in progress are not waited for."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(MAX_SLEEP_SECONDS)

    def is_running(self) -> bool:
        """Whether there is a loop at all."""
        return self._is_running

    def is_healthy(self) -> bool:
        """Whether the loop runs and starts what is due."""
        with self._lock:
            waiting = [at for at in (self._agenda.next_at(), self._refused_due) if at is not None]
        return self.is_running() and self._clock.monotonic() - min(waiting, default=float("inf")) <= MAX_LATE_SECONDS

    def run_due(self) -> float:
        """Start what is due; return the seconds to sleep until something else may be."""
        refused: list[Task] = []
        with self._lock:
            now = self._clock.monotonic()
            for due, key in self._agenda.take(now):
                self._queues.setdefault(self._tasks[key].lane, _Queue()).due.append((due, key))
            next_at = self._agenda.next_at()
            wake_at = [now + MAX_SLEEP_SECONDS, *([] if next_at is None else [next_at])]
            for lane, queue in list(self._queues.items()):
                wake_at.append(self._start_queued(lane, queue, now, refused))
                if not queue.due and not queue.began:
                    del self._queues[lane]
        for task in refused:
            _report(task, CannotStart())
        self._tick()
        return max(0.0, min(wake_at) - now)

    def _start_queued(self, lane: Lane | None, queue: _Queue, now: float, refused: list[Task]) -> float:
        """Start what of *queue* may begin; return when more may."""
        while queue.due:
            free_at = queue.free_at(lane, now)
            if self._refused_at is not None:
                free_at = max(free_at, self._refused_at + REFUSED_THREAD_SECONDS)
            if free_at > now:
                return free_at
            due, key = queue.due[0]
            task = self._tasks[key]
            if not self._start(key, task, due, now):
                refused.append(task)
                return now + REFUSED_THREAD_SECONDS
            queue.due.popleft()
            queue.began[task] = now
        return float("inf")

    def _start(self, key: Hashable, task: Task, due: float, now: float) -> bool:
        try:
            threading.Thread(target=self._run, args=(key, task), name=f"run {key}", daemon=True).start()
        except (RuntimeError, MemoryError):
            if self._refused_due is None:
                log.error("cannot start a thread, collecting waits")  # noqa: TRY400 - no traceback
            self._refused_at, self._refused_due = now, min(due, self._refused_due or due)
            return False
        if self._refused_due is not None:
            log.info("threads start again")
        self._refused_at = self._refused_due = None
        return True

    def _loop(self) -> None:
        try:
            while not self._stop.is_set():
                seconds = self._run_due_safely()
                self._clock.wait(self._wake, seconds)
                self._wake.clear()
        except Exception as error:  # noqa: BLE001 - whoever started it decides
            log.critical("schedule ended", problem=describe_bug(error))
        self._is_running = False  # before the report: whoever receives it may ask
        if not self._stop.is_set():
            self._on_failure()

    def _run_due_safely(self) -> float:
        try:
            return self.run_due()
        except Exception as error:  # noqa: BLE001 - the loop outlives every mistake
            log.error("schedule failed", problem=describe_bug(error))  # noqa: TRY400 - no traceback
            return MAX_SLEEP_SECONDS

    def _run(self, key: Hashable, task: Task) -> None:
        delay = RETRY_SECONDS
        with self._lock:
            self._moved.pop(key, None)  # from before this run
        try:
            delay = task.run()
        except Exception as error:  # noqa: BLE001 - the loop outlives every task
            # A run that was stopped although its task is still wanted has failed like any other.
            if not (isinstance(error, Stopped) and (self._stop.is_set() or self._tasks.get(key) is not task)):
                _report(task, error)
        finally:
            self._put_back(key, task, delay)

    def _put_back(self, key: Hashable, task: Task, delay: float) -> None:
        with self._lock:
            queue = self._queues.get(task.lane)
            if queue is not None:
                queue.began.pop(task, None)
            if self._tasks.get(key) is task:
                self._agenda.put(key, self._moved.pop(key, self._clock.monotonic() + delay))
        self._wake.set()


def _report(task: Task, error: Exception) -> None:
    try:
        task.failed(error)
    except Exception as mistake:  # noqa: BLE001 - what only reports must not prevent the next run
        log.error("task failed", problem=describe_bug(mistake))  # noqa: TRY400 - no traceback
