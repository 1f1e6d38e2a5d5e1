"""This exporter and promhippie/github_exporter side by side, each on a simulated GitHub of its own.

    python -m benchmarks.peers --peer PATH
    python -m benchmarks.peers --peer-source DIR     # builds it with go

Both read the runners of one enterprise and its billing, the two things that both can. They are scraped in turn, round
after round; the simulated GitHubs count what they are asked. Two runners of one name are two runners. Without the
peer's program only this exporter is measured, and nothing is compared.
"""

import http.client
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from benchmarks import measure
from benchmarks.collecting import exporting
from benchmarks.measure import Check, median_of
from benchmarks.peer import BUILD, VARIABLE, built, peer, program
from benchmarks.recorded import Recorded
from benchmarks.simulated import ENTERPRISE
from exporter.collectors import COLLECTORS
from exporter.collectors.runners import GROUPS_KEPT_SECONDS

HOUR = 3600
SCRAPE_INTERVAL = 60
START_SECONDS = 60.0
MAX_SCRAPE_SECONDS = 120.0
OVERLAP = ("runners", "billing")
OK = 200
OFTEN = {"/actions/runners": "runners", "/settings/billing": "billing"}
"""What a path belongs to, by a part of it."""

Answers = Counter[tuple[str, int]]
"""How often each path was answered with each status."""


class Terms(NamedTuple):
    """What a side calls the things that both expose."""

    runner: str
    runner_id: str
    runner_name: str
    billing: str
    net_usd: str
    failures: str
    build: str


OURS = Terms(
    "ghe_runner_online",
    "runner_id",
    "runner",
    "ghe_billing_",
    "ghe_billing_net_usd",
    "ghe_exporter_collector_failures_total",
    "ghe_exporter_build_info",
)
THEIRS = Terms(
    "github_runner_enterprise_online",
    "id",
    "name",
    "github_billing_",
    "github_billing_current_usage_net_amount",
    "github_request_failures_total",
    "github_build_info",
)


@dataclass
class Side:
    """An exporter that runs, and the GitHub it reads."""

    terms: Terms
    url: str
    github: measure.Child
    seconds: list[list[float]] = field(default_factory=list)
    calls: int = 0

    @property
    def recorded(self) -> Recorded:
        """What there is to be read."""
        return Recorded(**json.loads(self.github.first_line))

    def answers(self) -> Answers:
        """What its GitHub has answered so far."""
        answers = json.loads(self.github.ask("answers"))
        return Counter({(path, status): count for path, status, count in answers})

    def scrape(self, requests: int) -> None:
        """Scrape one time after the other; keep the seconds and count the calls to GitHub meanwhile."""
        before = self.answers().total()
        self.seconds.append(scrapes(self.url, requests))
        self.calls += self.answers().total() - before

    def figures(self) -> dict[str, Any]:
        """What was measured, and what a last scrape shows."""
        samples = scraped(self.url)
        runners = [sample.labels for sample in samples if sample.name == self.terms.runner]
        count = sum(map(len, self.seconds))
        return {
            "build": next((sample.labels for sample in samples if sample.name == self.terms.build), None),
            "p50_seconds": median_of(self.seconds, 0.5),
            "p99_seconds": median_of(self.seconds, 0.99),
            "scrapes": count,
            "calls_per_scrape": self.calls / count,
            "runners_reported": self.recorded.runners,
            "names_reported": self.recorded.names,
            "runners_shown": len({labels[self.terms.runner_id] for labels in runners}),
            "names_shown": len({labels[self.terms.runner_name] for labels in runners}),
            "billing_series": sum(sample.name.startswith(self.terms.billing) for sample in samples),
            "net_usd_shown": sum(
                sample.value for sample in samples if sample.name.removesuffix("_total") == self.terms.net_usd
            ),
            "failures": sum(sample.value for sample in samples if sample.name == self.terms.failures),
            "billing_answers": billing_answers(self.answers()),
        }


def billing_answers(answers: Mapping[tuple[str, int], int]) -> dict[str, int]:
    """How often each billing path was answered with which status."""
    return {f"{path} {status}": count for (path, status), count in answers.items() if "/settings/billing" in path}


def net_usd_reported(url: str) -> float:
    """What GitHub's own summary of the month says that everything costs."""
    now = time.gmtime()
    address = f"{url}/enterprises/{ENTERPRISE}/settings/billing/usage/summary?year={now.tm_year}&month={now.tm_mon}"
    headers = {"Authorization": "Bearer example", "User-Agent": "benchmark"}
    with urlopen(Request(address, headers=headers), timeout=MAX_SCRAPE_SECONDS) as answer:
        return sum(float(item["netAmount"]) for item in json.load(answer)["usageItems"])


def calls_per_hour(first_runs: Mapping[tuple[str, int], int], intervals: Mapping[str, float]) -> float:
    """Calls that runs as long as the first make in an hour, each path at the interval of its collector."""
    total = 0.0
    for (path, _), count in first_runs.items():
        collector = next((name for part, name in OFTEN.items() if path.endswith(part) or f"{part}/" in path), None)
        seconds = intervals[collector] if collector else GROUPS_KEPT_SECONDS
        total += count * HOUR / seconds
    return total


