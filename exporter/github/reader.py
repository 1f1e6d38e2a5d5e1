"""GitHub as one run of one collector sees it: read an object, walk a list, understand its records.

A collector that can do without one of its answers says so and continues:

    try:
        spend[center.id] = read_summary(github, center)
    except GitHubError as error:
        github.partial(error)

What it read is then published without that value, and the run counts as failed for the reason of the first such error.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from exporter.errors import GitHubError, PayloadError
from exporter.github.client import Client
from exporter.github.endpoint import Endpoint
from exporter.github.links import ListAddress
from exporter.github.paging import PER_PAGE, Page, PageSource, announces_more, as_sent, walk
from exporter.github.run import Run

__all__ = ["GitHub", "Page"]

Model = TypeVar("Model", bound=BaseModel)


class GitHub:
    """Read access bound to a credential, a run and the path parameters of its target."""

    def __init__(self, client: Client, run: Run, **path: str) -> None:
        self._client = client
        self._run = run
        self._path = path

    def get(self, endpoint: Endpoint, query: Mapping[str, str | int] | None = None, **path: str) -> Any:
        """The JSON value at *endpoint*."""
        url = self._client.url(endpoint, self._path | path, query or {})
        return self._client.get(endpoint, url, self._run).value

    def get_object(
        self, endpoint: Endpoint, query: Mapping[str, str | int] | None = None, **path: str
    ) -> dict[str, Any]:
        """The JSON object at *endpoint*.

        Raises:
            PayloadError: it is something else.
        """
        value = self.get(endpoint, query, **path)
        if not isinstance(value, dict):
            raise PayloadError(f"GET {endpoint.path}: not an object")
        return value

    def download(self, endpoint: Endpoint, url: str, hosts: Sequence[str]) -> list[Any]:
        """The records of the file that the link *url* in an answer leads to, read without the credential.

        Raises:
            GitHubError: it cannot be read, or none of *hosts*, a list of patterns, allows its host.
        """
        records: list[Any] = self._client.download(endpoint, url, hosts, self._run).value
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
        """Every page of the list *key* at *endpoint*; fold them, none is kept. For the others, see `PageSource`."""
        parameters = self._path | path

        def numbered(page: int) -> str:
            return self._client.url(endpoint, parameters, {**(query or {}), "per_page": PER_PAGE, "page": page})

        return walk(
            PageSource(
                context=f"GET {endpoint.path}",
                key=key,
                address=self._address(endpoint, parameters),
                by_number=lambda page: self._client.get(endpoint, numbered(page), self._run),
                by_url=lambda url: self._client.get(endpoint, url, self._run),
                max_pages=self._client.limits.max_pages,
                workers=self._client.limits.max_concurrency,
                envelope=envelope,
                may_ignore_page=may_ignore_page,
                incomplete=incomplete,
            )
        )

    def _address(self, endpoint: Endpoint, path: Mapping[str, str]) -> ListAddress:
        return ListAddress(self._client.base_url, endpoint.filled(path, {}))

    def records(self, model: type[Model], items: Iterable[Any]) -> Iterator[Model]:
        """Understand *items* as *model*; one that cannot be is skipped and counted."""
        for item in items:
            try:
                yield model.model_validate(item)
            except ValidationError:
                self._run.skipped += 1

    def partial(self, error: GitHubError) -> None:
        """Note that one value could not be had: the rest is published, and the run counts as failed."""
        self._run.partial_failures.append(error)

    def note(self, event: str, **details: float) -> None:
        """Have *event* logged, for what is no failure but should be known; again only when it changes."""
        self._run.notes.append((event, details))

    def record(self, model: type[Model], item: Mapping[str, Any]) -> Model:
        """Understand a whole answer as *model*."""
        return model.model_validate(item)
