"""One request to the simulated GitHub and its answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from exporter.simulator.api.paging import Page
from exporter.simulator.company.estate import Enterprise, Estate, Organization
from exporter.simulator.company.organizations import present

DOCUMENTATION = "https://docs.github.com/rest"
JSON_TYPE = "application/json; charset=utf-8"


class Refusal(Exception):
    """An answer that is not the one asked for: GitHub's status and message."""

    def __init__(self, status: int, message: str, *, documentation_url: str = DOCUMENTATION) -> None:
        super().__init__(message)
        self.status = status
        self.payload = {"message": message, "documentation_url": documentation_url, "status": str(status)}


class NotFound(Refusal):
    """GitHub's answer to wrong slugs, unknown paths and things one may not see."""

    def __init__(self, message: str = "Not Found") -> None:
        super().__init__(404, message)


@dataclass(frozen=True, slots=True)
class Disturbances:
    """Shares of the estate that are not as they should be, from 0 to 1."""

    runners_offline: float = 0.0
    seats_exhausted: float = 0.0
    sync_failed: float = 0.0
    replication_broken: float = 0.0
    server_maintenance: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a route needs to know to answer.

    Attributes:
        estate: The companies.
        at: Unix time of the answer.
        root: Base URL of the API that was asked.
        path: Path below the root.
        on_server: Whether GitHub Enterprise Server was asked.
        names: Values of the path template.
        query: Values of the query string.
        page: Part of the list that is wanted.
        api_version: Selected version of the REST API.
        disturbances: What is wrong in the estate.
    """

    estate: Estate
    at: float
    root: str
    path: str
    on_server: bool
    names: Mapping[str, str]
    query: Mapping[str, str]
    page: Page
    api_version: str
    disturbances: Disturbances

    def enterprise(self) -> Enterprise:
        """Return the enterprise named in the path."""
        enterprise = self.estate.enterprise(self.names["enterprise"], on_server=self.on_server)
        if enterprise is None:
            raise NotFound
        return enterprise

    def organization(self) -> Organization:
        """Return the organization named in the path."""
        login = self.names["organization"]
        organization = self.estate.organization(login, on_server=self.on_server)
        if organization is not None and not self.on_server:
            enterprise = self.estate.enterprise(organization.enterprise)
            organization = organization if enterprise and login in present(enterprise.organizations, self.at) else None
        if organization is None:
            raise NotFound
        return organization


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers: a JSON payload and, for a list, how many records there are in all.

    A list without numbered pages has `after` instead: the cursor behind which it continues, empty at its end.
    """

    payload: Any
    total: int | None = None
    after: str | None = None


Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer on its way to the client.

    Attributes:
        status: HTTP status.
        headers: Headers besides Content-Length.
        body: The complete body.
        stream: What is really sent, where that is not the body; Content-Length is then its own affair.
    """

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    stream: Iterable[bytes] | None = field(default=None, compare=False)

    def with_headers(self, *headers: Header) -> "Response":
        """Return the response with *headers* in the place of those of the same names."""
        names = {name.lower() for name, _ in headers}
        kept = tuple(header for header in self.headers if header[0].lower() not in names)
        return replace(self, headers=(*kept, *headers))

    def header(self, name: str) -> str | None:
        """Return the value of the first header *name*."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def status_line(self) -> str:
        """Status with its reason phrase."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"
