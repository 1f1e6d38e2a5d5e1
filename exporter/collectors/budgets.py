"""Budgets: their amount, what of it is used, and whether they stop further usage.

GitHub reports what is used of the budgets of single people alone. For the others it follows from the usage summary,
once three things are known: the unit of the amount (dollars or licenses), whose usage counts (scope and entity), and
which rows of the summary are covered. Where one of them is not, the amount is exposed without a consumption.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from exporter.collector import Collector, CollectorOptions, Target
from exporter.collectors.common.amounts import rounded, totals
from exporter.collectors.common.cost_centers import COST_CENTER_LIST, CostCenter, cost_centers
from exporter.collectors.common.labels import UNKNOWN
from exporter.collectors.common.summary import (
    BILLING_PERMISSION,
    BILLING_SCOPE,
    NO_COST_CENTER,
    USAGE_SUMMARY,
    Filters,
    Name,
    UsageItem,
    name,
    usage_summaries,
)
from exporter.errors import NOT_OFFERED, GitHubError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Flag, Identity, Number, Record, Text, Timestamp
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# Budgets name those who are alerted: they are not kept for their ETags.
BUDGET_LIST = Endpoint(
    "/enterprises/{enterprise}/settings/billing/budgets",
    BILLING_SCOPE,
    BILLING_PERMISSION,
    revalidate=False,
    check="all",
)
UNKNOWN_CONSUMPTION = "budgets without a known consumption"
"""The note on how many of all budgets have their amount exposed alone."""

BUDGET = ("budget_id", "scope", "entity", "product")
AMOUNT_USD = gauge(
    "ghe_budget_amount_usd",
    "Amount of a budget that is not for licenses; in the scopes multi_user_* the limit of one person.",
    *BUDGET,
)
AMOUNT_LICENSES = gauge("ghe_budget_amount_licenses", "Amount of a budget for licenses.", *BUDGET)
CONSUMED_USD = gauge(
    "ghe_budget_consumed_usd",
    "Used of such a budget this month, also before it was made; absent where it is not known what it covers.",
    *BUDGET,
)
CONSUMED_LICENSES = gauge(
    "ghe_budget_consumed_licenses",
    "Licenses billed this month that a budget for licenses covers; they accrue day by day, as their cost does.",
    *BUDGET,
)
BLOCKS = gauge("ghe_budget_blocks_usage", "Whether a used-up budget stops further usage.", *BUDGET)
EXPIRY = gauge("ghe_budget_expiry_timestamp_seconds", "When a budget ends.", *BUDGET)

LICENSES = re.compile(r"ghec|ghas|copilot_(for_business|business|enterprise|standalone)|(.*_)?licenses?")
"""Products and SKUs that are billed in user-months; the amount of their budgets is a number of licenses."""
USER_MONTHS = "user_months"
AI_CREDITS = re.compile(r"(?:.*_)?(ai_(?:credit|unit)s?)")
"""SKUs of AI credits; the summary also has them as `copilot_ai_unit`, `coding_agent_ai_unit` and others."""
AI_UNITS = frozenset({"ai_credits", "ai_credit", "ai_units", "ai_unit"})
BUNDLES: Mapping[str, frozenset[str]] = {
    "ai_credits": AI_UNITS,
    "premium_requests": frozenset({"requests", "premium_requests"}),
}
"""What a bundle covers: the rows of these units."""
ONE_PERSON = "user"
QUERY_OF_SCOPE = {"organization": "organization", "repository": "repository", "cost_center": "cost_center_id"}
CONSUMED_BY_ALL = frozenset({"enterprise", ONE_PERSON, *QUERY_OF_SCOPE})
"""Scopes whose amount is for what all they cover use together, where a consumption of GitHub's own can be compared."""


class BudgetsOptions(CollectorOptions):
    """Settings of the collector `budgets`."""

    max: int = Field(
        50,
        ge=0,
        description="For how many organizations, repositories and cost centers at most what they used is asked for, "
        "at one request for each: budgets that stop usage first, then the largest.",
    )


