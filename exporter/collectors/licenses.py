"""Seats consumed against seats purchased."""

from collections.abc import Iterator

from exporter.collector import LICENSE_MAX_AGE, Collector, Target
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Seats
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

CONSUMED_LICENSES = Endpoint("/enterprises/{enterprise}/consumed-licenses", "read:enterprise", "enterprise_licensing")

CONSUMED = gauge("ghe_license_seats_consumed", "License seats in use; can exceed the purchased ones.")
PURCHASED = gauge("ghe_license_seats_purchased", "License seats bought; absent when the license is metered.")


def fetch(github: GitHub, _target: Target) -> Seats:
    """Read the totals, which every page repeats: one user is asked for, none is kept."""
    answer = github.get_object(CONSUMED_LICENSES, {"per_page": 1})
    seats = github.record(Seats, answer)
    if not isinstance(answer.get("users"), list) and seats == Seats():
        raise PayloadError(f"GET {CONSUMED_LICENSES.path}: neither totals nor users in the answer")
    return seats


def samples(_target: Target, seats: Seats) -> Iterator[Sample]:
    """Map the totals; nothing purchased means a metered license, which has no limit."""
    yield CONSUMED(seats.total_seats_consumed)
    yield PURCHASED(seats.total_seats_purchased or None)


COLLECTOR = Collector(
    name="licenses",
    help="License seats consumed and purchased.",
    metrics=(CONSUMED, PURCHASED),
    endpoints=(CONSUMED_LICENSES,),
    interval=900,
    essential=True,
    stretches=False,
    min_max_age=LICENSE_MAX_AGE,
    fetch=fetch,
    samples=samples,
)
