"""The enhanced billing platform: everything follows from the usage summary of the month."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from operator import attrgetter

from exporter.collectors.billing.metrics import (
    ACTIONS_INCLUDED_USED,
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
    STORAGE_INCLUDED_USED,
    STORAGE_PAID,
    TRANSFER,
    TRANSFER_PAID,
    UNIT_PRICE,
    USAGE_QUANTITY,
)
from exporter.collectors.common.amounts import Key, rounded, totals
from exporter.collectors.common.labels import UNKNOWN
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import UsageItem
from exporter.collectors.common.units import byte_hours
from exporter.metrics.metric import Metric, Sample

Labels = Callable[[UsageItem], Key]

LINUX = "actions_linux"
LINUX_MINUTE_USD = 0.006
"""Where no row carries the price of a minute on the standard Linux runner."""
NOT_INCLUDED = re.compile(r"self_hosted|_[0-9]+_core|_(gpu|l|xl)$")
"""SKUs of self-hosted and larger runners, which never use the allowance."""
INCLUDED_STORAGE = frozenset({"actions_storage", "packages_storage"})
"""Artifacts and packages; caches and custom images have a price of their own and no allowance."""

SYSTEM = re.compile(r"(?:^|_)(linux|windows|macos)")

BY_UNIT = {USAGE_QUANTITY: "gross_quantity", DISCOUNT_QUANTITY: "discount_quantity", NET_QUANTITY: "net_quantity"}
BY_SKU = {GROSS_USD: "gross_amount", DISCOUNT_USD: "discount_amount", NET_USD: "net_amount"}
JOBS = {ACTIONS_USED: "gross_quantity", ACTIONS_PAID: "paid_quantity"}
STORAGE = {STORAGE_AVERAGE: "gross_quantity", STORAGE_PAID: "paid_quantity"}
TRANSFERS = {TRANSFER: "gross_quantity", TRANSFER_PAID: "paid_quantity"}


def samples(now: float, items: tuple[UsageItem, ...]) -> Iterator[Sample]:
    """Map the summary: as GitHub counts it, then in base units what has a meaning of its own."""
    yield from summed(BY_UNIT, items, lambda item: (item.product, item.sku, item.unit_type))
    yield from summed(BY_SKU, items, lambda item: (item.product, item.sku))
    yield from prices(items)
    jobs = [item for item in items if item.product == "actions" and item.unit_type == "minutes"]
    yield from summed(JOBS, jobs, lambda item: (operating_system(item.sku), item.sku), MINUTE_SECONDS)
    yield ACTIONS_INCLUDED_USED(included_seconds(jobs))
    month = Month.at(now)
    stored = [item for item in items if is_storage(item, month)]
    yield from storage(STORAGE, stored, lambda item: (item.product,), month, now)
    included = [item for item in stored if item.sku in INCLUDED_STORAGE]
    if stored and not included:
        yield STORAGE_INCLUDED_USED(0)
    yield from storage({STORAGE_INCLUDED_USED: "gross_quantity"}, included, lambda _: (), month, now)
    yield from summed(TRANSFERS, filter(is_transfer, items), lambda _: (), GIGABYTE)


def summed(
    fields: dict[Metric, str], items: Iterable[UsageItem], labels: Labels, factor: float = 1
) -> Iterator[Sample]:
    """Sum a field per metric and label set; a row without it adds nothing."""
    items = tuple(items)
    for metric, field in fields.items():
        amount = attrgetter(field)
        for key, total in totals((labels(item), amount(item)) for item in items).items():
            yield metric(total * factor, *key)


def prices(items: Iterable[UsageItem]) -> Iterator[Sample]:
    """The highest price of each unit."""
    highest: dict[Key, float] = {}
    for item in items:
        if item.price_per_unit is not None:
            key: Key = (item.product, item.sku, item.unit_type)
            highest[key] = max(item.price_per_unit, highest.get(key, item.price_per_unit))
    for key, price in highest.items():
        yield UNIT_PRICE(price, *key)


def storage(
    fields: dict[Metric, str], items: Iterable[UsageItem], labels: Labels, month: Month, now: float
) -> Iterator[Sample]:
    """Average what is stored, in bytes: it is billed by size and time, so the sum grows all month."""
    hours = month.hours_elapsed(now)
    stored = [(labels(item), item, Fraction(byte_hours(item.unit_type, month) or 0)) for item in items]
    for metric, field in fields.items():
        amount = attrgetter(field)
        sizes = ((key, amount(item), size) for key, item, size in stored)
        rows = ((key, None if quantity is None else Fraction(quantity) * size) for key, quantity, size in sizes)
        for key, total in totals(rows).items():
            yield metric(total / hours, *key)


def is_storage(item: UsageItem, month: Month) -> bool:
    """Whether this is something that is kept; memory is billed by size and time as well."""
    return byte_hours(item.unit_type, month) is not None and "memory" not in item.sku


def included_seconds(jobs: Sequence[UsageItem]) -> float | None:
    """Time drawn from the allowance, in price equivalents of the standard Linux runner.

    GitHub reports discounts, not what they are for. Those of self-hosted and larger runners are known by their SKU;
    those of public repositories are not, so this is an upper bound.
    """
    prices = [item.price_per_unit for item in jobs if item.sku == LINUX and (item.price_per_unit or 0) > 0]
    standard = [item for item in jobs if item.sku != UNKNOWN and not NOT_INCLUDED.search(item.sku)]
    if not standard:
        return 0 if jobs else None
    discount = totals(((), item.discount_amount) for item in standard).get(())
    if discount is None:
        return None
    return rounded(discount / max(filter(None, prices), default=LINUX_MINUTE_USD) * MINUTE_SECONDS)


def operating_system(sku: str) -> str:
    """The operating system in the name of an Actions SKU; empty if none."""
    found = SYSTEM.search(sku)
    return found[1] if found else ""


def is_transfer(item: UsageItem) -> bool:
    """Whether this is data transfer of Packages, `packages_bandwidth` or `packages_data_transfer`."""
    return item.product == "packages" and item.unit_type == "gigabytes" and "storage" not in item.sku
