"""Cost centers: what is assigned to them and, if wanted, what they cost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from exporter.collector import Collector, CollectorOptions, Target
from exporter.collectors.common.amounts import Key, totals
from exporter.collectors.common.cost_centers import COST_CENTER_LIST, CostCenter, Resource, active, cost_centers
from exporter.collectors.common.summary import USAGE_SUMMARY, usage_summaries
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

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
POOL_ENABLED = gauge(
    "ghe_cost_center_ai_credit_pool_enabled",
    "Whether a cost center draws on a share of its own of the AI credits.",
    "cost_center_id",
)
POOL_TARGET = gauge(
    "ghe_cost_center_ai_credit_pool_target",
    "Share of the AI credits that a cost center may use; GitHub documents no unit.",
    "cost_center_id",
)
POOL_USED = gauge(
    "ghe_cost_center_ai_credit_pool_used",
    "What a cost center has used of its share of the AI credits; GitHub documents no unit.",
    "cost_center_id",
)


class CostCentersOptions(CollectorOptions):
    """Settings of the collector `cost_centers`."""

    spend: bool = Field(default=False, description="Expose the cost of each cost center, at one request for each.")
    max: int = Field(50, ge=1, description="For how many cost centers at most, in the order of their ids.")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A cost center, how many of each type it has and what each product costs it."""

    center: CostCenter
    resources: Mapping[str, int]
    net: Mapping[Key, float]


def fetch(github: GitHub, target: Target) -> list[Fetched]:
    """Read the cost centers in use, count their resources and, if wanted, read what they cost."""
    centers = active(cost_centers(github))
    paying = centers[: target.options.max] if target.options.spend else ()
    summaries = usage_summaries(github, target, [filters(center) for center in paying])
    return [
        Fetched(
            center,
            count(github, center),
            totals(((item.product,), item.net_amount) for item in summaries.get(filters(center), ())),
        )
        for center in centers
    ]


def filters(center: CostCenter) -> tuple[tuple[str, str], ...]:
    """How the summary of *center* is asked for."""
    return (("cost_center_id", center.id),)


def count(github: GitHub, center: CostCenter) -> Counter[str]:
    """Resources by type; one listed twice counts once, each without a name counts."""
    resources = enumerate(github.records(Resource, center.resources))
    distinct = {(resource.type, resource.name or index) for index, resource in resources}
    return Counter(kind for kind, _ in distinct)


def samples(_target: Target, fetched: list[Fetched]) -> Iterator[Sample]:
    """Map each cost center."""
    for each in fetched:
        yield INFO(1, each.center.id, each.center.name, each.center.state)
        for kind, resources in each.resources.items():
            yield RESOURCES(resources, each.center.id, kind)
        for key, net in each.net.items():
            yield NET_USD(net, each.center.id, *key)
        pool = each.center.ai_credit_pool_state
        enabled = each.center.ai_credit_pool_enabled
        yield POOL_ENABLED(None if enabled is None else int(enabled), each.center.id)
        yield POOL_TARGET(pool.target_amount, each.center.id)
        yield POOL_USED(pool.current_amount, each.center.id)


COLLECTOR = Collector(
    name="cost_centers",
    help="Cost centers, what is assigned to them and, if wanted, what they cost.",
    metrics=(INFO, RESOURCES, NET_USD, POOL_ENABLED, POOL_TARGET, POOL_USED),
    endpoints=(COST_CENTER_LIST, USAGE_SUMMARY),
    interval=3600,
    options=CostCentersOptions,
    fetch=fetch,
    samples=samples,
)
