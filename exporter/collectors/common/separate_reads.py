"""Several answers of one kind, each of which can be had or not without the others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.collectors.common.summary import MAX_TIMEOUTS, POINTLESS_TO_CONTINUE
from exporter.errors import NOT_OFFERED, GitHubError, TimedOut
from exporter.github.reader import GitHub

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class SeparateReads(Generic[Value]):
    """What was read, and for which keys GitHub has nothing."""

    found: Mapping[str, Value]
    refused: frozenset[str]


def read_each(github: GitHub, keys: Iterable[str], read: Callable[[str], Value]) -> SeparateReads[Value]:
    """Read each of *keys*. One that GitHub does not know is left out; for one that fails, the run counts as failed.

    Raises:
        GitHubError: nothing could be read: the first failure, or else the last refusal.
    """
    found: dict[str, Value] = {}
    refusals: dict[str, GitHubError] = {}
    failures: list[GitHubError] = []
    for key in keys:
        try:
            found[key] = read(key)
        except NOT_OFFERED as error:
            refusals[key] = error
        except GitHubError as error:
            failures.append(error)
            timeouts = sum(isinstance(failure, TimedOut) for failure in failures)
            if isinstance(error, POINTLESS_TO_CONTINUE) or timeouts == MAX_TIMEOUTS:
                break
    if not found:
        for reason in (*failures, *reversed(refusals.values())):
            raise reason
    for failure in failures:
        github.partial(failure)
    return SeparateReads(found, frozenset(refusals))
