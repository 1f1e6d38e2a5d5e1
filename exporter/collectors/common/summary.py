"""The usage summary of a month, which several collectors read: about one row per SKU."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from exporter.collector import Target
from exporter.collectors.common.labels import UNKNOWN, snake_case
from exporter.collectors.common.month import Month
from exporter.errors import NOT_OFFERED, GitHubError, PayloadError, RateLimited, TimedOut, Unauthorized, Unreachable
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record, text
from exporter.github.reader import GitHub

BILLING_SCOPE, BILLING_PERMISSION = "manage_billing:enterprise", "enterprise_billing"
USAGE_SUMMARY = Endpoint("/enterprises/{enterprise}/settings/billing/usage/summary", BILLING_SCOPE, BILLING_PERMISSION)

NO_COST_CENTER = "none"
"""How the summary is asked for what is charged to no cost center."""
MAX_TIMEOUTS = 3
"""So many summaries in a row that never come are enough for one run."""
POINTLESS_TO_CONTINUE = (RateLimited, Unauthorized, Unreachable)

Filters = tuple[tuple[str, str], ...]
"""What narrows a summary down, as names and values of query parameters."""


def name(value: Any) -> str:
    """A name of GitHub's in the one spelling that labels have; the billing APIs use two vocabularies."""
    return snake_case(text(value))


Name = Annotated[str, BeforeValidator(name)]


class BillingRow(Record):
    """A row of usage; GitHub writes its keys in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)

    product: Name = UNKNOWN
    net_amount: Number = None
    gross_amount: Number = None


class UsageItem(BillingRow):
    """Usage of one SKU: quantities in its unit, amounts in US dollars."""

    sku: Name = UNKNOWN
    unit_type: Name = UNKNOWN
    price_per_unit: Number = None
    gross_quantity: Number = None
    discount_quantity: Number = None
    net_quantity: Number = None
    discount_amount: Number = None

    @property
    def paid_quantity(self) -> float | None:
        """The quantity that costs something; GitHub also calls net what has no price, such as self-hosted minutes."""
        is_free = self.net_amount is not None and self.net_amount <= 0
        return 0 if is_free and self.net_quantity is not None else self.net_quantity


def usage_summary(github: GitHub, month: Month, **filters: str) -> tuple[UsageItem, ...]:
    """The usage of *month* so far, over all cost centers unless *filters* name one."""
    answer = github.get_object(USAGE_SUMMARY, {**month.query, **filters})
    items = answer.get("usageItems")
    if not isinstance(items, list):
        raise PayloadError(f"GET {USAGE_SUMMARY.path}: no list usageItems in the answer")
    return tuple(github.records(UsageItem, items))


def usage_summaries(
    github: GitHub, target: Target, wanted: Iterable[Filters]
) -> Mapping[Filters, tuple[UsageItem, ...]]:
    """One summary of this month for each of *wanted*, without those that cannot be had, for which the run fails.

    GitHub has been seen to take over a minute for some cost centers: those that failed last time come last.
    """
    failed_before: frozenset[Filters] = target.memory.recall("failed summaries", float("inf")) or frozenset()
    month, timeouts = Month.at(target.now), 0
    found: dict[Filters, tuple[UsageItem, ...]] = {}
    failed: set[Filters] = set()
    for filters in sorted(wanted, key=lambda filters: filters in failed_before):
        if timeouts == MAX_TIMEOUTS:
            break
        try:
            found[filters] = usage_summary(github, month, **dict(filters))
        except NOT_OFFERED:  # it vanished meanwhile, or this credential may not see it
            timeouts = 0
        except GitHubError as error:
            github.partial(error)
            failed.add(filters)
            if isinstance(error, POINTLESS_TO_CONTINUE):
                break
            timeouts = timeouts + 1 if isinstance(error, TimedOut) else 0
        else:
            timeouts = 0
    target.memory.remember("failed summaries", frozenset(failed))
    return found
