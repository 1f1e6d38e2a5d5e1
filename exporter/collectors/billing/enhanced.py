"""The enhanced billing platform: everything follows from the usage summary of the month."""

import re
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from exporter.collectors.billing.metrics import (
    ACTIONS_PAID,
    ACTIONS_USED,
    DISCOUNT_QUANTITY,
    DISCOUNT_USD,
    GIGABYTE,
    GROSS_USD,
    MINUTE_SECONDS,
    NET_QUANTITY,
    NET_USD,
    STORAGE_AVERAGE,
    STORAGE_PAID,
    TRANSFER,
    TRANSFER_PAID,
    USAGE_QUANTITY,
)
from exporter.collectors.common.amounts import Key, totals
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import UsageItem
from exporter.metrics.metric import Metric, Sample

Labels = Callable[[UsageItem], Key]

SYSTEM = re.compile(r"(?:^|_)(linux|windows|macos)")

BY_UNIT = {USAGE_QUANTITY: "gross_quantity", DISCOUNT_QUANTITY: "discount_quantity", NET_QUANTITY: "net_quantity"}
BY_SKU = {GROSS_USD: "gross_amount", DISCOUNT_USD: "discount_amount", NET_USD: "net_amount"}
JOBS = {ACTIONS_USED: "gross_quantity", ACTIONS_PAID: "net_quantity"}
STORAGE = {STORAGE_AVERAGE: "gross_quantity", STORAGE_PAID: "net_quantity"}
TRANSFERS = {TRANSFER: "gross_quantity", TRANSFER_PAID: "net_quantity"}


def samples(now: float, items: tuple[UsageItem, ...]) -> Iterator[Sample]:
    """Map the summary: as GitHub counts it, then in base units what has a meaning of its own."""
    yield from summed(BY_UNIT, items, lambda item: (item.product, item.sku, item.unit_type))
    yield from summed(BY_SKU, items, lambda item: (item.product, item.sku))
    jobs = [item for item in items if item.product == "actions" and item.unit_type == "minutes"]
    yield from summed(JOBS, jobs, lambda item: (operating_system(item.sku), item.sku), MINUTE_SECONDS)
    # What is stored costs per gigabyte and hour, so the sum grows all month; over the hours it is what lies there.
    stored = [item for item in items if item.unit_type == "gigabyte_hours"]
    yield from summed(STORAGE, stored, lambda item: (item.product,), GIGABYTE, Month.at(now).hours_elapsed(now))
    yield from summed(TRANSFERS, filter(is_transfer, items), lambda _: (), GIGABYTE)


def summed(
    fields: dict[Metric, str], items: Iterable[UsageItem], labels: Labels, factor: float = 1, divisor: float = 1
) -> Iterator[Sample]:
    """Sum a field per metric and label set; a row that does not tell it adds nothing."""
    items = tuple(items)
    for metric, field in fields.items():
        amount = attrgetter(field)
        for key, total in totals((labels(item), amount(item)) for item in items).items():
            yield metric(total * factor / divisor, *key)


def operating_system(sku: str) -> str:
    """The operating system that the name of an Actions SKU tells; empty if none."""
    found = SYSTEM.search(sku)
    return found[1] if found else ""


def is_transfer(item: UsageItem) -> bool:
    """Whether this is data transfer of Packages, `packages_bandwidth` or `packages_data_transfer`."""
    return item.product == "packages" and item.unit_type == "gigabytes" and "storage" not in item.sku
