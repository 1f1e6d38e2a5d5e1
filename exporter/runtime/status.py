"""What is known of each collector of each enterprise: the source of its own metrics and of the status page.

A collector reads levels: the enterprise, and each organization. Every level has a status of its own, and the status of
the collector is derived from those of its levels.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from exporter.errors import Reason

ENTERPRISE_LEVEL = ""
"""The name of the level that is the enterprise itself; the other levels have the names of organizations."""


class Key(NamedTuple):
    """A collector of an enterprise: the unit of work and of failure."""

    enterprise: str
    collector: str

    def level(self, organization: str = ENTERPRISE_LEVEL) -> "LevelKey":
        """The level of *organization*."""
        return LevelKey(*self, organization)


class LevelKey(NamedTuple):
    """A level of a collector of an enterprise: what is read, timed, published and kept for itself."""

    enterprise: str
    collector: str
    organization: str

    @property
    def key(self) -> Key:
        """The collector and the enterprise."""
        return Key(self.enterprise, self.collector)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is collected under one key.

    Attributes:
        fingerprint: of everything that shapes results; with another one, former results are dropped.
        interval: configured seconds from one reading to the next.
        levels: what is read, the enterprise first.
        supported: False if the platform cannot offer it; nothing is read then.
    """

    fingerprint: str
    interval: float
    levels: tuple[str, ...] = (ENTERPRISE_LEVEL,)
    supported: bool = True


@dataclass(frozen=True, slots=True)
class LevelStatus:
    """The last reading of one level; None is "not yet". Times are Unix times, for display alone.

    Attributes:
        available: whether GitHub offers it here.
        restored: data of an earlier process or configuration is shown while there was no attempt yet.
        running_since: when the reading under way began.
        requests: attempts of the last reading.
        refused: an organization that was found and that GitHub does not let the credential read: no failure.
    """

    attempted_at: float | None = None
    succeeded_at: float | None = None
    duration: float | None = None
    success: bool | None = None
    available: bool | None = None
    reason: Reason | None = None
    problem: str = ""
    next_at: float | None = None
    restored: bool = False
    running_since: float | None = None
    requests: int | None = None
    refused: bool = False


class FailingLevel(NamedTuple):
    """A level whose last reading failed; the organization is empty for the enterprise."""

    organization: str
    reason: Reason
    problem: str

    @property
    def where(self) -> str:
        """The organization as a prefix of a message; nothing for the enterprise."""
        return prefix(self.organization)


@dataclass(frozen=True, slots=True)
class Status:
    """A collector of an enterprise, as its levels have it; None is "not yet".

    Attributes:
        interval: seconds from one run to the next, as they are in force; those of the level that is read most seldom.
        configured_interval: as the settings have them.
        succeeded_at: of the level that succeeded longest ago; None as long as one never has.
        duration: of the level that took longest.
        success: whether the last reading of every level succeeded.
        available: whether GitHub offers it at any level.
        next_at: when the first level is read next.
        is_ready: whether a level was attempted or has data to show, or there is nothing to wait for.
        failing: the levels whose last reading failed, in their order.
        running: the levels that are read now, and since when.
        requests: attempts of the last reading of each level, together.
        organizations: how many levels are organizations.
        refused: how many more were found that the credential may not read.
    """

    interval: float
    configured_interval: float
    attempted_at: float | None = None
    succeeded_at: float | None = None
    duration: float | None = None
    success: bool | None = None
    available: bool | None = None
    next_at: float | None = None
    is_ready: bool = False
    failing: tuple[FailingLevel, ...] = ()
    running: tuple[tuple[str, float], ...] = ()
    requests: int | None = None
    organizations: int = 0
    refused: int = 0

    @property
    def reason(self) -> Reason | None:
        """Why the first failing level failed."""
        return self.failing[0].reason if self.failing else None

    @property
    def problem(self) -> str:
        """What is wrong, naming the organization, and how many levels fail besides."""
        if not self.failing:
            return ""
        first, more = self.failing[0], len(self.failing) - 1
        return f"{first.where}{first.problem}" + (f" (and {more} more)" if more else "")


class Verdict(NamedTuple):
    """The API's last word on a credential: whether it is accepted and until when; None if it never expires."""

    accepted: bool
    expires_at: float | None


def prefix(organization: str) -> str:
    """What a message about a level begins with; nothing for the enterprise."""
    return f"organization {organization}: " if organization else ""


UNSUPPORTED = LevelStatus(success=False, available=False)


