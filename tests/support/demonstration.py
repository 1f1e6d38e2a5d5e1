"""What the demonstration shows after every collector has run once, at a time that stands still."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import fsum

from prometheus_client.parser import text_string_to_metric_families

from exporter.app import Exporter
from exporter.collectors.common.labels import snake_case
from exporter.commands.collect import levels_of
from exporter.commands.demo import SERVER, demo_settings
from exporter.runtime.status import Key, LevelKey, Status
from exporter.simulator import Simulator
from exporter.simulator.company.estate import CORP, Enterprise, Estate
from exporter.simulator.company.ledger import Account
from exporter.simulator.company.periods import Period
from tests.support.harness import FakeClock

NOW = datetime(2026, 11, 16, 11, 3, 20, tzinfo=UTC).timestamp()
MONTH = Period(2026, 11)
NOW_AND_THEN = {"ghe_github_incidents"}
"""Metrics that have series only while something happens in the simulated GitHub."""


@dataclass(frozen=True, slots=True)
class Series:
    """One exposed series."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration shows after every collector has run once."""

    estate: Estate
    text: str
    series: list[Series]
    statuses: dict[Key, Status]

    def of(self, name: str, enterprise: str = CORP, **labels: str) -> list[Series]:
        """The series of one metric and enterprise with these labels."""
        wanted = {"enterprise": enterprise, **labels}.items()
        return [each for each in self.series if each.name == name and wanted <= each.labels.items()]

    def sum(self, name: str, enterprise: str = CORP, **labels: str) -> float:
        """Their sum; there is at least one."""
        found = self.of(name, enterprise, **labels)
        assert found, (name, enterprise, labels)
        return fsum(each.value for each in found)

    def sums(self, name: str, enterprise: str, by: str) -> dict[str, float]:
        """Their sums by one label."""
        parts: dict[str, list[float]] = defaultdict(list)
        for each in self.of(name, enterprise):
            parts[each.labels[by]].append(each.value)
        return {value: fsum(values) for value, values in parts.items()}

    def enterprise(self, slug: str = CORP) -> Enterprise:
        """The simulated enterprise behind the series."""
        found = self.estate.enterprise(slug, on_server=slug == SERVER)
        assert found is not None
        return found


@contextmanager
def demonstration(*, now: float = NOW, users: int = 500, runners: int = 60, organizations: int = 5) -> Iterator[Shown]:
    """Run every collector of the demonstration once."""
    clock = FakeClock(now)
    with Simulator(now=clock.time, users=users, runners=runners, organizations=organizations) as simulator:
        exporter = Exporter(clock=clock, process_metrics=False)
        exporter.apply(demo_settings(simulator.url, "127.0.0.1:0", organizations))
        try:
            done: set[LevelKey] = set()
            while levels := levels_of(exporter, done):
                for level in levels:
                    level.run()
                done |= {level.key for level in levels}
        finally:
            exporter.stop()
    text = b"".join(exporter.exposition.page().plain(())).decode()
    families = text_string_to_metric_families(text)
    series = [
        Series(sample.name, dict(sample.labels), sample.value) for family in families for sample in family.samples
    ]
    yield Shown(simulator.estate, text, series, dict(exporter.statuses.all()))


def everybody(_: Account) -> bool:
    """Every account."""
    return True


def billed(enterprise: Enterprise, wanted: Callable[[Account], bool] = everybody) -> dict[str, float]:
    """Net cost of the month by product, from the simulated ledger itself."""
    assert enterprise.billing is not None
    parts: dict[str, list[float]] = defaultdict(list)
    for sku, usage in enterprise.billing.ledger.totals(MONTH, NOW, wanted):
        parts[snake_case(sku.product.summary)].append((usage.gross - usage.discount) * sku.price)
    return {product: fsum(amounts) for product, amounts in parts.items()}
