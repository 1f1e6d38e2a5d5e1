"""Bounds: of a client, and of one run of a collector."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.errors import GitHubError


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Bounds of one client; see the settings under `limits`. Without `allows_address` it may connect to any address."""

    max_concurrency: int = 4
    rate_limit_reserve: float = 0.1
    max_response_bytes: int = 64_000_000
    max_pages: int = 2000
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    tries: int = 3
    tries_seconds: float = 15.0
    allows_address: Callable[[str], bool] | None = None


@dataclass(slots=True)
class Run:
    """One run of a collector: until when it may ask, and whether it may use the rate limit's reserve.

    Without `revalidate` no ETag is sent, because the stored answer could not be understood.
    `requests` are its attempts, `charged` its answers that count against each resource of the rate limit, which are
    all but 304, and `answered` its answers that could be used; threads may fetch pages in parallel.
    `notes` are worth a line in the log, each an event and its details.
    `partial_failures` are the errors of single values, beside which everything else was read.
    """

    deadline: float
    essential: bool = False
    revalidate: bool = True
    skipped: int = field(default=0)
    requests: int = field(default=0)
    answered: int = field(default=0)
    charged: dict[str, int] = field(default_factory=dict)
    partial_failures: list[GitHubError] = field(default_factory=list)
    notes: list[tuple[str, dict[str, float]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def count_request(self) -> None:
        """Count an attempt."""
        with self._lock:
            self.requests += 1

    def count_answer(self) -> None:
        """Count an answer that could be used."""
        with self._lock:
            self.answered += 1

    def count_charge(self, resource: str) -> None:
        """Count an answer that counts against *resource* of the rate limit."""
        with self._lock:
            self.charged[resource] = self.charged.get(resource, 0) + 1
