"""One connection: HTTP by the standard library, and what faults do to it that HTTP has no words for."""

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

import structlog

from exporter.simulator.api.application import WIRE

Application = Callable[..., Iterable[bytes]]
"""A WSGI application."""

IDLE_SECONDS = 60
MAX_BODY_BYTES = 1024 * 1024
ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing sends a reset instead of what is still to be sent."""


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection by the server's application."""

    server: Any
    """Has the `application`, and `stopping`, an event that is set when the server stops."""
    protocol_version = "HTTP/1.1"
    server_version = "octo-simulator"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Answer a request of any method."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self.rfile.read(int(length))
        try:
            self._send(self.server.application(self._environment(), self._start))
        except OSError:
            self.close_connection = True  # the client has gone, or a fault has sent it away
        except Exception as error:  # noqa: BLE001 - a mistake of ours is an answer as well
            structlog.get_logger().error("simulator failed", message=repr(error), exc_info=True)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Print nothing."""

    def _environment(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.connection.getsockname()[:2]
        return {
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()},
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "wsgi.url_scheme": "http",
            WIRE: Wire(self),
        }

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        names = {name.lower() for name, _ in headers}
        self._is_chunked = "content-length" not in names and int(code) != HTTPStatus.NOT_MODIFIED
        if self._is_chunked:
            self.send_header("Transfer-Encoding", "chunked")

    def _send(self, body: Iterable[bytes]) -> None:
        if not self.is_connected:
            return
        self.end_headers()
        for piece in body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._is_chunked else piece)
        if self._is_chunked and self.command != "HEAD":
            self.wfile.write(b"0\r\n\r\n")

    @property
    def is_connected(self) -> bool:
        """Whether no fault has ended the connection."""
        return int(self.connection.fileno()) >= 0


class Wire:
    """What a fault may do to the connection of one request."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._stopping: threading.Event = handler.server.stopping

    def close_after(self) -> None:
        """Close the connection when the answer is sent."""
        self._handler.close_connection = True

    def send(self, data: bytes) -> bool:
        """Send *data* as it is; return whether the client still listens."""
        self._handler.close_connection = True
        try:
            self._handler.connection.sendall(data)
        except OSError:
            return False
        return True

    def reset(self) -> None:
        """Break the connection off: the client sees a reset, not an end."""
        self._handler.close_connection = True
        connection = self._handler.connection
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            os.close(connection.detach())

    def wait(self, seconds: float) -> bool:
        """Wait, and return whether the server stops."""
        return self._stopping.wait(seconds)

    def abandoned(self) -> bool:
        """Return whether the client has hung up."""
        connection = self._handler.connection
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0)) and not connection.recv(1, socket.MSG_PEEK)
