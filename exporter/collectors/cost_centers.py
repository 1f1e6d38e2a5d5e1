"""Cost centers: what is assigned to them and, if wanted, what they cost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from exporter.collector import Collector, CollectorOptions, Target
from exporter.collectors.common.amounts import Key, totals
from exporter.collectors.common.labels import UNKNOWN
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import (
    BILLING_PERMISSION,
    BILLING_SCOPE,
    USAGE_SUMMARY,
    Name,
    usage_summary,
)
from exporter.errors import NOT_OFFERED, PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Identity, Record, Text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# The answer names people: it is counted and forgotten, not kept for its ETag.
COST_CENTER_LIST = Endpoint(
    "/enterprises/{enterprise}/settings/billing/cost-centers", BILLING_SCOPE, BILLING_PERMISSION, revalidate=False
)

INFO = gauge("ghe_cost_center_info", "Always 1; what a cost center is.", "cost_center_id", "cost_center", "state")
RESOURCES = gauge(
    "ghe_cost_center_resources",
    "Organizations, repositories, teams and people assigned to a cost center.",
    "cost_center_id",
    "resource_type",
)
NET_USD = gauge(
    "ghe_cost_center_net_usd", "Cost of a cost center this month after discounts.", "cost_center_id", "product"
)

GONE = frozenset({"deleted", "archived"})


class CostCentersOptions(CollectorOptions):
    """Settings of the collector `cost_centers`."""

    spend: bool = Field(default=False, description="Expose the cost of each cost center, at one request for each.")
    max: int = Field(50, ge=1, description="For how many cost centers at most, in the order of their ids.")


class Resource(Record):
    """Who or what is assigned to a cost center; the name only tells duplicates."""

    type: Name = UNKNOWN
    name: Text = ""


class CostCenter(Record):
    """A cost center."""

    id: Identity
    name: Text = ""
    state: Name = UNKNOWN
    resources: Annotated[tuple[Any, ...], BeforeValidator(lambda value: value if isinstance(value, list) else ())] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A cost center, how many of each type it has and what each product costs it."""

    center: CostCenter
    resources: Mapping[str, int]
    net: Mapping[Key, float]


def active_cost_centers(github: GitHub) -> tuple[CostCenter, ...]:
    """The cost centers in use, each once, by id."""
    answer = github.get(COST_CENTER_LIST, {"state": "active"})
    # Older documentation shows the object wrapped in an array.
    items = [item for body in (answer if isinstance(answer, list) else [answer]) for item in listed(body)]
    centers = {center.id: center for center in github.records(CostCenter, items)}
    active = (center for center in centers.values() if GONE.isdisjoint(center.state.split("_")))
    return tuple(sorted(active, key=lambda center: center.id))


def listed(body: Any) -> list[Any]:
    """The cost centers of *body*; the billing platform leaves a list out that would be empty."""
    if body == {}:
        return []
    items = body.get("costCenters") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise PayloadError(f"GET {COST_CENTER_LIST.path}: no list costCenters in the answer")
    return items


def fetch(github: GitHub, target: Target) -> list[Fetched]:
    """Read the cost centers, count their resources and, if wanted, read their cost."""
    centers = active_cost_centers(github)
    paying = {center.id for center in centers[: target.options.max]} if target.options.spend else set()
    month = Month.at(target.now)
    return [
        Fetched(center, count(github, center), net_of(github, month, center) if center.id in paying else {})
        for center in centers
    ]


def count(github: GitHub, center: CostCenter) -> Counter[str]:
    """Resources by type; one listed twice counts once, each without a name counts."""
    resources = enumerate(github.records(Resource, center.resources))
    distinct = {(resource.type, resource.name or index) for index, resource in resources}
    return Counter(kind for kind, _ in distinct)


def net_of(github: GitHub, month: Month, center: CostCenter) -> Mapping[Key, float]:
    """Cost per product; none when the cost center vanished meanwhile or its usage is not to be had."""
    try:
        items = usage_summary(github, month, cost_center_id=center.id)
    except NOT_OFFERED:
        return {}
    return totals(((item.product,), item.net_amount) for item in items)


def samples(_target: Target, fetched: list[Fetched]) -> Iterator[Sample]:
    """Map each cost center."""
    for each in fetched:
        yield INFO(1, each.center.id, each.center.name, each.center.state)
        for kind, resources in each.resources.items():
            yield RESOURCES(resources, each.center.id, kind)
        for key, net in each.net.items():
            yield NET_USD(net, each.center.id, *key)


COLLECTOR = Collector(
    name="cost_centers",
    help="Cost centers, what is assigned to them and, if wanted, what they cost.",
    metrics=(INFO, RESOURCES, NET_USD),
    endpoints=(COST_CENTER_LIST, USAGE_SUMMARY),
    interval=3600,
    options=CostCentersOptions,
    fetch=fetch,
    samples=samples,
)
