"""Data to scrape: runners of four enterprises, as the collector `runners` maps them, for both sides."""

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector as RegistryCollector

from exporter.app import Exporter
from exporter.collector import Platform, Target
from exporter.collectors import COLLECTORS, runners
from exporter.config.settings import Settings
from exporter.github.models import Runner
from exporter.metrics.exposition import render
from exporter.metrics.metric import Distribution, Metric, Value, families
from exporter.runtime.snapshot import Result
from exporter.runtime.status import Key

ENTERPRISES = ("acme", "globex", "octo", "octo-tenant")
SERIES_PER_RUNNER = 3
GROUPS = 20
NOBODY = "https://127.0.0.1:9"
"""The discard port: the settings want an address that is never asked."""

Grouped = dict[Metric, dict[tuple[str, ...], Value]]


class Memory:
    """A memory that forgets."""

    def recall(self, _key: str, _max_age: float) -> Any | None:
        """Nothing."""
        return None

    def remember(self, _key: str, _value: Any) -> None:
        """Nothing."""


def fleet(size: int) -> runners.Fleet:
    """*size* runners in a few groups."""
    records = tuple(
        Runner(
            id=str(100_000 + number),
            name=f"linux-builder-{number // 40:03}-{number % 40:02}",
            os="Linux" if number % 5 else "Windows",
            status="offline" if number % 20 == 0 else "online",
            busy=number % 3 == 0,
            ephemeral=number % 2 == 0,
            version=f"2.33{number % 3}.0",
            runner_group_id=str(number % GROUPS),
        )
        for number in range(size)
    )
    return runners.Fleet(records, runners.Membership({str(id_): f"group-{id_:02}" for id_ in range(GROUPS)}, {}))


def grouped(enterprise: str, fleet: runners.Fleet) -> Grouped:
    """The samples of *fleet*, as the collection groups them."""
    target = Target(enterprise, Platform.CLOUD, runners.RunnersOptions(), Memory(), 0.0)
    return families(runners.COLLECTOR.metrics, runners.samples(target, fleet))


def per_enterprise(series: int) -> int:
    """How many runners an enterprise needs so that all together have about *series* series."""
    return max(1, round(series / (SERIES_PER_RUNNER * len(ENTERPRISES))))


def exporter(series: int) -> Exporter:
    """An exporter that is set up for ENTERPRISES and has asked every endpoint, as far as its own metrics know."""
    made = Exporter()
    made.apply(
        Settings.model_validate(
            {
                "listen": "127.0.0.1:0",
                "enterprises": [{"slug": slug, "api_url": NOBODY, "auth": {"token": "x"}} for slug in ENTERPRISES],
                "limits": {"max_series_per_metric": max(1, series)},
            }
        )
    )
    for slug in ENTERPRISES:
        observer = made.telemetry.observer(slug)
        for endpoint in {endpoint for collector in COLLECTORS for endpoint in collector.endpoints}:
            observer.attempted(endpoint, "200", 0.2)
    return made


def publish(made: Exporter, enterprise: str, fleet: runners.Fleet) -> None:
    """Do what a run does once its answers are there: map, render, publish."""
    with made.snapshots.lock:
        result = Result(render(enterprise, grouped(enterprise, fleet)), 0.0)
        made.snapshots.publish(Key(enterprise, runners.COLLECTOR.name).level(), result)


class SameData(RegistryCollector):
    """The same series for prometheus_client, built once, so that a scrape costs it the writing alone."""

    def __init__(self, series: int) -> None:
        self._families: dict[str, GaugeMetricFamily] = {}
        fleet_of_each = fleet(per_enterprise(series))
        for enterprise in ENTERPRISES:
            for metric, samples in grouped(enterprise, fleet_of_each).items():
                empty = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
                family = self._families.setdefault(metric.name, empty)
                for labels, value in samples.items():
                    if not isinstance(value, Distribution):
                        family.add_metric((enterprise, *labels), value)

    def collect(self) -> Iterator[Family]:
        """Hand the families over."""
        yield from self._families.values()
