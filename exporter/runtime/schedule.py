"""When to run what. Knows nothing of GitHub: a task is a key and something to call.

One thread watches the time and starts a short-lived thread per due run, so a slow run delays no other one. A task is
due again only when its run has ended, so no run overlaps itself.
"""

import heapq
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import structlog

from exporter.clock import Clock
from exporter.errors import Stopped

log = structlog.get_logger()

LONGEST_SLEEP_SECONDS = 5.0
HEARTBEAT_SECONDS = 60.0
AFTER_A_CRASH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Task:
    """`run` does the work and returns the seconds until it is due again; `first_delay` comes before its first run."""

    run: Callable[[], float]
    first_delay: float = 0.0


class Agenda:
    """Which task is due when; pure bookkeeping on a clock's readings."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Hashable]] = []
        self._current: dict[Hashable, int] = {}
        self._numbers = 0

    def put(self, key: Hashable, at: float) -> None:
        """Make *key* due at *at*, in place of any other time."""
        self._numbers += 1
        self._current[key] = self._numbers
        heapq.heappush(self._due, (at, self._numbers, key))

    def discard(self, key: Hashable) -> None:
        """Make *key* never due."""
        self._current.pop(key, None)

    def take(self, now: float) -> list[Hashable]:
        """Take what is due at *now* off the agenda, earliest first."""
        taken = []
        while self._due and self._due[0][0] <= now:
            _, number, key = heapq.heappop(self._due)
            if self._current.get(key) == number:
                del self._current[key]
                taken.append(key)
        return taken

    def next_at(self) -> float | None:
        """When something is due next."""
        while self._due and self._current.get(self._due[0][2]) != self._due[0][1]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None


class Schedule:
    """The loop: starts due tasks until it is stopped."""

    def __init__(self, clock: Clock, tick: Callable[[], None]) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._tick = tick
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._agenda = Agenda()
        self._tasks: dict[Hashable, Task] = {}
        self._beat = clock.monotonic()
        self._thread: threading.Thread | None = None

    def replace(self, tasks: Mapping[Hashable, Task]) -> None:
        """Run *tasks* from now on; a run under way of a task that is gone ends by itself."""
        with self._lock:
            now = self._clock.monotonic()
            for key in self._tasks.keys() - tasks.keys():
                self._agenda.discard(key)
            for key, task in tasks.items():
                if self._tasks.get(key) is not task:
                    self._agenda.put(key, now + task.first_delay)
            self._tasks = dict(tasks)
        self._wake.set()

    def start(self) -> None:
        """Start the loop in a thread of its own."""
        self._thread = threading.Thread(target=self._loop, name="schedule", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop; what a run under way waits for is told by its own means."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(LONGEST_SLEEP_SECONDS)

    def is_alive(self) -> bool:
        """Whether the loop runs and has looked at the time lately."""
        recent = self._clock.monotonic() - self._beat < HEARTBEAT_SECONDS
        return self._thread is not None and self._thread.is_alive() and recent

    def run_due(self) -> float:
        """Start what is due; return the seconds to sleep until something else is."""
        with self._lock:
            now = self._beat = self._clock.monotonic()
            for key in self._agenda.take(now):
                task = self._tasks[key]
                threading.Thread(target=self._run, args=(key, task), name=f"run {key}", daemon=True).start()
            next_at = self._agenda.next_at()
        self._tick()
        return LONGEST_SLEEP_SECONDS if next_at is None else min(max(0.0, next_at - now), LONGEST_SLEEP_SECONDS)

    def _loop(self) -> None:
        while True:
            # In this order: an end that comes in between would lose its call to wake up.
            self._wake.clear()
            if self._stop.is_set():
                return
            self._clock.wait(self._wake, self.run_due())

    def _run(self, key: Hashable, task: Task) -> None:
        delay = AFTER_A_CRASH_SECONDS
        try:
            delay = task.run()
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - the loop outlives every task
            log.error("task crashed", task=str(key), error=type(error).__name__)  # noqa: TRY400 - a traceback may hold data
        with self._lock:
            if self._tasks.get(key) is task:
                self._agenda.put(key, self._clock.monotonic() + delay)
        self._wake.set()
