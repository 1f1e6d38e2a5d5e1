"""Keep every level at the interval that the rate limit allows; see `exporter.runtime.pacing` for how it is found.

Levels whose credentials GitHub counts together share a budget. It is planned anew whenever a reading begins or ends,
a window ends, or levels come and go; readings that wait are moved then, sooner or later.
"""

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from exporter.clock import Clock
from exporter.github.client import Client
from exporter.github.rate_limit import SAME_WINDOW_SECONDS, RateLimits
from exporter.github.run import Run
from exporter.runtime.pacing import Budget, Demand, budget_of, is_oversize, plan, seconds_for
from exporter.runtime.status import Key, LevelKey

log = structlog.get_logger()

JITTER = 0.05
PACED_JITTER = 0.02
"""That of a stretched interval, which is in step with nothing."""
AFTER_RESET_SECONDS = (1.0, 5.0)
"""How long after a reset the next reading begins: clocks differ, and not everything should begin at once."""
AFTER_RESET_SHARE = 0.02
"""The same, as a share of the window, for those that are short."""
MIN_MOVE_SHARE, MIN_MOVE_SECONDS = 0.01, 0.5
"""A reading that is planned to begin sooner or later by less than this is not moved."""
LITTLE = 0.25
"""Part of a request by which an expected cost is not worth being higher than the last."""
MAX_LEVELS_AT_ANY_TIME = 100
SECONDS_PER_LEVEL = 0.002
"""More levels than that are planned again no sooner than after as many seconds as each of them has of these."""
STRETCHED = 1.02
"""From which factor on an interval counts as stretched."""


@dataclass(eq=False, slots=True)
class Pace:
    """How one level is read; belongs to the pacer, under whose lock all but the first few change.

    Attributes:
        interval: configured seconds from one reading to the next.
        stretches: whether it may be longer.
        essential: whether it continues when the reserve is reached.
        costs: requests of a reading by resource of the rate limit; None if that is not known.
        base: seconds from the last reading to the next without regard to the rate limit.
        in_force: the same with regard to it.
        longest: the longest that was in force since the last reading ended.
        started: when the last reading began, by the monotonic clock.
        run: the reading under way.
        needs: seconds that a reading may take because it costs more than a window has.
        due: when the next one begins; None while one is under way or none has ended.
        jitter: factor by which the next one begins sooner or later.
    """

    level: LevelKey
    client: Client
    interval: float
    stretches: bool = True
    essential: bool = False
    costs: Mapping[str, float] | None = None
    base: float = 0.0
    in_force: float = 0.0
    longest: float = 0.0
    started: float | None = None
    run: Run | None = None
    needs: float = 0.0
    due: float | None = None
    jitter: float = 1.0

    def __post_init__(self) -> None:
        self.base = self.base or self.interval
        self.in_force = self.longest = self.base

    @property
    def stretch(self) -> float:
        """How many times its own interval the one in force is, or has been since the last reading."""
        return max(1.0, self.longest / self.base)

    def take_over(self, former: "Pace") -> None:
        """Continue where *former* is, which was the same level under other settings."""
        if self.costs is None:
            self.costs, self.started = former.costs, former.started

    def restore(self, costs: Mapping[str, float] | None, started: float) -> None:
        """Continue where an earlier process was; *started* is when its last reading began."""
        self.costs, self.started = costs, started

    def demand(self, resource: str, now: float) -> Demand | None:
        """What it takes of *resource*; None if that is nothing or not known."""
        cost = self.costs.get(resource, 0) if self.costs is not None else 0
        if not cost:
            return None
        sent = self.run.charged.get(resource, 0) if self.run is not None else cost
        age = now - self.started if self.started is not None else self.base
        return Demand(self.level, cost, self.base, max(0.0, age), max(0, cost - sent), self.stretches, self.essential)


@dataclass(slots=True)
class _Stretched:
    """A collector whose interval the log calls stretched; `reset` is that of the window in which it was last."""

    reset: float


@dataclass(slots=True)
class _Plan:
    """Intervals of levels that share a budget, and where they come from; made *at* a time of the monotonic clock."""

    at: float
    intervals: dict[LevelKey, float] = field(default_factory=dict)
    budgets: dict[LevelKey, Budget] = field(default_factory=dict)
    needs: dict[LevelKey, float] = field(default_factory=dict)

    @property
    def is_large(self) -> bool:
        """Whether it takes a while to make."""
        return len(self.intervals) > MAX_LEVELS_AT_ANY_TIME


