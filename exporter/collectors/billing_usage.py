"""Cost of the month per organization and repository, from the rows of each day."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from exporter.collector import Calls, Collector, CollectorOptions, Lasting, Target
from exporter.collectors.common.amounts import Amounts, Key
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import BILLING_PERMISSION, BILLING_SCOPE, BillingRow
from exporter.collectors.cost_centers import COST_CENTER_LIST, active_cost_centers
from exporter.errors import NOT_OFFERED, PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# A day may have tens of thousands of rows: they are folded and forgotten, not kept for their ETags.
USAGE = Endpoint(
    "/enterprises/{enterprise}/settings/billing/usage", BILLING_SCOPE, BILLING_PERMISSION, revalidate=False
)

ORGANIZATION_NET = gauge(
    "ghe_billing_organization_net_usd", "Cost this month after discounts.", "organization", "product"
)
ORGANIZATION_GROSS = gauge(
    "ghe_billing_organization_gross_usd", "Cost this month before discounts.", "organization", "product"
)
REPOSITORY_NET = gauge(
    "ghe_billing_repository_net_usd",
    "Cost this month after discounts of the dearest repositories; the rest is (other).",
    "organization",
    "repository",
    "product",
)

OTHER = "(other)"
NO_COST_CENTER = ""
SETTLING_DAYS = 3
"""GitHub adds to the figures of a day for a while; older days are final."""


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
        """The repository without its owner, who is told in some rows only."""
        return self.repository_name.rpartition("/")[2]


@dataclass(slots=True)
class Ledger:
    """Sums of some days, and which days they are."""

    net: Amounts = field(default_factory=Amounts)
    gross: Amounts = field(default_factory=Amounts)
    repositories: Amounts = field(default_factory=Amounts)
    days: set[int] = field(default_factory=set)

    def enter(self, day: int, rows: Iterable[UsageRow]) -> None:
        """Add the rows of *day*."""
        for row in rows:
            self.net.add(row.net_amount, (row.organization_name, row.product))
            self.gross.add(row.gross_amount, (row.organization_name, row.product))
            if row.repository:
                self.repositories.add(row.net_amount, (row.organization_name, row.repository, row.product))
        self.days.add(day)

    def dump(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return {
            "net": self.net.dump(),
            "gross": self.gross.dump(),
            "repositories": self.repositories.dump(),
            "days": sorted(self.days),
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Ledger":
        """What `dump` told."""
        net, gross, repositories = (Amounts.load(dumped[name]) for name in ("net", "gross", "repositories"))
        return cls(net, gross, repositories, set(dumped["days"]))

    def merge(self, other: "Ledger") -> None:
        """Add what *other* holds."""
        self.net.merge(other.net)
        self.gross.merge(other.gross)
        self.repositories.merge(other.repositories)


FinalDays = tuple[tuple[int, int], dict[str, Ledger]]
"""Year and month, and the final days of it by cost center."""


def dump_final_days(kept: FinalDays) -> Any:
    """As JSON can hold it."""
    return kept[0], {cost_center: ledger.dump() for cost_center, ledger in kept[1].items()}


def load_final_days(dumped: Any) -> FinalDays:
    """What `dump_final_days` told."""
    (year, month), ledgers = dumped
    return (year, month), {cost_center: Ledger.load(ledger) for cost_center, ledger in ledgers.items()}


def fetch(github: GitHub, target: Target) -> Ledger:
    """Read every day of the month, for each cost center and for what has none; final days once."""
    month = Month.at(target.now)
    final = final_days(target, month)
    total = Ledger()
    for cost_center in (NO_COST_CENTER, *cost_centers(github)):
        settled = final.setdefault(cost_center, Ledger())
        for day in range(1, month.day + 1):
            if day not in settled.days:
                rows = github.records(UsageRow, usage_of(github, month, day, cost_center))
                (settled if day < month.day - SETTLING_DAYS else total).enter(day, rows)
        total.merge(settled)
    return total


def cost_centers(github: GitHub) -> tuple[str, ...]:
    """Ids of the cost centers; none where the enterprise has no such thing."""
    try:
        return tuple(center.id for center in active_cost_centers(github))
    except NOT_OFFERED:
        return ()


def final_days(target: Target, month: Month) -> dict[str, Ledger]:
    """The final days of *month* by cost center, to be added to; those of another month are forgotten."""
    kept = target.memory.recall("final days", float("inf"))
    if kept is not None and kept[0] == (month.year, month.month):
        ledgers: dict[str, Ledger] = kept[1]
        return ledgers
    ledgers = {}
    target.memory.remember("final days", ((month.year, month.month), ledgers))
    return ledgers


def usage_of(github: GitHub, month: Month, day: int, cost_center: str) -> list[Any]:
    """The rows of one day; GitHub leaves usage of cost centers out unless one is named, and answers `{}` for none."""
    query = {**month.query, "day": day} | ({"cost_center_id": cost_center} if cost_center else {})
    answer = github.get_object(USAGE, query)
    rows = answer.get("usageItems") if answer else []
    if not isinstance(rows, list):
        raise PayloadError(f"GET {USAGE.path}: no list usageItems in the answer")
    return rows


def dearest(repositories: Amounts, number: int) -> Amounts:
    """*repositories* with all but the dearest *number*, over all products, renamed to `(other)`."""
    costs = Amounts()
    costs.merge(repositories, rename=lambda key: key[:2])
    ranked = sorted(costs.totals().items(), key=lambda item: (-item[1], item[0]))
    top = {key for key, _ in ranked[:number]}

    def shown(key: Key) -> Key:
        return key if key[:2] in top else (key[0], OTHER, key[2])

    result = Amounts()
    result.merge(repositories, rename=shown)
    return result


def samples(target: Target, total: Ledger) -> Iterator[Sample]:
    """Map the sums."""
    for metric, amounts in (
        (ORGANIZATION_NET, total.net),
        (ORGANIZATION_GROSS, total.gross),
        (REPOSITORY_NET, dearest(total.repositories, target.options.top_repositories)),
    ):
        for key, amount in amounts.totals().items():
            yield metric(amount, *key)


COLLECTOR = Collector(
    name="billing_usage",
    help="Cost of the month per organization and for the dearest repositories, day by day.",
    metrics=(ORGANIZATION_NET, ORGANIZATION_GROSS, REPOSITORY_NET),
    endpoints=(USAGE, COST_CENTER_LIST),
    interval=6 * 3600,
    enabled=False,
    options=BillingUsageOptions,
    calls=Calls(fixed=1 + 1 + SETTLING_DAYS),
    lasting={"final days": Lasting(dump_final_days, load_final_days)},
    fetch=fetch,
    samples=samples,
)
