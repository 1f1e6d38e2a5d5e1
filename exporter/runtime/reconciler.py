"""Bring what is collected, shown and kept in line with the settings in force.

Every store has one verb for that, `reconcile`, which is given all there shall be. They are changed under the lock of
those who publish, so that what was read by the former settings is shown before that or not at all.
"""

import random
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import structlog

from exporter.clock import Clock
from exporter.collector import FoundOrganizations
from exporter.github.client import Client
from exporter.runtime.assignment import Assignment
from exporter.runtime.collection import Collection
from exporter.runtime.discovery import Chosen, Discovery, KnownOrganizations, Selection
from exporter.runtime.level import RunContext, RunObserver
from exporter.runtime.pacer import Pace, Pacer
from exporter.runtime.persistence import Persistence
from exporter.runtime.saved import SavedState
from exporter.runtime.schedule import Lane, Schedule, Task
from exporter.runtime.snapshot import Snapshots
from exporter.runtime.status import Key, LevelKey, StatusBoard, Verdict

log = structlog.get_logger()
MAX_LOGGED = 10
"""Names of organizations in one line of the log."""


class OwnMetrics(RunObserver, Protocol):
    """The exporter's metrics about itself."""

    def reconcile(self, keys: AbstractSet[Key], credentials: Mapping[str, frozenset[str]]) -> None:
        """Count for *keys* and for the *credentials* of each enterprise, and for nothing else."""

    def set_organizations(self, chosen: Mapping[str, Chosen]) -> None:
        """Show how many organizations of each enterprise are read."""

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
        self._discovery = Discovery()
        self._selections: dict[str, Selection] = {}
        self._chosen: dict[str, Chosen] = {}
        self._lanes: dict[Client, Lane] = {}
        self._pacer = Pacer(clock, randomness, self._move, stores.statuses.set_interval)

    def apply(self, wanted: Wanted) -> None:
        """Collect what is *wanted* from now on, and nothing else; whatever it does not mention vanishes."""
        stores, context = self._stores, self._context(wanted.stop.is_set)
        saved = stores.persistence.open(wanted.state_dir, [each for each in wanted.assignments if each.is_supported])
        with stores.snapshots.lock:
            assignments = self._with_organizations(wanted.assignments, saved)
            watches = {assignment.key: assignment.watch for assignment in assignments}
            supported = [each for each in assignments if each.is_supported]
            collections = {assignment.key: Collection(assignment, context) for assignment in supported}
            stores.own_metrics.reconcile(watches.keys(), wanted.credentials)
            stores.statuses.reconcile(watches)
            stores.snapshots.reconcile(watches, wanted.max_series)
            stores.persistence.reconcile(supported)
            delays = self._restore(collections, saved)
            for key in collections.keys() & self.collections.keys():
                collections[key].continue_counting(self.collections[key])
            former, self._wanted, self.collections = self._wanted, wanted, collections
            self._lanes = {client: Lane(client.limits.max_concurrency) for client in wanted.clients}
            for collection in collections.values():
                collection.remember_successes()
                collection.plan(delays, self._lanes)
            former.stop.set()
            self._schedule()
            stores.own_metrics.set_organizations(self._chosen)
            self._pacer.reconcile(self._paces())
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
            self._pacer.reconcile(self._paces())

    def keep_pace(self) -> None:
        """Plan anew what was planned for a window of the rate limit that has ended."""
        self._pacer.tick()

    def found(self, enterprise: str, found: FoundOrganizations) -> KnownOrganizations:
        """Take note of the organizations *enterprise* was *found* to have; return all that it is known to have.

        Where the settings say so, they are read from now on.
        """
        known = self._discovery.note(enterprise, found)
        former, selection = self._chosen.get(enterprise, Chosen(())), self._selections.get(enterprise, Selection())
        chosen = selection.choose(known.logins)
        if chosen != former:
            self._chosen[enterprise] = chosen
            self._stores.own_metrics.set_organizations(self._chosen)
            _log_change(enterprise, former, chosen)
        if chosen.organizations != former.organizations:
            self.set_organizations(enterprise, chosen.organizations)
        return known

    def _with_organizations(
        self, assignments: Iterable[Assignment], saved: Mapping[LevelKey, SavedState]
    ) -> list[Assignment]:
        """*assignments* with the organizations that are read as far as is known."""
        assignments = list(assignments)
        self._discovery.reconcile({each.enterprise: each.address for each in assignments})
        for level, state in saved.items():
            if state.organizations:
                self._discovery.restore(level.enterprise, state.organizations)
        self._selections = {each.enterprise: each.selection for each in assignments if each.enterprise}
        self._chosen = {
            enterprise: selection.choose(self._discovery.known(enterprise))
            for enterprise, selection in self._selections.items()
        }
        return [
            replace(each, organizations=self._chosen.get(each.enterprise, Chosen(())).organizations)
            for each in assignments
        ]

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
            pacer=self._pacer,
            save=self._stores.persistence.save,
            is_over=is_over,
            found=self.found,
        )

    def _restore(
        self, collections: Mapping[Key, Collection], saved: Mapping[LevelKey, SavedState]
    ) -> dict[LevelKey, float]:
        """Continue with what was *saved*; return the seconds to the first readings of those that are not due."""
        delays: dict[LevelKey, float] = {}
        # The newest verdict on a credential comes last.
        for level in sorted(saved, key=lambda level: saved[level].status.attempted_at or 0.0):
            collection = collections[level.key]
            if level.organization not in collection.levels:
                continue  # it might have been one that was found
            plan = collection.levels[level.organization].restore(saved[level])
            if plan is not None and plan.delay is not None:
                delays[level] = plan.delay
            if plan is not None and saved[level].credentials_digest == collection.assignment.credentials_digest:
                self._stores.own_metrics.restore(level.enterprise, saved[level].verdicts)
        return delays

    def _paces(self) -> list[Pace]:
        return [level.pace for collection in self.collections.values() for level in collection.levels.values()]

    def _move(self, level: LevelKey, seconds: float) -> None:
        """Have the next reading of *level* begin in *seconds*."""
        self._stores.schedule.move(level, seconds)
        self._stores.statuses.update(level, next_at=self._clock.time() + seconds)

    def _schedule(self) -> None:
        tasks: dict[Hashable, Task] = {
            level: task for collection in self.collections.values() for level, task in collection.tasks.items()
        }
        self._stores.schedule.reconcile(tasks)


def _log_change(enterprise: str, former: Chosen, chosen: Chosen) -> None:
    """Log which organizations come and go, and those that are too many."""
    added = [name for name in chosen.organizations if name not in former.organizations]
    removed = [name for name in former.organizations if name not in chosen.organizations]
    if added or removed:
        log.info(
            "organizations changed",
            enterprise=enterprise,
            organizations=len(chosen.organizations),
            added=len(added),
            removed=len(removed),
            names=[*added, *removed][:MAX_LOGGED],
        )
    if chosen.left_out and chosen.left_out != former.left_out:
        log.warning(
            "organizations left out: more than organizations.max", enterprise=enterprise, left_out=chosen.left_out
        )
