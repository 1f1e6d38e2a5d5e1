"""Budgets: their amount, what of it is used, and whether they stop further usage."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any

from pydantic import BeforeValidator

from exporter.collector import Calls, Collector, Target
from exporter.collectors.common.amounts import totals
from exporter.collectors.common.labels import UNKNOWN
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import (
    BILLING_PERMISSION,
    BILLING_SCOPE,
    USAGE_SUMMARY,
    Name,
    UsageItem,
    name,
    usage_summary,
)
from exporter.errors import NOT_OFFERED
from exporter.github.endpoint import Endpoint
from exporter.github.models import Flag, Identity, Number, Record, Text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# Budgets name those who are alerted: they are not kept for their ETags.
BUDGET_LIST = Endpoint(
    "/enterprises/{enterprise}/settings/billing/budgets", BILLING_SCOPE, BILLING_PERMISSION, revalidate=False
)

BUDGET = ("budget_id", "scope", "entity", "product")
AMOUNT = gauge("ghe_budget_amount_usd", "Amount of a budget.", *BUDGET)
CONSUMED = gauge(
    "ghe_budget_consumed_usd",
    "Used of a budget this month, as GitHub or the usage summary tells.",
    *BUDGET,
)
BLOCKS = gauge("ghe_budget_blocks_usage", "Whether a used-up budget stops further usage.", *BUDGET)


# What a budget names, by its type; the bundles that others name have no rows in the summary.
COUNTED: dict[str, Callable[[UsageItem], str]] = {
    "sku_pricing": attrgetter("sku"),
    "product_pricing": attrgetter("product"),
}


def names(value: Any) -> tuple[str, ...]:
    """One name or a list of them, each once; GitHub documents one form and sends the other."""
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(found for found in map(name, values) if found != UNKNOWN))


Names = Annotated[tuple[str, ...], BeforeValidator(names)]


class Budget(Record):
    """A budget, without those who are alerted."""

    id: Identity
    budget_type: Name = UNKNOWN
    budget_scope: Name = UNKNOWN
    budget_entity_name: Text = ""
    user: Text = ""
    budget_amount: Number = None
    consumed_amount: Number = None
    prevent_further_usage: Flag = None
    budget_product_sku: Names = ()
    budget_product_skus: Names = ()

    @property
    def products(self) -> tuple[str, ...]:
        """The products or SKUs it is about."""
        return self.budget_product_skus or self.budget_product_sku

    @property
    def entity(self) -> str:
        """Whose usage it is about; empty where that is, or may be, the login of a person."""
        is_personal = "user" in self.budget_scope or self.user or self.budget_scope == UNKNOWN
        return "" if is_personal else self.budget_entity_name

    @property
    def is_open(self) -> bool:
        """Whether only the usage summary can tell what is used of it."""
        return self.consumed_amount is None and self.budget_scope == "enterprise" and self.budget_type in COUNTED


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets and, if one needs it, the usage of the enterprise this month."""

    budgets: tuple[Budget, ...]
    usage: tuple[UsageItem, ...]


def fetch(github: GitHub, target: Target) -> Budgets:
    """Read the budgets, each once; the usage only for a budget whose use is not told."""
    pages = github.pages(BUDGET_LIST, "budgets")
    budgets = {budget.id: budget for page in pages for budget in github.records(Budget, page.items)}
    usage: tuple[UsageItem, ...] = ()
    if any(budget.is_open for budget in budgets.values()):
        try:
            usage = usage_summary(github, Month.at(target.now))
        except NOT_OFFERED:
            usage = ()
    return Budgets(tuple(budgets.values()), usage)


def consumed(budget: Budget, usage: Iterable[UsageItem]) -> float | None:
    """What is used of *budget*, if anything tells."""
    if not budget.is_open:
        return budget.consumed_amount
    counted = COUNTED[budget.budget_type]
    rows = ((("used",), item.net_amount) for item in usage if counted(item) in budget.products)
    return totals(rows).get(("used",))


def samples(_target: Target, fetched: Budgets) -> Iterator[Sample]:
    """Map each budget."""
    for budget in fetched.budgets:
        key = budget.id, budget.budget_scope, budget.entity, ",".join(budget.products) or UNKNOWN
        yield AMOUNT(budget.budget_amount, *key)
        yield CONSUMED(consumed(budget, fetched.usage), *key)
        yield BLOCKS(budget.prevent_further_usage, *key)


COLLECTOR = Collector(
    name="budgets",
    help="Budgets, what of them is used, and whether they stop further usage.",
    metrics=(AMOUNT, CONSUMED, BLOCKS),
    endpoints=(BUDGET_LIST, USAGE_SUMMARY),
    interval=3600,
    calls=Calls(fixed=2),
    fetch=fetch,
    samples=samples,
)
