"""Visual Studio subscriptions that include GitHub Enterprise, and how many of them are matched to an account."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.collector import Collector, Target
from exporter.collectors.common.counts import total_count
from exporter.github.endpoint import Endpoint
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# The one record of an answer is a person: it is not kept for its ETag.
SUBSCRIPTION_LIST = Endpoint(
    "/enterprises/{enterprise}/visual-studio-subscriptions",
    "read:enterprise",
    "enterprise_licensing",
    revalidate=False,
)

SUBSCRIPTIONS = gauge(
    "ghe_visual_studio_subscriptions",
    "Visual Studio subscriptions by whether they are matched to an account; one that is not uses a second license.",
    "matched",
)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """How many there are, and how many of them no account is known for."""

    all: float
    unmatched: float


def fetch(github: GitHub, _target: Target) -> Subscriptions:
    """Read the two totals."""
    return Subscriptions(
        all=total_count(github, SUBSCRIPTION_LIST),
        unmatched=total_count(github, SUBSCRIPTION_LIST, {"is_unmatched_only": "true"}),
    )


def samples(_target: Target, subscriptions: Subscriptions) -> Iterator[Sample]:
    """Map both; one that is added between the two requests makes none of the others negative."""
    yield SUBSCRIPTIONS(max(0.0, subscriptions.all - subscriptions.unmatched), "true")
    yield SUBSCRIPTIONS(subscriptions.unmatched, "false")


COLLECTOR = Collector(
    name="visual_studio",
    help="Visual Studio subscriptions, matched to an account or not.",
    metrics=(SUBSCRIPTIONS,),
    endpoints=(SUBSCRIPTION_LIST,),
    interval=6 * 3600,
    fetch=fetch,
    samples=samples,
)
