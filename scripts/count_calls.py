"""Count the calls that collectors send to a simulated GitHub, and write them into docs/calls.json.

    python scripts/count_calls.py                   # collectors that were not counted yet
    python scripts/count_calls.py runners billing   # these
    python scripts/count_calls.py --all             # every collector, in a few minutes

Each collector runs alone, as often as by default, for an hour of the simulated company's time or, where it runs less
often, for the time between two runs. The runs before, which learn what is kept, are not counted.
"""

import argparse
import json
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter import logs
from exporter.app import Exporter
from exporter.collector import Collector, Platform
from exporter.collectors import COLLECTORS as ALL_COLLECTORS
from exporter.commands.demo import CLOUD, SERVER, DemoSettings, demo_settings
from exporter.config.organizations import Organizations
from exporter.config.settings import Settings
from exporter.reference.pages import CALLS_FILE
from exporter.reference.permissions import PER_ORGANIZATION, SIZES, Size, variants
from exporter.runtime.level import Level
from exporter.simulator.server import Simulator

FILE = Path(__file__).parents[1] / CALLS_FILE
COLLECTORS = tuple(collector for collector in ALL_COLLECTORS if not collector.for_process)
"""Those that read an enterprise, and whose calls a rate limit counts."""
ENTERPRISES = {Platform.CLOUD: CLOUD, Platform.SERVER: (SERVER,)}
"""Where a collector is looked for on each platform."""
STARTED = 1_800_021_600.0
"""A working day, when ephemeral runners are registered."""
HOUR = 3600.0
NO_LIMIT = 10**9


class SteppedClock:
    """A clock that moves only when it is set forward."""

    def __init__(self) -> None:
        self.now = STARTED

    def time(self) -> float:
        """Unix time in seconds."""
        return self.now

    def monotonic(self) -> float:
        """The same: nobody sets this clock."""
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Set the clock forward."""
        self.now += seconds
        return event.is_set()


@dataclass(frozen=True, slots=True)
class GitHub:
    """A simulated GitHub of some size, with the clock that it shares with the exporter."""

    size: Size
    simulator: Simulator
    clock: SteppedClock

    def settings(self, collector: Collector[Any], enterprise: str, option: str) -> Settings:
        """Settings that run *collector* alone, with *option* switched on if there is one."""
        demo = demo_settings(self.simulator.url, "127.0.0.1:0", self.size.organizations)
        found = next(each for each in demo.enterprises if each.slug == enterprise)
        # Those that the demo finds are named here, because the collector that finds them does not run beside another.
        named = Organizations.model_validate({"named": [*found.organizations.include]})
        read = found.model_copy(update={"organizations": named} if found.organizations.auto else {})
        collectors: dict[str, Any] = {each.name: {"enabled": each is collector} for each in ALL_COLLECTORS}
        given = demo.options_of(collector).model_dump(exclude_unset=True)
        collectors[collector.name] |= {name: value for name, value in given.items() if not isinstance(value, bool)}
        collectors[collector.name] |= {option: True} if option else {}
        return DemoSettings.model_validate({"enterprises": [read], "collectors": collectors})


@contextmanager
def simulated(size: Size) -> Iterator[GitHub]:
    """Run a GitHub whose enterprises are all of this *size*."""
    clock = SteppedClock()
    simulator = Simulator(
        users=size.users,
        runners=size.runners,
        organizations=size.organizations,
        same_size=True,
        rate_limit=NO_LIMIT,
        now=clock.time,
    )
    with simulator:
        yield GitHub(size, simulator, clock)


def calls_an_hour(
    github: GitHub, collector: Collector[Any], platform: Platform, option: str = ""
) -> tuple[float | None, float | None]:
    """Calls that *collector* sends in an hour for an enterprise, and for each organization of it.

    None where no simulated enterprise of the *platform* has anything to read.
    """
    for enterprise in ENTERPRISES[platform] if platform in collector.platforms else ():
        github.clock.now = STARTED
        exporter = Exporter(clock=github.clock, randomness=random.Random(1), process_metrics=False)
        try:
            exporter.apply(github.settings(collector, enterprise, option))
            (collection,) = exporter.collections.values()
            interval = collection.assignment.interval
            whole, *organizations = collection.levels.values()
            calls = counted(github, whole, interval)
            status = exporter.statuses.level(whole.key)
            if status is None or not status.success:
                continue
            is_medium = github.size.name == "medium"
            each = [counted(github, level, interval) for level in organizations if is_medium]
        finally:
            exporter.stop()
        return calls, sum(each) / len(each) if each else None
    return None, None


def counted(github: GitHub, level: Level, interval: float) -> float:
    """Calls an hour of a *level* that is read every *interval* seconds."""
    runs = max(1, round(HOUR / interval))
    level.run()
    before = github.simulator.requests
    for _ in range(runs):
        github.clock.now += interval
        level.run()
    return (github.simulator.requests - before) * HOUR / (runs * interval)


def count(collectors: Sequence[Collector[Any]], sizes: Sequence[Size] = SIZES) -> dict[str, Any]:
    """Calls an hour of *collectors*, as `exporter.reference.permissions.Calls` describes."""
    found: dict[str, Any] = {platform.value: {} for platform in Platform}
    for size in sizes:
        with simulated(size) as github:
            for platform in Platform:
                for collector in collectors:
                    for name, option in variants(collector):
                        calls, organization = calls_an_hour(github, collector, platform, option)
                        if calls is None:
                            continue
                        row = found[platform.value].setdefault(name, {})
                        row[size.name] = round(calls, 3)
                        if organization is not None:
                            row[PER_ORGANIZATION] = round(organization, 3)
    return found


def main() -> None:
    """Count and write."""
    parser = argparse.ArgumentParser(description="Count the calls that collectors send to a simulated GitHub.")
    parser.add_argument("collectors", nargs="*", metavar="COLLECTOR", help="by default those not counted yet")
    parser.add_argument("--all", action="store_true", help="count every collector again")
    chosen = parser.parse_args()
    logs.configure("error", "console")
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    names = {name.partition(" ")[0] for rows in known.values() for name in rows}
    wanted = [
        each
        for each in COLLECTORS
        if chosen.all or each.name in chosen.collectors or (not chosen.collectors and each.name not in names)
    ]
    found = count(wanted)
    kept = {} if chosen.all else known
    merged = {
        platform: {
            name: rows[name]
            for rows in [{**kept.get(platform, {}), **found[platform]}]
            for collector in COLLECTORS
            for name, _ in variants(collector)
            if name in rows
        }
        for platform in found
    }
    FILE.write_text(json.dumps(merged, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
