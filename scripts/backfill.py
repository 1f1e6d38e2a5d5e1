"""Write days of the demo's metrics as one OpenMetrics file, as if Prometheus had scraped the exporter all the time.

`python scripts/backfill.py FILE [--days N] [--step 2h] [--recent 6h] [--recent-step 1m]`. Nothing is made up here: the
simulated GitHub is asked for each past moment by the real collectors, and each scrape is the exporter's own exposition;
only the clock is replaced. `promtool tsdb create-blocks-from openmetrics FILE FOLDER` turns the file into blocks.
"""

import argparse
import heapq
import random
import re
import sys
import threading
import time
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # it is run as a file

from exporter import logs
from exporter.app import Exporter
from exporter.commands.demo import demo_settings
from exporter.duration import parse_duration
from exporter.errors import Stopped
from exporter.runtime.level import Level
from exporter.runtime.schedule import Agenda
from exporter.simulator.server import Simulator

TARGET = b'job="ghe-exporter",instance="localhost:10204"'
"""The labels that Prometheus gives to the example scrape job."""

DAY = 86_400
LEAD_SECONDS = 30.0
"""What became due long before a scrape is run so long before it."""

ORGANIZATIONS = 5
MEDIAN_LOOK, SPREAD = -4.2, 0.8
"""Logarithm of the seconds (and its spread) that pass each time the simulated GitHub looks at the clock."""

TARGET_METRICS = {
    b"up": b"Whether the scrape succeeded.",
    b"scrape_duration_seconds": b"How long the scrape took.",
    b"scrape_samples_scraped": b"How many samples the target exposed.",
}
"""What Prometheus adds to every scrape."""


BUCKET = re.compile(rb'(?:^|,)le="[^"]*"')

Samples: TypeAlias = "tuple[array[int], array[float]]"
"""The numbers of the scrapes that have a series, and its value at each."""


