"""A request as handlers see it, and the response they give."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

PLAIN = "text/plain; charset=utf-8"

SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request without a body, for no endpoint takes one.

    `path` is decoded, `query` is not. Names in `headers` are lower case; repeated headers are joined by a comma.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response; the server adds what concerns the connection, and leaves out the body for HEAD."""

    status: HTTPStatus
    headers: Headers
    body: Sequence[bytes]


Handler = Callable[[Request], Awaitable[Response]]
"""Answers a request on the event loop; what takes long awaits a thread."""


def respond(status: HTTPStatus, content_type: str, body: Sequence[bytes], *headers: tuple[str, str]) -> Response:
    """A response with the headers that every response has."""
    return Response(status, (("Content-Type", content_type), *headers, *SECURITY_HEADERS), body)


def text(status: HTTPStatus, line: str, *headers: tuple[str, str]) -> Response:
    """A one-line response for people and scripts."""
    return respond(status, PLAIN, [f"{line}\n".encode()], *headers)
