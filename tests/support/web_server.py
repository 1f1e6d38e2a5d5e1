"""An application to serve, and clients that ask it over real sockets."""

import asyncio
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from exporter.metrics.exposition import Chunk, Exposition, render
from exporter.metrics.metric import gauge
from exporter.web.application import Application
from exporter.web.http.messages import Handler, Request, Response
from exporter.web.http.server import HEAD_SECONDS, RESPONSE_SECONDS, WebServer
from exporter.web.protection.guard import Guard
from exporter.web.protection.protection import LiveProtection
from tests.support.certificates import PASSWORD, USER

RUNNERS = gauge("ghe_runners", "Runners.", "name")
REQUEST = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE = 30.0


CROWD = 10
"""A few clients more than one."""


class Own:
    """Own metrics that do not change."""

    def chunks(self, *, openmetrics: bool) -> tuple[Chunk, ...]:
        del openmetrics
        return (Chunk(b"# HELP ghe_up Up.\n# TYPE ghe_up gauge\nghe_up 1\n"),)


@dataclass
class Gate:
    """Holds responses back while it is shut."""

    asked: threading.Event = field(default_factory=threading.Event)
    is_open: bool = True

    async def passes(self) -> None:
        self.asked.set()
        while not self.is_open:  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.01)


class WebHarness:
    """An application over results that a test publishes; its scrapes pass a gate."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.exposition = Exposition({"runners": (RUNNERS,)})
        self.broken = False

    def reset(self) -> None:
        """Forget what another test did."""
        self.broken = False
        self.gate.asked.clear()
        self.gate.is_open = True
        self.exposition.publish("runners", "acme", {})

    async def application(self, request: Request) -> Response:
        """Answer as the product does, but scrapes only when the gate is open."""
        if request.path == "/metrics":
            await self.gate.passes()
        return await Application(
            exposition=self.exposition,
            own=Own(),
            collectors=frozenset({"runners"}),
            status_page=self.page,
            is_healthy=lambda: True,
            is_ready=lambda: True,
        )(request)

    def page(self) -> str:
        if self.broken:
            raise RuntimeError("secret detail")
        return "page"

    def publish(self, generation: str, number: int = 50) -> None:
        """Publish *number* runners of one generation."""
        samples: dict[tuple[str, ...], float] = {(f"{generation}-{index}",): index for index in range(number)}
        families = render("acme", {RUNNERS: samples})
        self.exposition.publish("runners", "acme", {name: lines.text for name, lines in families.items()})


def get(handler: Handler, path: str) -> Response:
    """What *handler* answers without a server."""

    async def ask_it() -> Response:
        return await handler(Request("GET", path, "", {}))

    return asyncio.run(ask_it())


@contextmanager
def serving(
    harness: WebHarness,
    listen: str = "127.0.0.1:0",
    web_config: Path | None = None,
    *,
    head_seconds: float = HEAD_SECONDS,
    response_seconds: float = RESPONSE_SECONDS,
) -> Iterator[WebServer]:
    """Serve *harness*, protected as the file *web_config* says, as long as the block lasts."""
    protection = LiveProtection(web_config)
    guard = Guard(harness.application, protection)
    server = WebServer(listen, guard, protection, head_seconds=head_seconds, response_seconds=response_seconds)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def port_of(server: WebServer) -> int:
    """The port *server* listens at."""
    return int(server.url.rpartition(":")[2])


@contextmanager
def connected(server: WebServer) -> Iterator[socket.socket]:
    """A raw connection."""
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=PATIENCE) as client:
        yield client


def everything(client: socket.socket) -> bytes:
    """Read until the server closes; a reset is an end too."""
    received = b""
    try:
        while piece := client.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def ask(
    server: WebServer, path: str = "/-/healthy", method: str = "GET", host: str = "127.0.0.1", **headers: str
) -> Any:
    """Ask once on a connection of its own; status, headers and body."""
    connection = HTTPConnection(host, port_of(server), timeout=PATIENCE)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def is_well(server: WebServer) -> bool:
    """Whether the server answers an honest client."""
    status, _, body = ask(server)
    return (status, body) == (200, b"healthy\n")


def basic(user: str = USER, password: str = PASSWORD) -> str:
    """The Authorization header's value of a client with a password."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def login(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    """The headers of a client with a password."""
    return {"Authorization": basic(user, password)}
