"""Bring what is collected, shown and kept in line with the settings in force.

Every store has one verb for that, `reconcile`, which is given all there shall be. They are changed under the lock of
those who publish, so that what was read by the former settings is shown before that or not at all.
"""

import random
import threading
from collections.abc import Callable, Hashable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from exporter.clock import Clock
from exporter.github.client import Client
from exporter.runtime.assignment import Assignment
from exporter.runtime.collection import Collection
from exporter.runtime.level import RunContext, RunObserver
from exporter.runtime.persistence import Persistence
from exporter.runtime.saved import SavedState
from exporter.runtime.schedule import Lane, Schedule, Task
from exporter.runtime.snapshot import Snapshots
from exporter.runtime.status import Key, LevelKey, StatusBoard, Verdict


class OwnMetrics(RunObserver, Protocol):
    """The exporter's metrics about itself."""

    def reconcile(self, keys: AbstractSet[Key], credentials: Mapping[str, frozenset[str]]) -> None:
        """Count for *keys* and for the *credentials* of each enterprise, and for nothing else."""

    def restore(self, enterprise: str, verdicts: Mapping[str, Verdict]) -> None:
        """Begin with the API's last word to an earlier process on the credentials of *enterprise*."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that settings ask for, built and ready.

    Attributes:
        assignments: what is read, also where the platform cannot offer it.
        credentials: the names of the credentials of each enterprise.
        clients: by which it is read.
        stop: set when other settings come into force; the clients give up then.
        max_series: of a family and enterprise.
    """

    assignments: tuple[Assignment, ...] = ()
    credentials: Mapping[str, frozenset[str]] = field(default_factory=dict)
    clients: tuple[Client, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    max_series: int = 0
    state_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """What is brought in line."""

    statuses: StatusBoard
    snapshots: Snapshots
    own_metrics: OwnMetrics
    persistence: Persistence
    schedule: Schedule


class Reconciler:
    """What the settings in force ask for, and how the next ones replace it."""

    def __init__(self, stores: Stores, clock: Clock, randomness: random.Random) -> None:
        self.collections: dict[Key, Collection] = {}
        self._stores = stores
        self._clock = clock
        self._random = randomness
        self._wanted = Wanted()
        self._lanes: dict[Client, Lane] = {}

    def apply(self, wanted: Wanted) -> None:
        """Collect what is *wanted* from now on, and nothing else; whatever it does not mention vanishes."""
        stores, supported = self._stores, [each for each in wanted.assignments if each.is_supported]
        watches = {assignment.key: assignment.watch for assignment in wanted.assignments}
        context = self._context(wanted.stop.is_set)
        collections = {assignment.key: Collection(assignment, context) for assignment in supported}
        saved = stores.persistence.open(wanted.state_dir, supported)
        with stores.snapshots.lock:
            stores.own_metrics.reconcile(watches.keys(), wanted.credentials)
            stores.statuses.reconcile(watches)
            stores.snapshots.reconcile(watches, wanted.max_series)
            stores.persistence.reconcile(supported)
            delays = self._restore(collections, saved)
            former, self._wanted, self.collections = self._wanted, wanted, collections
            self._lanes = {client: Lane(client.limits.max_concurrency) for client in wanted.clients}
            for collection in collections.values():
                collection.remember_successes()
                collection.plan(delays, self._lanes)
            former.stop.set()
            self._schedule()
        for client in former.clients:
            client.close()

    def set_organizations(self, enterprise: str, organizations: tuple[str, ...]) -> None:
        """Read these *organizations* of *enterprise* from now on; those that stay are not disturbed."""
        with self._stores.snapshots.lock:
            for key, collection in self.collections.items():
                if key.enterprise == enterprise and collection.assignment.collector.organizations:
                    collection.set_organizations(organizations)
                    self._stores.statuses.set_levels(key, collection.assignment.levels)
                    self._stores.snapshots.set_levels(key, collection.assignment.levels)
                    collection.plan({}, self._lanes)
            self._stores.persistence.reconcile([each.assignment for each in self.collections.values()])
            self._schedule()

    def expire(self) -> None:
        """Drop results that are too old to be shown."""
        for collection in list(self.collections.values()):
            collection.expire()

    def stop(self) -> None:
        """Give up what is under way."""
        self._wanted.stop.set()

    def close(self) -> None:
        """Close idle connections."""
        for client in self._wanted.clients:
            client.close()

    def _context(self, is_over: Callable[[], bool]) -> RunContext:
        return RunContext(
            snapshots=self._stores.snapshots,
            statuses=self._stores.statuses,
            observer=self._stores.own_metrics,
            clock=self._clock,
            randomness=self._random,
            save=self._stores.persistence.save,
            is_over=is_over,
        )

    def _restore(
        self, collections: Mapping[Key, Collection], saved: Mapping[LevelKey, SavedState]
    ) -> dict[LevelKey, float]:
        """Continue with what was *saved*; return the seconds to the first readings of those that are not due."""
        delays: dict[LevelKey, float] = {}
        # The newest verdict on a credential comes last.
        for level in sorted(saved, key=lambda level: saved[level].status.attempted_at or 0.0):
            collection = collections[level.key]
            plan = collection.levels[level.organization].restore(saved[level])
            if plan is not None and plan.delay is not None:
                delays[level] = plan.delay
            if plan is not None and saved[level].credentials_digest == collection.assignment.credentials_digest:
                self._stores.own_metrics.restore(level.enterprise, saved[level].verdicts)
        return delays

    def _schedule(self) -> None:
        tasks: dict[Hashable, Task] = {
            level: task for collection in self.collections.values() for level, task in collection.tasks.items()
        }
        self._stores.schedule.reconcile(tasks)
