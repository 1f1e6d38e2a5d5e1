"""A request as the WSGI server hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

SERVER_PREFIX = "/api/v3"
"""Where GitHub Enterprise Server has its API."""
MANAGEMENT_PREFIX = "/manage/"
"""Where it has its management API, which is on another port there."""

Environment = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request before it is known what answers it.

    Attributes:
        environment: The WSGI environment.
        method: HTTP method.
        origin: Scheme, host and port that were asked.
        path: Path below the API's root.
        on_server: Whether GitHub Enterprise Server was asked.
        query: Values of the query string.
        whole: Whether the answer must be complete and plain, because a fault will damage it.
    """

    environment: Environment
    method: str
    origin: str
    path: str
    on_server: bool
    query: Mapping[str, str]
    whole: bool = False

    @classmethod
    def of(cls, environment: Environment) -> "Call":
        """Read a WSGI environment."""
        host = environment.get("HTTP_HOST") or f"{environment['SERVER_NAME']}:{environment['SERVER_PORT']}"
        path = environment["PATH_INFO"]
        on_server = path == SERVER_PREFIX or path.startswith((f"{SERVER_PREFIX}/", MANAGEMENT_PREFIX))
        return cls(
            environment,
            environment["REQUEST_METHOD"],
            f"{environment['wsgi.url_scheme']}://{host}",
            _below(SERVER_PREFIX, path) if on_server else path,
            on_server,
            dict(parse_qsl(environment["QUERY_STRING"], keep_blank_values=True)),
        )

    @property
    def is_management(self) -> bool:
        """Whether the management API was asked."""
        return str(self.environment["PATH_INFO"]).startswith(MANAGEMENT_PREFIX)

    @property
    def root(self) -> str:
        """Base URL of the API that was asked."""
        return self.origin + (SERVER_PREFIX if self.on_server and not self.is_management else "")

    @property
    def target(self) -> str:
        """Path and query as they were sent."""
        query = self.environment["QUERY_STRING"]
        return f"{self.environment['PATH_INFO']}{'?' if query else ''}{query}"

    def header(self, name: str) -> str:
        """Return a request header, "" if it was not sent."""
        return str(self.environment.get(f"HTTP_{name.upper().replace('-', '_')}", ""))

    def accepts_gzip(self) -> bool:
        """Return whether the answer may be compressed."""
        return not self.whole and "gzip" in self.header("Accept-Encoding")

    def knows(self, etag: str) -> bool:
        """Return whether the client already has the body with that *etag*."""
        if self.whole:
            return False
        known = [tag.strip().removeprefix("W/") for tag in self.header("If-None-Match").split(",")]
        return "*" in known or etag.removeprefix("W/") in known

    def accepts(self, media_type: str) -> bool:
        """Return whether the answer may be of *media_type*; without a word any may."""
        kind, _, _ = media_type.partition("/")
        ranges = [part.partition(";")[0].strip().lower() for part in self.header("Accept").split(",")]
        return not any(ranges) or not {media_type, f"{kind}/*", "*/*"}.isdisjoint(ranges)


def _below(prefix: str, path: str) -> str:
    """The path below *prefix*; the management API is not below it, and nothing there is called like that."""
    below = path.removeprefix(prefix) or "/"
    return path if below.startswith(MANAGEMENT_PREFIX) else below
