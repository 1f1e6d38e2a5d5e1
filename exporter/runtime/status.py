"""What is known of each collector of each enterprise: the source of its own metrics and of the status page."""

import threading
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from exporter.errors import Reason


class Key(NamedTuple):
    """The unit of work and of failure."""

    enterprise: str
    collector: str


@dataclass(frozen=True, slots=True)
class Status:
    """The last run of one collector for one enterprise; None is "not yet"."""

    interval: float
    attempted_at: float | None = None
    succeeded_at: float | None = None
    duration: float | None = None
    success: bool | None = None
    available: bool | None = None
    reason: Reason | None = None
    problem: str = ""
    next_at: float | None = None
    shown: bool = False
    """Whether figures of an earlier configuration or process are shown while there was no attempt yet."""


class Verdict(NamedTuple):
    """What the API told last of a credential: whether it accepts it and until when; None if it never expires."""

    accepted: bool
    expires_at: float | None


class StatusBoard:
    """Every status; written by runs, read by scrapes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: dict[Key, Status] = {}

    def add(self, key: Key, status: Status) -> None:
        """Begin to watch *key*."""
        with self._lock:
            self._statuses[key] = status

    def remove(self, key: Key) -> None:
        """Forget *key*."""
        with self._lock:
            self._statuses.pop(key, None)

    def update(self, key: Key, **changes: Any) -> None:
        """Change fields of the status of *key*; one that was removed stays removed."""
        with self._lock:
            if key in self._statuses:
                self._statuses[key] = replace(self._statuses[key], **changes)

    def get(self, key: Key) -> Status | None:
        """The status of *key*."""
        with self._lock:
            return self._statuses.get(key)

    def all(self) -> dict[Key, Status]:
        """Every status as of now."""
        with self._lock:
            return dict(self._statuses)

    def is_ready(self) -> bool:
        """Whether every collector has had its first attempt or has something to show."""
        return all(
            status.attempted_at is not None or status.shown or status.available is False
            for status in self.all().values()
        )
