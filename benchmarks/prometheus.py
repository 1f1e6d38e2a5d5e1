"""A real Prometheus that scrapes one target: how long the scrape takes it, parsing and storing included."""

import json
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import yaml

from benchmarks.measure import STOP_SECONDS, free_port, wait_until

PROGRAM = "prometheus"
INTERVAL_SECONDS = 5
QUERY_SECONDS = 10.0


def program() -> str | None:
    """Where Prometheus is, if anywhere."""
    return shutil.which(PROGRAM)


@contextmanager
def prometheus(target: str) -> Iterator[str]:
    """Scrape the host and port *target* every few seconds; yield the URL of Prometheus.

    Raises:
        FileNotFoundError: there is no Prometheus.
    """
    found = program()
    if found is None:
        raise FileNotFoundError("no prometheus: on Debian and Ubuntu, apt install prometheus")
    port = free_port()
    settings = {
        "global": {"scrape_interval": f"{INTERVAL_SECONDS}s", "scrape_timeout": f"{INTERVAL_SECONDS}s"},
        "scrape_configs": [{"job_name": "ghe-exporter", "static_configs": [{"targets": [target]}]}],
    }
    with tempfile.TemporaryDirectory(prefix="prometheus-") as name:
        folder = Path(name)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings), "utf-8")
        command = [
            found,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        process = subprocess.Popen(command)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def scrape_seconds(url: str, scrapes: int) -> list[float]:
    """The duration of each of the first *scrapes* or more, once there are so many."""

    def durations() -> list[float]:
        span = (scrapes + 2) * INTERVAL_SECONDS
        series = query(url, f"scrape_duration_seconds[{span}s]")
        return [float(value) for each in series for _, value in each["values"]]

    wait_until(lambda: len(durations()) >= scrapes, 3 * (scrapes + 3) * INTERVAL_SECONDS)
    return durations()


def samples_scraped(url: str) -> float:
    """How many samples the last scrape brought; 0 if it failed."""
    return float(query(url, "scrape_samples_scraped * up")[0]["value"][1])


def query(url: str, expression: str) -> list[dict[str, Any]]:
    """The result of an instant query; empty while Prometheus does not answer yet."""
    asked = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    try:
        with urllib.request.urlopen(asked, timeout=QUERY_SECONDS) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return result
    except (URLError, ConnectionError):
        return []
