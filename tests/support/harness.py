"""A collector with everything around it, against recorded answers: no socket, a clock that stands still."""

import json
import random
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import responses

from exporter.clock import SystemClock
from exporter.collector import Allowances, BillingPlatform, Collector, Platform
from exporter.collectors.common.labels import snake_case
from exporter.errors import Reason
from exporter.github.auth import PersonalAccessToken
from exporter.github.client import Client
from exporter.github.run import ClientLimits
from exporter.metrics.exposition import Exposition
from exporter.runtime.assignment import Assignment
from exporter.runtime.collection import Collection
from exporter.runtime.discovery import Discovery
from exporter.runtime.level import RunContext
from exporter.runtime.pacer import Pacer
from exporter.runtime.saved import SavedState
from exporter.runtime.snapshot import Snapshots
from exporter.runtime.status import Key, LevelKey, Status, StatusBoard
from exporter.telemetry.telemetry import Telemetry

ENTERPRISE = "octo-corp"
NOW = 1_795_000_000.0
API = "https://api.example.com"


@dataclass
class FakeClock:
    """A clock that only moves when somebody waits."""

    now: float = NOW
    offset: float = 0.0

    def time(self) -> float:
        return self.now + self.offset

    def set_by(self, seconds: float) -> None:
        """Set the wall clock forward or back; what is measured is not affected."""
        self.offset += seconds

    def monotonic(self) -> float:
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.now += seconds
        return event.is_set()


class ImpatientClock(SystemClock):
    """The machine's clock, moved forward by every wait instead of waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._skipped = 0.0

    def time(self) -> float:
        return super().time() + self._skipped

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped

    def wait(self, event: threading.Event, seconds: float) -> bool:
        with self._lock:
            self._skipped += seconds
        return event.is_set()


@dataclass
class RecordingObserver:
    """Counts what a run reports."""

    skips: int = 0
    reasons: list[Reason] = field(default_factory=list)

    def failed(self, _key: Key, reason: Reason) -> None:
        self.reasons.append(reason)

    def skipped(self, _key: Key, records: int) -> None:
        self.skips += records


def read_all(collection: Collection) -> float:
    """Read every level of *collection* once; return the seconds until the first is read again."""
    return min(level.run() for level in collection.levels.values())


class CollectorHarness:
    """One collector ready to run; `recorded` maps paths to answers and may change between runs."""

    def __init__(
        self,
        collector: Collector[Any],
        recorded: Mapping[str, Any],
        *,
        options: Mapping[str, Any] | None = None,
        organizations: tuple[str, ...] = (),
        max_series: int = 10_000,
        platform: str = Platform.CLOUD,
        now: float = NOW,
        included: Mapping[str, float] | None = None,
        billing_platform: BillingPlatform = "auto",
        expected_labels: Sequence[str] = (),
        organization_properties: Sequence[str] = (),
        property_labels: Sequence[str] = (),
        randomness: random.Random | None = None,
    ) -> None:
        self.recorded = dict(recorded)
        self.clock, self.observer, self.statuses = FakeClock(now), RecordingObserver(), StatusBoard()
        self.asked: list[str] = []
        self.conditions: list[str | None] = []
        self.dropped: dict[str, int] = {}
        metrics = {collector.name: collector.metrics}
        self.exposition = Exposition(metrics)
        self.snapshots = Snapshots(self.exposition, metrics, self._note_dropped)
        self.client = Client(
            API,
            PersonalAccessToken("auth", lambda: "token"),
            user_agent="test",
            observer=Telemetry(self.statuses, version="", revision="").observer(ENTERPRISE),
            clock=self.clock,
            stop=threading.Event(),
            limits=ClientLimits(),
            randomness=random.Random(1),
        )
        self.assignment = Assignment(
            collector=collector,
            enterprise=ENTERPRISE,
            slug=ENTERPRISE,
            platform=Platform(platform),
            options=collector.options.model_validate(options or {}),
            client_of=lambda _organization: self.client,
            organizations=organizations,
            included=Allowances.model_validate(included or {}),
            billing_platform=billing_platform,
            expected_labels=tuple(expected_labels),
            organization_properties=tuple(organization_properties),
            property_labels=tuple(property_labels or map(snake_case, organization_properties)),
        )
        watches = {self.assignment.key: self.assignment.watch}
        self.statuses.reconcile(watches)
        self.snapshots.reconcile(watches, max_series)
        self.is_over = threading.Event()
        self.saved: dict[LevelKey, SavedState] = {}
        self.pacer = Pacer(self.clock, randomness or random.Random(1), show=self.statuses.set_interval)
        context = RunContext(
            snapshots=self.snapshots,
            statuses=self.statuses,
            observer=self.observer,
            clock=self.clock,
            randomness=randomness or random.Random(1),
            pacer=self.pacer,
            save=lambda level, _fingerprint, state: self.saved.update({level: state}),
            is_over=self.is_over.is_set,
            found=Discovery().note,
        )
        self.collection = Collection(self.assignment, context)
        self.pacer.reconcile(level.pace for level in self.collection.levels.values())

    def run(self, *organizations: str) -> float:
        """Read every level, or those of *organizations*; return the seconds until the first is read again."""
        with self.recorded_answers():
            levels = self.collection.levels
            return min(levels[name].run() for name in organizations or levels)

    @property
    def status(self) -> Status:
        status = self.statuses.get(self.assignment.key)
        assert status is not None
        return status

    @property
    def text(self) -> str:
        """What is exposed."""
        return self.exposed(openmetrics=False)

    def exposed(self, *, openmetrics: bool) -> str:
        """What is exposed in one of the formats, without the end mark of OpenMetrics."""
        return b"".join(self.exposition.page(openmetrics=openmetrics).plain(())).decode()

    @property
    def series(self) -> dict[str, float]:
        """What is exposed, without comments, by series."""
        lines = (line for line in self.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    @contextmanager
    def recorded_answers(self) -> Iterator[None]:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.add_callback(responses.GET, re.compile("https://.*"), callback=self._answer)
            yield
        self.client.close()

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.asked.append(str(request.url).removeprefix(API))
        self.conditions.append(request.headers.get("If-None-Match"))
        return answer(self.recorded, request)

    def _note_dropped(self, _key: Key, dropped: Mapping[str, int]) -> None:
        self.dropped = dict(dropped)


def answer(recorded: Mapping[str, Any], request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
    """The recorded answer whose path is equal and whose query is the largest part of the one asked.

    What another host than the API answers is recorded by its whole URL.

    An exception is raised instead, as requests would when no answer comes.
    """
    parts = urlsplit(str(request.url))
    asked = set(parse_qsl(parts.query))
    of_api = str(request.url).startswith(f"{API}/")
    asked_path = parts.path if of_api else f"{parts.scheme}://{parts.netloc}{parts.path}"
    fitting = [
        (len(query), value)
        for key, value in recorded.items()
        for path, _, rest in [key.partition("?")]
        for query in [set(parse_qsl(rest))]
        if path == asked_path and query <= asked
    ]
    if not fitting:
        return 404, {}, '{"message": "Not Found"}'
    value = max(fitting, key=lambda pair: pair[0])[1]
    if isinstance(value, Exception):
        raise value
    if not (isinstance(value, dict) and "body" in value):
        value = {"body": value}
    body = value["body"]
    return value.get("status", 200), value.get("headers", {}), body if isinstance(body, str) else json.dumps(body)
