"""Serve the WSGI application: bounded threads, sizes and times, so that a slow client cannot exhaust it.

cheroot's server is made for embedding. TLS is in `exporter.web.http.handshake`, passwords are in
`exporter.web.protection.guard`.
"""

import socket
import sys
import threading
from typing import Any

import structlog

from exporter.config.addresses import split_listen_address
from exporter.errors import ConfigurationError
from exporter.web.http.listening import bind
from exporter.web.http.server import PatientServer
from exporter.web.protection.protection import LiveProtection

log = structlog.get_logger()

THREADS = 10
IDLE_SECONDS = 10
ANSWER_SECONDS = 60
"""The time in which a client must have taken an answer."""
REQUEST_QUEUE = 256
SHUTDOWN_SECONDS = 2
TURN_SECONDS = 0.0001
"""How long a computing thread keeps others from the interpreter; at Python's 0.005 a scrape would wait for collectors.

A long answer gives the interpreter up for each of its pieces and then waits for its turn again.
"""


class QuietServer(PatientServer):
    """A server that does not print what clients sent, which its own messages may quote."""

    software = "ghe-exporter"

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - cheroot's
        """Tell only that something happened."""
        del msg, traceback
        log.debug("web server error", level=level)

    bind_socket = staticmethod(bind)


class WebServer:
    """The listening socket and the threads behind it."""

    def __init__(
        self,
        listen: str,
        application: Any,
        protection: LiveProtection | None = None,
        *,
        idle_seconds: float = IDLE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._listen = listen
        protection = protection or LiveProtection()
        self._scheme = "https" if protection.is_tls else "http"
        self._server = QuietServer(
            bind_address(listen),
            application,
            numthreads=THREADS,
            max=THREADS,
            server_name="ghe-exporter",
            request_queue_size=REQUEST_QUEUE,
            timeout=idle_seconds,
            answer_seconds=answer_seconds,
            shutdown_timeout=SHUTDOWN_SECONDS,
            protection=protection,
        )
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen and answer.

        Raises:
            ConfigurationError: the address cannot be listened at.
        """
        self.listen()
        self.answer()

    def listen(self) -> None:
        """Take the address; who connects waits for `answer`.

        Raises:
            ConfigurationError: the address cannot be listened at.
        """
        try:
            self._server.prepare()
        except OSError as error:
            raise ConfigurationError(f"listen: cannot listen at {self._listen}: {error.strerror or error}") from None

    def answer(self) -> None:
        """Answer in threads of its own, from now on."""
        sys.setswitchinterval(TURN_SECONDS)
        self._thread = threading.Thread(target=self._server.serve, name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish answers in flight and close."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join(SHUTDOWN_SECONDS)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host, port = self._server.bind_addr[:2]
        local = {"::": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(host, host)  # noqa: S104
        return f"{self._scheme}://[{local}]:{port}" if ":" in local else f"{self._scheme}://{local}:{port}"


def bind_address(listen: str) -> tuple[str, int]:
    """Where to bind; every address means IPv6 and IPv4 where both exist."""
    host, port = split_listen_address(listen)
    if host:
        return host, port
    return ("::" if socket.has_dualstack_ipv6() else "0.0.0.0"), port  # noqa: S104