def get(connection: http.client.HTTPConnection, coding: str) -> bytes:
    """Scrape once.

    Raises:
        RuntimeError: the answer is not 200.
    """
    connection.request("GET", "/metrics", headers={"Accept-Encoding": coding, "Accept": "text/plain;version=0.0.4"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != OK:
        raise RuntimeError(f"/metrics answered {answer.status}: {body[:500].decode(errors='replace')}")
    return body


def scrapes(url: str, requests: int) -> list[float]:
    """The seconds of each of so many scrapes, compressed and over one connection, as Prometheus does it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=MAX_SCRAPE_SECONDS)
    seconds = []
    for _ in range(requests):
        started = time.perf_counter()
        get(connection, "gzip")
        seconds.append(time.perf_counter() - started)
    connection.close()
    return seconds


def scraped(url: str) -> list[Sample]:
    """The samples of one scrape."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=MAX_SCRAPE_SECONDS)
    body = get(connection, "identity")
    connection.close()
    return [sample for family in text_string_to_metric_families(body.decode()) for sample in family.samples]


@contextmanager
def recorded(users: int, runners: int, pairs: int, latency: float) -> Iterator[measure.Child]:
    """Run the simulated GitHub."""
    sizes = ("--users", users, "--runners", runners, "--pairs", pairs, "--latency", latency)
    with measure.python("benchmarks.recorded", *sizes) as child:
        yield child


def settings(url: str) -> dict[str, Any]:
    """This exporter with the collectors that both have, at their default intervals."""
    return {
        "listen": "127.0.0.1:0",
        "log_level": "error",
        "enterprises": [{"slug": ENTERPRISE, "api_url": url, "auth": {"token": "example"}}],
        "collectors": {collector.name: {"enabled": collector.name in OVERLAP} for collector in COLLECTORS},
    }


def by_collector(url: str, metric: str) -> dict[str, float]:
    """A metric of this exporter about its collectors."""
    return {sample.labels["collector"]: sample.value for sample in scraped(url) if sample.name == metric}


def checks(figures: Mapping[str, Mapping[str, Any]]) -> Sequence[Check]:
    """What must hold of this exporter and, beside the peer, how the two compare."""
    ours, theirs = figures["exporter"], figures.get("peer")
    found = [
        Check("API calls of the exporter per scrape", ours["calls_per_scrape"], 0),
        Check("runners that the exporter merges", ours["runners_reported"] - ours["runners_shown"], 0),
    ]
    if theirs is not None:
        found += [
            Check(
                f"{share} of peer / exporter", theirs[f"{share}_seconds"] / ours[f"{share}_seconds"], 1, at_least=True
            )
            for share in ("p50", "p99")
        ]
        found.append(
            Check("API calls per hour of exporter / peer", ours["calls_per_hour"] / theirs["calls_per_hour"], 1)
        )
    return found


def main() -> None:
    """Measure and report."""
    parser = measure.parser(__doc__, users=2_000, runners=500, pairs=10, latency=0.05, rounds=5, requests=20)
    parser.add_argument("--peer", metavar="PATH", default=os.environ.get(VARIABLE), help=f"built by {BUILD}")
    parser.add_argument("--peer-source", metavar="DIR", help="a checkout, from which go builds the program")
    chosen = parser.parse_args()
    sizes = chosen.users, chosen.runners, chosen.pairs, chosen.latency
    with ExitStack() as running:
        if chosen.peer_source is None:
            other = program(chosen.peer)
        else:
            other = built(chosen.peer_source, Path(running.enter_context(tempfile.TemporaryDirectory())))
        sides = {"exporter": start_exporter(running, *sizes)}
        ours = sides["exporter"]
        first_runs = ours.answers()
        if other is not None:
            github = running.enter_context(recorded(*sizes))
            url = running.enter_context(peer(other, Recorded(**json.loads(github.first_line)).url))
            sides["peer"] = Side(THEIRS, url, github)
        for side in sides.values():
            scrapes(side.url, 1)
        for _ in range(chosen.rounds):
            for side in sides.values():
                side.scrape(chosen.requests)
        figures = {name: side.figures() for name, side in sides.items()}
        for name, side in sides.items():
            figures[name]["net_usd_reported"] = net_usd_reported(side.recorded.url)
        intervals = by_collector(ours.url, "ghe_exporter_collector_interval_seconds")
    figures["exporter"]["calls_of_first_runs"] = first_runs.total()
    figures["exporter"]["calls_per_hour"] = calls_per_hour(first_runs, intervals)
    if "peer" in figures:
        figures["peer"]["calls_per_hour"] = figures["peer"]["calls_per_scrape"] * HOUR / SCRAPE_INTERVAL
    measure.report("peers", checks(figures), figures)


def start_exporter(running: ExitStack, users: int, runners: int, pairs: int, latency: float) -> Side:
    """Start this exporter and wait until each of its collectors has run."""
    github = running.enter_context(recorded(users, runners, pairs, latency))
    side = Side(OURS, "", github)
    side.url = running.enter_context(exporting(settings(side.recorded.url))).first_line
    measure.wait_until(
        lambda: set(by_collector(side.url, "ghe_exporter_collector_duration_seconds")) >= set(OVERLAP), START_SECONDS
    )
    return side


if __name__ == "__main__":
    main()
