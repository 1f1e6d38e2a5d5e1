"""What GitHub bills this month: usage and cost per product and SKU, Actions time, storage, data transfer."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.collector import Allowances, Collector, Persisted, Target
from exporter.collectors.billing import enhanced, legacy, past
from exporter.collectors.billing.legacy import LegacyBill
from exporter.collectors.billing.metrics import (
    ACTIONS_INCLUDED,
    GIGABYTE,
    METRICS,
    MINUTE_SECONDS,
    PERIOD_END,
    PERIOD_START,
    PLATFORM,
    STORAGE_INCLUDED,
    TRANSFER_INCLUDED,
    scaled,
)
from exporter.collectors.billing.past import Past
from exporter.collectors.common.month import Month
from exporter.collectors.common.summary import USAGE_SUMMARY, UsageItem, usage_summary
from exporter.errors import Unavailable
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample

PLATFORM_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class EnhancedBill:
    """The summary of the month so far, and what is read beside it."""

    items: tuple[UsageItem, ...]
    past: Past


Bill = EnhancedBill | LegacyBill


def fetch(github: GitHub, target: Target) -> Bill:
    """Read from the configured platform, else from the one found during the last day, else from the one there is."""
    platform = target.billing_platform
    if platform == "auto":
        platform = target.memory.recall("platform", PLATFORM_KEPT_SECONDS) or "auto"
    if platform == "auto":
        bill = probe(github, target)
        target.memory.remember("platform", platform_of(bill))
        return bill
    return legacy.read(github) if platform == "legacy" else read_enhanced(github, target)


def probe(github: GitHub, target: Target) -> Bill:
    """Read from the enhanced platform and, only where GitHub does not offer that, from the legacy one."""
    try:
        return read_enhanced(github, target)
    except Unavailable as not_enhanced:
        try:
            return legacy.read(github)
        except Unavailable:
            raise not_enhanced from None


def read_enhanced(github: GitHub, target: Target) -> EnhancedBill:
    """Read the month so far, then what lies before."""
    return EnhancedBill(usage_summary(github, Month.at(target.now)), past.read(github, target))


def platform_of(bill: Bill) -> str:
    """The platform that *bill* comes from."""
    return "legacy" if isinstance(bill, LegacyBill) else "enhanced"


def samples(target: Target, bill: Bill) -> Iterator[Sample]:
    """Map the bill; the month is the calendar month in UTC on both platforms."""
    month = Month.at(target.now)
    yield PLATFORM(1, platform_of(bill))
    yield PERIOD_START(month.start)
    yield PERIOD_END(month.end)
    if isinstance(bill, LegacyBill):
        yield from allowances(
            target.included, bill.minutes.included_minutes, bill.transfer.included_gigabytes_bandwidth
        )
        yield from legacy.samples(bill)
    else:
        yield from allowances(target.included)
        yield from enhanced.samples(target.now, bill.items)
        yield from past.samples(bill.past)


def allowances(included: Allowances, minutes: float | None = None, transfer: float | None = None) -> Iterator[Sample]:
    """Map what the plan includes: as configured, also if that is 0, else *minutes* and *transfer* of GitHub's."""
    minutes = minutes if included.actions_minutes is None else included.actions_minutes
    transfer = transfer if included.packages_transfer_gigabytes is None else included.packages_transfer_gigabytes
    yield ACTIONS_INCLUDED(scaled(minutes, MINUTE_SECONDS))
    yield STORAGE_INCLUDED(scaled(included.storage_gigabytes, GIGABYTE))
    yield TRANSFER_INCLUDED(scaled(transfer, GIGABYTE))


COLLECTOR = Collector(
    name="billing",
    help="Usage and cost of the month per product and SKU; Actions time, storage and data transfer.",
    metrics=METRICS,
    endpoints=(USAGE_SUMMARY, *legacy.ENDPOINTS),
    interval=3600,
    persisted={"platform": Persisted(dump=str, load=str), **past.PERSISTED},
    fetch=fetch,
    samples=samples,
)
