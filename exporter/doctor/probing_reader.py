"""Ask what collectors ask, each endpoint once and one record of it, and note how GitHub answered."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import Cause, GitHubError, PayloadError, RateLimited, TimedOut, Unauthorized, Unreachable
from exporter.github.answers import Answer
from exporter.github.client import Client
from exporter.github.endpoint import Endpoint
from exporter.github.paging import Page, announces_more, as_sent, linked, opened
from exporter.github.reader import GitHub
from exporter.github.run import Run

END_AT_ONCE = (Unreachable, Unauthorized, RateLimited)
"""Whatever else is asked by that credential would end the same way."""
END_FOR_CAUSE = frozenset({Cause.API_VERSION_UNSUPPORTED})
"""So would these."""
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
class AnswerCache:
    """The answers one credential got; several collectors that ask the same endpoint share one.

    Attributes:
        last: what makes all further checks pointless.
    """

    last: GitHubError | None = None
    _answers: dict[tuple[str, str, bool], Answer] = field(default_factory=dict)
    _errors: dict[tuple[str, str, bool], GitHubError] = field(default_factory=dict)
    _failures: Counter[Cause] = field(default_factory=Counter)

    def ask(self, endpoint: Endpoint, organization: str, question: Callable[[], Answer], *, is_first: bool) -> Answer:
        """What *endpoint* answers, asked by *question* unless that is known; its first page or the next one.

        Raises:
            GitHubError: it does not answer, or did not before.
            Ended: it was not asked.
        """
        key = endpoint.path, organization, is_first
        if key in self._answers:
            return self._answers[key]
        if key in self._errors:
            raise self._errors[key].with_traceback(None)
        if self.last is not None:
            raise Ended(self.last)
        try:
            answer = question()
        except GitHubError as error:
            if error.status not in ASKED_ANOTHER_WAY:
                self._errors[key] = error
            self._note(error)
            raise
        self._answers[key] = answer
        return answer

    def _note(self, error: GitHubError) -> None:
        self._failures[error.cause] += 1
        twice = isinstance(error, END_AT_SECOND) and self._failures[error.cause] > 1
        if twice or isinstance(error, END_AT_ONCE) or error.cause in END_FOR_CAUSE:
            self.last = error


class Prober(GitHub):
    """GitHub as a collector sees it, but most lists have one page of one record and nothing is asked twice."""

    def __init__(self, client: Client, run: Run, cache: AnswerCache, *, enterprise: str, organization: str) -> None:
        super().__init__(client, run, enterprise=enterprise, organization=organization)
        self._cache = cache
        self._organization = organization
        self._probes: dict[Endpoint, Probe] = {}

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Every endpoint that was asked, in order."""
        return tuple(self._probes.values())

    def get(self, endpoint: Endpoint, query: Mapping[str, str | int] | None = None, **path: str) -> Any:
        """The JSON value at *endpoint*."""
        return self._probe(endpoint, self._client.url(endpoint, self._path | path, query or {})).value

    def pages(
        self,
        endpoint: Endpoint,
        key: str,
        query: Mapping[str, str | int] | None = None,
        *,
        envelope: Callable[[Any], Any] = as_sent,
        may_ignore_page: bool = False,
        incomplete: Callable[[Page, int], bool] = announces_more,
        **path: str,
    ) -> Iterator[Page]:
        """The first page, of one record, and the page that it links to; or all, where `check` needs the whole list."""
        context, parameters = f"GET {endpoint.path}", self._path | path
        url = self._client.url(endpoint, parameters, {**(query or {}), "per_page": 1, "page": 1})
        answer = self._probe(endpoint, url)
        if endpoint.check_whole:
            yield from super().pages(
                endpoint, key, query, envelope=envelope, may_ignore_page=may_ignore_page, incomplete=incomplete, **path
            )
            return
        yield opened(envelope(answer.value), key, context)
        following = linked(answer, "next", self._address(endpoint, parameters), context)
        if following is not None:
            answer = self._probe(endpoint, following, is_first=False)
            yield opened(envelope(answer.value), key, context)

    def _probe(self, endpoint: Endpoint, url: str, *, is_first: bool = True) -> Answer:
        """The answer of *endpoint* at *url*, unless it is known; how it ended is noted."""
        try:
            answer = self._cache.ask(
                endpoint, self._organization, lambda: self._client.get(endpoint, url, self._run), is_first=is_first
            )
        except GitHubError as error:
            self._probes[endpoint] = Probe(endpoint, error)
            raise
        self._probes[endpoint] = Probe(endpoint)
        return answer

    def blame(self, error: GitHubError, otherwise: Endpoint) -> None:
        """Note *error*, which a collector made of what looked right, for the endpoint asked last, or *otherwise*."""
        if all(probe.error is not error for probe in self.probes):
            endpoint = next(reversed(self._probes), otherwise)
            self._probes[endpoint] = Probe(endpoint, error)


def bug(description: str) -> PayloadError:
    """A mistake of ours as an error like any other; *description* holds nothing of what GitHub sent."""
    return PayloadError(description, cause=Cause.BUG)
