"""The WSGI application: routes and answers. Serving it is `exporter.web.http.web_server`'s work."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from exporter.metrics.exposition import Chunk, Exposition
from exporter.web.negotiation import OPENMETRICS, accepts_gzip, content_type

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"

SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
)

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class OwnExposition(Protocol):
    """The exporter's metrics about itself."""

    def chunks(self, *, openmetrics: bool) -> Iterable[Chunk]:
        """Write everything as it is now; OpenMetrics with its end mark."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: str
    content_type: str
    body: Iterable[bytes]
    headers: tuple[tuple[str, str], ...] = ()

    def send(self, method: str, start_response: StartResponse) -> list[bytes]:
        """Hand it to the server; only its head if that is what *method* asks for."""
        body = list(self.body)
        length = str(sum(map(len, body)))
        headers = [("Content-Type", self.content_type), ("Content-Length", length), *self.headers]
        start_response(self.status, headers + list(SECURITY_HEADERS))
        return [] if method == "HEAD" else body


def text(status: str, line: str, *headers: tuple[str, str]) -> Answer:
    """A one-line answer for people and scripts."""
    return Answer(status, PLAIN, [f"{line}\n".encode()], headers)


@dataclass(frozen=True, slots=True)
class Application:
    """Routes of the exporter.

    `is_healthy` and `is_ready` answer probes, `status_page` draws `/`, `reload` is None unless it is enabled.
    """

    exposition: Exposition
    own: OwnExposition
    collectors: frozenset[str]
    status_page: Callable[[], str]
    is_healthy: Callable[[], bool]
    is_ready: Callable[[], bool]
    reload: Callable[[], str] | None = None

    def __call__(self, environ: Mapping[str, str], start_response: StartResponse) -> list[bytes]:
        """Answer one request."""
        method = environ["REQUEST_METHOD"]
        return self.answer(method, environ["PATH_INFO"], environ).send(method, start_response)

    def answer(self, method: str, path: str, environ: Mapping[str, str]) -> Answer:
        """Find the route."""
        if path == "/-/reload" and self.reload is not None:
            return self._reload(method)
        routes: dict[str, Callable[[Mapping[str, str]], Answer]] = {
            "/": lambda _: Answer("200 OK", HTML, [self.status_page().encode()], (("Cache-Control", "no-store"),)),
            "/metrics": self._metrics,
            "/-/healthy": lambda _: probe("healthy", ok=self.is_healthy()),
            "/-/ready": lambda _: probe("ready", ok=self.is_ready()),
        }
        route = routes.get(path)
        if route is None:
            return text("404 Not Found", "not found; see / for what there is")
        if method not in {"GET", "HEAD"}:
            return text("405 Method Not Allowed", "only GET and HEAD", ("Allow", "GET, HEAD"))
        return route(environ)

    def _metrics(self, environ: Mapping[str, str]) -> Answer:
        wanted = frozenset(parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get("collect[]", []))
        unknown = wanted - self.collectors
        if unknown:
            known = ", ".join(sorted(self.collectors))
            return text("400 Bad Request", f"collect[]: no such collector; there are {known}")
        kind = content_type(environ.get("HTTP_ACCEPT", ""))
        page = self.exposition.page(wanted or None)
        own = self.own.chunks(openmetrics=kind == OPENMETRICS)
        vary = ("Vary", "Accept, Accept-Encoding")
        if accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            return Answer("200 OK", kind, page.gzipped(own), (("Content-Encoding", "gzip"), vary))
        return Answer("200 OK", kind, page.plain(own), (vary,))

    def _reload(self, method: str) -> Answer:
        if method != "POST" or self.reload is None:
            return text("405 Method Not Allowed", "only POST", ("Allow", "POST"))
        problem = self.reload()
        return text("500 Internal Server Error", problem) if problem else text("200 OK", "reloaded")


def probe(name: str, *, ok: bool) -> Answer:
    """The answer to a health probe."""
    return text("200 OK", name) if ok else text("503 Service Unavailable", f"not {name}")
