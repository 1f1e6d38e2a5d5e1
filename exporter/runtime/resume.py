"""How a level continues with what an earlier process saved: what is shown, and when it is read next."""

from dataclasses import dataclass, replace

from exporter.errors import Reason
from exporter.runtime.availability import Availability
from exporter.runtime.saved import SavedResult, SavedState
from exporter.runtime.status import LevelStatus

MAX_AHEAD_SECONDS = 300.0
"""How far stored times may be ahead: clocks are set back a little all the time."""
BEFORE_THE_RESTART = "known from before the restart"


@dataclass(frozen=True, slots=True)
class Present:
    """The present settings and time.

    Attributes:
        time: Unix time.
        interval: seconds from one reading to the next.
        max_age: seconds a result may be shown.
        max_delay: seconds to the next reading at most, whatever was saved.
        credentials_digest: changes when a credential does.
    """

    time: float
    interval: float
    max_age: float
    max_delay: float
    credentials_digest: str


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """Where to continue; `delay` is in seconds, None for a reading that is due."""

    status: LevelStatus
    availability: Availability
    result: SavedResult | None
    delay: float | None


def plan_resume(saved: SavedState, present: Present) -> ResumePlan | None:
    """Continue with *saved*; None if its times lie in the future, so that its age is unknown."""
    result = saved.result
    if max(saved.status.attempted_at or 0.0, result.collected_at if result else 0.0) > present.time + MAX_AHEAD_SECONDS:
        return None
    if result is not None and result.collected_at < present.time - present.max_age:
        result = None
    delay = _delay(saved, present)
    status = replace(saved.status, restored=result is not None)
    availability = replace(saved.availability)
    if status.reason is not None:
        status = replace(status, problem=BEFORE_THE_RESTART)
    if not status.success and saved.credentials_digest != present.credentials_digest:
        availability = Availability(ever_worked=saved.availability.ever_worked)
        status = replace(status, success=None, available=None, reason=None, problem="")
    if delay is None:
        # What is due and has nothing to show is not ready: it counts as not tried yet.
        status = replace(status, next_at=None, attempted_at=status.attempted_at if result is not None else None)
    else:
        status = replace(status, next_at=present.time + delay)
    return ResumePlan(status, availability, result, delay)


def _delay(saved: SavedState, present: Present) -> float | None:
    """Seconds to the next reading; None if it is due.

    A rejected credential is tried immediately: a restart is how people say that they have replaced it. The same holds
    for any failure if the credential is another one.
    """
    status = saved.status
    same_credentials = saved.credentials_digest == present.credentials_digest
    voided = not status.success and (status.reason is Reason.UNAUTHORIZED or not same_credentials)
    if voided or status.next_at is None or status.attempted_at is None:
        return None
    due_at = status.next_at
    if status.success and saved.interval != present.interval:
        due_at = status.attempted_at + present.interval
    delay = min(due_at - present.time, present.max_delay)
    return delay if delay > 0 else None
