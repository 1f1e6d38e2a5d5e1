"""An exporter in a time that passes as fast as its work is done: nothing sleeps, everything else is real."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.app import Exporter
from exporter.collectors import COLLECTORS
from exporter.runtime.status import Key
from tests.support.harness import FakeClock

RUNS = "run "
"""How the threads of readings are called."""
MAX_STEP_SECONDS = 1.0


@dataclass
class Timeline:
    """How old the data of each collector became, and the longest interval that was shown."""

    oldest: dict[Key, float] = field(default_factory=dict)
    longest: dict[Key, float] = field(default_factory=dict)

    def note(self, exporter: Exporter, now: float) -> None:
        """Look at every collector."""
        for key, status in exporter.statuses.all().items():
            if status.succeeded_at is not None:
                self.oldest[key] = max(self.oldest.get(key, 0.0), now - status.succeeded_at)
            self.longest[key] = max(self.longest.get(key, 0.0), status.interval)


def let_pass(
    exporter: Exporter,
    clock: FakeClock,
    seconds: float,
    meanwhile: Callable[[float], None] = lambda _now: None,
) -> Timeline:
    """Let *seconds* pass: whatever is due runs in its threads, and time stands still until they have ended.

    *meanwhile* is called with the time at least every second.
    """
    end, seen = clock.now + seconds, Timeline()
    while clock.now < end:
        sleep = exporter.schedule.run_due()
        under_way = [thread for thread in threading.enumerate() if thread.name.startswith(RUNS)]
        if under_way:
            for thread in under_way:
                thread.join(60)
            continue
        seen.note(exporter, clock.now)
        clock.now += min(max(sleep, 0.001), MAX_STEP_SECONDS, max(end - clock.now, 0.001))
        seen.note(exporter, clock.now)
        meanwhile(clock.now)
    return seen


@dataclass
class OtherTool:
    """Something else that uses the same token, so many requests a second."""

    url: str
    token: str
    rate: float
    refused: int = 0
    _owed: float = 0.0
    _seen: float | None = None

    def __call__(self, now: float) -> None:
        """Send what is owed since the last call."""
        self._owed += self.rate * (now - self._seen if self._seen is not None else 0.0)
        self._seen = now
        while self._owed >= 1:
            self._owed -= 1
            headers = {"Authorization": f"Bearer {self.token}", "User-Agent": "other"}
            request = urllib.request.Request(f"{self.url}/meta", headers=headers)
            try:
                urllib.request.urlopen(request, timeout=10).close()
            except urllib.error.HTTPError as error:
                self.refused += error.code == 403


def only(*collectors: str, **options: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of collectors by which *collectors* and those with *options* are read, and no others."""
    chosen = {*collectors, *options}
    return {
        collector.name: {"enabled": collector.name in chosen, **options.get(collector.name, {})}
        for collector in COLLECTORS
    }