class Pacer:
    """The pace of every level.

    Args:
        clock: Dates readings and windows.
        randomness: Spreads readings.
        move: Called with a level and the seconds to its next reading when these change.
        show: Called with a collector and the interval in force, None where it is the configured one.
    """

    def __init__(
        self,
        clock: Clock,
        randomness: random.Random,
        move: Callable[[LevelKey, float], None] = lambda _level, _seconds: None,
        show: Callable[[Key, float | None], None] = lambda _key, _seconds: None,
    ) -> None:
        self._clock = clock
        self._random = randomness
        self._move = move
        self._show = show
        self._lock = threading.RLock()
        self._paces: dict[LevelKey, Pace] = {}
        self._shown: dict[Key, float] = {}
        self._logged: dict[Key, _Stretched] = {}
        self._resets: dict[RateLimits, float] = {}
        self._plans: dict[RateLimits, _Plan] = {}
        self._is_outdated = False

    def reconcile(self, paces: Iterable[Pace]) -> None:
        """Keep *paces* and nothing else from now on; a level that was kept already continues at its pace."""
        with self._lock:
            former, self._paces = self._paces, {pace.level: pace for pace in paces}
            for level, pace in self._paces.items():
                if level in former and former[level] is not pace:
                    pace.take_over(former[level])
            keys = {level.key for level in self._paces}
            self._shown = {key: seconds for key, seconds in self._shown.items() if key in keys}
            self._logged = {key: stretched for key, stretched in self._logged.items() if key in keys}
            self.replan()

    def begin(self, pace: Pace, run: Run) -> float | None:
        """Note that a reading begins as *run*, unless it must wait; return for how many seconds."""
        with self._lock:
            now = self._clock.monotonic()
            planned = self._replan_one(pace.client)
            in_force = planned.intervals.get(pace.level, pace.base)
            if pace.started is not None and in_force > STRETCHED * pace.base:
                wait = self._seconds_to(pace, in_force, planned, now)
                early = 0.0 if _is_for_reset(pace, in_force, planned, now) else 2 * PACED_JITTER * in_force
                if wait > early:
                    pace.due = now + wait
                    return wait
            pace.needs = planned.needs.get(pace.level, 0.0)
            if pace.needs:
                run.essential = False  # it must not take the reserve to get to its end
            pace.started, pace.run, pace.due = now, run, None
            return None

    def end(self, pace: Pace, base: float, *, succeeded: bool, may_be_early: bool = True) -> float:
        """Note that a reading ended; return the seconds to the next, which is *base* after the start of this one.

        It is a little sooner or later, and much later where the rate limit demands it.
        """
        with self._lock:
            jitter = self._random.uniform(-1.0 if may_be_early else 0.0, 1.0)
            return self._end(pace, base, jitter, succeeded=succeeded)

    def end_limited(self, pace: Pace, base: float) -> float:
        """The same for a reading that met a rate limit, which ends *base* after the start of this one."""
        with self._lock:
            return self._end(pace, base, 0.0, succeeded=False)

    def _end(self, pace: Pace, base: float, jitter: float, *, succeeded: bool) -> float:
        now = self._clock.monotonic()
        if pace.run is not None:
            pace.costs = _costs(pace.run, pace.costs, succeeded=succeeded)
        pace.run, pace.due, pace.base, pace.jitter = None, None, base, jitter
        pace.in_force = pace.longest = base
        planned = self._replan_one(pace.client)
        in_force = planned.intervals.get(pace.level, base)
        pace.due = now + self._seconds_to(pace, in_force, planned, now)
        return pace.due - now

    def give_up(self, pace: Pace) -> None:
        """Note that a reading ended without a result, or never began."""
        with self._lock:
            pace.run = None

    def stretch(self, pace: Pace) -> float:
        """How many times its own the interval of a level is since its last reading."""
        with self._lock:
            return pace.stretch

    def tick(self) -> None:
        """Plan again what shares a window that has ended since the last plan."""
        with self._lock:
            now = self._clock.time()
            if self._is_outdated or any(reset <= now for reset in self._resets.values()):
                self.replan()

    def replan(self) -> None:
        """Plan everything anew."""
        with self._lock:
            self._resets.clear()
            self._plans.clear()
            self._is_outdated = False
            for limits, paces in self._shared().items():
                self._plan(limits, paces)

    def _shared(self) -> dict[RateLimits, list[Pace]]:
        """The levels that share rate limits."""
        of_client: dict[Client, RateLimits] = {}
        found: dict[RateLimits, list[Pace]] = {}
        for pace in self._paces.values():
            limits = of_client.get(pace.client)
            if limits is None:
                limits = of_client[pace.client] = pace.client.rate_limits
            found.setdefault(limits, []).append(pace)
        return found

    def _replan_one(self, client: Client) -> _Plan:
        limits = client.rate_limits
        last, now = self._plans.get(limits), self._clock.monotonic()
        if last is not None and now < last.at + SECONDS_PER_LEVEL * len(last.intervals) and last.is_large:
            self._is_outdated = True
            return last
        return self._plan(limits, self._shared().get(limits, []))

    def _plan(self, limits: RateLimits, paces: list[Pace]) -> _Plan:
        now, now_unix = self._clock.monotonic(), self._clock.time()
        planned = self._plans[limits] = _Plan(now, {pace.level: pace.base for pace in paces})
        resets = []
        for resource, usage in limits.forecast(now_unix).items():
            budget = budget_of(usage, limits.reserve, now_unix)
            demands = [demand for pace in paces if (demand := pace.demand(resource, now)) is not None]
            resets.append(usage.window.reset)
            planned.needs |= {each.level: seconds_for(each, budget) for each in demands if is_oversize(each, budget)}
            for level, seconds in plan(demands, budget).items():
                if seconds > planned.intervals[level]:
                    planned.intervals[level], planned.budgets[level] = seconds, budget
        if resets:
            self._resets[limits] = min(resets)
        self._apply(planned, paces, now)
        return planned

    def _apply(self, planned: _Plan, paces: list[Pace], now: float) -> None:
        for pace in paces:
            pace.in_force = planned.intervals[pace.level]
            pace.longest = max(pace.longest, pace.in_force)
            if pace.due is None:
                continue
            due = now + self._seconds_to(pace, pace.in_force, planned, now)
            if abs(due - pace.due) > max(MIN_MOVE_SECONDS, MIN_MOVE_SHARE * pace.in_force):
                pace.due = due
                self._move(pace.level, due - now)
        levels: dict[Key, list[Pace]] = {}
        for pace in self._paces.values():
            levels.setdefault(pace.level.key, []).append(pace)
        for key in {pace.level.key for pace in paces}:
            self._report(key, levels[key], planned)

    def _seconds_to(self, pace: Pace, in_force: float, planned: _Plan, now: float) -> float:
        """Seconds to the next reading."""
        started = pace.started if pace.started is not None else now
        if in_force <= STRETCHED * pace.base:
            return max(0.0, started + in_force * (1 + JITTER * pace.jitter) - now)
        if _is_for_reset(pace, in_force, planned, now):
            budget = planned.budgets[pace.level]
            low, high = AFTER_RESET_SECONDS
            high = max(low, min(high, AFTER_RESET_SHARE * budget.length))
            return budget.seconds + low + (high - low) * (1 + pace.jitter) / 2
        return max(0.0, started + in_force * (1 + PACED_JITTER * pace.jitter) - now)

    def _report(self, key: Key, levels: list[Pace], planned: _Plan) -> None:
        """Show the interval of *key*, and log when it begins or ends to be stretched."""
        longest = max(levels, key=lambda pace: pace.interval * pace.stretch)
        seconds = longest.interval * longest.stretch
        shown = self._shown.get(key, longest.interval)
        if seconds <= STRETCHED * longest.interval:
            seconds = longest.interval
        if abs(seconds - shown) > MIN_MOVE_SHARE * shown:
            self._shown[key] = seconds
            self._show(key, seconds if seconds > longest.interval else None)
        slowest = max(levels, key=lambda pace: pace.in_force / pace.base)
        budget = planned.budgets.get(slowest.level)
        if slowest.in_force > STRETCHED * slowest.base and budget is not None:
            self._log_begin(key, slowest, budget, sum(sum((pace.costs or {}).values()) for pace in levels))
        elif key in self._logged:
            self._log_end(key, slowest)

    def _log_begin(self, key: Key, pace: Pace, budget: Budget, requests: float) -> None:
        reset = self._clock.time() + budget.seconds
        if key not in self._logged:
            log.info(
                "interval stretched to stay within the rate limit",
                enterprise=key.enterprise,
                collector=key.collector,
                interval_seconds=round(pace.in_force),
                configured_seconds=round(pace.base),
                requests_per_run=round(requests),
                requests_left=round(budget.left),
                seconds_to_reset=round(budget.seconds),
            )
        self._logged[key] = _Stretched(reset)

    def _log_end(self, key: Key, pace: Pace) -> None:
        """Log that an interval is as configured again, which may change as long as the window is the same."""
        if self._clock.time() > self._logged[key].reset + SAME_WINDOW_SECONDS:
            del self._logged[key]
            log.info(
                "interval as configured again",
                enterprise=key.enterprise,
                collector=key.collector,
                interval_seconds=round(pace.interval),
            )


def _is_for_reset(pace: Pace, in_force: float, planned: _Plan, now: float) -> bool:
    """Whether the next reading has no room before the window ends."""
    budget, started = planned.budgets.get(pace.level), pace.started if pace.started is not None else now
    return budget is not None and started + in_force >= now + budget.seconds - MIN_MOVE_SECONDS


def _costs(run: Run, before: Mapping[str, float] | None, *, succeeded: bool) -> Mapping[str, float]:
    """What a reading will cost: as much as the last one, or a little more where the ones before did.

    How many pages of a list are unchanged varies; a plan that counts on the luckiest reading would not last. One that
    failed may have cost less than a whole one.
    """
    if before is None:
        return dict(run.charged)
    last = {resource: run.charged.get(resource, 0) for resource in {**run.charged, **before}}
    if not succeeded:
        return {resource: max(cost, before.get(resource, 0)) for resource, cost in last.items()}
    means = {resource: (cost + before.get(resource, cost)) / 2 for resource, cost in last.items()}
    return {resource: means[resource] if means[resource] > cost + LITTLE else cost for resource, cost in last.items()}
