"""The simulated GitHub on a real socket."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import structlog
from cheroot import wsgi

from exporter.simulator.api.application import Api
from exporter.simulator.api.quota import Quotas
from exporter.simulator.company.estate import Estate
from exporter.simulator.faults.connection import Connection, Gateway
from exporter.simulator.faults.kinds import Faults

THREADS = 32
BACKLOG = 128
KEPT_ALIVE = 256
IDLE_SECONDS = 60
STOP_SECONDS = 0.5
LOOK_SECONDS = 0.05
MOST_HEADER_BYTES = 64 * 1024
MOST_BODY_BYTES = 1024 * 1024
ERROR_LEVEL = 40
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - only when the user leaves the host out


def _bind(socket_: socket.socket, address: Any) -> socket.socket:
    """Bind, and leave no socket open when that fails."""
    try:
        socket_.bind(address)
    except OSError:
        socket_.close()
        raise
    return socket_


class _Server(wsgi.Server):
    """A cheroot server whose connections can be ended at once."""

    ConnectionClass = Connection
    expiration_interval = LOOK_SECONDS
    keep_alive_conn_limit = KEPT_ALIVE
    max_request_header_size = MOST_HEADER_BYTES
    max_request_body_size = MOST_BODY_BYTES
    nodelay = True

    def __init__(self, address: tuple[str, int], api: Api, stopping: threading.Event) -> None:
        super().__init__(
            address,
            api,
            numthreads=THREADS,
            max=THREADS,
            server_name="octo-simulator",
            request_queue_size=BACKLOG,
            timeout=IDLE_SECONDS,
        )
        self.gateway = Gateway
        self.shutdown_timeout = STOP_SECONDS
        self.stopping = stopping
        self.connections: set[Connection] = set()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:  # noqa: FBT001, FBT002
        """Tell of our own mistakes only; clients that hang up are none."""
        if level >= ERROR_LEVEL:
            structlog.get_logger().error("simulator failed", message=msg, exc_info=traceback)

    bind_socket = staticmethod(_bind)


class Simulator:
    """A GitHub of its own on a local address; a context manager.

    Args:
        listen: Host and port, `:PORT` for all addresses; port 0 takes a free one.
        users: Licences of `octo-corp`.
        runners: Runners of `octo-corp`.
        organizations: Number of organisations `octo-org-1…N`.
        latency: Seconds every answer takes.
        seed: The same seed and time give the same companies.
        faults: What goes wrong from the start, as `KIND=RATE` or `KIND@PATHPART=RATE`.
        rate_limit: Requests an hour for each token.
        now: Unix time.

    Attributes:
        estate: The companies.
        faults: What goes wrong; may be changed while the simulator runs.

    Raises:
        ValueError: An argument makes no sense; the message says which.
    """

    def __init__(
        self,
        listen: str = "127.0.0.1:0",
        *,
        users: int = 500,
        runners: int = 60,
        organizations: int = 5,
        latency: float = 0.0,
        seed: int = 1,
        faults: Iterable[str] = (),
        rate_limit: int = 5_000,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.estate = Estate(seed=seed, users=users, runners=runners, organizations=organizations)
        self.faults = Faults(*faults, seed=seed)
        self._stopping = threading.Event()
        self._api = Api(
            self.estate,
            self.faults,
            Quotas(rate_limit),
            now=now,
            latency=latency,
            stopping=self._stopping,
        )
        self._server = _Server(_address(listen), self._api, self._stopping)
        self._thread = threading.Thread(target=self._server.serve, name="simulator", daemon=True)

    def start(self) -> Self:
        """Listen and answer in the background."""
        self._server.prepare()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop at once, whatever requests are still waiting for."""
        self._stopping.set()
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.hang_up()
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL of the API, for every enterprise but `octo-server`."""
        host, port = self._server.bind_addr
        # Every address cannot be asked, but this machine's own can.
        host = {EVERY_ADDRESS: "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def server_url(self) -> str:
        """Base URL of the API of GitHub Enterprise Server, for `octo-server`."""
        return f"{self.url}/api/v3"

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
