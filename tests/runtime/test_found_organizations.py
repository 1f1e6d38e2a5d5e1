"""`organizations: auto`: what is found is read, shown, kept and dropped without a change of settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.app import Exporter
from exporter.config.settings import Settings
from exporter.runtime.collection import SECONDS_PER_FOUND
from exporter.runtime.level import CONFIRM_SECONDS
from exporter.runtime.status import LevelKey
from exporter.simulator import Simulator
from exporter.simulator.company.organizations import AWAY_FROM, AWAY_UNTIL, CYCLE_SECONDS
from tests.support.exporters import Never, ask, series, settings
from tests.support.harness import FakeClock

BEFORE = 20_000 * CYCLE_SECONDS + AWAY_FROM - 1_000
"""Some minutes before the last organization leaves the enterprise."""
ALL = {"octo-org-1", "octo-org-2", "octo-org-3"}
AUTO = "auto"
COLLECTORS = {"runners": {"interval": "10m"}}


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock(BEFORE)


def corp(simulator: Simulator, organizations: Any = AUTO, **others: Any) -> Settings:
    """Settings that read the simulated enterprise."""
    enterprise = {"slug": "octo-corp", "api_url": simulator.url, "organizations": organizations}
    return settings(enterprise | others.pop("enterprise", {}), collectors=COLLECTORS, **others)


def level(collector: str, organization: str = "") -> LevelKey:
    """The key of a level."""
    return LevelKey("octo-corp", collector, organization)


def read(exporter: Exporter, collector: str) -> float:
    """Read every level of *collector*; return the seconds until the first is read again."""
    collection = next(each for key, each in exporter.collections.items() if key.collector == collector)
    return min(each.run() for each in list(collection.levels.values()))


def levels(exporter: Exporter) -> set[str]:
    """The organizations whose runners are read."""
    collection = next(each for key, each in exporter.collections.items() if key.collector == "runners")
    return set(collection.levels) - {""}


def shown(exporter: Exporter) -> set[str]:
    """The organizations whose runners are shown."""
    return {name for (name,) in series(exporter, "ghe_runners", "organization")} - {""}


def states(exporter: Exporter) -> dict[str, float]:
    """How many organizations are read, and how many are not."""
    return {state: value for (state,), value in series(exporter, "ghe_exporter_organizations", "state").items()}


@pytest.fixture
def found(exporter: Exporter, simulator: Simulator) -> Exporter:
    """An exporter that has read the list of organizations and their runners."""
    exporter.apply(corp(simulator))
    read(exporter, "organizations")
    read(exporter, "runners")
    return exporter


def test_found_organizations_are_read(simulator: Simulator, exporter: Exporter) -> None:
    """After the first list their runners are read like those of an organization that is named."""
    exporter.apply(corp(simulator))
    assert levels(exporter) == set()
    read(exporter, "organizations")
    assert levels(exporter) == ALL
    read(exporter, "runners")
    assert shown(exporter) == ALL
    assert states(exporter) == {"read": 3, "refused": 0, "excluded": 0, "left_out": 0}


def test_organization_that_leaves_vanishes_after_the_second_list(found: Exporter, clock: FakeClock) -> None:
    """The list is confirmed soon; then all series of the organization are gone, and the others were not disturbed."""
    clock.now += 1_100
    assert read(found, "organizations") == CONFIRM_SECONDS
    assert shown(found) == ALL
    stayed = found.statuses.level(level("runners", "octo-org-1"))
    assert read(found, "organizations") > CONFIRM_SECONDS
    assert levels(found) == shown(found) == ALL - {"octo-org-3"}
    assert found.statuses.level(level("runners", "octo-org-1")) == stayed
    clock.now += AWAY_UNTIL - AWAY_FROM
    read(found, "organizations")
    assert levels(found) == ALL


@pytest.mark.parametrize("fault", ["http-500", "not-found", "truncated", "missing-keys", "empty", "unauthorized"])
def test_list_that_cannot_be_read_makes_nothing_go(simulator: Simulator, found: Exporter, fault: str) -> None:
    """What was found stays, however often the list fails."""
    simulator.faults.set(f"{fault}@org-properties=1")
    for _ in range(4):
        read(found, "organizations")
    assert shown(found) == levels(found) == ALL


def test_bounds_and_patterns_are_counted(simulator: Simulator, exporter: Exporter) -> None:
    """Those that are not read are a metric, and the named one is read in any case."""
    exporter.apply(corp(simulator, {"auto": True, "exclude": ["*-1"], "max": 1, "named": ["Octo-Org-1"]}))
    assert levels(exporter) == {"Octo-Org-1"}
    read(exporter, "organizations")
    assert levels(exporter) == {"Octo-Org-1", "octo-org-2"}
    assert states(exporter) == {"read": 2, "refused": 0, "excluded": 0, "left_out": 1}


def test_reload_keeps_what_was_found(simulator: Simulator, found: Exporter) -> None:
    """Nothing vanishes until the list is read again, also when other properties are wanted; other patterns count."""
    found.apply(corp(simulator, enterprise={"organization_properties": ["team"]}))
    assert shown(found) == levels(found) == ALL
    found.apply(corp(simulator, {"auto": True, "exclude": ["octo-org-2"]}))
    assert shown(found) == levels(found) == ALL - {"octo-org-2"}
    found.apply(corp(simulator, ["octo-org-3"]))
    assert shown(found) == levels(found) == {"octo-org-3"}


def test_restart_reads_what_was_found_and_asks_nothing_that_is_not_due(
    simulator: Simulator, make_exporter: Callable[..., Exporter], tmp_path: Path
) -> None:
    """The organizations and their runners are there immediately."""
    first = make_exporter(keeps_state=True)
    first.apply(corp(simulator, state_dir=tmp_path))
    read(first, "organizations")
    read(first, "runners")
    first.stop()
    requests = simulator.requests
    second = make_exporter(keeps_state=True)
    second.apply(corp(simulator, state_dir=tmp_path))
    assert shown(second) == levels(second) == ALL
    assert simulator.requests == requests
    assert states(second)["read"] == 3


def test_first_readings_of_many_are_spread(clock: FakeClock) -> None:
    """An enterprise with hundreds of organizations is not asked for all of them in a few seconds."""

    class Last(Never):
        def uniform(self, a: float, b: float) -> float:
            del a
            return b

    exporter = Exporter(clock=clock, randomness=Last(), process_metrics=False)
    with Simulator(users=30, runners=8, organizations=300, now=clock.time) as large:
        exporter.apply(corp(large))
        read(exporter, "organizations")
        tasks = next(each for key, each in exporter.collections.items() if key.collector == "runners").tasks
        exporter.stop()
    delays = [task.first_delay for key, task in tasks.items() if key.organization]
    assert len(delays) == 300
    assert max(delays) == pytest.approx(1.5 + 300 * SECONDS_PER_FOUND)


def test_organization_that_may_not_be_read_is_no_failure_but_counted(simulator: Simulator, exporter: Exporter) -> None:
    """Nobody asked for it by name; the collector is well, and the metric says that one is not covered."""
    simulator.faults.set("forbidden@orgs/octo-org-2/=1")
    exporter.apply(corp(simulator))
    read(exporter, "organizations")
    assert read(exporter, "runners") > 0
    assert shown(exporter) == ALL - {"octo-org-2"}
    assert states(exporter) == {"read": 2, "refused": 1, "excluded": 0, "left_out": 0}
    assert series(exporter, "ghe_exporter_collector_success", "collector")["runners",] == 1
    assert "octo-org-2" not in ask(exporter, "/")[1]
    exporter.apply(corp(simulator, ["octo-org-1", "octo-org-2"]))
    read(exporter, "runners")
    assert series(exporter, "ghe_exporter_collector_success", "collector")["runners",] == 0
