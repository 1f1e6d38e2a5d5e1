"""What is read beside the month so far: the month before, whose last figures land late, and yesterday."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.collector import Persisted, Target
from exporter.collectors.billing.metrics import DAY_NET_USD, DAY_START, PREVIOUS_MONTH_NET_USD
from exporter.collectors.common.amounts import Key, totals
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import UsageItem, usage_summary
from exporter.errors import NOT_OFFERED, GitHubError
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample

SETTLING_DAYS = 3
"""GitHub adds to a month for so long after its end."""
PREVIOUS_MONTH = "previous month"


@dataclass(frozen=True, slots=True)
class PreviousMonth:
    """Net cost of a month that has ended, by product, and on which day of the next one it was read."""

    year: int
    month: int
    read_on: int
    net: Mapping[Key, float]

    def dump(self) -> list[Any]:
        """Everything as JSON can hold it."""
        return [self.year, self.month, self.read_on, list(self.net.items())]

    @classmethod
    def load(cls, dumped: list[Any]) -> "PreviousMonth":
        """The month that `dump` wrote."""
        year, month, read_on, net = dumped
        return cls(year, month, read_on, {tuple(key): amount for key, amount in net})


PERSISTED = {PREVIOUS_MONTH: Persisted(PreviousMonth.dump, PreviousMonth.load)}


@dataclass(frozen=True, slots=True)
class Past:
    """Net cost by product of the month before and of yesterday; empty where it cannot be had."""

    previous_month: Mapping[Key, float] = field(default_factory=dict)
    yesterday: Mapping[Key, float] = field(default_factory=dict)
    yesterday_start: float | None = None


def read(github: GitHub, target: Target) -> Past:
    """Read both; what cannot be had fails the run and hides nothing else."""
    midnight = datetime.fromtimestamp(target.now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = (midnight - timedelta(days=1)).timestamp()
    day = Month.at(start)
    yesterday = optional_summary(github, day, day=str(day.day))
    return Past(
        previous_month(github, target),
        {} if yesterday is None else by_product(yesterday),
        None if yesterday is None else start,
    )


def previous_month(github: GitHub, target: Target) -> Mapping[Key, float]:
    """The month before: asked for again while GitHub adds to it, then kept."""
    today = Month.at(target.now)
    month = today.previous
    kept: PreviousMonth | None = target.memory.recall(PREVIOUS_MONTH, float("inf"))
    if kept is not None and (kept.year, kept.month) != (month.year, month.month):
        kept = None
    if kept is None or today.day <= SETTLING_DAYS or kept.read_on < SETTLING_DAYS:
        items = optional_summary(github, month)
        if items is not None:
            kept = PreviousMonth(month.year, month.month, today.day, by_product(items))
            target.memory.remember(PREVIOUS_MONTH, kept)
    return kept.net if kept else {}


def optional_summary(github: GitHub, month: Month, **filters: str) -> tuple[UsageItem, ...] | None:
    """A summary, or None where it cannot be had."""
    try:
        return usage_summary(github, month, **filters)
    except NOT_OFFERED:
        return None
    except GitHubError as error:
        github.partial(error)
        return None


def by_product(items: tuple[UsageItem, ...]) -> Mapping[Key, float]:
    """Net cost by product."""
    return totals(((item.product,), item.net_amount) for item in items)


def samples(past: Past) -> Iterator[Sample]:
    """Map both."""
    for key, net in past.previous_month.items():
        yield PREVIOUS_MONTH_NET_USD(net, *key)
    for key, net in past.yesterday.items():
        yield DAY_NET_USD(net, *key)
    yield DAY_START(past.yesterday_start)
