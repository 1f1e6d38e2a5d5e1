"""Routes and answers, without a socket."""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.metrics.exposition import Chunk, Exposition
from exporter.metrics.metric import gauge
from exporter.web.application import Application
from exporter.web.http.messages import Request
from exporter.web.negotiation import OPENMETRICS, TEXT

METRICS = {"licenses": (gauge("ghe_seats", "Seats."),), "runners": (gauge("ghe_runners", "Runners."),)}
SEATS = b'# HELP ghe_seats Seats.\n# TYPE ghe_seats gauge\nghe_seats{enterprise="acme"} 7\n'
RUNNERS = b'# HELP ghe_runners Runners.\n# TYPE ghe_runners gauge\nghe_runners{enterprise="acme"} 3\n'
OWN = b"# HELP ghe_up Up.\n# TYPE ghe_up gauge\nghe_up 1\n"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
PATHS = ("/", "/metrics", "/-/healthy", "/-/ready")


class Own:
    """Own metrics that do not change."""

    def chunks(self, *, openmetrics: bool) -> tuple[Chunk, ...]:
        return Chunk(OWN), Chunk(b"# EOF\n" * openmetrics)


@dataclass
class Reply:
    """What a client got."""

    status: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebHarness:
    """An application whose states a test sets."""

    healthy: bool = True
    ready: bool = True
    reload: Callable[[], str] | None = None
    reloads: list[str] = field(default_factory=list)
    exposition: Exposition = field(default_factory=lambda: Exposition(METRICS))

    def __post_init__(self) -> None:
        self.exposition.publish("licenses", "acme", {"ghe_seats": b'ghe_seats{enterprise="acme"} 7\n'})
        self.exposition.publish("runners", "acme", {"ghe_runners": b'ghe_runners{enterprise="acme"} 3\n'})

    def ask(self, path: str, method: str = "GET", query: str = "", **headers: str) -> Reply:
        """Ask as the server does."""
        application = Application(
            exposition=self.exposition,
            own=Own(),
            collectors=frozenset(METRICS),
            status_page=lambda: "<p>página</p>",
            is_healthy=lambda: self.healthy,
            is_ready=lambda: self.ready,
            reload=self.reload,
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = asyncio.run(application(Request(method, path, query, named)))
        assert len(response.headers) == len(dict(response.headers))
        status = f"{response.status.value} {response.status.phrase}"
        return Reply(status, dict(response.headers), b"".join(response.body))

    def reloading(self, problem: str) -> Callable[[], str]:
        """A reload that notes that it was called and ends in *problem*."""

        def reload() -> str:
            self.reloads.append(problem)
            return problem

        return reload


@pytest.fixture
def harness() -> WebHarness:
    """An application with two collectors' results."""
    return WebHarness()


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/", "text/html; charset=utf-8", "<p>página</p>".encode()),
        ("/metrics", TEXT, SEATS + RUNNERS + OWN),
        ("/-/healthy", "text/plain; charset=utf-8", b"healthy\n"),
        ("/-/ready", "text/plain; charset=utf-8", b"ready\n"),
    ],
)
def test_routes_answer_with_their_type_and_security_headers(
    harness: WebHarness, path: str, kind: str, body: bytes
) -> None:
    """GET and HEAD are answered alike; the server leaves out the body for HEAD."""
    reply = harness.ask(path)
    assert (reply.status, reply.body) == ("200 OK", body)
    assert reply.headers | SECURITY == reply.headers
    assert reply.headers["Content-Type"] == kind
    assert harness.ask(path, "HEAD") == reply


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
@pytest.mark.parametrize("path", PATHS)
def test_methods_other_than_get_and_head_are_refused(harness: WebHarness, path: str, method: str) -> None:
    """The refusal names the methods that are allowed."""
    reply = harness.ask(path, method)
    assert (reply.status, reply.headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")
    assert reply.body == b"only GET and HEAD\n"
    assert reply.headers | SECURITY == reply.headers


@pytest.mark.parametrize(
    "path", ["/metrics/", "/Metrics", "//", "", "/favicon.ico", "/-/", "/-/reload", "/-/quit", "/../metrics", "*"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_unknown_path_is_404(harness: WebHarness, path: str, method: str) -> None:
    """`/-/reload` is unknown unless it is enabled."""
    reply = harness.ask(path, method)
    assert reply.status == "404 Not Found"
    assert reply.headers | SECURITY == reply.headers
    assert reply.body == b"not found; see / for what there is\n"


def test_status_page_is_not_cached(harness: WebHarness) -> None:
    """Browsers ask for the status page each time."""
    assert harness.ask("/").headers["Cache-Control"] == "no-store"


def test_openmetrics_is_sent_on_request(harness: WebHarness) -> None:
    """The body is valid and ends with its end mark; `Vary` names the headers that decide."""
    reply = harness.ask("/metrics", accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert reply.headers["Content-Type"] == OPENMETRICS
    assert reply.headers["Vary"] == "Accept, Accept-Encoding"
    assert reply.body == SEATS + RUNNERS + OWN + b"# EOF\n"
    assert len(list(parse_openmetrics(reply.body.decode()))) == 3  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("accept_encoding", "gzipped"), [("gzip", True), ("gzip;q=0", False), ("", False), ("br", False)]
)
@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"])
def test_body_is_compressed_for_clients_that_accept_gzip(
    harness: WebHarness, accept: str, accept_encoding: str, *, gzipped: bool
) -> None:
    """The compressed body has the same content."""
    plain = harness.ask("/metrics", accept=accept)
    reply = harness.ask("/metrics", accept=accept, accept_encoding=accept_encoding)
    assert reply.headers.get("Content-Encoding") == ("gzip" if gzipped else None)
    assert reply.headers["Vary"] == "Accept, Accept-Encoding"
    assert (gzip.decompress(reply.body) if gzipped else reply.body) == plain.body


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("collect[]=licenses", SEATS + OWN),
        ("collect%5B%5D=runners", RUNNERS + OWN),
        ("collect[]=runners&collect[]=licenses", SEATS + RUNNERS + OWN),
        ("collect[]=runners&collect[]=runners", RUNNERS + OWN),
        ("other=1", SEATS + RUNNERS + OWN),
        ("collect=licenses", SEATS + RUNNERS + OWN),
    ],
)
def test_collect_parameter_selects_collectors(harness: WebHarness, query: str, body: bytes) -> None:
    """Other parameters select nothing."""
    assert harness.ask("/metrics", query=query).body == body
    assert gzip.decompress(harness.ask("/metrics", query=query, accept_encoding="gzip").body) == body


@pytest.mark.parametrize(
    "query", ["collect[]=nothing", "collect[]=licenses&collect[]=x", "collect[]=", "collect[]=%FF%00<script>"]
)
def test_unknown_collector_is_refused(harness: WebHarness, query: str) -> None:
    """The refusal names the collectors that exist and repeats nothing of the request."""
    reply = harness.ask("/metrics", query=query)
    assert reply.status == "400 Bad Request"
    assert reply.body == b"collect[]: no such collector; there are licenses, runners\n"


@pytest.mark.parametrize(("path", "name"), [("/-/healthy", "healthy"), ("/-/ready", "ready")])
def test_failing_probe_is_503(harness: WebHarness, path: str, name: str) -> None:
    """The other probe is unaffected."""
    setattr(harness, name, False)
    other = ({"/-/healthy", "/-/ready"} - {path}).pop()
    reply = harness.ask(path)
    assert (reply.status, reply.body) == ("503 Service Unavailable", f"not {name}\n".encode())
    assert harness.ask(other).status == "200 OK"
    assert harness.ask("/metrics").status == "200 OK"


def test_enabled_reload_runs_on_post(harness: WebHarness) -> None:
    """Each POST reloads."""
    harness.reload = harness.reloading("")
    assert (harness.ask("/-/reload", "POST").status, harness.ask("/-/reload", "POST").body) == ("200 OK", b"reloaded\n")
    assert harness.reloads == ["", ""]


def test_failed_reload_is_500_with_the_problem(harness: WebHarness) -> None:
    """The body is the problem."""
    harness.reload = harness.reloading("listen: must be HOST:PORT")
    reply = harness.ask("/-/reload", "POST")
    assert (reply.status, reply.body) == ("500 Internal Server Error", b"listen: must be HOST:PORT\n")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_reload_with_another_method_is_refused(harness: WebHarness, method: str) -> None:
    """A link or an image can make a browser send GET."""
    harness.reload = harness.reloading("")
    reply = harness.ask("/-/reload", method)
    assert (reply.status, reply.headers["Allow"]) == ("405 Method Not Allowed", "POST")
    assert harness.reloads == []
