"""GitHub's rate limits: headers to windows, refusals to waits, windows to a verdict. No I/O, no clock.

Source: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API".
"""

import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from weakref import WeakValueDictionary

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
TOLERATED_SKEW_SECONDS = 60.0
"""How far in the past a reset may be: an answer of a window's last seconds, or a clock that is a little ahead."""
PRIOR_SHARE = 0.1
"""The share of a window for which the rate of the window before counts, in the rate at which others take requests."""
NO_PRIOR_SHARE = 0.02
"""The share for which others are taken to be idle where there was no window before."""
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

    def is_sane(self, now: float) -> bool:
        """Whether it can be what GitHub grants at *now*."""
        return self.limit > 0 and self.remaining <= self.limit and now < self.reset <= now + MAX_WAIT_SECONDS

    def contradicts(self, now: float) -> bool:
        """Whether it makes no sense at *now*, even if the clocks differ a little."""
        return not self.is_sane(now) and not (now - TOLERATED_SKEW_SECONDS < self.reset <= now and self.limit > 0)


@dataclass(frozen=True, slots=True)
class WindowUsage:
    """A window and who used it since this process saw it first.

    Attributes:
        window: its lowest reading.
        own: our own answers that count against it, which are all but 304.
        used: by how much `remaining` dropped, because of us and of others.
        unanswered: requests of ours that GitHub may have counted already.
        since: Unix time at which it was seen first.
        until: Unix time at which it was seen last.
        length: seconds that a window lasts, as far as that is known.
        earlier_rate: requests a second that others took in the window before; None if that was not seen.
    """

    window: RateLimitWindow
    own: int
    used: float
    unanswered: int = field(default=0, compare=False)
    since: float = field(default=0.0, compare=False)
    until: float = field(default=0.0, compare=False)
    length: float = field(default=0.0, compare=False)
    earlier_rate: float | None = field(default=None, compare=False)

    @property
    def others(self) -> float:
        """Requests that our own do not explain: other users of the same credential."""
        return max(0.0, self.used - self.own - self.unanswered)

    @property
    def left(self) -> float:
        """Requests left when those under way have been counted, too."""
        return min(self.window.remaining, self.window.remaining + self.used - self.own - self.unanswered)

    @property
    def others_rate(self) -> float:
        """Requests a second that others take: as seen in this window, and at its begin as in the one before."""
        prior = (PRIOR_SHARE if self.earlier_rate is not None else NO_PRIOR_SHARE) * max(1.0, self.length)
        return ((self.earlier_rate or 0.0) * prior + self.others) / (prior + max(0.0, self.until - self.since))


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
        return _until(window.reset, now, secondary=not window.is_sane(now))
    if exhausted or status == 429 or any(word in words for word in _LIMIT_WORDS):  # noqa: PLR2004 - an HTTP status
        return _until(now + SECONDARY_WAIT_SECONDS, now, secondary=True)
    return None


def _until(moment: float, now: float, *, secondary: bool) -> Limited:
    return Limited(min(max(moment, now), now + MAX_WAIT_SECONDS), secondary)


@dataclass(slots=True)
class _Observed:
    """One window as its answers report it; `start` is what was left before the first of them."""

    lowest: RateLimitWindow
    since: float
    until: float
    start: float
    own: int = 0

    @property
    def ends(self) -> float:
        return self.lowest.reset


@dataclass(slots=True)
class _Resource:
    """The windows of a resource that have not ended, and what is known from those that have."""

    windows: list[_Observed] = field(default_factory=list)
    limit: float = 0.0
    length: float = 0.0
    earlier_rate: float | None = None

    def live(self, now: float) -> list[_Observed]:
        return [each for each in self.windows if now < each.ends]

    def forget_ended(self, now: float) -> None:
        """Drop what has ended and remember how fast others used it."""
        ended = [each for each in self.windows if now >= each.ends]
        if ended:
            self.earlier_rate = self.usage(_lowest(ended), 0).others_rate
            self.windows = self.live(now)

    def observe(self, window: RateLimitWindow, now: float, *, counts: bool) -> None:
        same = (each for each in self.windows if abs(each.ends - window.reset) <= SAME_WINDOW_SECONDS)
        observed = next(same, None)
        if observed is None:
            observed = _Observed(window, now, now, window.remaining)
            self.windows.append(observed)
            self.limit, self.length = window.limit, max(self.length, window.reset - now)
        observed.own += counts
        observed.until = now
        observed.start = max(observed.start, window.remaining + counts)
        if window.remaining < observed.lowest.remaining:
            observed.lowest = replace(window, reset=observed.ends)
        if len(self.windows) > MAX_WINDOWS:
            self.windows.remove(max(self.windows, key=_by_what_is_left))

    def usage(self, observed: _Observed, unanswered: int) -> WindowUsage:
        return WindowUsage(
            observed.lowest,
            observed.own,
            observed.start - observed.lowest.remaining,
            unanswered,
            observed.since,
            observed.until,
            self.length,
            self.earlier_rate,
        )

    def next_window(self, resource: str, now: float) -> WindowUsage:
        """The window that the next answer will begin, as far as can be foreseen."""
        window = RateLimitWindow(resource, self.limit, self.limit, now + self.length)
        return WindowUsage(window, 0, 0.0, 0, now, now, self.length, self.earlier_rate)


