"""Ask what collectors ask, each endpoint once and one record of it, and note how GitHub answered."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import Cause, GitHubError, PayloadError, RateLimited, TimedOut, Unauthorized, Unreachable
from exporter.github.answers import Answer
from exporter.github.client import Client
from exporter.github.endpoint import Endpoint
from exporter.github.models import number
from exporter.github.paging import PER_PAGE, Page, announces_more, as_sent, linked, opened, page_number
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
    _refused_queries: dict[str, GitHubError] = field(default_factory=dict)
    _lists: dict[str, list[Page]] = field(default_factory=dict)
    _failures: Counter[Cause] = field(default_factory=Counter)

    def ask(
        self, endpoint: Endpoint, organization: str, url: str, question: Callable[[], Answer], *, is_first: bool
    ) -> Answer:
        """What *endpoint* answers at *url*, asked by *question* unless that is known; its first page or the next one.

        Raises:
            GitHubError: it does not answer, or did not before.
            Ended: it was not asked.
        """
        key = endpoint.path, organization, is_first
        if key in self._answers:
            return self._answers[key]
        known = self._errors.get(key) or self._refused_queries.get(url)
        if known is not None:
            raise known.with_traceback(None)
        if self.last is not None:
            raise Ended(self.last)
        try:
            answer = question()
        except GitHubError as error:
            if error.status in ASKED_ANOTHER_WAY:
                self._refused_queries[url] = error
            else:
                self._errors[key] = error
            self._note(error)
            raise
        self._answers[key] = answer
        return answer

    def whole(self, url: str, walk: Callable[[], Iterator[Page]]) -> list[Page]:
        """Every page of the list at *url*, walked once."""
        if url not in self._lists:
            self._lists[url] = list(walk())
        return self._lists[url]

    def _note(self, error: GitHubError) -> None:
        self._failures[error.cause] += 1
        twice = isinstance(error, END_AT_SECOND) and self._failures[error.cause] > 1
        if twice or isinstance(error, END_AT_ONCE) or error.cause in END_FOR_CAUSE:
            self.last = error


class Prober(GitHub):
    """GitHub as a collector sees it, but most lists have one page of one record and nothing is asked twice.

    Attributes:
        calls: requests that the run would send by endpoint, each list with all the pages that it announces.
    """

    def __init__(self, client: Client, run: Run, cache: AnswerCache, *, enterprise: str, organization: str) -> None:
        super().__init__(client, run, enterprise=enterprise, organization=organization)
        self._cache = cache
        self._organization = organization
        self._probes: dict[Endpoint, Probe] = {}
        self._counted: set[str] = set()
        self.calls: Counter[Endpoint] = Counter()

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Every endpoint that was asked, in order."""
        return tuple(self._probes.values())

    def get(self, endpoint: Endpoint, query: Mapping[str, str | int] | None = None, **path: str) -> Any:
        """The JSON value at *endpoint*."""
        parameters = dict(query or {})
        start, count = parameters.pop("startIndex", None), parameters.get("count")
        if start is None or not isinstance(count, int):
            self.calls[endpoint] += 1
            return self._probe(endpoint, self._client.url(endpoint, self._path | path, query or {})).value
        value = self._probe(endpoint, self._client.url(endpoint, self._path | path, query or {})).value
        total = number(value.get("totalResults")) if isinstance(value, dict) and count > 1 else None
        self._count_list(endpoint, self._client.url(endpoint, self._path | path, parameters), pages_of(total, count))
        return value

    def _count_list(self, endpoint: Endpoint, url: str, pages: int) -> None:
        """Count a list once: one record of it is never all, so a collector may walk it again."""
        if url not in self._counted:
            self._counted.add(url)
            self.calls[endpoint] += pages

    def download(self, endpoint: Endpoint, url: str, hosts: Sequence[str]) -> list[Any]:
        """The file that a link leads to; how that ended says nothing of what else the credential may read."""
        try:
            records = super().download(endpoint, url, hosts)
        except GitHubError as error:
            self._probes[endpoint] = Probe(endpoint, error)
            raise
        self._probes[endpoint] = Probe(endpoint)
        return records

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
        """The first page, most often of one record, and the page that it links to; or all where `check` needs that."""
        context, parameters = f"GET {endpoint.path}", self._path | path
        per_page = PER_PAGE if endpoint.check == "page" else 1
        url = self._client.url(endpoint, parameters, {**(query or {}), "per_page": per_page, "page": 1})
        try:
            answer = self._probe(endpoint, url)
        except GitHubError:
            self._count_list(endpoint, url, 1)
            raise
        if endpoint.check == "all":
            walk = super().pages
            pages = self._cache.whole(
                url,
                lambda: walk(
                    endpoint,
                    key,
                    query,
                    envelope=envelope,
                    may_ignore_page=may_ignore_page,
                    incomplete=incomplete,
                    **path,
                ),
            )
            self._count_list(endpoint, url, len(pages))
            yield from pages
            return
        first = opened(envelope(answer.value), key, context)
        following = linked(answer, "next", self._address(endpoint, parameters), context)
        self._count_list(endpoint, url, pages_of(records_announced(first, answer, per_page)))
        yield first
        if following is not None:
            answer = self._probe(endpoint, following, is_first=False)
            yield opened(envelope(answer.value), key, context)

    def _probe(self, endpoint: Endpoint, url: str, *, is_first: bool = True) -> Answer:
        """The answer of *endpoint* at *url*, unless it is known; how it ended is noted."""
        try:
            answer = self._cache.ask(
                endpoint, self._organization, url, lambda: self._client.get(endpoint, url, self._run), is_first=is_first
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


def records_announced(page: Page, answer: Answer, per_page: int) -> float | None:
    """How many records a list has, by its first *page*; None if nothing says so."""
    last = page_number(answer.links.get("last", ""))
    return float(last * per_page) if last is not None else page.total_count or number(page.envelope.get("total_seats"))


def pages_of(records: float | None, per_page: int = PER_PAGE) -> int:
    """Pages of a list of so many *records*; one if that is not known."""
    return max(1, math.ceil((records or 0) / per_page))


def bug(description: str) -> PayloadError:
    """A mistake of ours as an error like any other; *description* holds nothing of what GitHub sent."""
    return PayloadError(description, cause=Cause.BUG)
