"""The shipped rules in a real Prometheus and the shipped routes in a real Alertmanager, both in a hurry."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import yaml

from tests.support.tools import answers, eventually, free_port, process, tool

ALERTS = Path(__file__).resolve().parents[2] / "alerts"
ROUTES = ALERTS / "alertmanager.example.yaml"

HURRY = 400
"""`for` is this many times shorter than shipped; which alert comes before which stays as it is."""
GROUP_SECONDS = "500ms"
STEP = "500ms"
SCRAPE = "1s"
UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATIONS = ("for", "keep_firing_for")
WAITS = ("group_wait", "group_interval")
SHIPPED_WEBHOOK = "http://127.0.0.1:9099/"


def hurried(duration: str) -> str:
    """A duration divided by `HURRY`."""
    return f"{int(duration[:-1]) * UNITS_MS[duration[-1]] // HURRY}ms"


def hurried_rules(text: str) -> str:
    """A file of rules with shorter durations."""
    document = yaml.safe_load(text)
    for group in document["groups"]:
        for rule in group["rules"]:
            rule.update({key: hurried(rule[key]) for key in DURATIONS if key in rule})
    return json.dumps(document)


def hurried_routes(text: str, port: int) -> str:
    """A configuration of Alertmanager that waits for nothing and calls the webhook at *port*."""
    document = yaml.safe_load(text.replace(SHIPPED_WEBHOOK, f"http://127.0.0.1:{port}/"))
    for route in (document["route"], *document["route"]["routes"]):
        route.update({key: GROUP_SECONDS for key in WAITS if key in route})
    return json.dumps(document)


def without(document: Any, keys: tuple[str, ...]) -> Any:
    """A document with what stands under *keys* taken out, at every depth."""
    if isinstance(document, Mapping):
        return {key: without(value, keys) for key, value in document.items() if key not in keys}
    if isinstance(document, list):
        return [without(value, keys) for value in document]
    return document


@dataclass(frozen=True, slots=True)
class Alerting:
    """A running Prometheus and a running Alertmanager."""

    prometheus: str
    alertmanager: str

    def values(self, query: str) -> list[float]:
        """The values of an instant query."""
        result = fetch(f"{self.prometheus}/api/v1/query?{urlencode({'query': query})}")["data"]["result"]
        return [float(series["value"][1]) for series in result]

    def evaluations(self) -> int:
        """How often Prometheus has evaluated the group of rules that it evaluated least often."""
        return int(min(self.values("prometheus_rule_group_iterations_total"), default=0))

    def states(self) -> dict[tuple[str, str], str]:
        """What Alertmanager makes of each alert: active or suppressed, by its name and enterprise."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("enterprise", "")): alert["status"]["state"]
            for alert in fetch(f"{self.alertmanager}/api/v2/alerts")
        }

    def send(self, **labels: str) -> None:
        """Raise an alert at Alertmanager without Prometheus."""
        body = json.dumps([{"labels": labels}]).encode()
        request = Request(f"{self.alertmanager}/api/v2/alerts", body, {"Content-Type": "application/json"})
        urlopen(request, timeout=10).close()


def fetch(url: str) -> Any:
    """The JSON that *url* answers."""
    with urlopen(url, timeout=10) as answer:
        return json.load(answer)


@contextmanager
def alerting(folder: Path, targets: list[str], webhook: int) -> Iterator[Alerting]:
    """Prometheus and Alertmanager that read *targets* and notify the webhook at that port."""
    prometheus, alertmanager = tool("prometheus"), tool("prometheus-alertmanager")
    ports = {"prometheus": free_port(), "alertmanager": free_port()}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    (folder / "rules").mkdir()
    for file in ALERTS.glob("rules/*.yaml"):
        (folder / "rules" / file.name).write_text(hurried_rules(file.read_text()))
    (folder / "alertmanager.yaml").write_text(hurried_routes(ROUTES.read_text(), webhook))
    jobs = {"ghe-exporter": targets, "prometheus": [f"127.0.0.1:{ports['prometheus']}"]}
    config = {
        "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": STEP},
        "rule_files": [str(folder / "rules" / "*.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]}]},
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": them}]} for job, them in jobs.items()],
    }
    (folder / "prometheus.yaml").write_text(json.dumps(config))
    with (
        process(
            alertmanager,
            f"--config.file={folder / 'alertmanager.yaml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            "--cluster.listen-address=",
            "--log.level=error",
        ),
        process(
            prometheus,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
            "--log.level=error",
        ),
    ):
        for name, url in urls.items():
            eventually(lambda url=url: answers(f"{url}/-/ready"), f"{name} is ready")  # type: ignore[misc]
        yield Alerting(**urls)


def numbers(text: str) -> list[str]:
    """The numbers of a text for people, as they stand there."""
    return re.findall(r"\d[\d.,]*(?:e[+-]\d+)?", text)
