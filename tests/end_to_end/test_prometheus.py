"""A real Prometheus reads the demo."""

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from exporter.collectors import COLLECTORS
from exporter.telemetry.declarations import OWN_METRICS
from tests.support.demonstration import NOW_AND_THEN
from tests.support.tools import eventually, free_port, process, running_demo, tool

# Nothing goes wrong in the demo, so these have no series.
WITHOUT_SERIES = {
    "ghe_exporter_state_last_write_successful": "the demo has no state_dir",
    "ghe_exporter_series_dropped": "no family of the demo has more series than the limit",
}
DECLARED = (*OWN_METRICS, *(metric for collector in COLLECTORS for metric in collector.metrics))
METRICS = sorted({metric.name + ("_bucket" if metric.type == "histogram" else "") for metric in DECLARED})
JOBS = ("openmetrics", "text")


class TextOnly(http.server.BaseHTTPRequestHandler):
    """Hands a scrape on as one that only knows the text format; Prometheus itself cannot be made to ask for it."""

    upstream = ""

    def do_GET(self) -> None:
        request = Request(self.upstream + self.path, headers={"Accept": "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"})
        with urlopen(request, timeout=10) as answer:
            body, kind = answer.read(), answer.headers["Content-Type"]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def text_only(url: str) -> Iterator[int]:
    """A proxy before *url* that only gets text; its port."""
    handler = type("Handler", (TextOnly,), {"upstream": url})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy.server_port
        finally:
            proxy.shutdown()
            thread.join()


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, **query: str) -> Any:
        """The data of an answer of its API."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def values(self, query: str) -> dict[str, float]:
        """Result of an instant query by job."""
        result = self.ask("query", query=query)["result"]
        return {series["metric"].get("job", ""): float(series["value"][1]) for series in result}

    def is_up(self) -> bool:
        """Whether it serves and has scraped every job."""
        try:
            return self.values("up") == dict.fromkeys(JOBS, 1.0)
        except OSError:
            return False


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Address of a demo."""
    with running_demo() as url:
        yield url


@pytest.fixture(scope="module")
def prometheus(demo: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has read the demo in both formats."""
    program = tool("prometheus")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with text_only(demo) as proxy:
        jobs = {"openmetrics": demo.removeprefix("http://"), "text": f"127.0.0.1:{proxy}"}
        config = {
            "global": {"scrape_interval": "2s", "scrape_timeout": "2s"},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in jobs.items()
            ],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        port = free_port()
        with process(
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ):
            running = Prometheus(port)
            eventually(running.is_up, "Prometheus has scraped both jobs")
            yield running


def metrics(demo: str, accept: str) -> tuple[str, bytes]:
    """Type and body of a scrape."""
    with urlopen(Request(f"{demo}/metrics", headers={"Accept": accept}), timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_promtool_accepts_the_metrics(demo: str) -> None:
    """`promtool check metrics` has nothing to object to in the whole exposition."""
    _, text = metrics(demo, "text/plain")
    checked = subprocess.run([tool("promtool"), "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_promtool_rejects_bad_metrics() -> None:
    """The same command does object to a bad metric."""
    bad = b"# HELP ghe_seats_total Seats.\n# TYPE ghe_seats_total gauge\nghe_seats_total 1\n"
    checked = subprocess.run([tool("promtool"), "check", "metrics"], input=bad, capture_output=True, check=False)
    assert checked.returncode != 0


def test_prometheus_scrapes_both_formats(demo: str, prometheus: Prometheus) -> None:
    """Prometheus scrapes one job as OpenMetrics and the other as text, as it asks for them."""
    kind, text = metrics(demo, "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")
    assert metrics(demo, "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")[0].startswith("text/plain; version=0.0.4")
    assert prometheus.values("up") == dict.fromkeys(JOBS, 1)


@pytest.mark.parametrize("metric", METRICS)
def test_every_declared_metric_arrives_in_prometheus(prometheus: Prometheus, metric: str) -> None:
    """Every declared metric has series in the demo, as many in one format as in the other."""
    query = f"count by (job) ({metric})"
    if metric in WITHOUT_SERIES:
        assert prometheus.values(query) == {}
        return
    if metric in NOW_AND_THEN and prometheus.values(query) == {}:
        return
    assert prometheus.values(query).keys() == set(JOBS)
    # The company may change between the two scrapes.
    eventually(lambda: len(set(prometheus.values(query).values())) == 1, f"{metric} is the same in both formats")


def test_type_and_help_arrive_in_prometheus(prometheus: Prometheus) -> None:
    """Prometheus knows type and help of every metric as they are declared."""
    known = prometheus.ask("targets/metadata", match_target='{job="text"}')
    types = {entry["metric"]: (entry["type"], entry["help"]) for entry in known}
    for metric in DECLARED:
        if metric.name not in NOW_AND_THEN:
            assert types[metric.name] == (metric.type, metric.help)


def test_no_series_is_lost_or_duplicated(prometheus: Prometheus) -> None:
    """Prometheus keeps every sample it scrapes, and none of them is refused."""
    scraped = prometheus.values("scrape_samples_scraped")
    assert scraped == prometheus.values("scrape_samples_post_metric_relabeling")
    assert min(scraped.values()) > 100
    targets = prometheus.ask("targets", state="active")["activeTargets"]
    assert [target["lastError"] for target in targets] == ["", ""]


def test_healthy_enterprise_fires_no_alert(prometheus: Prometheus) -> None:
    """In the demo every collector that is available works."""
    assert prometheus.values("min by (job) (ghe_up)") == dict.fromkeys(JOBS, 1)
    failing = "count by (job) (ghe_exporter_collector_available == 1 and ghe_exporter_collector_success == 0)"
    assert prometheus.values(failing) == {}
