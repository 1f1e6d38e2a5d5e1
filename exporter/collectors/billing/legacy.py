"""The legacy billing platform: three endpoints, gone (410) once an enterprise is moved to the enhanced one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from exporter.collectors.billing.metrics import (
    ACTIONS_INCLUDED_USED,
    ACTIONS_PAID,
    ACTIONS_USED,
    GIGABYTE,
    MINUTE_SECONDS,
    STORAGE_AVERAGE,
    STORAGE_INCLUDED_USED,
    STORAGE_PAID,
    TRANSFER,
    TRANSFER_PAID,
    scaled,
)
from exporter.collectors.common.summary import BILLING_PERMISSION, BILLING_SCOPE
from exporter.errors import Unavailable
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample

# No App on an enterprise is as old as these endpoints. They carry the permission of their successor all the same: an
# enterprise that gives an App for billing is to be asked with it.
ACTIONS = Endpoint("/enterprises/{enterprise}/settings/billing/actions", BILLING_SCOPE, BILLING_PERMISSION)
PACKAGES = Endpoint("/enterprises/{enterprise}/settings/billing/packages", BILLING_SCOPE, BILLING_PERMISSION)
SHARED_STORAGE = Endpoint(
    "/enterprises/{enterprise}/settings/billing/shared-storage", BILLING_SCOPE, BILLING_PERMISSION
)
ENDPOINTS = (ACTIONS, PACKAGES, SHARED_STORAGE)

PRODUCT = "shared"

Model = TypeVar("Model", bound=Record)


class Minutes(Record):
    """Minutes of Actions; those per operating system use other names than the enhanced platform and are not read."""

    total_minutes_used: Number = None
    total_paid_minutes_used: Number = None
    included_minutes: Number = None


class Transfer(Record):
    """Gigabytes transferred out of Packages."""

    total_gigabytes_bandwidth_used: Number = None
    total_paid_gigabytes_bandwidth_used: Number = None
    included_gigabytes_bandwidth: Number = None


class Storage(Record):
    """Gigabytes that Actions and Packages store, as GitHub estimates it for the whole month."""

    estimated_storage_for_month: Number = None
    estimated_paid_storage_for_month: Number = None


@dataclass(frozen=True, slots=True)
class LegacyBill:
    """The answers of the three endpoints."""

    minutes: Minutes
    transfer: Transfer
    storage: Storage


def read(github: GitHub) -> LegacyBill:
    """Ask all three and use what answers.

    Raises:
        Unavailable: none is offered.
    """
    missing: list[Unavailable] = []
    bill = LegacyBill(
        minutes=answer(github, ACTIONS, Minutes, missing),
        transfer=answer(github, PACKAGES, Transfer, missing),
        storage=answer(github, SHARED_STORAGE, Storage, missing),
    )
    if len(missing) == len(ENDPOINTS):
        raise missing[0]
    return bill


def answer(github: GitHub, endpoint: Endpoint, model: type[Model], missing: list[Unavailable]) -> Model:
    """The answer of *endpoint*; an empty one if it is not offered, which goes to *missing*."""
    try:
        return github.record(model, github.get_object(endpoint))
    except Unavailable as error:
        missing.append(error)
        return model()


def samples(bill: LegacyBill) -> Iterator[Sample]:
    """Map the totals."""
    yield ACTIONS_USED(scaled(bill.minutes.total_minutes_used, MINUTE_SECONDS), "", "")
    yield ACTIONS_PAID(scaled(bill.minutes.total_paid_minutes_used, MINUTE_SECONDS), "", "")
    yield ACTIONS_INCLUDED_USED(scaled(unpaid(bill.minutes), MINUTE_SECONDS))
    yield STORAGE_INCLUDED_USED(scaled(bill.storage.estimated_storage_for_month, GIGABYTE))
    yield STORAGE_AVERAGE(scaled(bill.storage.estimated_storage_for_month, GIGABYTE), PRODUCT)
    yield STORAGE_PAID(scaled(bill.storage.estimated_paid_storage_for_month, GIGABYTE), PRODUCT)
    yield TRANSFER(scaled(bill.transfer.total_gigabytes_bandwidth_used, GIGABYTE))
    yield TRANSFER_PAID(scaled(bill.transfer.total_paid_gigabytes_bandwidth_used, GIGABYTE))


def unpaid(minutes: Minutes) -> float | None:
    """Minutes that the allowance covered."""
    used, paid = minutes.total_minutes_used, minutes.total_paid_minutes_used
    return None if used is None or paid is None else max(0.0, used - paid)
