"""How old data becomes where a fleet costs more than the rate limit grants, and what is refused.

    python -m benchmarks.pacing

The whole exporter reads a simulated GitHub in a time that passes as fast as the work is done: hours take seconds. The
first hour, in which nothing is known yet, is not counted. The even spread is what whole runs of that cost allow: the
window divided by the number of runs that the limit has room for, less the reserve and less what the other tool takes.
Beside it stands what any exporter gets that reads every page at each scrape, a minute apart: computed, not measured.
"""

import logging
import random
from dataclasses import dataclass, field
from typing import Any

import structlog

from benchmarks import measure
from benchmarks.measure import Check
from exporter.app import Exporter
from exporter.config.settings import Settings
from exporter.runtime.status import Key
from exporter.simulator import Simulator
from tests.support.harness import FakeClock
from tests.support.passing_time import OtherTool, let_pass, only

HOUR, MINUTE = 3600.0, 60.0
PER_PAGE = 100
RESERVE = 0.1
MAX_RATIO = 1.2
TIMES = (1, 2, 5, 10, 20)
ENTERPRISE = "octo-corp"
RUNNERS = Key(ENTERPRISE, "runners")
FLEET = only("licenses", "license_sync", "runners")
UNCHANGED = only(usage_reports={"interval": "60s"}, runner_groups={"interval": "60s"})


@dataclass
class Case:
    """One fleet and one limit; `others` is the share of the limit that another tool takes."""

    name: str
    limit: int
    others: float = 0.0
    collectors: dict[str, Any] = field(default_factory=lambda: FLEET)
    key: Key = RUNNERS


@dataclass
class Outcome:
    """What came of it after the first hour."""

    oldest: float = 0.0
    best: float = MINUTE
    refused: int = 0
    least_left: float = float("inf")
    requests: int = 0

    @property
    def ratio(self) -> float:
        """How many times as old as with an even spread."""
        return self.oldest / self.best


def run(case: Case, runners: int, hours: int) -> Outcome:
    """Let an exporter read for *hours* after the first."""
    clock, seen = FakeClock(), Outcome()
    with Simulator(users=30, runners=runners, organizations=1, now=clock.time, rate_limit=case.limit) as simulator:
        exporter = Exporter(clock=clock, randomness=random.Random(1), process_metrics=False)
        enterprise = {"slug": ENTERPRISE, "api_url": simulator.url, "auth": {"token": "example"}}
        exporter.apply(Settings.model_validate({"enterprises": [enterprise], "collectors": case.collectors}))
        client = exporter.collections[case.key].levels[""].client
        tool = OtherTool(simulator.url, "example", case.limit * case.others / HOUR)

        def look(now: float) -> None:
            tool(now)
            left = [usage.window.remaining for usage in client.rate_limits.in_force(now).values()]
            seen.least_left = min([seen.least_left, *left])

        let_pass(exporter, clock, HOUR + 2 * MINUTE, look)
        seen.oldest = let_pass(exporter, clock, hours * HOUR, look).oldest[case.key]
        lines = exporter.telemetry.render(openmetrics=False).decode().splitlines()
        codes = [line for line in lines if line.startswith("ghe_exporter_api_requests_total{")]
        refused = [line for line in codes if 'code="403"' in line or 'code="429"' in line]
        seen.requests = sum(int(float(line.rpartition(" ")[2])) for line in codes)
        seen.refused = tool.refused + sum(int(float(line.rpartition(" ")[2])) for line in refused)
        exporter.stop()
    return seen


def even_spread(limit: int, others: float, cost: int) -> float:
    """The oldest age if the runs that fit into an hour are spread over it."""
    fitting = int((limit * (1 - RESERVE - others)) // cost)
    return max(MINUTE, HOUR / max(1, fitting))


def at_each_scrape(limit: int, others: float, cost: int) -> dict[str, float]:
    """The oldest age and the refused requests of an exporter that reads every page at each scrape, a minute apart."""
    scrapes = HOUR / MINUTE
    served = min(scrapes, (limit * (1 - others)) // cost)
    return {"oldest_seconds": HOUR - (served - 1) * MINUTE if served < scrapes else MINUTE, "refused": scrapes - served}


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, runners=1000, hours=2)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    pages = max(1, -(-chosen.runners // PER_PAGE))
    wanted = round(pages * HOUR / MINUTE)
    cases = [Case(f"{times}x the limit", max(20, wanted // times)) for times in TIMES]
    cases.append(Case("2x the limit, another tool takes a quarter of it", max(20, wanted // 2), others=0.25))
    unchanged = Case(
        "twice as many requests as the limit, most answered by 304",
        135,
        collectors=UNCHANGED,
        key=Key(ENTERPRISE, "usage_reports"),
    )
    checks, figures = [], {}
    for case in [*cases, unchanged]:
        seen = run(case, chosen.runners, chosen.hours)
        if case is not unchanged:
            seen.best = even_spread(case.limit, case.others, pages)
        checks += [
            Check(f"{case.name}: oldest data / even spread", seen.ratio, MAX_RATIO),
            Check(f"{case.name}: requests refused", seen.refused, 0),
            Check(f"{case.name}: least left / reserve", seen.least_left / (RESERVE * case.limit), 1, at_least=True),
        ]
        figures[case.name] = {
            "limit": case.limit,
            "oldest_seconds": seen.oldest,
            "even_spread_seconds": seen.best,
            "requests_an_hour": seen.requests / (chosen.hours + 1),
            "read_at_each_scrape": at_each_scrape(case.limit, case.others, pages),
        }
    measure.report("pacing", checks, figures)


if __name__ == "__main__":
    main()