class Unit(Enum):
    """What the amount of a budget counts."""

    USD = "usd"
    LICENSES = "licenses"


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
    exclude_cost_center_usage: Flag = None
    prevent_further_usage: Flag = None
    expires_at: Timestamp = None
    budget_product_sku: Names = ()
    budget_product_skus: Names = ()

    @property
    def products(self) -> tuple[str, ...]:
        """The products, SKUs or bundles it is about."""
        return self.budget_product_skus or self.budget_product_sku

    @property
    def entity(self) -> str:
        """Whose usage it is about; empty where that is, or may be, the login of a person."""
        is_personal = "user" in self.budget_scope or self.user or self.budget_scope == UNKNOWN
        return "" if is_personal else self.budget_entity_name

    @property
    def unit(self) -> Unit | None:
        """What its amount counts; None where it is about licenses and something else."""
        kinds = {bool(LICENSES.fullmatch(product)) for product in self.products}
        if len(kinds) > 1:
            return None
        return Unit.LICENSES if True in kinds else Unit.USD

    @property
    def reported(self) -> float | None:
        """What GitHub itself reports as used; in the scopes `multi_user_*` that of all people, the amount of one."""
        return self.consumed_amount if self.unit is Unit.USD and self.budget_scope in CONSUMED_BY_ALL else None

    @property
    def needs_summary(self) -> bool:
        """Whether only the usage summary has what is used of it."""
        is_bundle_known = self.budget_type != "bundle_pricing" or BUNDLES.keys() >= set(self.products)
        is_known = self.unit is not None and self.budget_scope != ONE_PERSON and self.budget_type in COVERED
        return is_known and is_bundle_known and self.reported is None


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets, and the rows of usage for each whose scope is known."""

    budgets: tuple[Budget, ...]
    usage: Mapping[str, tuple[UsageItem, ...]]


def fetch(github: GitHub, target: Target) -> Budgets:
    """Read the budgets, each once, and one summary for everything whose usage some of them need."""
    pages = github.pages(BUDGET_LIST, "budgets")
    budgets = {budget.id: budget for page in pages for budget in github.records(Budget, page.items)}
    needy = sorted(
        (budget for budget in budgets.values() if budget.needs_summary),
        key=lambda budget: (not budget.prevent_further_usage, -(budget.budget_amount or 0), budget.id),
    )
    ids = cost_center_ids(github) if any(budget.budget_scope == "cost_center" for budget in needy) else {}
    wanted = {budget.id: filters for budget in needy if (filters := filters_of(budget, ids)) is not None}
    whole = {budget.id for budget in needy if budget.budget_scope == "enterprise"}
    of_entities = dict.fromkeys(filters for budget, filters in wanted.items() if budget not in whole)
    of_enterprise = dict.fromkeys(filters for budget, filters in wanted.items() if budget in whole)
    summaries = usage_summaries(github, target, [*of_enterprise, *list(of_entities)[: target.options.max]])
    usage = {budget: summaries[filters] for budget, filters in wanted.items() if filters in summaries}
    if without := sum(budget.reported is None and budget.id not in usage for budget in budgets.values()):
        github.note(UNKNOWN_CONSUMPTION, budgets=without, of=len(budgets))
    return Budgets(tuple(budgets.values()), usage)


def cost_center_ids(github: GitHub) -> Mapping[str, str]:
    """Ids of cost centers by their names and ids, those in use before others; a name that two share is neither's."""
    try:
        centers = cost_centers(github)
    except NOT_OFFERED:
        return {}
    except GitHubError as error:
        github.partial(error)
        return {}
    by_name: dict[str, list[CostCenter]] = {}
    for center in sorted(centers, key=lambda center: not center.is_active):
        by_name.setdefault(center.name, []).append(center)
    found = {
        name: alike[0].id
        for name, alike in by_name.items()
        if len(alike) == 1 or (alike[0].is_active and not alike[1].is_active)
    }
    return found | {center.id: center.id for center in centers}


