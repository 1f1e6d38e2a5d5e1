"""The simulated GitHub on a real socket."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from exporter.simulator.api.application import Api
from exporter.simulator.api.quota import Quotas
from exporter.simulator.company.estate import Estate
from exporter.simulator.faults.connection import Application, Handler
from exporter.simulator.faults.kinds import Faults

BACKLOG = 128
LOOK_SECONDS = 0.05
STOP_SECONDS = 5.0
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - only when the user leaves the host out


class Server(ThreadingHTTPServer):
    """Serves a WSGI application with a thread for each connection, all of which end with it.

    Raises:
        OSError: The system refuses the address.
    """

    request_queue_size = BACKLOG

    def __init__(self, address: tuple[str, int], application: Application, stopping: threading.Event) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)
        self.application = application
        self.stopping = stopping
        self._threads_of: dict[socket.socket, threading.Thread] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(LOOK_SECONDS,), name="simulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop immediately, whatever requests are still waiting for."""
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection, thread in list(self._threads_of.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(STOP_SECONDS)

    def server_bind(self) -> None:
        """Bind, without asking for the name of the host as HTTPServer does."""
        TCPServer.server_bind(self)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer the requests of one connection."""
        self._threads_of[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._threads_of[request]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up."""
        del request, client_address


class Simulator:
    """A GitHub of its own on a local address; a context manager.

    Args:
        listen: Host and port, `:PORT` for all addresses; port 0 takes a free one.
        users: Licenses of `octo-corp`.
        runners: Runners of `octo-corp`.
        organizations: Number of organizations `octo-org-1…N`.
        latency: Seconds every answer takes.
        seed: The same seed and time give the same companies.
        faults: What goes wrong from the start, as `KIND=RATE` or `KIND@PATHPART=RATE`.
        rate_limit: Requests for each token in a window.
        rate_limit_seconds: How long such a window lasts.
        now: Unix time.

    Attributes:
        estate: The companies.
        faults: What goes wrong; may be changed while the simulator runs.

    Raises:
        ValueError: An argument makes no sense; the message says which.
    """

    def __init__(  # noqa: PLR0913 - everything that it simulates
        self,
        listen: str = "127.0.0.1:0",
        *,
        users: int = 500,
        runners: int = 60,
        organizations: int = 5,
        same_size: bool = False,
        latency: float = 0.0,
        seed: int = 1,
        faults: Iterable[str] = (),
        rate_limit: int = 5_000,
        rate_limit_seconds: int = 3_600,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.estate = Estate(seed=seed, users=users, runners=runners, organizations=organizations, same_size=same_size)
        self.faults = Faults(*faults, seed=seed)
        self._stopping = threading.Event()
        self._api = Api(
            self.estate,
            self.faults,
            Quotas(rate_limit, rate_limit_seconds),
            now=now,
            latency=latency,
            stopping=self._stopping,
        )
        self._address = _address(listen)
        self._server: Server | None = None

    def start(self) -> Self:
        """Listen and answer in the background."""
        self._server = Server(self._address, self._api, self._stopping)
        self._address = self._address[0], self._server.socket.getsockname()[1]
        return self

    def stop(self) -> None:
        """Stop immediately, whatever requests are still waiting for."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL of the API, for every enterprise but `octo-server`."""
        host, port = self._address
        # Every address cannot be asked, but this machine's own can.
        host = {EVERY_ADDRESS: "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def server_url(self) -> str:
        """Base URL of the API of GitHub Enterprise Server, for `octo-server`."""
        return f"{self.url}/api/v3"

    @property
    def manage_url(self) -> str:
        """Base URL of the management API of GitHub Enterprise Server, which has a port of its own elsewhere."""
        return self.url

    @property
    def requests(self) -> int:
        """How many requests came in."""
        return self.request_counts().total()

    def request_counts(self) -> Counter[str]:
        """Return how many requests came in for each "METHOD path"."""
        return self._api.request_counts()


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise ValueError(f"listen address {listen!r}: expected HOST:PORT or :PORT")
    return host.strip("[]") or EVERY_ADDRESS, int(port)
