"""How many calls the configuration sends in an hour, compared with what the rate limits of its credentials allow.

A collector is run once against GitHub and then, on a clock of its own, as often as in an hour against the answers that
are kept of that run. Nothing more is sent, and what it remembers from run to run is not counted again.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.duration import format_duration
from exporter.github.rate_limit import RateLimitWindow

HOUR = 3600.0
MAX_RUNS = 60
"""How many runs are counted of a collector that runs more often."""
NEVER_LENGTHENED = frozenset({"licenses", "license_sync"})
"""Collectors whose interval stays; they are cheap, and what they read is what the exporter is for."""
MAX_FACTOR = 4.0
"""Rather than lengthening one interval more than this, several are lengthened."""
ROUND_INTERVALS = (10, 30, 60, 300, 900, 3600)
"""An interval is rounded up to a multiple of the largest of these that is at most a fifth of it."""


@dataclass(frozen=True, slots=True)
class CollectorCalls:
    """What one collector sends for one enterprise or organization.

    Attributes:
        enterprise: its name.
        credential: by which it asks.
        per_hour: calls by resource of the rate limit; None where the collector fails, so that they are not known.
    """

    enterprise: str
    collector: str
    organization: str
    credential: str
    interval: float
    per_hour: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class CredentialUse:
    """A credential of an enterprise: which limits it has, and which others share them.

    Attributes:
        shares: equal for credentials that share their limits.
        reserve: share of a limit that is left to others.
    """

    enterprise: str
    name: str
    shares: str
    reserve: float
    windows: Mapping[str, RateLimitWindow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """A rate limit and what the configuration sends of it, unchanged answers included.

    Attributes:
        credentials: enterprise and name of those that share it.
        collectors: what is sent.
        unknown: collectors that fail, whose calls are not known.
    """

    credentials: tuple[tuple[str, str], ...]
    resource: str
    limit: float
    reserve: float
    collectors: tuple[CollectorCalls, ...]
    unknown: tuple[str, ...]

    @property
    def allowed(self) -> float:
        """Calls an hour, less the reserve."""
        return self.limit * (1 - self.reserve)

    @property
    def calls(self) -> float:
        """Calls an hour at the configured intervals."""
        return sum(self.calls_of(each) for each in self.collectors)

    @property
    def spare(self) -> float:
        """How many more would fit; negative if these are too many."""
        return self.allowed - self.calls

    @property
    def fits(self) -> bool:
        """Whether no interval needs to be longer."""
        return self.spare >= 0

    def calls_of(self, one: CollectorCalls) -> float:
        """Calls an hour of *one* that count against this limit."""
        return (one.per_hour or {}).get(self.resource, 0.0)

    def by_collector(self) -> list[tuple[str, float, float]]:
        """Each collector with its interval and its calls an hour over all levels, the most expensive first."""
        calls: Counter[tuple[str, float]] = Counter()
        for each in self.collectors:
            calls[each.collector, each.interval] += self.calls_of(each)  # type: ignore[assignment]
        return [(name, interval, count) for (name, interval), count in calls.most_common() if count]

    def intervals_that_fit(self) -> dict[str, float]:
        """Longer intervals of the most expensive collectors by which everything fits; none if it does already."""
        if self.fits:
            return {}
        costs = [each for each in self.by_collector() if each[0] not in NEVER_LENGTHENED]
        chosen: list[tuple[str, float, float]] = []
        factor = math.inf
        for each in costs:
            chosen.append(each)
            sent = sum(calls for _, _, calls in chosen)
            factor = sent / (sent + self.spare) if sent + self.spare > 0 else math.inf
            if factor <= MAX_FACTOR:
                break
        if math.isinf(factor):
            return {}
        return {name: rounded_up(interval * factor) for name, interval, _ in chosen}


def rounded_up(seconds: float) -> float:
    """An interval that people would write, not shorter than *seconds*."""
    step = max((step for step in ROUND_INTERVALS if step * 5 <= seconds), default=ROUND_INTERVALS[0])
    return math.ceil(seconds / step) * step


def calls_per_hour(run: Callable[[float], Counter[str]], interval: float) -> dict[str, float]:
    """Calls an hour by resource; *run* runs a collector so many seconds after the first time and counts its calls."""
    runs = max(1, min(MAX_RUNS, round(HOUR / interval)))
    counted: Counter[str] = Counter()
    for number in range(1, runs + 1):
        counted += run(number * interval)
    return {resource: calls * HOUR / (runs * interval) for resource, calls in counted.items()}


def budgets(credentials: Iterable[CredentialUse], collectors: Sequence[CollectorCalls]) -> Iterator[Budget]:
    """Every limit that is in force; none where the server does not limit."""
    groups: dict[tuple[str, str], list[CredentialUse]] = defaultdict(list)
    for credential in credentials:
        for resource in credential.windows:
            groups[credential.shares, resource].append(credential)
    for (_, resource), sharing in groups.items():
        names = tuple((each.enterprise, each.name) for each in sharing)
        using = [each for each in collectors if (each.enterprise, each.credential) in names]
        sending = tuple(each for each in using if each.per_hour and each.per_hour.get(resource))
        limit = min(each.windows[resource].limit for each in sharing)
        if limit > 0 and sending:
            unknown = tuple(dict.fromkeys(each.collector for each in using if each.per_hour is None))
            yield Budget(names, resource, limit, max(each.reserve for each in sharing), sending, unknown)


def described(budget: Budget) -> str:
    """The budget as a sentence."""
    names = ", ".join(f"{enterprise} {name}" for enterprise, name in budget.credentials)
    fits = f"fits, {budget.spare:,.0f} to spare" if budget.fits else f"{-budget.spare:,.0f} too many"
    unknown = f"; without {', '.join(budget.unknown)}, which cannot be counted" if budget.unknown else ""
    return (
        f"{names}: {budget.calls:,.0f} calls an hour of {budget.allowed:,.0f} "
        f"(limit {budget.resource} {budget.limit:,.0f}, {budget.reserve:.0%} in reserve): {fits}{unknown}"
    )


def advised(budget: Budget) -> str:
    """Which intervals to lengthen, and to what."""
    intervals = budget.intervals_that_fit()
    if not intervals:
        return "switch off collectors, or give the exporter several credentials"
    now = {name: interval for name, interval, _ in budget.by_collector()}
    return " and ".join(
        f"set collectors.{name}.interval to {format_duration(seconds)} (now {format_duration(now[name])})"
        for name, seconds in intervals.items()
    )
