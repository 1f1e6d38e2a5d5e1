"""An exporter in a process of its own that collects from a simulated GitHub in another one."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import measure
from benchmarks.scraper import Client
from benchmarks.simulated import ENTERPRISE, Company
from exporter.collectors import COLLECTORS

CONCURRENCY = 4
MAX_SECONDS = 600.0

Samples = dict[tuple[str, frozenset[str]], float]
"""By name and label values."""


class Collected(NamedTuple):
    """What an exporter had to show once every collector had run, and what that took."""

    peak_bytes: int
    cpu_seconds: float
    page_bytes: int
    samples: Samples

    def value(self, name: str, *labels: str) -> float:
        """The value of one series; *labels* are the values beside that of `enterprise`."""
        return self.samples[name, frozenset((ENTERPRISE, *labels))]

    def total(self, name: str) -> float:
        """The sum over all series of a metric."""
        return sum(value for (metric, _), value in self.samples.items() if metric == name)

    def seconds(self, collector: str) -> float:
        """How long the run of *collector* took."""
        return self.value("ghe_exporter_collector_duration_seconds", collector)


@contextmanager
def simulated(users: int, runners: int, *arguments: object) -> Iterator[Company]:
    """Run the simulated GitHub."""
    sizes = ("--users", users, "--runners", runners)
    with measure.python("benchmarks.simulated", *sizes, *arguments) as child:
        yield Company(**json.loads(child.first_line))


@contextmanager
def exporting(settings: Mapping[str, Any]) -> Iterator[measure.Child]:
    """Run `ghe-exporter serve` with *settings*; the first line is its URL."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(yaml.safe_dump(dict(settings)), "utf-8")
        with measure.python("benchmarks.exporting", config) as child:
            yield child


def collect(company: Company, collectors: Sequence[str], users: int, runners: int) -> Collected:
    """Let *collectors* run once, scrape in both codings, and look at what the process took."""
    switched = {collector.name: {"enabled": collector.name in collectors} for collector in COLLECTORS}
    settings = {
        "listen": "127.0.0.1:0",
        "log_level": "error",
        "enterprises": [{"slug": ENTERPRISE, "api_url": company.url, "auth": {"token": "example"}}],
        "collectors": switched,
        "limits": {
            "max_concurrency": CONCURRENCY,
            "max_pages": users // 100 + 2000,
            "max_series_per_metric": max(10_000, runners),
        },
    }
    with exporting(settings) as child:
        url = f"{child.first_line}/metrics"
        # Not all of /metrics: looking must not cost what is looked at.
        look = Client(f"{url}?collect[]=licenses", gzip=False)

        def is_done() -> bool:
            found = parsed(look.body())
            return all(
                found.get(("ghe_exporter_collector_success", frozenset((ENTERPRISE, name)))) == 1 for name in collectors
            )

        measure.wait_until(is_done, MAX_SECONDS)
        Client(url, gzip=True).scrape()
        body = Client(url, gzip=False).body()
        pid = child.process.pid
        return Collected(measure.peak_bytes(pid), measure.cpu_seconds(pid), len(body), parsed(body))


def parsed(body: bytes) -> Samples:
    """Every sample by name and label values."""
    families = text_string_to_metric_families(body.decode())
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }
