"""Why a level could not be read, and when it is tried again. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.errors import GitHubError, RateLimited, Reason, describe_bug
from exporter.runtime.schedule import CannotStart

FIRST_RETRY_SECONDS = 60.0
MAX_DOUBLINGS = 20
LOGGED_AS_ERROR = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN, Reason.BUG})
"""Reasons that end when somebody does something."""
UNTRUSTED_DATA = frozenset({Reason.PAYLOAD, Reason.BUG})
"""Reasons after which no ETag is sent: GitHub would confirm data that made no sense."""
TRANSIENT = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR})
"""Reasons that end by themselves."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be read.

    Attributes:
        problem: for people; names no person, no secret.
        retry_at: the Unix time before which a rate limit forbids to try again.
        refused: GitHub said that this is not to be had.
        transient: it may end by itself, also where the reason alone does not say so.
    """

    reason: Reason
    problem: str
    retry_at: float | None = None
    refused: bool = False
    transient: bool = False


def failure_of(error: Exception, *, refused: bool = False) -> Failure:
    """What *error* says; what nobody foresaw is a bug."""
    if isinstance(error, GitHubError):
        retry_at = error.retry_at if isinstance(error, RateLimited) else None
        transient = error.transient or error.reason in TRANSIENT
        return Failure(error.reason, str(error), retry_at, refused, transient)
    if isinstance(error, CannotStart):
        return Failure(Reason.BUG, "the system refuses to start a thread: raise the limit of processes or memory")
    return Failure(Reason.BUG, describe_bug(error))


def seconds_to_retry(failures: Sequence[Failure], failed_runs: int, interval: float) -> float:
    """Seconds from the start of a failed reading to the next, unless a rate limit says more.

    What ends by itself is tried again after a minute, then two, four, eight, but never later than the *interval*.
    """
    if all(failure.transient for failure in failures):
        doublings = min(failed_runs - 1, MAX_DOUBLINGS)
        return min(interval, FIRST_RETRY_SECONDS * 2.0**doublings)
    return interval


def limited_until(failures: Sequence[Failure]) -> float | None:
    """The Unix time at which the last of the rate limits that were met ends."""
    return max((failure.retry_at for failure in failures if failure.retry_at is not None), default=None)
