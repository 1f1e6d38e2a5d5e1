"""Cost of the month per organization and repository, from the rows of usage.

GitHub reports usage of cost centers only where one is named, so each is asked for by itself: the whole month in one
request, or, where that is too much for GitHub or for us, day by day.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import Field

from exporter.collector import Collector, CollectorOptions, Persisted, Target
from exporter.collectors.common.amounts import Amounts, Key
from exporter.collectors.common.cost_centers import COST_CENTER_LIST, CostCenter, cost_centers
from exporter.collectors.common.labels import OTHER
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import (
    BILLING_PERMISSION,
    BILLING_SCOPE,
    USAGE_SUMMARY,
    BillingRow,
    usage_summary,
)
from exporter.errors import NOT_OFFERED, GitHubError, PayloadError, ServerError, TimedOut, TooLarge
from exporter.github.endpoint import Endpoint
from exporter.github.models import Text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# The rows of a day may be tens of thousands: they are folded and forgotten, not kept for their ETags.
USAGE = Endpoint(
    "/enterprises/{enterprise}/settings/billing/usage", BILLING_SCOPE, BILLING_PERMISSION, revalidate=False
)
USAGE_OF_MONTH = replace(USAGE, max_bytes=16_000_000)
"""Larger answers would take hundreds of megabytes of memory; a day of them does not."""

ORGANIZATION_NET = gauge(
    "ghe_billing_organization_net_usd", "Cost this month after discounts.", "organization", "product"
)
ORGANIZATION_GROSS = gauge(
    "ghe_billing_organization_gross_usd", "Cost this month before discounts.", "organization", "product"
)
REPOSITORY_NET = gauge(
    "ghe_billing_repository_net_usd",
    "Cost this month after discounts of the most expensive repositories; the rest is (other).",
    "organization",
    "repository",
    "product",
)

NO_COST_CENTER = ""
SETTLING_DAYS = 3
"""GitHub adds to the figures of a day for a while; older days are final."""
TOO_MUCH = (ServerError, TimedOut, TooLarge)
"""How the request for a whole month may fail where those for days do not."""
MAX_DELETED = 100
"""Deleted cost centers that one run asks for the first time."""
NEGLIGIBLE_USD = 1.0
NEGLIGIBLE_SHARE = 0.01


class BillingUsageOptions(CollectorOptions):
    """Settings of the collector `billing_usage`."""

    top_repositories: int = Field(
        20, ge=0, description="How many repositories have series of their own; the others are summed as `(other)`."
    )


class UsageRow(BillingRow):
    """Usage of a SKU on one day in one repository."""

    organization_name: Text = ""
    repository_name: Text = ""

    @property
    def repository(self) -> str:
        """The repository without its owner, whom only some rows name."""
        return self.repository_name.rpartition("/")[2]


@dataclass(slots=True)
class UsageTotals:
    """Sums of rows, and of which days where they were read day by day."""

    net: Amounts = field(default_factory=Amounts)
    gross: Amounts = field(default_factory=Amounts)
    repositories: Amounts = field(default_factory=Amounts)
    days: set[int] = field(default_factory=set)

    def add(self, rows: Iterable[UsageRow]) -> None:
        """Add *rows*."""
        for row in rows:
            self.net.add(row.net_amount, (row.organization_name, row.product))
            self.gross.add(row.gross_amount, (row.organization_name, row.product))
            if row.repository:
                self.repositories.add(row.net_amount, (row.organization_name, row.repository, row.product))

    def dump(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return {
            "net": self.net.dump(),
            "gross": self.gross.dump(),
            "repositories": self.repositories.dump(),
            "days": sorted(self.days),
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "UsageTotals":
        """The sums that `dump` wrote."""
        net, gross, repositories = (Amounts.load(dumped[name]) for name in ("net", "gross", "repositories"))
        return cls(net, gross, repositories, set(dumped["days"]))

    @property
    def net_usd(self) -> float:
        """The cost of everything."""
        return math.fsum(self.net.totals().values())

    def merge(self, other: "UsageTotals") -> None:
        """Add what *other* holds."""
        self.net.merge(other.net)
        self.gross.merge(other.gross)
        self.repositories.merge(other.repositories)


@dataclass(slots=True)
class MonthSoFar:
    """What is kept of a month from run to run.

    Attributes:
        month: year and month.
        final_days: days that GitHub no longer adds to, of the cost centers that are read day by day.
        charged: cost centers that were in use this month, or were charged with something before they were deleted.
        unused: deleted cost centers without usage this month.
    """

    month: tuple[int, int]
    final_days: dict[str, UsageTotals] = field(default_factory=dict)
    charged: set[str] = field(default_factory=set)
    unused: set[str] = field(default_factory=set)

    def dump(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return {
            "month": self.month,
            "final_days": {cost_center: totals.dump() for cost_center, totals in self.final_days.items()},
            "charged": sorted(self.charged),
            "unused": sorted(self.unused),
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "MonthSoFar":
        """The month that `dump` wrote."""
        year, month = dumped["month"]
        final_days = {center: UsageTotals.load(totals) for center, totals in dumped["final_days"].items()}
        return cls((year, month), final_days, set(dumped["charged"]), set(dumped["unused"]))


def fetch(github: GitHub, target: Target) -> UsageTotals:
    """Read the month of what has no cost center and of each cost center that was charged with something."""
    month = Month.at(target.now)
    kept = month_so_far(target, month)
    centers = known_cost_centers(github)
    in_use = {center.id for center in centers if center.is_active}
    total = UsageTotals()
    for cost_center in (NO_COST_CENTER, *sorted(kept.charged | in_use)):
        try:
            total.merge(read_month(github, month, cost_center, kept))
        except (*NOT_OFFERED, PayloadError) as error:
            if cost_center == NO_COST_CENTER or cost_center in in_use:  # sums without it would be wrong
                raise
            github.partial(error)
        else:
            # Only now: an id that GitHub refuses once would otherwise be asked for until the end of the month.
            kept.charged |= {cost_center} - {NO_COST_CENTER}
    billed = summary_total(github, month)
    if billed is not None:
        if not math.isclose(total.net_usd, billed, abs_tol=0.01):
            add_deleted(github, month, kept, centers, total)
        difference = billed - total.net_usd
        if abs(difference) > max(NEGLIGIBLE_USD, NEGLIGIBLE_SHARE * abs(billed)):
            github.note("usage and usage summary differ", difference_usd=round(difference, 2))
    return total


def month_so_far(target: Target, month: Month) -> MonthSoFar:
    """What is kept of *month*, to be added to; another month is forgotten."""
    kept: MonthSoFar | None = target.memory.recall("month so far", float("inf"))
    if kept is None or kept.month != (month.year, month.month):
        kept = MonthSoFar((month.year, month.month))
        target.memory.remember("month so far", kept)
    return kept


def known_cost_centers(github: GitHub) -> tuple[CostCenter, ...]:
    """The cost centers, also the deleted ones; none where the enterprise has no such thing."""
    try:
        return cost_centers(github)
    except NOT_OFFERED:
        return ()


def add_deleted(
    github: GitHub, month: Month, kept: MonthSoFar, centers: Iterable[CostCenter], total: UsageTotals
) -> None:
    """Add to *total* what was charged this month to cost centers that were deleted before they were seen in use."""
    unknown = (center.id for center in centers if center.id not in kept.charged | kept.unused)
    for cost_center in sorted(unknown)[:MAX_DELETED]:
        found = read_month(github, month, cost_center, kept)
        total.merge(found)
        (kept.charged if found.net.totals() else kept.unused).add(cost_center)


def summary_total(github: GitHub, month: Month) -> float | None:
    """The net cost of *month* by the usage summary, to compare with; None if that cannot be had."""
    try:
        return math.fsum(item.net_amount or 0 for item in usage_summary(github, month))
    except GitHubError:  # the collector `billing` reads it and reports that
        return None


def read_month(github: GitHub, month: Month, cost_center: str, kept: MonthSoFar) -> UsageTotals:
    """The usage of one cost center in *month*."""
    if cost_center not in kept.final_days:
        result = UsageTotals()
        try:
            result.add(github.records(UsageRow, usage_of(github, USAGE_OF_MONTH, month.query, cost_center)))
        except TOO_MUCH:
            pass
        else:
            return result
    return read_days(github, month, cost_center, kept)


def read_days(github: GitHub, month: Month, cost_center: str, kept: MonthSoFar) -> UsageTotals:
    """The same day by day; final days are kept, and so is that the month is too much, once a day was not."""
    final, recent = kept.final_days.get(cost_center, UsageTotals()), UsageTotals()
    for day in range(1, month.day + 1):
        if day not in final.days:
            rows = github.records(UsageRow, usage_of(github, USAGE, {**month.query, "day": day}, cost_center))
            is_final = day < month.day - SETTLING_DAYS
            (final if is_final else recent).add(rows)
            kept.final_days[cost_center] = final
            if is_final:
                final.days.add(day)
    recent.merge(final)
    return recent


def usage_of(github: GitHub, endpoint: Endpoint, query: Mapping[str, str | int], cost_center: str) -> list[Any]:
    """The rows of a month or day; without a cost center those of none, and `{}` where there are no rows."""
    answer = github.get_object(endpoint, {**query, **({"cost_center_id": cost_center} if cost_center else {})})
    rows = answer.get("usageItems") if answer else []
    if not isinstance(rows, list):
        raise PayloadError(f"GET {USAGE.path}: no list usageItems in the answer")
    return rows


def keep_top(repositories: Amounts, number: int) -> Amounts:
    """*repositories* with all but the most expensive *number*, over all products, renamed to `(other)`."""
    costs = Amounts()
    costs.merge(repositories, rename=lambda key: key[:2])
    ranked = sorted(costs.totals().items(), key=lambda item: (-item[1], item[0]))
    top = {key for key, _ in ranked[:number]}

    def shown(key: Key) -> Key:
        return key if key[:2] in top else (key[0], OTHER, key[2])

    result = Amounts()
    result.merge(repositories, rename=shown)
    return result


def samples(target: Target, total: UsageTotals) -> Iterator[Sample]:
    """Map the sums."""
    for metric, amounts in (
        (ORGANIZATION_NET, total.net),
        (ORGANIZATION_GROSS, total.gross),
        (REPOSITORY_NET, keep_top(total.repositories, target.options.top_repositories)),
    ):
        for key, amount in amounts.totals().items():
            yield metric(amount, *key)


COLLECTOR = Collector(
    name="billing_usage",
    help="Cost of the month per organization and for the most expensive repositories.",
    metrics=(ORGANIZATION_NET, ORGANIZATION_GROSS, REPOSITORY_NET),
    endpoints=(USAGE, COST_CENTER_LIST, USAGE_SUMMARY),
    interval=6 * 3600,
    enabled=False,
    options=BillingUsageOptions,
    persisted={"month so far": Persisted(MonthSoFar.dump, MonthSoFar.load)},
    fetch=fetch,
    samples=samples,
)
