"""The whole product against a GitHub on which things go wrong, with a clock that moves when somebody waits."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.collectors import COLLECTORS
from exporter.commands.demo import DemoSettings
from exporter.config.settings import Settings
from exporter.errors import Reason
from exporter.github.run import ClientLimits
from exporter.runtime.collection import Collection
from exporter.runtime.status import Key, Status
from exporter.simulator import Simulator
from tests.support.harness import read_all
from tests.support.secret_marker import CANARY, PASSWORD, TOKEN
from tests.support.web_server import get

NOW = 1_795_000_000.0
HASTY = ClientLimits(connect_seconds=10.0, read_seconds=10.0)
MAX_PAGES = 12
ALL = tuple(collector.name for collector in COLLECTORS)
OPT_IN = {
    "actions_activity": {"enabled": True},
    "billing_usage": {"enabled": True},
    "budget_users": {"enabled": True},
    "cost_centers": {"spend": True},
    "advanced_security": {"organizations_breakdown": True},
    "server_management": {"enabled": True},
    "copilot_usage": {"enabled": True},
}


class Time:
    """A clock that jumps when somebody waits and otherwise stands still, unless it is set to run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._speed = 0.0
        self._began = time.monotonic()
        self._jumped = 0.0

    def time(self) -> float:
        return NOW + self.monotonic()

    def monotonic(self) -> float:
        return self._jumped + self._speed * (time.monotonic() - self._began)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.jump(seconds)
        return event.is_set()

    def run(self, speed: float) -> None:
        """Pass so many seconds for each second of the machine from now on."""
        self._jumped, self._began, self._speed = self.monotonic(), time.monotonic(), speed

    def jump(self, seconds: float) -> None:
        with self._lock:
            self._jumped += seconds


def settings(*enterprises: Mapping[str, Any], collectors: Mapping[str, Any] | None = None, **limits: Any) -> Settings:
    """Settings for *enterprises*, which need only a slug and an api_url."""
    return DemoSettings.model_validate(
        {
            "enterprises": [{"auth": {"token": TOKEN}, **enterprise} for enterprise in enterprises],
            "collectors": OPT_IN if collectors is None else collectors,
            "limits": limits,
        }
    )


class FaultHarness:
    """An exporter whose runs happen when the test says so."""

    def __init__(self, clock: Time, bounds: ClientLimits = HASTY) -> None:
        self.clock = clock
        self.due: dict[Key, float] = {}
        self.exporter = Exporter(clock=clock, randomness=random.Random(1), process_metrics=False, limits=bounds)

    def collection(self, name: str) -> Collection:
        """The collector *name* of the one enterprise that has it."""
        (found,) = [each for key, each in self.exporter.collections.items() if key.collector == name]
        return found

    def status(self, name: str) -> Status:
        """How its last run ended."""
        status = self.exporter.statuses.get(self.collection(name).assignment.key)
        assert status is not None
        return status

    def families(self, *names: str) -> bytes:
        """What of these collectors is exposed."""
        return b"".join(self.exporter.exposition.page(frozenset(names)).plain(()))

    def scrape(self, *, openmetrics: bool = False) -> str:
        """Everything that is exposed."""
        own = self.exporter.telemetry.chunks(openmetrics=openmetrics)
        return b"".join(self.exporter.exposition.page(openmetrics=openmetrics).plain(own)).decode()

    def status_page(self) -> str:
        """The status page."""
        return b"".join(get(self.exporter.application(), "/").body).decode()

    @contextmanager
    def hurried(self, seconds: float) -> Iterator[None]:
        """Wait so long for an answer meanwhile, and try once."""
        levels = [level for each in self.exporter.collections.values() for level in each.levels.values()]
        clients = {level.client: level.client.limits for level in levels}
        for client, limits in clients.items():
            client.limits = replace(limits, read_seconds=seconds, tries=1)
        yield
        for client, limits in clients.items():
            client.limits = limits

    def failures(self, name: str) -> dict[str, float]:
        """Failed runs of the collector by reason, without those that never happened."""
        found: dict[str, float] = {}
        for line in self.scrape().splitlines():
            if line.startswith("ghe_exporter_collector_failures_total{") and f'collector="{name}"' in line:
                reason, count = line.partition('reason="')[2].split('"} ')
                found |= {reason: float(count)} if float(count) else {}
        return found


@contextmanager
def fault_harness(
    simulator: Simulator,
    slug: str,
    clock: Time,
    bounds: ClientLimits = HASTY,
    only: Sequence[str] = ALL,
    **options: Any,
) -> Iterator[FaultHarness]:
    """A harness that reads the enterprise *slug* of *simulator* with the collectors *only*."""
    harness = FaultHarness(clock, bounds)
    url = simulator.server_url if slug == "octo-server" else simulator.url
    chosen = options.setdefault("collectors", {**OPT_IN, "github_status": {"enabled": True, "url": simulator.url}})
    chosen |= {name: {"enabled": False} for name in ALL if name not in only}
    enterprise: dict[str, Any] = {"slug": slug, "api_url": url}
    if slug == "octo-corp":
        enterprise["organizations"] = ["octo-org-1"]
    if slug == "octo-server":
        enterprise |= {"manage_url": simulator.manage_url, "manage_auth": {"username": "demo", "password": PASSWORD}}
    harness.exporter.apply(settings(enterprise, **options))
    try:
        yield harness
    finally:
        harness.exporter.stop()


@contextmanager
def no_secret_told(harness: FaultHarness) -> Iterator[list[Any]]:
    """Nothing that is logged or shown meanwhile holds the token or an e-mail address."""
    with capture_logs() as logs:
        yield logs
    shown = f"{logs}{harness.scrape()}{harness.status_page()}"
    assert CANARY not in shown
    assert not re.search(r"\w@\w", shown)


def play(harness: FaultHarness, seconds: float, after: Callable[[Key, Reason | None], None]) -> None:
    """Let *seconds* pass, each collector running when it is due, one after another; *after* gets the result of each."""
    end = harness.clock.monotonic() + seconds
    while True:
        key = min(harness.exporter.collections, key=lambda each: harness.due.get(each, 0.0))
        due = max(harness.due.get(key, 0.0), harness.clock.monotonic())
        if due > end:
            harness.clock.jump(max(0.0, end - harness.clock.monotonic()))
            return
        harness.clock.jump(due - harness.clock.monotonic())
        harness.due[key] = read_all(harness.exporter.collections[key]) + harness.clock.monotonic()
        status = harness.exporter.statuses.get(key)
        assert status is not None
        after(key, status.reason)
