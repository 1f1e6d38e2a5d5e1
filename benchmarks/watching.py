"""What it costs to watch an enterprise of each of three sizes: processor time, memory and calls.

    python -m benchmarks.watching

One exporter runs nothing but `licenses`, one also `runners`, one every collector that is enabled by default; each runs
them once and is scraped twice. The differences are what a run of `runners` and of everything else takes. An hour is 60
runs of `runners` and four of everything else, most of which runs less often. Calls are those of docs/calls.json.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.collecting import Collected, collect, simulated
from benchmarks.measure import Check
from benchmarks.memory import MEGABYTE
from exporter.collector import Platform
from exporter.collectors import COLLECTORS
from exporter.reference.pages import CALLS_FILE
from exporter.reference.permissions import SIZES

ROOT = Path(__file__).resolve().parents[1]
MAX_PERCENT = 2.5
MAX_MEGABYTES = 256 * 1.048576
"""What the chart requests of a core, and to what it limits memory."""
HOUR = 3600.0
RUNS_OF_RUNNERS, OTHER_RUNS = 60, 4
MANAGED_USERS_ALONE = "scim"
"""The simulated enterprise has no such thing."""
DEFAULT = tuple(
    collector.name
    for collector in COLLECTORS
    if collector.enabled and Platform.CLOUD in collector.platforms and collector.name != MANAGED_USERS_ALONE
)


def figures(nothing: Collected, runners: Collected, everything: Collected, calls: float) -> dict[str, Any]:
    """What an hour takes."""
    of_runners = max(0.0, runners.cpu_seconds - nothing.cpu_seconds)
    of_others = max(0.0, everything.cpu_seconds - runners.cpu_seconds)
    return {
        "cpu_seconds_per_hour": RUNS_OF_RUNNERS * of_runners + OTHER_RUNS * of_others,
        "cpu_seconds_of_a_run_of_runners": of_runners,
        "cpu_seconds_of_a_run_of_everything_else": of_others,
        "peak_megabytes": everything.peak_bytes / MEGABYTE,
        "calls_per_hour": calls,
        "page_bytes": everything.page_bytes,
    }


def calls_per_hour(size: str) -> float:
    """Calls of the collectors measured, as counted for docs/permissions.md."""
    counted = json.loads((ROOT / CALLS_FILE).read_text(encoding="utf-8"))[Platform.CLOUD.value]
    return sum(counted.get(name, {}).get(size) or 0.0 for name in DEFAULT)


def watched(users: int, runners: int, calls: float) -> dict[str, Any]:
    """Measure an enterprise of that size."""
    sets: Sequence[Sequence[str]] = (("licenses",), ("licenses", "runners"), DEFAULT)
    with simulated(users, runners) as company:
        nothing, only_runners, everything = (collect(company, names, users, runners) for names in sets)
    return figures(nothing, only_runners, everything, calls)


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, divisor=1)
    found = {
        size.name: watched(
            max(20, size.users // chosen.divisor), size.runners // chosen.divisor, calls_per_hour(size.name)
        )
        for size in SIZES
    }
    checks = [
        check
        for name, result in found.items()
        for check in (
            Check(f"percent of a core, {name}", result["cpu_seconds_per_hour"] / HOUR * 100, MAX_PERCENT),
            Check(f"peak MB, {name}", result["peak_megabytes"], MAX_MEGABYTES),
        )
    ]
    measure.report("watching", checks, found)


if __name__ == "__main__":
    main()