def filters_of(budget: Budget, cost_center_ids: Mapping[str, str]) -> Filters | None:
    """How the summary of what *budget* is about is asked for; None where that is not known."""
    without_cost_centers = (("cost_center_id", NO_COST_CENTER),) if budget.exclude_cost_center_usage else ()
    if budget.budget_scope == "enterprise":
        return without_cost_centers
    entity = budget.budget_entity_name
    if budget.budget_scope == "cost_center":
        entity, without_cost_centers = cost_center_ids.get(entity, ""), ()
    elif budget.budget_scope == "repository" and "/" not in entity:
        entity = ""
    query = QUERY_OF_SCOPE.get(budget.budget_scope)
    return ((query, entity), *without_cost_centers) if query and entity else None


def of_skus(skus: Iterable[str], usage: tuple[UsageItem, ...]) -> Iterator[UsageItem]:
    """The rows of *skus*.

    AI credits have several spellings. Where the summary has not that of the budget, all rows in their unit count.
    """
    for sku in skus:
        spelling = AI_CREDITS.fullmatch(sku)
        if spelling and not any(item.sku.endswith(spelling[1]) for item in usage if item.unit_type in AI_UNITS):
            yield from (item for item in usage if item.unit_type in AI_UNITS)
        else:
            yield from (item for item in usage if item.sku == sku)


def of_products(products: Iterable[str], usage: tuple[UsageItem, ...]) -> Iterator[UsageItem]:
    """The rows of *products*."""
    wanted = frozenset(products)
    return (item for item in usage if item.product in wanted)


def of_bundles(bundles: Iterable[str], usage: tuple[UsageItem, ...]) -> Iterator[UsageItem]:
    """The rows of *bundles*; none where one is not known."""
    units = [BUNDLES.get(bundle) for bundle in bundles]
    known = [unit for unit in units if unit is not None]
    return (item for item in usage if len(known) == len(units) and any(item.unit_type in unit for unit in known))


COVERED: Mapping[str, Callable[[Iterable[str], tuple[UsageItem, ...]], Iterator[UsageItem]]] = {
    "sku_pricing": of_skus,
    "product_pricing": of_products,
    "bundle_pricing": of_bundles,
}
"""The rows that a budget covers, by its type."""


def consumed(budget: Budget, usage: tuple[UsageItem, ...]) -> float | None:
    """What is used of *budget*, in the unit of its amount, if anything says so."""
    if not budget.needs_summary:
        return budget.reported
    rows = {id(item): item for item in COVERED[budget.budget_type](budget.products, usage)}.values()
    licenses = [item for item in rows if item.unit_type == USER_MONTHS]
    if budget.unit is Unit.LICENSES:
        return total(item.net_quantity for item in licenses)
    if budget.budget_type == "sku_pricing" and licenses:  # licenses by another name: the amount may be a number of them
        return None
    return total(item.net_amount for item in rows)


def total(amounts: Iterable[float | None]) -> float | None:
    """The sum of what is reported of *amounts*, if any is."""
    found = totals(((), amount) for amount in amounts).get(())
    return None if found is None else rounded(found)


def samples(_target: Target, fetched: Budgets) -> Iterator[Sample]:
    """Map each budget."""
    for budget in fetched.budgets:
        key = budget.id, budget.budget_scope, budget.entity, ",".join(budget.products) or UNKNOWN
        used = consumed(budget, fetched.usage.get(budget.id, ()))
        if budget.unit is Unit.LICENSES:
            yield AMOUNT_LICENSES(budget.budget_amount, *key)
            yield CONSUMED_LICENSES(used, *key)
        elif budget.unit is Unit.USD:
            yield AMOUNT_USD(budget.budget_amount, *key)
            yield CONSUMED_USD(used, *key)
        yield BLOCKS(budget.prevent_further_usage, *key)
        yield EXPIRY(budget.expires_at, *key)


COLLECTOR = Collector(
    name="budgets",
    help="Budgets, what of them is used, and whether they stop further usage.",
    metrics=(AMOUNT_USD, AMOUNT_LICENSES, CONSUMED_USD, CONSUMED_LICENSES, BLOCKS, EXPIRY),
    endpoints=(BUDGET_LIST, USAGE_SUMMARY, COST_CENTER_LIST),
    interval=3600,
    options=BudgetsOptions,
    fetch=fetch,
    samples=samples,
)
