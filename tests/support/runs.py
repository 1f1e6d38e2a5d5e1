"""Runs of one collector: answers that succeed and fail, and a collector that breaks."""

from typing import Any

from exporter.collector import Collector, Target
from exporter.metrics.metric import Sample, gauge

PATH = "/enterprises/octo-corp/consumed-licenses"
GOOD = {"total_seats_consumed": 7, "users": []}
DAY = 86_400
CONSUMED = 'ghe_license_seats_consumed{enterprise="octo-corp"}'


def failing(status: int, **headers: str) -> dict[str, Any]:
    """An answer with *status* that says nothing more."""
    return {"status": status, "headers": headers, "body": "{}"}


def broken_collector(secret: str) -> Collector[Any]:
    """A collector that raises an exception about *secret* when it makes samples."""
    metric = gauge("ghe_broken", "Never seen.")

    def samples(_target: Target, _fetched: object) -> list[Sample]:
        raise KeyError(secret)

    return Collector(
        name="broken",
        help="Broken.",
        metrics=(metric,),
        endpoints=(),
        interval=60,
        fetch=lambda _github, _target: None,
        samples=samples,
    )
