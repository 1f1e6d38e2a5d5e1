"""While one collector's requests hang, all others run as often as ever, on the real schedule."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from functools import partial

import pytest

from exporter.github.run import ClientLimits
from exporter.runtime.schedule import Schedule, Task
from exporter.runtime.status import Key
from exporter.simulator import Simulator
from tests.support.fault_harness import FaultHarness, Time, settings
from tests.support.harness import read_all
from tests.support.tools import eventually

MINUTES = 30
PATIENT = ClientLimits(connect_seconds=10, read_seconds=60, tries=1)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Sync status is asked for and never answered."""
    with Simulator(users=30, runners=6, organizations=1, faults=["hang@license-sync-status=1"]) as running:
        yield running


@pytest.mark.parametrize("stuck", ["license_sync"])
def test_stuck_collector_does_not_delay_the_others(simulator: Simulator, stuck: str) -> None:
    """In half an hour every other collector runs every minute; the stuck one neither ends nor begins again."""
    clock = Time()
    harness = FaultHarness(clock, PATIENT)
    names = ("licenses", "license_sync", "actions_cache", "runners", "hosted_runners", "scim")
    every_minute = {name: {"interval": "60s"} for name in names}
    harness.exporter.apply(settings({"slug": "octo-corp", "api_url": simulator.url}, collectors=every_minute))
    begun: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    lock = threading.Lock()

    def counted(key: Key) -> Task:
        def run() -> float:
            with lock:
                begun[key.collector] += 1
            read_all(harness.exporter.collections[key])
            with lock:
                ended[key.collector] += 1
            return 60.0

        return Task(run)

    watched: dict[Hashable, Task] = {
        key: counted(key) for key in harness.exporter.collections if key.collector in names
    }
    schedule = Schedule(clock, lambda: None)
    schedule.reconcile(watched)
    others = [name for name in names if name != stuck]
    for minute in range(1, MINUTES + 1):
        schedule.run_due()
        everybody = dict.fromkeys(others, minute)
        eventually(partial(everybody.__eq__, ended), f"minute {minute}")
        eventually(lambda: sum("run " in thread.name for thread in threading.enumerate()) <= 1, "the runs have ended")
        clock.jump(60)
    assert begun == dict.fromkeys(others, MINUTES) | {stuck: 1}
    assert ended[stuck] == 0
    assert harness.status("runners").success
    harness.exporter.stop()
