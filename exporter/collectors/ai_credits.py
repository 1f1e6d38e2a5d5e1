"""AI credits of the month by product, SKU and model."""

from collections.abc import Iterator, Sequence
from operator import attrgetter

from exporter.collector import Collector, Target
from exporter.collectors.common.amounts import rounded, totals
from exporter.collectors.common.labels import OTHER, UNKNOWN
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import BILLING_PERMISSION, BILLING_SCOPE, Name, UsageItem
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

CREDIT_USAGE = Endpoint("/enterprises/{enterprise}/settings/billing/ai_credit/usage", BILLING_SCOPE, BILLING_PERMISSION)

CREDITS = ("product", "sku", "model")
USED = gauge("ghe_ai_credits_used", "AI credits used this month.", *CREDITS)
DISCOUNTED = gauge(
    "ghe_ai_credits_discounted", "AI credits used this month that are free: included in seats or discounted.", *CREDITS
)
PAID = gauge("ghe_ai_credits_paid", "AI credits used this month that are paid for.", *CREDITS)
GROSS_USD = gauge("ghe_ai_credits_gross_usd", "Cost of the AI credits used this month before discounts.", *CREDITS)
NET_USD = gauge("ghe_ai_credits_net_usd", "Cost of the AI credits used this month after discounts.", *CREDITS)
INCLUDED = gauge("ghe_ai_credits_included", "AI credits a month that the seats include, as configured.")

FIELDS = {
    USED: "gross_quantity",
    DISCOUNTED: "discount_quantity",
    PAID: "net_quantity",
    GROSS_USD: "gross_amount",
    NET_USD: "net_amount",
}
MAX_MODELS = 50
"""How many models have series of their own; the sets of models and of their names are GitHub's."""


class CreditItem(UsageItem):
    """Credits that one model used."""

    model: Name = UNKNOWN


def fetch(github: GitHub, target: Target) -> tuple[CreditItem, ...]:
    """Read this month; the filter `user` exists, but what one person uses is nobody's business."""
    answer = github.get_object(CREDIT_USAGE, Month.at(target.now).query)
    items = answer.get("usageItems")
    if not isinstance(items, list):
        raise PayloadError(f"GET {CREDIT_USAGE.path}: no list usageItems in the answer")
    return tuple(github.records(CreditItem, items))


def samples(target: Target, items: Sequence[CreditItem]) -> Iterator[Sample]:
    """Map the sums; models beyond the first `MAX_MODELS`, by credits used and then by name, are one."""
    models = {item.model: 0.0 for item in items}
    models |= {model: used for (model,), used in totals(((item.model,), item.gross_quantity) for item in items).items()}
    own = frozenset(sorted(models, key=lambda model: (-models[model], model))[:MAX_MODELS])
    keys = [(item.product, item.sku, item.model if item.model in own else OTHER) for item in items]
    for metric, field in FIELDS.items():
        for key, total in totals(zip(keys, map(attrgetter(field), items), strict=True)).items():
            yield metric(rounded(total), *key)
    yield INCLUDED(target.included.ai_credits)


COLLECTOR = Collector(
    name="ai_credits",
    help="AI credits used this month and their cost, by product, SKU and model.",
    metrics=(*FIELDS, INCLUDED),
    endpoints=(CREDIT_USAGE,),
    interval=3600,
    fetch=fetch,
    samples=samples,
)
