"""An exporter of a very large enterprise: memory, time, the size of /metrics, Prometheus' scrape of it, and a restart.

    python -m benchmarks.largest

A million license users and 50,000 runners of a simulated GitHub that answers at once, read by one exporter with
`state_dir`. A real Prometheus scrapes it; then the process is killed and started again.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from benchmarks import measure
from benchmarks.collecting import exporting, parsed, simulated
from benchmarks.measure import Check
from benchmarks.prometheus import prometheus, samples_scraped, scrape_seconds
from benchmarks.scraper import Client
from benchmarks.simulated import ENTERPRISE
from exporter.collectors import COLLECTORS

MEGABYTE = 1_000_000
COLLECTED = ("licenses", "license_users", "runners", "runner_groups")
MAX_SECONDS = 1200.0
MAX_RESTART_SECONDS = 1.5
MAX_SCRAPE_SECONDS = 10.0
"""Prometheus' own default time-out of a scrape."""


def settings(url: str, state: Path, users: int, runners: int) -> dict[str, Any]:
    """What such an enterprise would set, and the largest collectors alone."""
    switched = {
        collector.name: {"enabled": collector.name in COLLECTED, "interval": "6h", "max_age": "24h"}
        for collector in COLLECTORS
    }
    return {
        "listen": "127.0.0.1:0",
        "log_level": "error",
        "state_dir": str(state),
        "enterprises": [{"slug": ENTERPRISE, "api_url": url, "auth": {"token": "example"}}],
        "collectors": switched,
        "limits": {"max_pages": users // 100 + 2000, "max_series_per_metric": max(10_000, runners)},
    }


def first_start(chosen: dict[str, Any], state: Path, scrapes: int) -> dict[str, Any]:
    """Collect everything, let Prometheus scrape it, and end by force once it is stored."""
    with exporting(chosen) as child:
        url = f"{child.first_line}/metrics"

        def seconds() -> dict[str, float]:
            found = parsed(Client(f"{url}?collect[]=licenses", gzip=False).body())
            key = {name: frozenset((ENTERPRISE, name)) for name in COLLECTED}
            done = [name for name in COLLECTED if found.get(("ghe_exporter_collector_success", key[name])) == 1]
            return {name: found["ghe_exporter_collector_duration_seconds", key[name]] for name in done}

        measure.wait_until(lambda: len(seconds()) == len(COLLECTED), MAX_SECONDS)
        with prometheus(urlsplit(url).netloc) as server:
            scraped = scrape_seconds(server, scrapes)
            samples = samples_scraped(server)
        plain, compressed = Client(url, gzip=False), Client(url, gzip=True)
        figures = {
            "collector_seconds": seconds(),
            "cpu_seconds": measure.cpu_seconds(child.process.pid),
            "peak_megabytes": measure.peak_bytes(child.process.pid) / MEGABYTE,
            "page_bytes": plain.scrape(),
            "gzip_bytes": compressed.scrape(),
            "prometheus_samples": samples,
            "prometheus_scrape_seconds": median(scraped),
            "prometheus_slowest_seconds": max(scraped),
        }
        figures["state_bytes"] = measure.wait_until_stored(state, MAX_SECONDS)
        child.process.kill()
    return figures


def restart(chosen: dict[str, Any]) -> tuple[float, float]:
    """Seconds from the start of a process to the end of a whole scrape of it, and its peak memory."""
    began = time.perf_counter()
    with exporting(chosen) as child:
        body = Client(f"{child.first_line}/metrics", gzip=False).body()
        seconds = time.perf_counter() - began
        if b"\nghe_runner_online{" not in body:
            raise RuntimeError("the restarted exporter does not show the runners")
        peak = measure.peak_bytes(child.process.pid) / MEGABYTE
        child.process.kill()
    return seconds, peak


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, users=1_000_000, runners=50_000, scrapes=5, rounds=3)
    with tempfile.TemporaryDirectory() as folder, simulated(chosen.users, chosen.runners) as company:
        state = Path(folder) / "state"
        described = settings(company.url, state, chosen.users, chosen.runners)
        figures = first_start(described, state, chosen.scrapes)
        restarts = [restart(described) for _ in range(chosen.rounds)]
    checks = [
        Check("seconds of Prometheus' slowest scrape", figures["prometheus_slowest_seconds"], MAX_SCRAPE_SECONDS),
        Check("seconds from a restart to a whole scrape", median(each for each, _ in restarts), MAX_RESTART_SECONDS),
    ]
    measure.report("largest", checks, {**figures, "restart_peak_megabytes": max(peak for _, peak in restarts)})


if __name__ == "__main__":
    main()
