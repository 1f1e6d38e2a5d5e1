"""Counters of collectors continue through reloads and restarts: nothing twice, nothing lost, never backwards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.app import Exporter
from exporter.config.settings import Settings
from exporter.runtime.status import Key
from exporter.simulator import Simulator
from tests.support.exporters import series
from tests.support.harness import FakeClock, read_all

KEY = Key("octo-corp", "actions_activity")
Counted = dict[tuple[str, ...], float]


@dataclass
class ActivityHarness:
    """A simulated GitHub, and an exporter that reads its audit log."""

    clock: FakeClock
    simulator: Simulator
    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        self.exporter = Exporter(clock=self.clock, process_metrics=False, keeps_state=True)
        self.apply()

    def apply(self, **changes: object) -> None:
        enterprise = {"slug": "octo-corp", "api_url": self.simulator.url, "auth": {"token": "octo"}}
        activity = {"actions_activity": {"enabled": True, **changes}}
        self.exporter.apply(
            Settings.model_validate({"state_dir": self.folder, "enterprises": [enterprise], "collectors": activity})
        )

    def read(self) -> Counted:
        read_all(self.exporter.collections[KEY])
        return self.counted()

    def counted(self) -> Counted:
        """Every series that only grows."""
        jobs = series(self.exporter, "ghe_actions_jobs_started_total", "organization", "hosted", "label")
        return jobs | series(self.exporter, "ghe_actions_run_wait_seconds_count", "organization")


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    """A simulated GitHub in which something happens."""
    with Simulator(users=400, runners=8, organizations=2, now=clock.time) as running:
        yield running


def nothing(_harness: ActivityHarness) -> None:
    """Let time pass."""


def reload(harness: ActivityHarness) -> None:
    harness.apply()


def reload_with_another_interval(harness: ActivityHarness) -> None:
    harness.apply(interval="90s")


def restart(harness: ActivityHarness) -> None:
    harness.exporter.stop()
    harness.start()


def run(between: Callable[[ActivityHarness], None], harness: ActivityHarness) -> Counted:
    """What is counted after ten readings, with something between each two of them."""
    before: Counted = {}
    for _ in range(10):
        found = harness.read()
        assert before.keys() <= found.keys()
        assert all(found[key] >= value for key, value in before.items())
        before = found
        between(harness)
        assert harness.counted() == found, "it is shown meanwhile, too"
        harness.clock.now += 60
    harness.exporter.stop()
    return before


@pytest.mark.parametrize("between", [reload, reload_with_another_interval, restart])
def test_counters_continue(
    between: Callable[[ActivityHarness], None], simulator: Simulator, clock: FakeClock, tmp_path: Path
) -> None:
    """As many jobs and waits as without it, at every moment."""
    began = clock.now
    expected = run(nothing, ActivityHarness(clock, simulator, tmp_path / "one"))
    assert sum(expected.values()) > 100
    clock.now = began
    assert run(between, ActivityHarness(clock, simulator, tmp_path / "other")) == expected


def test_other_labels_begin_again(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """Settings that change what is counted make other counters of it, which begin with a first reading."""
    harness = ActivityHarness(clock, simulator, tmp_path)
    harness.read()
    harness.apply(max_labels=1)
    assert harness.counted() == {}
    assert "(other)" in {key[-1] for key in harness.read()}
    harness.exporter.stop()