@dataclass
class PastClock:
    """A clock that stands still until it is moved, somebody waits, or GitHub takes its time."""

    now: float
    randomness: random.Random = field(default_factory=lambda: random.Random(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def time(self) -> float:
        """Unix time in seconds."""
        return self.now

    def monotonic(self) -> float:
        """The same, since this clock never goes back."""
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let *seconds* pass."""
        self.move(self.now + seconds)
        return event.is_set()

    def move(self, to: float) -> None:
        """Advance to the moment *to*, unless it is over."""
        with self.lock:
            self.now = max(self.now, to)

    def answering(self) -> float:
        """The time as the simulated GitHub sees it: to answer takes a while."""
        with self.lock:
            self.now += self.randomness.lognormvariate(MEDIAN_LOOK, SPREAD)
            return self.now


@dataclass
class History:
    """Scrapes turned around: every series with all its samples, in the order that OpenMetrics asks for.

    `families` are the lines above the samples of each family; `series` the samples by family and name.
    """

    instants: list[float] = field(default_factory=list)
    families: dict[bytes, list[bytes]] = field(default_factory=dict)
    series: dict[bytes, dict[bytes, Samples]] = field(default_factory=dict)

    def add(self, at: float, text: bytes, more: Mapping[bytes, float]) -> int:
        """Take in a scrape at *at*, as exposed, and what Prometheus adds; return the number of its samples."""
        scrape, family, samples = len(self.instants), b"", 0
        self.instants.append(at)
        for line in text.splitlines():
            if line.startswith(b"#"):
                _, _, rest = line.partition(b" ")
                kind, _, rest = rest.partition(b" ")
                if kind in {b"HELP", b"TYPE"}:
                    family = rest.partition(b" ")[0]
                    self._declare(family, line)
            elif line:
                series, _, number = line.rpartition(b" ")
                self._sample(family, series, scrape, float(number))
                samples += 1
        for name, value in more.items():
            self._declare(name, b"# HELP " + name + b" " + TARGET_METRICS[name])
            self._declare(name, b"# TYPE " + name + b" gauge")
            self._sample(name, name, scrape, value)
        return samples

    def write(self, file: IO[bytes]) -> int:
        """Write everything; return the number of samples."""
        samples = 0
        times = [b" %.3f\n" % at for at in self.instants]
        for family, declaration in self.families.items():
            file.writelines(line + b"\n" for line in declaration)
            for together in grouped(self.series.get(family, {})):
                lines = [
                    [(scrape, labeled(name) + b" " + repr(value).encode()) for scrape, value in zip(*kept, strict=True)]
                    for name, kept in together.items()
                ]
                file.writelines(line + times[scrape] for scrape, line in heapq.merge(*lines, key=itemgetter(0)))
                samples += sum(map(len, lines))
        file.write(b"# EOF\n")
        return samples

    def _declare(self, family: bytes, line: bytes) -> None:
        known = self.families.setdefault(family, [])
        if line not in known:
            known.append(line)

    def _sample(self, family: bytes, name: bytes, scrape: int, value: float) -> None:
        series = self.series.setdefault(family, {})
        if name not in series:
            series[name] = array("I"), array("d")
        scrapes, values = series[name]
        scrapes.append(scrape)
        values.append(value)


def grouped(series: Mapping[bytes, Samples]) -> Iterable[Mapping[bytes, Samples]]:
    """Series by their labels but `le`: the parts of a histogram must be written moment by moment, not one by one."""
    groups: dict[bytes, dict[bytes, Samples]] = {}
    for name, samples in series.items():
        groups.setdefault(BUCKET.sub(b"", name.partition(b"{")[2]), {})[name] = samples
    return groups.values()


def labeled(name: bytes) -> bytes:
    """The series *name* with the labels of its target."""
    metric, brace, labels = name.partition(b"{")
    return metric + b"{" + TARGET + (b"," + labels if brace else b"}")


@dataclass(frozen=True, slots=True)
class Span:
    """Which past is written: coarse up to the *recent* seconds before *end*, then fine."""

    end: float
    seconds: float
    step: float
    recent: float
    recent_step: float

    def instants(self) -> Iterator[float]:
        """The moments of all scrapes."""
        recent = min(self.recent, self.seconds)
        yield from steps(self.end - self.seconds, self.end - recent, self.step)
        yield from steps(self.end - recent, self.end, self.recent_step)
        yield self.end


def steps(start: float, stop: float, step: float) -> Iterator[float]:
    """Moments *step* apart, from *start* up to but without *stop*."""
    at = start
    while at < stop:
        yield at
        at += step


def history(instants: Iterable[float], *, users: int, runners: int, faults: Iterable[str] = ()) -> History:
    """Run the whole product through *instants* and keep what a scrape at each of them would have read."""
    moments = iter(instants)
    first = next(moments)
    clock = PastClock(first - LEAD_SECONDS)
    kept = History()
    with Simulator(
        now=clock.answering, users=users, runners=runners, organizations=ORGANIZATIONS, faults=faults
    ) as simulator:
        exporter = Exporter(clock=clock, randomness=random.Random(1))
        exporter.apply(demo_settings(simulator.url, "127.0.0.1:0", ORGANIZATIONS))
        try:
            agenda = Agenda()
            for at in (first, *moments):
                clock.move(at - LEAD_SECONDS)
                run_due(exporter, agenda, clock, at)
                clock.move(at)
                scrape(exporter, at, kept)
        finally:
            exporter.stop()
    return kept


def run_due(exporter: Exporter, agenda: Agenda, clock: PastClock, until: float) -> None:
    """Run what is due *until* then, one after the other, and forget what has become too old."""
    plan(exporter, agenda, clock)
    while (due := agenda.next_at()) is not None and due <= until:
        clock.move(due)
        for _, key in agenda.take(due):
            level = levels(exporter).get(key)  # None for an organization that is gone
            if level is not None:
                agenda.put(key, clock.time() + level.run())
        plan(exporter, agenda, clock)
    for collection in exporter.collections.values():
        collection.expire()


def plan(exporter: Exporter, agenda: Agenda, clock: PastClock) -> None:
    """Put on the *agenda* what is not there yet: everything at first, then organizations that were found."""
    for level in levels(exporter):
        if level not in agenda:
            agenda.put(level, clock.time())


def levels(exporter: Exporter) -> dict[Hashable, Level]:
    """What is read."""
    return {level.key: level for each in exporter.collections.values() for level in each.levels.values()}


def scrape(exporter: Exporter, at: float, kept: History) -> None:
    """Keep what a scrape at *at* would have read."""
    started = time.perf_counter()
    text = b"".join(exporter.exposition.page(openmetrics=True).plain(exporter.telemetry.chunks(openmetrics=True)))
    took = time.perf_counter() - started
    samples = sum(not line.startswith(b"#") for line in text.splitlines())
    kept.add(at, text, {b"up": 1, b"scrape_duration_seconds": took, b"scrape_samples_scraped": samples})


def duration(text: str) -> float:
    """Seconds that *text* stands for."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def main(arguments: list[str] | None = None) -> int:
    """Write the file and print what to do with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the OpenMetrics file to write")
    parser.add_argument("--days", type=float, default=30, help="how many days of history (%(default)s)")
    for name, default, text in (
        ("--step", "2h", "time from scrape to scrape"),
        ("--recent", "6h", "length of the last part, which is finer"),
        ("--recent-step", "1m", "time from scrape to scrape there"),
    ):
        parser.add_argument(name, type=duration, default=duration(default), help=f"{text} ({default})")
    parser.add_argument("--end", type=float, default=None, help="Unix time of the last scrape (now)")
    parser.add_argument("--users", type=int, default=500, help="licenses of the largest enterprise (%(default)s)")
    parser.add_argument("--runners", type=int, default=60, help="its runners (%(default)s)")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=RATE", help="as of simulate; repeatable")
    options = parser.parse_args(arguments)
    logs.configure("critical", "console")
    span = Span(options.end or time.time(), options.days * DAY, options.step, options.recent, options.recent_step)
    try:
        kept = history(span.instants(), users=options.users, runners=options.runners, faults=options.fault)
    except (ValueError, Stopped) as error:
        parser.error(str(error))
    with options.file.open("wb") as file:
        samples = kept.write(file)
    print(f"{options.file}: {samples} samples of {len(kept.instants)} scrapes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
