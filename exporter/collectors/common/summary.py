"""The usage summary of a month, which several collectors read: about one row per SKU."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from exporter.collectors.common.labels import UNKNOWN, enumerated
from exporter.collectors.common.month import Month
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record, text
from exporter.github.reader import GitHub

BILLING_SCOPE, BILLING_PERMISSION = "manage_billing:enterprise", "enterprise_billing"
USAGE_SUMMARY = Endpoint("/enterprises/{enterprise}/settings/billing/usage/summary", BILLING_SCOPE, BILLING_PERMISSION)


def name(value: Any) -> str:
    """A name of GitHub's in the one spelling that labels have; the billing APIs use two vocabularies."""
    return enumerated(text(value))


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
