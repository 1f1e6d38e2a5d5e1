"""The endpoints and what they answer."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs

from exporter.metrics.exposition import Chunk, Exposition
from exporter.web.http.messages import Request, Response, respond, text
from exporter.web.negotiation import OPENMETRICS, accepts_gzip, content_type

HTML = "text/html; charset=utf-8"


class OwnExposition(Protocol):
    """The exporter's metrics about itself."""

    def chunks(self, *, openmetrics: bool) -> Iterable[Chunk]:
        """Write everything as it is now; OpenMetrics with its end mark."""
        ...


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

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path == "/-/reload" and self.reload is not None:
            return await self._reload(request)
        routes = {"/": self._page, "/metrics": self._metrics, "/-/healthy": self._healthy, "/-/ready": self._ready}
        route = routes.get(request.path)
        if route is None:
            return text(HTTPStatus.NOT_FOUND, "not found; see / for what there is")
        if request.method not in {"GET", "HEAD"}:
            return text(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD", ("Allow", "GET, HEAD"))
        return await route(request)

    async def _page(self, request: Request) -> Response:
        del request
        return respond(HTTPStatus.OK, HTML, [self.status_page().encode()], ("Cache-Control", "no-store"))

    async def _healthy(self, request: Request) -> Response:
        del request
        return probe("healthy", ok=self.is_healthy())

    async def _ready(self, request: Request) -> Response:
        del request
        return probe("ready", ok=self.is_ready())

    async def _metrics(self, request: Request) -> Response:
        wanted = frozenset(parse_qs(request.query, keep_blank_values=True).get("collect[]", []))
        if wanted - self.collectors:
            known = ", ".join(sorted(self.collectors))
            return text(HTTPStatus.BAD_REQUEST, f"collect[]: no such collector; there are {known}")
        if wanted:
            # Put together, and perhaps compressed, for this request alone.
            return await asyncio.to_thread(self._exposed, request, wanted)
        return self._exposed(request, None)

    def _exposed(self, request: Request, wanted: frozenset[str] | None) -> Response:
        kind = content_type(request.headers.get("accept", ""))
        openmetrics = kind == OPENMETRICS
        page, own = self.exposition.page(wanted, openmetrics=openmetrics), self.own.chunks(openmetrics=openmetrics)
        vary = ("Vary", "Accept, Accept-Encoding")
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            return respond(HTTPStatus.OK, kind, page.gzipped(own), ("Content-Encoding", "gzip"), vary)
        return respond(HTTPStatus.OK, kind, page.plain(own), vary)

    async def _reload(self, request: Request) -> Response:
        if request.method != "POST" or self.reload is None:
            return text(HTTPStatus.METHOD_NOT_ALLOWED, "only POST", ("Allow", "POST"))
        problem = await asyncio.to_thread(self.reload)
        return text(HTTPStatus.INTERNAL_SERVER_ERROR, problem) if problem else text(HTTPStatus.OK, "reloaded")


def probe(name: str, *, ok: bool) -> Response:
    """The answer to a health probe."""
    return text(HTTPStatus.OK, name) if ok else text(HTTPStatus.SERVICE_UNAVAILABLE, f"not {name}")