def combine(configured: float, levels: Mapping[str, LevelStatus], interval: float | None = None) -> Status:
    """The status of a collector whose *levels* have these; *interval* is in force where it is another one."""
    refused = sum(level.refused for level in levels.values())
    levels = {name: level for name, level in levels.items() if not level.refused}
    every = levels.values()
    successes = [level.succeeded_at for level in every]
    available = {level.available for level in every}
    return Status(
        interval if interval is not None else configured,
        configured,
        attempted_at=max((level.attempted_at for level in every if level.attempted_at is not None), default=None),
        succeeded_at=min((at for at in successes if at is not None), default=None) if None not in successes else None,
        duration=max((level.duration for level in every if level.duration is not None), default=None),
        success=_all_of([level.success for level in every]),
        available=True if True in available else False if False in available else None,
        next_at=min((level.next_at for level in every if level.next_at is not None), default=None),
        is_ready=any(level.attempted_at is not None or level.restored or level.available is False for level in every),
        failing=tuple(
            FailingLevel(name, level.reason, level.problem)
            for name, level in levels.items()
            if level.reason is not None
        ),
        running=tuple((name, level.running_since) for name, level in levels.items() if level.running_since is not None),
        requests=sum(level.requests or 0 for level in every)
        if any(level.requests is not None for level in every)
        else None,
        organizations=sum(bool(name) for name in levels),
        refused=refused,
    )


def _all_of(values: list[bool | None]) -> bool | None:
    """False if one is, True if all are, None while that is open."""
    return False if False in values else None if None in values or not values else True


@dataclass(slots=True)
class _Watched:
    watch: Watch
    levels: dict[str, LevelStatus]
    combined: Status
    interval: float | None = None

    def combine(self) -> None:
        """Derive the status of the collector anew."""
        self.combined = combine(self.watch.interval, self.levels, self.interval)


class StatusBoard:
    """Every status; written by readings, read by scrapes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[Key, _Watched] = {}

    def reconcile(self, watches: Mapping[Key, Watch]) -> None:
        """Watch *watches* and nothing else from now on; what has the same fingerprint keeps its last success."""
        with self._lock:
            former, self._watched = self._watched, {}
            for key, watch in watches.items():
                known = former.get(key)
                fits = known is not None and known.watch.fingerprint == watch.fingerprint
                levels = {
                    name: _begin(watch, known.levels.get(name) if known is not None and fits else None)
                    for name in watch.levels
                }
                self._watched[key] = _Watched(watch, levels, combine(watch.interval, levels))

    def set_levels(self, key: Key, levels: tuple[str, ...]) -> None:
        """Watch *levels* of *key* from now on; those that stay keep their status as it is."""
        with self._lock:
            if key in self._watched:
                watched = self._watched[key]
                watched.watch = replace(watched.watch, levels=levels)
                watched.levels = {name: watched.levels.get(name, LevelStatus()) for name in levels}
                watched.combine()

    def set_interval(self, key: Key, seconds: float | None) -> None:
        """Show that *seconds* are in force from one run of *key* to the next; None if those of the settings are."""
        with self._lock:
            if key in self._watched:
                watched = self._watched[key]
                watched.interval = seconds
                watched.combine()

    def update(self, level: LevelKey, **changes: Any) -> None:
        """Change fields of the status of *level*; what is not watched stays so."""
        with self._lock:
            known = self._level(level)
            if known is not None:
                self._put(level, replace(known, **changes))

    def put(self, level: LevelKey, status: LevelStatus) -> None:
        """Replace the status of *level*; what is not watched stays so."""
        with self._lock:
            if self._level(level) is not None:
                self._put(level, status)

    def level(self, level: LevelKey) -> LevelStatus | None:
        """The status of *level*; None if it is not watched."""
        with self._lock:
            return self._level(level)

    def levels(self, key: Key) -> dict[str, LevelStatus]:
        """The statuses of all levels of *key*."""
        with self._lock:
            watched = self._watched.get(key)
            return dict(watched.levels) if watched is not None else {}

    def refused(self, enterprise: str) -> frozenset[str]:
        """The organizations of *enterprise* that were found and that some collector may not read."""
        with self._lock:
            return frozenset(
                name
                for key, watched in self._watched.items()
                if key.enterprise == enterprise
                for name, level in watched.levels.items()
                if level.refused
            )

    def get(self, key: Key) -> Status | None:
        """The status of *key*."""
        with self._lock:
            watched = self._watched.get(key)
            return watched.combined if watched is not None else None

    def all(self) -> dict[Key, Status]:
        """Every status as of now."""
        with self._lock:
            return {key: watched.combined for key, watched in self._watched.items()}

    def is_ready(self) -> bool:
        """Whether every collector has attempted one level or has something to show."""
        return all(status.is_ready for status in self.all().values())

    def _level(self, level: LevelKey) -> LevelStatus | None:
        watched = self._watched.get(level.key)
        return watched.levels.get(level.organization) if watched is not None else None

    def _put(self, level: LevelKey, status: LevelStatus) -> None:
        watched = self._watched[level.key]
        watched.levels[level.organization] = status
        watched.combine()


def _begin(watch: Watch, former: LevelStatus | None) -> LevelStatus:
    """The status before the first reading by new settings."""
    if not watch.supported:
        return UNSUPPORTED
    succeeded_at = former.succeeded_at if former is not None else None
    return LevelStatus(succeeded_at=succeeded_at, restored=succeeded_at is not None)
