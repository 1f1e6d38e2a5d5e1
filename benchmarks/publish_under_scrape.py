"""Scrape while every collector publishes: once a second each, and back to back without a pause, against at rest.

    python -m benchmarks.publish_under_scrape

To publish is to map, render and compress the runners of an enterprise anew, in four threads for four enterprises
with 100,000 series together. Scrapes follow one another, 10 ms apart, so that they meet every phase of it.
"""

from benchmarks import measure
from benchmarks.measure import Check, median_of
from benchmarks.scraper import scrapes

SLOWER_THAN_IDLE = 5.0
MODES = {"idle": "idle", "every second": "1", "back to back": "0"}


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, series=100_000, rounds=3, requests=200)
    keys = [(mode, gzip) for gzip in (False, True) for mode in MODES]
    seconds: dict[tuple[str, bool], list[list[float]]] = {key: [] for key in keys}
    published = dict.fromkeys(MODES, 0)
    with measure.python("benchmarks.serving", "exporter", "--series", chosen.series) as server:
        for _ in range(chosen.rounds):
            for mode, gzip in keys:
                before = int(server.ask(MODES[mode]))
                scraped = scrapes(server.first_line, chosen.requests, gzip=gzip, pause=0.01)
                seconds[mode, gzip].append(scraped.seconds)
                published[mode] += int(server.ask("idle")) - before
    checks, figures = [], {}
    for gzip, coding in ((False, "plain"), (True, "gzip")):
        p99 = {mode: median_of(seconds[mode, gzip], 0.99) for mode in MODES}
        checks += [
            Check(f"{coding}: p99 while publishing {mode} / idle", p99[mode] / p99["idle"], SLOWER_THAN_IDLE)
            for mode in MODES
            if mode != "idle"
        ]
        for mode in MODES:
            figures[f"{mode} {coding}"] = {
                "p50_seconds": median_of(seconds[mode, gzip], 0.5),
                "p99_seconds": p99[mode],
                "scrapes": sum(map(len, seconds[mode, gzip])),
            }
    measure.report("publish_under_scrape", checks, figures | {"publications": published})


if __name__ == "__main__":
    main()