class RateLimits:
    """The rate limits of one credential, shared by all threads, clients and enterprises that use it.

    Answers to one token may alternate between several windows of the same resource. They are distinguished by their
    reset, and the one with the least left that has not ended is in force. Answers of one window may come out of order;
    what is left of it only shrinks. What makes no sense, such as a limit of 0 or a reset of another century, is
    ignored: the last window that did make sense stays in force until it ends.
    """

    def __init__(self, reserve: float) -> None:
        self.reserve = reserve
        self._lock = threading.Lock()
        self._known: dict[str, _Resource] = {}
        self._paused_until = 0.0
        self._resources: dict[str, str] = {}
        self._unanswered: Counter[str] = Counter()
        self._is_doubted = False

    def note(self, path: str, window: RateLimitWindow, now: float, *, counts: bool) -> RateLimitWindow:
        """Remember the *window* that an answer for *path* reported; *counts* unless the answer costs nothing.

        Returns the window in force afterwards.
        """
        with self._lock:
            if window.resource not in self._known and len(self._known) >= MAX_RESOURCES:
                window = replace(window, resource=OTHER)
            self._answered(path)
            self._resources[path] = window.resource
            known = self._known.setdefault(window.resource, _Resource())
            known.forget_ended(now)
            if window.is_sane(now):
                known.observe(window, now, counts=counts)
            return _lowest(known.windows).lowest if known.windows else window

    def doubt(self) -> bool:
        """Note that a window made no sense; return whether that is the first one."""
        with self._lock:
            first, self._is_doubted = not self._is_doubted, True
            return first

    def begin(self, path: str, now: float, *, essential: bool) -> float | None:
        """Count a request for *path* as under way, unless it must wait; return until when.

        It ends with `note`, or with `abandon` where no answer reports what is left.
        """
        with self._lock:
            wait = self._wait_until(path, now, essential=essential)
            if wait is None:
                self._unanswered[path] += 1
            return wait

    def abandon(self, path: str) -> None:
        """Count a request for *path* as under way no more, although nothing was noted."""
        with self._lock:
            self._answered(path)

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
            return self._wait_until(path, now, essential=essential)

    def _wait_until(self, path: str, now: float, *, essential: bool) -> float | None:
        if now < self._paused_until:
            return self._paused_until
        resource = self._resources.get(path, "core")
        usage = self._usage(resource, now)
        if usage is None:
            return None
        left = usage.left
        if left <= 0 or (not essential and left < self.reserve * usage.window.limit):
            return usage.window.reset
        return None

    def in_force(self, now: float) -> dict[str, WindowUsage]:
        """The window in force of each resource that has one at *now*."""
        with self._lock:
            usages = {resource: self._usage(resource, now) for resource in self._known}
            return {resource: usage for resource, usage in usages.items() if usage is not None}

    def forecast(self, now: float) -> dict[str, WindowUsage]:
        """The window in force of each resource, or the next one where that has ended."""
        with self._lock:
            usages = {}
            for resource, known in self._known.items():
                known.forget_ended(now)
                if known.limit:
                    usages[resource] = self._usage(resource, now) or known.next_window(resource, now)
            return usages

    def _answered(self, path: str) -> None:
        if self._unanswered[path]:
            self._unanswered[path] -= 1

    def _usage(self, resource: str, now: float) -> WindowUsage | None:
        known = self._known.get(resource)
        live = known.live(now) if known is not None else []
        if known is None or not live:
            return None
        unanswered = sum(
            count for path, count in self._unanswered.items() if self._resources.get(path, "core") == resource
        )
        return known.usage(_lowest(live), unanswered)


class SharedRateLimits:
    """The rate limits of all credentials, so that clients by which GitHub counts together know what each has used.

    They are kept as long as some client uses them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: WeakValueDictionary[tuple[str, str], RateLimits] = WeakValueDictionary()

    def of(self, host: str, key: str, reserve: float) -> RateLimits:
        """Those of the credential with this *key* at *host*; less than the share *reserve* is for essential work."""
        with self._lock:
            limits = self._known.get((host, key))
            if limits is None:
                limits = self._known[host, key] = RateLimits(reserve)
            limits.reserve = reserve
            return limits


def _lowest(windows: list[_Observed]) -> _Observed:
    return min(windows, key=_by_what_is_left)


def _by_what_is_left(observed: _Observed) -> tuple[float, float]:
    return observed.lowest.remaining, -observed.ends
