"""GitHub's rate limits: headers to windows, refusals to waits, windows to a verdict. No I/O, no clock.

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
MAX_WAIT_SECONDS = 2 * 3600.0
"""GitHub's windows last an hour; a header that says more must not silence a credential for days."""
MAX_RESOURCES = 32
"""Resources kept per credential; GitHub has about fifteen, and a header that makes up names must not use up memory."""
MAX_WINDOWS = 8
"""Windows kept per resource; more than two at a time have never been reported."""
SAME_WINDOW_SECONDS = 2.0
"""Resets this close together belong to one window, because GitHub derives some of them from the time that is left."""
OTHER = "other"

_RESOURCE = re.compile(r"[a-z0-9_]{1,40}")
_LIMIT_WORDS = ("rate limit", "abuse detection")


@dataclass(frozen=True, slots=True)
class RateLimitWindow:
    """What an answer reports of a primary rate limit; `reset` is the Unix time at which the window ends."""

    resource: str
    limit: float
    remaining: float
    reset: float

    def is_below(self, reserve: float, now: float) -> bool:
        """Whether less than the share *reserve* is left of a window that has not ended."""
        return now < self.reset and self.remaining < reserve * self.limit


@dataclass(frozen=True, slots=True)
class WindowUsage:
    """A window and who used it since this process saw it first.

    Attributes:
        window: its lowest reading.
        own: our own answers that count against it, which are all but 304.
        used: by how much `remaining` dropped, because of us and of others.
    """

    window: RateLimitWindow
    own: int
    used: float

    @property
    def others(self) -> float:
        """Requests that our own answers do not explain: other users of the same credential."""
        return max(0.0, self.used - self.own)


def read_window(headers: Mapping[str, str]) -> RateLimitWindow | None:
    """Read the window that an answer reports; None where the server does not limit.

    A resource whose name is malformed is called `other`.
    """
    limit, remaining, reset = (number(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset"))
    if limit is None or remaining is None or reset is None:
        return None
    resource = headers.get("x-ratelimit-resource") or "core"
    return RateLimitWindow(resource if _RESOURCE.fullmatch(resource) else OTHER, limit, remaining, reset)


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
    """Unix time of a date as HTTP headers write it; None if it is not one."""
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
    """Distinguish a rate limit from any other refusal; None if it is not one.

    Order as GitHub documents it: `Retry-After`, else an exhausted window until its reset, else at least a minute.
    """
    if status not in {403, 429}:
        return None
    words = message.lower()
    secondary = "secondary rate limit" in words or "abuse detection" in words
    wait = retry_after(headers, now)
    if wait:  # a moment that has passed says nothing
        # GitHub answers a secondary limit with a longer one when asked again within the minute.
        return _until(now + (max(wait, SECONDARY_WAIT_SECONDS) if secondary else wait), now, secondary=True)
    window = read_window(headers)
    remaining = number(headers.get("x-ratelimit-remaining"))
    exhausted = remaining is not None and remaining <= 0
    if window is not None and exhausted and not secondary and window.reset > now:
        return _until(window.reset, now, secondary=False)
    if exhausted or status == 429 or any(word in words for word in _LIMIT_WORDS):  # noqa: PLR2004 - an HTTP status
        return _until(now + SECONDARY_WAIT_SECONDS, now, secondary=True)
    return None


def _until(moment: float, now: float, *, secondary: bool) -> Limited:
    return Limited(min(max(moment, now), now + MAX_WAIT_SECONDS), secondary)


@dataclass(slots=True)
class _Observed:
    """One window as its answers report it; `start` is what was left before the first of them."""

    lowest: RateLimitWindow
    ends: float
    start: float
    own: int = 0

    def usage(self) -> WindowUsage:
        return WindowUsage(self.lowest, self.own, self.start - self.lowest.remaining)


class RateLimits:
    """The rate limits of one credential, shared by all threads that use it.

    Answers to one token may alternate between several windows of the same resource. They are distinguished by their
    reset, and the one with the least left that has not ended is in force. Answers of one window may come out of order;
    what is left of it only shrinks.
    """

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self._lock = threading.Lock()
        self._windows: dict[str, list[_Observed]] = {}
        self._paused_until = 0.0
        self._resources: dict[str, str] = {}

    def note(self, path: str, window: RateLimitWindow, now: float, *, counts: bool) -> RateLimitWindow:
        """Remember the *window* that an answer for *path* reported; *counts* unless the answer costs nothing.

        Returns the window in force afterwards.
        """
        with self._lock:
            if window.resource not in self._windows and len(self._windows) >= MAX_RESOURCES:
                window = replace(window, resource=OTHER)
            self._resources[path] = window.resource
            known = self._windows.setdefault(window.resource, [])
            known[:] = [each for each in known if now < each.ends]
            if now < window.reset:
                self._observe(known, window, now, counts=counts)
            return _lowest(known).lowest if known else window

    @staticmethod
    def _observe(known: list[_Observed], window: RateLimitWindow, now: float, *, counts: bool) -> None:
        same = (each for each in known if abs(each.lowest.reset - window.reset) <= SAME_WINDOW_SECONDS)
        observed = next(same, None)
        if observed is None:
            observed = _Observed(window, min(window.reset, now + MAX_WAIT_SECONDS), window.remaining)
            known.append(observed)
        observed.own += counts
        observed.start = max(observed.start, window.remaining + counts)
        if window.remaining < observed.lowest.remaining:
            observed.lowest = replace(window, reset=observed.lowest.reset)
        if len(known) > MAX_WINDOWS:
            known.remove(max(known, key=_by_what_is_left))

    def resource_of(self, path: str) -> str:
        """The resource that *path* counts against, as far as answers have shown."""
        with self._lock:
            return self._resources.get(path, "core")

    def pause(self, retry_at: float) -> None:
        """Ask nothing with this credential until *retry_at*."""
        with self._lock:
            self._paused_until = max(self._paused_until, retry_at)

    def wait_until(self, path: str, now: float, *, essential: bool) -> float | None:
        """When *path* may be asked again; None if it may be asked now.

        Only essential work may use the reserve.
        """
        with self._lock:
            if now < self._paused_until:
                return self._paused_until
            live = self._live(self._resources.get(path, "core"), now)
            if not live:
                return None
            in_force = _lowest(live)
            window = in_force.lowest
        if window.remaining <= 0 or (not essential and window.is_below(self._reserve, now)):
            return in_force.ends
        return None

    def in_force(self, now: float) -> dict[str, WindowUsage]:
        """The window in force of each resource that has one at *now*."""
        with self._lock:
            live = {resource: self._live(resource, now) for resource in self._windows}
            return {resource: _lowest(windows).usage() for resource, windows in live.items() if windows}

    def _live(self, resource: str, now: float) -> list[_Observed]:
        return [each for each in self._windows.get(resource, ()) if now < each.ends]


def _lowest(windows: list[_Observed]) -> _Observed:
    return min(windows, key=_by_what_is_left)


def _by_what_is_left(observed: _Observed) -> tuple[float, float]:
    return observed.lowest.remaining, -observed.ends
