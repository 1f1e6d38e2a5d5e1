"""GitHub Enterprise Servers that send their license usage to an enterprise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from exporter.simulator.company.activity import DAY, WEEK
from exporter.simulator.company.random_draws import Draws

STALE_DAYS = 9
FAILURE = "The connection to GitHub was refused by the proxy."


class Habit(Enum):
    """How a server synchronises."""

    WEEKLY = "weekly"
    FAILED = "failed"
    STALE = "stale"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Server:
    """A connected GitHub Enterprise Server."""

    hostname: str
    habit: Habit = Habit.WEEKLY


class LicenseSync:
    """Outcome of the last synchronisation of every server, at any time."""

    def __init__(self, seed: int, enterprise: str, servers: Sequence[Server]) -> None:
        self._draws = Draws(seed, enterprise, "license-sync")
        self._servers = servers

    @property
    def hostnames(self) -> list[str]:
        """Hosts of the servers."""
        return [server.hostname for server in self._servers]

    def connected(self) -> list[tuple[str, str]]:
        """Identity and host of every server that has ever synchronized."""
        return [
            (self._identity(index), server.hostname)
            for index, server in enumerate(self._servers)
            if server.habit is not Habit.NEVER
        ]

    def instances(self, at: float, *, failed: float = 0.0) -> list[dict[str, Any]]:
        """Return every server at *at*, the share *failed* of those that ever synchronised having failed."""
        synchronising = [server for server in self._servers if server.habit is not Habit.NEVER]
        broken = synchronising[: round(failed * len(synchronising))]
        return [
            self._instance(index, server, at, fails=server.habit is Habit.FAILED or server in broken)
            for index, server in enumerate(self._servers)
        ]

    def _instance(self, index: int, server: Server, at: float, *, fails: bool) -> dict[str, Any]:
        instance: dict[str, Any] = {
            "server_id": self._identity(index),
            "hostname": server.hostname,
        }
        if server.habit is Habit.NEVER:
            return instance
        known = at - STALE_DAYS * DAY if server.habit is Habit.STALE else at
        appointment = self._draws.fraction(index) * WEEK
        date = known - (known - appointment) % WEEK
        instance["last_sync"] = {
            "date": datetime.fromtimestamp(int(date), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "status": "failed" if fails else "success",
            "error": FAILURE if fails else "",
        }
        return instance

    def _identity(self, index: int) -> str:
        return self._draws.digest(index)[:8].hex()
