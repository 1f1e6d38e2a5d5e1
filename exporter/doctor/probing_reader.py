"""Ask what collectors ask, each endpoint once and one record of it, and note how GitHub answered."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import Cause, GitHubError, PayloadError, RateLimited, TimedOut, Unauthorized, Unreachable
from exporter.github.client import Client
from exporter.github.endpoint import Endpoint
from exporter.github.paging import Page, as_sent, opened
from exporter.github.reader import GitHub
from exporter.github.run import Run

END_AT_ONCE = (Unreachable, Unauthorized, RateLimited)
"""Whatever else is asked by that credential would end the same way."""
END_AT_SECOND = (TimedOut,)
"""One slow endpoint says nothing of the others; two do."""
ASKED_ANOTHER_WAY = frozenset({400, 422})
"""Statuses by which GitHub refuses a query, not the endpoint."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One endpoint and how it answered; without an error it did."""

    endpoint: Endpoint
    error: GitHubError | None = None


class Ended(Exception):
    """No further check makes sense with this credential."""

    def __init__(self, error: GitHubError) -> None:
        super().__init__()
        self.error = error


@dataclass(slots=True)
class Ledger:
    """The answers one credential got; several collectors that ask the same endpoint share one.

    Attributes:
        last: what makes all further checks pointless.
    """

    last: GitHubError | None = None
    _values: dict[tuple[str, str], Any] = field(default_factory=dict)
    _errors: dict[tuple[str, str], GitHubError] = field(default_factory=dict)
    _failures: Counter[Cause] = field(default_factory=Counter)

    def ask(self, endpoint: Endpoint, organization: str, check: Callable[[], Any]) -> Any:
        """The value *endpoint* answers, asked by *check* unless that is known.

        Raises:
            GitHubError: it does not answer, or did not before.
            Ended: it was not asked.
        """
        key = endpoint.path, organization
        if key in self._values:
            return self._values[key]
        if key in self._errors:
            raise self._errors[key].with_traceback(None)
        if self.last is not None:
            raise Ended(self.last)
        try:
            value = check()
        except GitHubError as error:
            if error.status not in ASKED_ANOTHER_WAY:
                self._errors[key] = error
            self._note(error)
            raise
        self._values[key] = value
        return value

    def _note(self, error: GitHubError) -> None:
        self._failures[error.cause] += 1
        twice = isinstance(error, END_AT_SECOND) and self._failures[error.cause] > 1
        if twice or isinstance(error, END_AT_ONCE):
            self.last = error


class Prober(GitHub):
    """GitHub as a collector sees it, but every list has one page of one record and nothing is asked twice."""

    def __init__(self, client: Client, run: Run, ledger: Ledger, *, enterprise: str, organization: str) -> None:
        super().__init__(client, run, enterprise=enterprise, organization=organization)
        self._ledger = ledger
        self._organization = organization
        self._probes: dict[Endpoint, Probe] = {}

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Every endpoint that was asked, in order."""
        return tuple(self._probes.values())

    def get(self, endpoint: Endpoint, query: Mapping[str, str | int] | None = None, **path: str) -> Any:
        """The JSON value at *endpoint*."""
        check = super().get
        try:
            value = self._ledger.ask(endpoint, self._organization, lambda: check(endpoint, query, **path))
        except GitHubError as error:
            self._probes[endpoint] = Probe(endpoint, error)
            raise
        self._probes[endpoint] = Probe(endpoint)
        return value

    def pages(
        self,
        endpoint: Endpoint,
        key: str,
        query: Mapping[str, str | int] | None = None,
        *,
        envelope: Callable[[Any], Any] = as_sent,
        may_ignore_page: bool = False,  # noqa: ARG002 - there is no second page
        **path: str,
    ) -> Iterator[Page]:
        """The first page, of one record."""
        value = self.get(endpoint, {**(query or {}), "per_page": 1, "page": 1}, **path)
        yield opened(envelope(value), key, f"GET {endpoint.path}")

    def blame(self, error: GitHubError, otherwise: Endpoint) -> None:
        """Note *error*, which a collector made of what looked right, for the endpoint asked last, or *otherwise*."""
        if all(probe.error is not error for probe in self.probes):
            endpoint = next(reversed(self._probes), otherwise)
            self._probes[endpoint] = Probe(endpoint, error)


def bug(description: str) -> PayloadError:
    """A mistake of ours as an error like any other; *description* holds nothing of what GitHub sent."""
    return PayloadError(description, cause=Cause.BUG)
