"""What a serving exporter costs when nothing happens, and with the runs of its default intervals.

    python -m benchmarks.idle

The settings are those of the demo: four enterprises, two organizations, every collector. Two exporters run side by
side: one with the default intervals, one whose collectors are all done for the next hours.
"""

import json
import threading
from typing import Any

from benchmarks import measure
from benchmarks.collecting import exporting, parsed, simulated
from benchmarks.measure import Check
from benchmarks.scraper import Client
from exporter.collectors import COLLECTORS
from exporter.commands.demo import demo_settings

MOST_PERCENT = 1.0
START_SECONDS = 60.0
LONG, LONG_AGE = "6h", "24h"


def demo(url: str, *, resting: bool) -> dict[str, Any]:
    """The settings of the demo in the terms of a file."""
    settings: dict[str, Any] = json.loads(demo_settings(url, "127.0.0.1:0", 5).model_dump_json(exclude_unset=True))
    for enterprise in settings["enterprises"]:
        enterprise["auth"] = {"token": "example"}  # dumped as stars
    if resting:
        chosen = settings.get("collectors", {})
        settings["collectors"] = {
            collector.name: {**chosen.get(collector.name, {}), "interval": LONG, "max_age": LONG_AGE}
            for collector in COLLECTORS
        }
    return {**settings, "log_level": "error"}


def wait_for_all(url: str) -> None:
    """Wait until every collector has run."""
    client = Client(f"{url}/metrics", gzip=False)
    name = "ghe_exporter_collector_duration_seconds"

    def is_done() -> bool:
        samples = parsed(client.body())
        available = {labels for (metric, labels), value in samples.items() if metric.endswith("_available") and value}
        waiting = {labels for metric, labels in samples if metric == "ghe_exporter_collector_interval_seconds"}
        impossible = {
            labels for (metric, labels), value in samples.items() if metric.endswith("_available") and not value
        }
        timed = {labels for metric, labels in samples if metric == name}
        return bool(available) and waiting - impossible <= timed

    measure.wait_until(is_done, START_SECONDS)


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, seconds=60)
    with (
        simulated(500, 60, "--moving") as company,
        exporting(demo(company.url, resting=False)) as default,
        exporting(demo(company.url, resting=True)) as rested,
    ):
        both = {"with runs at default intervals": default, "between runs": rested}
        for child in both.values():
            wait_for_all(child.first_line)
        before = {name: measure.cpu_seconds(child.process.pid) for name, child in both.items()}
        threading.Event().wait(chosen.seconds)
        used = {name: measure.cpu_seconds(child.process.pid) - before[name] for name, child in both.items()}
    checks = [Check(f"percent of a core, {name}", used[name] / chosen.seconds * 100, MOST_PERCENT) for name in both]
    measure.report("idle", checks, {"seconds": chosen.seconds, "cpu_seconds": used})


if __name__ == "__main__":
    main()
