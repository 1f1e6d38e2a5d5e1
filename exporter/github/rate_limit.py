"""GitHub's rate limits: headers to budgets, answers to waits, budgets to a verdict. No I/O, no clock.

Source: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API".
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from exporter.github.models import number

SECONDARY_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 2 * 3600.0
"""GitHub's windows last an hour; a header that says more must not silence a credential for days."""

_RESOURCE = re.compile(r"[a-z0-9_]{1,40}")
_LIMIT_WORDS = ("rate limit", "abuse detection")


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a primary rate limit."""

    resource: str
    limit: float
    remaining: float
    reset: float

    def is_below(self, reserve: float, now: float) -> bool:
        """Whether less than the share *reserve* is left of a window that has not ended."""
        return now < self.reset and self.remaining < reserve * self.limit


def budget(headers: Mapping[str, str]) -> Budget | None:
    """Read the budget an answer reports; None where the server does not limit.

    One whose name is none is called `other`.
    """
    limit, remaining, reset = (number(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset"))
    if limit is None or remaining is None or reset is None:
        return None
    resource = headers.get("x-ratelimit-resource") or "core"
    return Budget(resource if _RESOURCE.fullmatch(resource) else "other", limit, remaining, reset)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `Retry-After` asks to wait, given as a number or a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = number(value)
    if seconds is None:
        moment = http_date(value)
        if moment is None:
            return None
        seconds = moment - now
    return max(0.0, seconds)


def http_date(value: str) -> float | None:
    """Unix time of a date as HTTP headers write it; None when it is none."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Limited:
    """A 403 or 429 that is about rates: when to ask again, and whether everything must wait."""

    retry_at: float
    secondary: bool


def limited(status: int, headers: Mapping[str, str], message: str, now: float) -> Limited | None:
    """Tell a rate limit from any other refusal; None if it is not one.

    Order as GitHub documents it: `Retry-After`, else an empty budget until its reset, else at least a minute.
    """
    if status not in {403, 429}:
        return None
    words = message.lower()
    secondary = "secondary rate limit" in words or "abuse detection" in words
    wait = retry_after(headers, now)
    if wait:  # a moment that has passed already tells nothing
        # GitHub answers a secondary limit with a longer one when asked again within the minute.
        return _until(now + (max(wait, SECONDARY_WAIT_SECONDS) if secondary else wait), now, secondary=True)
    left = budget(headers)
    remaining = number(headers.get("x-ratelimit-remaining"))
    exhausted = remaining is not None and remaining <= 0
    if left is not None and exhausted and not secondary and left.reset > now:
        return _until(left.reset, now, secondary=False)
    if exhausted or status == 429 or any(word in words for word in _LIMIT_WORDS):  # noqa: PLR2004 - an HTTP status
        return _until(now + SECONDARY_WAIT_SECONDS, now, secondary=True)
    return None


def _until(moment: float, now: float, *, secondary: bool) -> Limited:
    return Limited(min(max(moment, now), now + LONGEST_WAIT_SECONDS), secondary)


class RateLimits:
    """What is known of one credential's limits, shared by all threads that use it."""

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self._lock = threading.Lock()
        self._budgets: dict[str, Budget] = {}
        self._paused_until = 0.0
        self._resources: dict[str, str] = {}

    def note(self, path: str, left: Budget, now: float) -> None:
        """Remember the budget that the answer for *path* reported.

        Answers of one window may come out of order; what is left of it only shrinks.
        """
        left = replace(left, reset=min(left.reset, now + LONGEST_WAIT_SECONDS))
        with self._lock:
            self._resources[path] = left.resource
            known = self._budgets.get(left.resource)
            if known is None or known.reset != left.reset or left.remaining < known.remaining:
                self._budgets[left.resource] = left

    def pause(self, path: str, retry_at: float, *, everything: bool) -> None:
        """Ask nothing until *retry_at*: everything after a secondary limit, one resource after a primary one."""
        with self._lock:
            resource = self._resources.get(path, "core")
            known = self._budgets.get(resource)
            if everything or known is None:
                self._paused_until = max(self._paused_until, retry_at)
            else:
                self._budgets[resource] = Budget(resource, known.limit, 0, retry_at)

    def wait_until(self, path: str, now: float, *, essential: bool) -> float | None:
        """When *path* may be asked again; None for at once.

        Only essential work may use the reserve.
        """
        with self._lock:
            if now < self._paused_until:
                return self._paused_until
            left = self._budgets.get(self._resources.get(path, "core"))
        if left is None or now >= left.reset:
            return None
        if left.remaining <= 0 or (not essential and left.is_below(self._reserve, now)):
            return left.reset
        return None
