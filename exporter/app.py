"""The composition root: settings in, a running exporter out. The only place that wires things together."""

import random
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from pathlib import Path

import prometheus_client
import structlog

from exporter import __version__
from exporter.clock import Clock, SystemClock
from exporter.collectors import COLLECTORS
from exporter.config.settings import Settings
from exporter.github.client import Client
from exporter.github.run import ClientLimits
from exporter.metrics.exposition import Exposition
from exporter.revision import REVISION
from exporter.runtime.assignment import Assignment, assignments
from exporter.runtime.clients import auths, client_limits, open_clients
from exporter.runtime.collection import Collection
from exporter.runtime.fingerprint import RELEASE
from exporter.runtime.saved import Kept
from exporter.runtime.schedule import Schedule, Task
from exporter.runtime.snapshot import Snapshots
from exporter.runtime.status import Key, Status, StatusBoard
from exporter.state.store import Store
from exporter.telemetry.telemetry import Telemetry
from exporter.web.application import Application
from exporter.web.status_page import status_page

log = structlog.get_logger()

FIRST_RUNS_SECONDS = 3.0
"""First runs are spread over this time, so that a start does not look like an attack."""


class Exporter:
    """Everything that lives as long as the process, and the collections of the present settings."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        randomness: random.Random | None = None,
        process_metrics: bool = True,
        keeps_state: bool = False,
        bounds: ClientLimits | None = None,
    ) -> None:
        # The text format has no place for them, and they would double the series of every counter.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.clock = clock or SystemClock()
        self._bounds = bounds
        self._random = randomness or random.Random()  # noqa: S311 - jitter, not cryptography
        metrics = {collector.name: collector.metrics for collector in COLLECTORS}
        self.statuses = StatusBoard()
        self.telemetry = Telemetry(
            self.statuses, version=__version__, revision=REVISION, process_metrics=process_metrics
        )
        self.exposition = Exposition(metrics)
        self.snapshots = Snapshots(self.exposition, metrics, self.telemetry.dropped)
        self.schedule = Schedule(self.clock, self._expire)
        self.collections: dict[Key, Collection] = {}
        self._keeps_state = keeps_state
        self._state_dir: Path | None = None
        self._store: Store | None = None
        self._started = False
        self._clients: list[Client] = []
        self._generation = threading.Event()
        self._lock = threading.Lock()

    def apply(self, settings: Settings) -> None:
        """Collect as *settings* say from now on; what they do not mention any more vanishes from /metrics.

        Raises:
            ConfigurationError: a secret cannot be read any more; nothing has changed.
        """
        with self._lock:
            generation = threading.Event()
            clients: list[Client] = []
            collections: dict[Key, Collection] = {}
            impossible: dict[Key, float] = {}
            for enterprise in settings.enterprises:
                opened = open_clients(
                    enterprise,
                    limits=client_limits(settings.limits, self._bounds),
                    observer=self.telemetry.observer(enterprise.name),
                    clock=self.clock,
                    stop=generation,
                    randomness=self._random,
                )
                clients += opened.all
                for assignment in assignments(settings, enterprise, opened):
                    if enterprise.platform in assignment.collector.platforms:
                        collections[assignment.key] = self._collection(assignment, generation)
                    else:
                        impossible[assignment.key] = assignment.interval
            self._generation.set()
            self._generation = generation
            self.snapshots.limit(settings.limits.max_series_per_metric)
            kept = self._open_state(settings.state_dir, collections)
            self._swap(collections, impossible, clients, kept)
            for enterprise in settings.enterprises:
                self.telemetry.keep_credentials(enterprise.name, frozenset(auths(enterprise)))
        self.telemetry.reloaded(self.clock.time())

    def start(self) -> None:
        """Begin to collect in the background."""
        self.schedule.start()
        self._started = True
        if self._store is not None:
            self._store.start()

    def stop(self) -> None:
        """End collecting; requests under way are abandoned."""
        self._generation.set()
        self.schedule.stop()
        if self._store is not None:
            self._store.stop()
        for client in self._clients:
            client.close()

    def application(self, reload: Callable[[], str] | None = None) -> Application:
        """The web application over everything collected."""
        return Application(
            exposition=self.exposition,
            own=self.telemetry,
            collectors=frozenset(collector.name for collector in COLLECTORS),
            status_page=lambda: status_page(__version__, self.statuses.all(), self.clock.time()),
            is_healthy=self.schedule.is_alive,
            is_ready=self.statuses.is_ready,
            reload=reload,
        )

    def _collection(self, assignment: Assignment, generation: threading.Event) -> Collection:
        return Collection(
            assignment,
            snapshots=self.snapshots,
            statuses=self.statuses,
            observer=self.telemetry,
            clock=self.clock,
            randomness=self._random,
            kept=self._keep,
            given_up=generation.is_set,
        )

    def _open_state(self, state_dir: Path | None, collections: Mapping[Key, Collection]) -> Mapping[Key, Kept]:
        """Use *state_dir* from now on; return what is stored there of *collections*, if this is the start."""
        fingerprints = {key: collection.assignment.fingerprint for key, collection in collections.items()}
        kept: Mapping[Key, Kept] = {}
        if self._keeps_state and state_dir != self._state_dir:
            if self._store is not None:
                self._store.stop()
            self._state_dir, self._store = state_dir, None
            if state_dir is not None:
                self._store = Store(state_dir, RELEASE, self.clock, self.telemetry.state_written)
                kept = {} if self.collections else self._store.load(fingerprints)
                if self._started:
                    self._store.start()
        if self._store is not None:
            self._store.expect(fingerprints)
        return kept

    def _keep(self, key: Key, kept: Kept) -> None:
        store = self._store
        if store is not None:
            store.keep(key, replace(kept, verdicts=self.telemetry.verdicts(key.enterprise)))

    def _swap(
        self,
        collections: dict[Key, Collection],
        impossible: dict[Key, float],
        clients: list[Client],
        kept: Mapping[Key, Kept],
    ) -> None:
        gone = self.statuses.all().keys() - collections.keys() - impossible.keys()
        for key in gone:
            self.statuses.remove(key)
            self.snapshots.remove(key)
            self.telemetry.forget(key)
        remaining = {key.enterprise for key in (*collections, *impossible)}
        for enterprise in {key.enterprise for key in gone} - remaining:
            self.telemetry.forget_enterprise(enterprise)
        for key, interval in impossible.items():
            self.telemetry.watch(key)
            self.snapshots.remove(key)
            self.statuses.add(key, Status(interval, success=False, available=False))
        for key, collection in collections.items():
            self.telemetry.watch(key)
            if key in self.collections and not collection.assignment.fits(self.collections[key].assignment):
                self.statuses.remove(key)
                self.snapshots.remove(key)
            known = self.statuses.get(key)
            succeeded_at = known.succeeded_at if known else None
            if succeeded_at is not None:
                collection.has_worked()
            shown = succeeded_at is not None
            self.statuses.add(key, Status(collection.assignment.interval, succeeded_at=succeeded_at, shown=shown))
            self.snapshots.watch(key, frozenset(collection.assignment.levels))
        delays = self._resume(collections, kept)
        for client in self._clients:
            client.close()
        self._clients, self.collections = clients, collections
        tasks: dict[Hashable, Task] = {
            key: Task(collection.run, delays.get(key, self._random.uniform(0, FIRST_RUNS_SECONDS)))
            for key, collection in collections.items()
        }
        self.schedule.replace(tasks)

    def _resume(self, collections: Mapping[Key, Collection], kept: Mapping[Key, Kept]) -> dict[Key, float]:
        """Go on with what is *kept*; return the seconds to the first runs of those that are not due."""
        delays: dict[Key, float] = {}
        # The newest verdict on a credential comes last.
        for key in sorted(kept, key=lambda key: kept[key].status.attempted_at or 0.0):
            collection = collections[key]
            resumption = collection.resume(kept[key])
            if resumption is not None and resumption.delay is not None:
                delays[key] = resumption.delay
            if resumption is not None and kept[key].credentials_digest == collection.assignment.credentials_digest:
                self.telemetry.believe(key.enterprise, kept[key].verdicts)
        return delays

    def _expire(self) -> None:
        for collection in list(self.collections.values()):
            collection.expire()
