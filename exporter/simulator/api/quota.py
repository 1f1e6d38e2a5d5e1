"""GitHub's primary rate limit: so many requests an hour for each token."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

HOUR = 3_600
EARLIER = 1_260
"""Seconds between the resets of two windows of a token."""
MAX_TOKENS = 1_000
CORE, AUDIT_LOG = "core", "audit_log"
AUDIT_LOG_LIMIT = 1_750
"""The audit log is counted by itself."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a token may still ask in the current window."""

    limit: int
    used: int
    reset: int
    resource: str = CORE

    @property
    def remaining(self) -> int:
        """Requests left."""
        return max(0, self.limit - self.used)

    @property
    def exceeded(self) -> bool:
        """Whether more was asked than is allowed."""
        return self.used > self.limit

    def of_other_window(self) -> "Quota":
        """Another window of the same limit, which began earlier and has half as much left."""
        return Quota(self.limit, self.limit - self.remaining // 2, self.reset - EARLIER, self.resource)

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers every counted answer carries."""
        return (
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(self.remaining)),
            ("X-RateLimit-Used", str(min(self.used, self.limit))),
            ("X-RateLimit-Reset", str(self.reset)),
            ("X-RateLimit-Resource", self.resource),
        )


class Quotas:
    """The quota of every token, safe for many threads; it begins anew every *seconds*."""

    def __init__(self, limit: int, seconds: int = HOUR) -> None:
        self._limit = limit
        self._seconds = seconds
        self._quotas: OrderedDict[tuple[str, str], Quota] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, token: str, at: float) -> Quota:
        """Return the quota of *token* at *at* without using any."""
        with self._lock:
            return self._current(token, at)

    def use(self, token: str, at: float, requests: int = 1, resource: str = CORE) -> Quota:
        """Count *requests* (less than none gives back) and return what is then left."""
        with self._lock:
            quota = self._current(token, at, resource)
            counted = replace(quota, used=max(0, quota.used + requests))
            self._quotas[token, resource] = counted
            return counted

    def _current(self, token: str, at: float, resource: str = CORE) -> Quota:
        quota = self._quotas.get((token, resource))
        if quota is None or at >= quota.reset:
            limit = min(self._limit, AUDIT_LOG_LIMIT) if resource == AUDIT_LOG else self._limit
            quota = self._quotas[token, resource] = Quota(limit, 0, int(at) + self._seconds, resource)
        self._quotas.move_to_end((token, resource))
        while len(self._quotas) > MAX_TOKENS:
            self._quotas.popitem(last=False)
        return quota
