"""An exporter whose runs the test starts, and what it exposes."""

import random
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from exporter.app import Exporter
from exporter.collector import Platform
from exporter.collectors import COLLECTORS
from exporter.config.settings import Settings
from tests.support.harness import read_all
from tests.support.web_server import get

ON = [collector for collector in COLLECTORS if collector.enabled]
ON_CLOUD, ON_SERVER = ({item.name for item in ON if platform in item.platforms} for platform in Platform)
FOR_CLOUD_ALONE = ON_CLOUD - ON_SERVER
BY_FIRST = {collector.name for collector in ON if collector.app_can_read} & ON_CLOUD
BY_SECOND = ON_CLOUD - BY_FIRST
BY_OWN = {collector.name for collector in ON if collector.organizations}

RUN = ("enterprise", "collector")
ELSEWHERE = {"slug": "acme", "api_url": "http://127.0.0.1:9"}


class Never(random.Random):
    """First runs that are never due, so that a test decides what runs and when."""

    def uniform(self, a: float, b: float) -> float:
        """A delay longer than any test."""
        del a, b
        return 1e9


def settings(*enterprises: dict[str, Any], **others: Any) -> Settings:
    """Settings for *enterprises*, each with a token if it has no credential of its own."""
    described = [{"auth": {"token": "octo"}, **enterprise} for enterprise in enterprises]
    return Settings.model_validate({"enterprises": described, **others})


def run_all(exporter: Exporter) -> None:
    """One run of every collector."""
    for collection in exporter.collections.values():
        read_all(collection)


def page(exporter: Exporter) -> str:
    """What a scrape gets."""
    return b"".join(exporter.exposition.page().plain(exporter.telemetry.chunks(openmetrics=False))).decode()


def series(exporter: Exporter, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by the values of those of its labels that distinguish its series."""
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in text_string_to_metric_families(page(exporter))
        for sample in family.samples
        if sample.name == name
    }


def label_values(exporter: Exporter, label: str) -> set[str]:
    """Every value of a label in everything a scrape gets."""
    return {
        sample.labels[label]
        for family in text_string_to_metric_families(page(exporter))
        for sample in family.samples
        if label in sample.labels
    }


def available(exporter: Exporter) -> dict[str, float]:
    """Whether each collector of the only enterprise is available."""
    values = series(exporter, "ghe_exporter_collector_available", "collector")
    return {collector: value for (collector,), value in values.items()}


def ask(exporter: Exporter, path: str) -> tuple[str, str]:
    """Status and body that the web application answers."""
    response = get(exporter.application(), path)
    return str(response.status.value), b"".join(response.body).decode()
