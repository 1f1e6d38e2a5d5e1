"""How soon after its start an exporter with `state_dir` shows everything again, and what it asks GitHub for that.

    python -m benchmarks.restart

An exporter collects from a simulated GitHub until it has 100,000 series, is killed, and is started again and again.
The time runs from the start of the process to the end of a whole scrape, as a scraper gets it; what collectors expose
must be the same, byte for byte. No collector is due meanwhile, so every request is one too many.
"""

import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks import measure
from benchmarks.collecting import exporting
from benchmarks.measure import Check
from benchmarks.scraper import Client
from benchmarks.simulated import ENTERPRISE, NO_LIMIT
from exporter.collectors import COLLECTORS
from exporter.simulator.server import Simulator

MOST_SECONDS = 1.5
SERIES_PER_RUNNER = 2.82
"""Three for each that is registered, and at any moment six percent are not."""
START_SECONDS = 600.0
FIRST_RUNS_SECONDS = 4.0
"""When first runs have begun, if there are any."""
LONG, LONG_AGE = "6h", "24h"
DOMAIN = re.compile(rb"^ghe_(?!exporter_|rate_limit_|token_|up).*$", re.MULTILINE)


def settings(url: str, state_dir: str, series: int) -> dict[str, Any]:
    """Every collector, none of which is due for hours after its first run."""
    return {
        "listen": "127.0.0.1:0",
        "log_level": "error",
        "state_dir": state_dir,
        "enterprises": [{"slug": ENTERPRISE, "api_url": url, "auth": {"token": "example"}}],
        "collectors": {
            collector.name: {"enabled": True, "interval": LONG, "max_age": LONG_AGE} for collector in COLLECTORS
        },
        "limits": {"max_series_per_metric": series},
    }


def collect(chosen: dict[str, Any], state: Path) -> list[bytes]:
    """Collect everything once; return the lines of the collectors, once they are stored, and end by force."""
    with exporting(chosen) as child:
        client = Client(f"{child.first_line}/metrics", gzip=False)
        measure.wait_until(lambda: b"\nghe_runner_online{" in client.body(), START_SECONDS)
        measure.wait_until(lambda: is_ready(child.first_line), START_SECONDS)
        lines = DOMAIN.findall(client.body())
        measure.wait_until_stored(state, START_SECONDS)
        child.process.kill()
    return lines


def is_ready(url: str) -> bool:
    """Whether every collector has been tried."""
    try:
        return Client(f"{url}/-/ready", gzip=False).body() == b"ready\n"
    except ValueError:  # 503
        return False


class Restart(NamedTuple):
    """From the start of a process to the end of the first whole scrape of it."""

    seconds: float
    cpu_seconds: float


def restart(chosen: dict[str, Any], expected: list[bytes]) -> Restart:
    """Start, scrape and look whether everything is there."""
    began = time.perf_counter()
    with exporting(chosen) as child:
        body = Client(f"{child.first_line}/metrics", gzip=False).body()
        taken = Restart(time.perf_counter() - began, measure.cpu_seconds(child.process.pid))
        if DOMAIN.findall(body) != expected:
            raise RuntimeError("the restarted exporter does not show what the killed one did")
        threading.Event().wait(FIRST_RUNS_SECONDS)
        child.process.kill()
    return taken


def importing() -> float:
    """Seconds to start Python and import everything that serving needs."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import exporter.commands.serve"], cwd=measure.ROOT, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, series=100_000, rounds=5)
    runners = max(1, round(chosen.series / SERIES_PER_RUNNER))
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulator(users=500, runners=runners, rate_limit=NO_LIMIT) as simulator,
    ):
        state = Path(folder) / "state"
        described = settings(simulator.url, str(state), chosen.series)
        lines = collect(described, state)
        requests = simulator.requests
        restarts = [restart(described, lines) for _ in range(chosen.rounds)]
        asked = simulator.requests - requests
        size = sum(path.stat().st_size for path in state.iterdir())
        imports = [importing() for _ in range(chosen.rounds)]
    typical = median(each.seconds for each in restarts)
    measure.report(
        "restart",
        [
            Check("seconds from process start to a whole scrape", typical, MOST_SECONDS),
            Check("requests that were not due", asked, 0),
        ],
        {
            "series": len(lines),
            "restarts": len(restarts),
            "slowest_seconds": max(each.seconds for each in restarts),
            "cpu_seconds": median(each.cpu_seconds for each in restarts),
            "importing_seconds": median(imports),
            "file_bytes": size,
        },
    )


if __name__ == "__main__":
    main()
