"""How often to read, so that the rate limit lasts until it resets. Pure: no clock, no I/O.

A window of the rate limit is a budget: what is left of it, less the reserve, less what others with the same credential
will probably take. Every level that is read costs what its last reading cost. If all readings that are due before the
reset fit into the budget, nothing changes. If they do not, the collectors that cost most an hour are read less often,
all of them by the same factor, which is the smallest one by which everything fits.

Stretching every collector by one factor would leave the worst of them fresher than any other rule does. Stretching
only the most expensive ones is nearly as good as long as they cost most of it, and leaves the others alone: so many
are stretched, the most expensive first, that the factor is within `TOLERANCE` of the one for all.

Readings are planned whole: of one that costs 20, the budget of 90 has room for 4, a quarter of the window apart. What
does not fit any more waits for the next window.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from exporter.github.rate_limit import WindowUsage
from exporter.runtime.status import Key, LevelKey

TOLERANCE = 1.05
"""How much longer the stretched intervals may be than if all were stretched, on an average over the window."""
MAX_UNFAIRNESS = 2.0
"""The same, for the rest of this window, where a rare and expensive reading or others have used much of it."""
MAX_GROWTH = 2.0
"""Others are not expected to take more than so many times what they have taken, nor more than in the window before."""
MIN_OWN_SHARE = 0.1
"""The share of what is left above the reserve that is ours, however much others are expected to take."""
OVERSIZE_SHARE = 0.75
"""A reading that costs more than a whole window allows begins when so much of that is left, and waits in its midst."""
PRECISION = 1.002
"""The factor is found to a fifth of a percent."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a window of the rate limit allows us.

    Attributes:
        left: requests until it ends.
        seconds: until it ends.
        whole: requests that a whole window allows.
        length: seconds of a whole window.
        remaining: requests left with the reserve, whoever takes them.
        is_reserve_reached: whether less than the reserve is left, so that only essential work continues.
    """

    left: float
    seconds: float
    whole: float
    length: float
    remaining: float
    is_reserve_reached: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """A level and how it is read.

    Attributes:
        cost: requests of a reading that count against the rate limit.
        interval: seconds from one reading to the next, without regard to the rate limit.
        age: seconds since the last reading began.
        under_way: requests that the reading under way has still to send.
        stretches: whether its interval may be stretched.
        essential: whether it continues when the reserve is reached.
    """

    level: LevelKey
    cost: float
    interval: float
    age: float
    under_way: float = 0.0
    stretches: bool = True
    essential: bool = False

    def runs_within(self, seconds: float, factor: float) -> int:
        """Readings that begin within *seconds* if the interval is stretched by *factor*."""
        interval = self.interval * factor
        first = max(0.0, interval - self.age)
        return ceil((seconds - first) / interval) if first < seconds else 0


def budget_of(usage: WindowUsage, reserve: float, now: float) -> Budget:
    """The budget that is left of a window at *now*, of whose limit the share *reserve* is not to be used."""
    window = usage.window
    seconds = max(0.0, window.reset - now)
    length = max(usage.length, seconds, 1.0)
    rate, unseen = usage.others_rate, max(0.0, window.reset - max(usage.until, usage.since))
    expected = min(rate * unseen, max(MAX_GROWTH * usage.others, (usage.earlier_rate or 0.0) * length))
    kept = reserve * window.limit
    return Budget(
        left=_share(usage.left - kept, expected),
        seconds=seconds,
        whole=_share(window.limit - kept, rate * length),
        length=length,
        remaining=usage.left,
        is_reserve_reached=usage.left < kept,
    )


def _share(available: float, expected_of_others: float) -> float:
    """What of *available* requests is ours."""
    return max(available - expected_of_others, MIN_OWN_SHARE * max(0.0, available))


def is_oversize(demand: Demand, budget: Budget, fixed: float = 0.0) -> bool:
    """Whether a reading needs more than a whole window has, *fixed* requests of which are spoken for."""
    return demand.cost > budget.whole - fixed


def seconds_for(demand: Demand, budget: Budget) -> float:
    """Seconds that a reading may take because it needs more than one window; 0 if it does not."""
    return ceil(demand.cost / budget.whole) * budget.length if 0 < budget.whole < demand.cost else 0.0


def plan(demands: Sequence[Demand], budget: Budget) -> dict[LevelKey, float]:
    """The interval in force of each level: its own, or a longer one.

    A reading that has no room in this window is planned for its end, at which the next one is planned.
    """
    never = [demand for demand in demands if not demand.stretches]
    fixed = budget.length * sum(demand.cost / demand.interval for demand in never)
    demands = [_fitting(demand, budget, fixed) for demand in demands]
    if budget.is_reserve_reached:
        waiting = [demand for demand in demands if demand.stretches and not demand.essential]
        going = [demand for demand in demands if not demand.stretches or demand.essential]
        return {demand.level: _until_reset(demand, budget) for demand in waiting} | _fit(
            going, budget, budget.remaining
        )
    return _fit(demands, budget, budget.left)


def _fitting(demand: Demand, budget: Budget, fixed: float) -> Demand:
    """*demand*, counted with what its readings can take from one window at most."""
    if not is_oversize(demand, budget, fixed):
        return demand
    cost = max(0.0, OVERSIZE_SHARE * (budget.whole - fixed))
    return replace(demand, cost=cost, under_way=min(demand.under_way, cost))


def _fit(demands: Sequence[Demand], budget: Budget, left: float) -> dict[LevelKey, float]:
    """Stretch the most expensive collectors of *demands* until everything costs no more than *left*."""
    left -= sum(demand.under_way for demand in demands)
    intervals = {demand.level: demand.interval for demand in demands}
    if _planned(demands, budget.seconds, 1.0) <= left:
        return intervals
    groups = _by_cost(demand for demand in demands if demand.stretches)
    if not groups:
        return intervals
    rates = [sum(demand.cost / demand.interval for demand in group) for group in groups]
    others = sum(demand.cost / demand.interval for demand in demands if not demand.stretches)
    first = _groups_to_stretch(rates, budget.whole / budget.length - others)
    everyone = _factor(demands, {demand.level for group in groups for demand in group}, budget.seconds, left)
    for count in range(first, len(groups) + 1):
        chosen = [demand for group in groups[:count] for demand in group]
        factor = _factor(demands, {demand.level for demand in chosen}, budget.seconds, left)
        if factor is not None and (everyone is None or factor <= MAX_UNFAIRNESS * everyone):
            break
    for demand in chosen:
        in_force = _until_reset(demand, budget)
        intervals[demand.level] = in_force if factor is None else min(in_force, factor * demand.interval)
    return intervals


def _until_reset(demand: Demand, budget: Budget) -> float:
    """The interval by which the next reading begins when the window ends, or when it is due if that is later."""
    return max(demand.interval, demand.age + budget.seconds)


def _planned(demands: Iterable[Demand], seconds: float, factor: float) -> float:
    return sum(demand.cost * demand.runs_within(seconds, factor) for demand in demands)


def _by_cost(demands: Iterable[Demand]) -> list[list[Demand]]:
    """The levels of each collector, those first that cost most in a given time."""
    groups: dict[Key, list[Demand]] = {}
    for demand in demands:
        groups.setdefault(demand.level.key, []).append(demand)
    return sorted(groups.values(), key=lambda group: -sum(demand.cost / demand.interval for demand in group))


def _groups_to_stretch(rates: Sequence[float], allowed: float) -> int:
    """How many of the collectors with these *rates*, in falling order, share a rate of *allowed* nearly as well as all.

    Each is a number of requests a second.
    """
    total = sum(rates)
    if total <= allowed:
        return 1
    if allowed <= 0:
        return len(rates)
    stretched = 0.0
    for count, rate in enumerate(rates, 1):
        stretched += rate
        rest = allowed - (total - stretched)
        if rest > 0 and stretched / rest <= TOLERANCE * total / allowed:
            return count
    return len(rates)


def _factor(demands: Sequence[Demand], chosen: set[LevelKey], seconds: float, left: float) -> float | None:
    """The smallest factor for the *chosen* by which all readings within *seconds* cost no more than *left*.

    None if there is none: the readings of the others alone cost more.
    """
    fixed = _planned((demand for demand in demands if demand.level not in chosen), seconds, 1.0)
    stretched = [demand for demand in demands if demand.level in chosen and demand.cost > 0]

    def fits(factor: float) -> bool:
        return fixed + _planned(stretched, seconds, factor) <= left

    if fixed > left:
        return None
    # By the highest factor none of them is read before the reset; rounding must not make it fall short of that.
    lowest = 1.0
    highest = max((1 + 1e-9) * max(((each.age + seconds) / each.interval for each in stretched), default=1.0), lowest)
    while highest / lowest > PRECISION:
        middle = (highest * lowest) ** 0.5
        if fits(middle):
            highest = middle
        else:
            lowest = middle
    return highest
