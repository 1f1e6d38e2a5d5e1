"""How a collector goes on with what an earlier process kept: what is shown, and when it runs next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from exporter.errors import Reason
from exporter.runtime.availability import Availability
from exporter.runtime.saved import Kept
from exporter.runtime.snapshot import Result
from exporter.runtime.status import Status

FUTURE_SECONDS = 300.0
"""How far stored times may be ahead: clocks are set back a little all the time."""
BEFORE_THE_RESTART = "known from before the restart"


@dataclass(frozen=True, slots=True)
class Now:
    """The present settings and time.

    Attributes:
        time: Unix time.
        interval: seconds from run to run.
        max_age: seconds a result may be shown.
        longest_delay: seconds to the next run at most, whatever was stored.
        levels: whose data is read.
        credentials_digest: of the credentials.
    """

    time: float
    interval: float
    max_age: float
    longest_delay: float
    levels: tuple[str, ...]
    credentials_digest: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where to go on; `delay` is in seconds, None for a run that is due."""

    status: Status
    availability: Availability
    results: Mapping[str, Result]
    delay: float | None


def resume(kept: Kept, now: Now) -> Resumption | None:
    """Go on with *kept*; None if it says to come from the future, so that nobody knows how old it is."""
    times = [kept.status.attempted_at or 0.0, *(result.collected_at for result in kept.results.values())]
    if max(times) > now.time + FUTURE_SECONDS:
        return None
    results = {
        level: result
        for level, result in kept.results.items()
        if level in now.levels and result.collected_at >= now.time - now.max_age
    }
    delay = delay_of(kept, now)
    status = replace(kept.status, interval=now.interval, shown=bool(results))
    availability = replace(kept.availability)
    if status.reason is not None:
        status = replace(status, problem=BEFORE_THE_RESTART)
    if not status.success and kept.credentials_digest != now.credentials_digest:
        availability = Availability(ever_worked=kept.availability.ever_worked)
        status = replace(status, success=None, available=None, reason=None, problem="")
    if delay is None:
        # What is due and has nothing to show is not ready: it counts as not tried yet.
        status = replace(status, next_at=None, attempted_at=status.attempted_at if results else None)
    else:
        status = replace(status, next_at=now.time + delay)
    return Resumption(status, availability, results, delay)


def delay_of(kept: Kept, now: Now) -> float | None:
    """Seconds to the next run; None if it is due.

    A rejected credential is tried at once: a restart is how people say that they have mended it. The same holds for
    any failure if the credential is another one, and for an organization that is new in the settings.
    """
    status = kept.status
    voided = not status.success and (
        status.reason is Reason.UNAUTHORIZED or kept.credentials_digest != now.credentials_digest
    )
    if voided or status.next_at is None or status.attempted_at is None or not set(now.levels) <= set(kept.levels):
        return None
    due_at = status.next_at
    if status.success and status.interval != now.interval:
        due_at = status.attempted_at + now.interval
    delay = min(due_at - now.time, now.longest_delay)
    return delay if delay > 0 else None
