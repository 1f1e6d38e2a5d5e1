"""Scrape 100,000 series: this exporter, prometheus_client over the same data, and others with the same bytes.

    python -m benchmarks.scrape

The others are nginx and the bound: an event loop in Python that answers with ready bytes and does nothing else. The
four serve side by side, each in a process of its own, and are scraped in turn, round after round. A percentile is
taken per round; the median over the rounds is what is reported.
"""

from benchmarks import measure
from benchmarks.measure import Check, median_of
from benchmarks.nginx import nginx
from benchmarks.scraper import Client, scrapes

FASTER_THAN_REFERENCE = 50.0
SLOWER_THAN_NGINX = {0.5: 1.5, 0.99: 3.0}
SIDES = ("exporter", "prometheus_client", "nginx", "ready bytes")


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, series=100_000, rounds=5, requests=100, reference_requests=5)
    seconds: dict[tuple[str, bool], list[list[float]]] = {(side, gzip): [] for side in SIDES for gzip in (False, True)}
    sizes: dict[tuple[str, bool], int] = {}
    with (
        measure.python("benchmarks.serving", "exporter", "--series", chosen.series) as exporter,
        measure.python("benchmarks.serving", "reference", "--series", chosen.series) as reference,
        nginx(
            Client(exporter.first_line, gzip=False).body(), Client(exporter.first_line, gzip=True).body()
        ) as nginx_url,
        measure.python("benchmarks.ready", nginx_url) as ready,
    ):
        addresses = (exporter.first_line, reference.first_line, nginx_url, ready.first_line)
        urls = dict(zip(SIDES, addresses, strict=True))
        for _ in range(chosen.rounds):
            for (side, gzip), so_far in seconds.items():
                requests = chosen.reference_requests if side == "prometheus_client" else chosen.requests
                scraped = scrapes(urls[side], requests, gzip=gzip)
                so_far.append(scraped.seconds)
                sizes[side, gzip] = scraped.bytes
    checks, figures = [], {}
    for gzip, coding in ((False, "plain"), (True, "gzip")):
        p99 = {side: median_of(seconds[side, gzip], 0.99) for side in SIDES}
        checks.append(
            Check(
                f"{coding}: p99 of prometheus_client / exporter",
                p99["prometheus_client"] / p99["exporter"],
                FASTER_THAN_REFERENCE,
                at_least=True,
            )
        )
        for quantile, slower in SLOWER_THAN_NGINX.items():
            ours, theirs = (median_of(seconds[side, gzip], quantile) for side in ("exporter", "nginx"))
            checks.append(Check(f"{coding}: p{quantile * 100:.0f} of exporter / nginx", ours / theirs, slower))
        for side in SIDES:
            figures[f"{side} {coding}"] = {
                "p50_seconds": median_of(seconds[side, gzip], 0.5),
                "p99_seconds": p99[side],
                "bytes": sizes[side, gzip],
                "scrapes": sum(map(len, seconds[side, gzip])),
            }
    measure.report("scrape", checks, figures)


if __name__ == "__main__":
    main()
