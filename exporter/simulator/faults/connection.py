"""The connection below a request, for faults that HTTP has no words for."""

import contextlib
import os
import select
import socket
import struct
import threading
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest

from exporter.simulator.api.application import WIRE

ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing sends a reset instead of what is still to be sent."""


class Connection(HTTPConnection):
    """A connection that can be broken off, and that its server can find when it stops."""

    def __init__(self, server: Any, sock: Any, *args: Any) -> None:
        super().__init__(server, sock, *args)
        server.connections.add(self)

    def reset(self) -> None:
        """Break the connection off: the client sees a reset, not an end."""
        self.server.connections.discard(self)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        os.close(self.socket.detach())

    def hang_up(self) -> None:
        """End whatever a thread is sending or waiting for."""
        if self.socket.fileno() >= 0:
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket, unless it was broken off."""
        self.server.connections.discard(self)
        if self.socket.fileno() >= 0:
            super().close()
        with contextlib.suppress(OSError):
            self.wfile.close()


class Wire:
    """What a fault may do to the connection of one request."""

    def __init__(self, request: HTTPRequest) -> None:
        self._request = request
        self._stopping: threading.Event = request.conn.server.stopping

    def close_after(self) -> None:
        """Close the connection when the answer is sent."""
        self._request.close_connection = True

    def send(self, data: bytes) -> bool:
        """Send *data* as it is; return whether the client still listens."""
        self._request.close_connection = True
        try:
            self._request.conn.socket.sendall(data)
        except OSError:
            return False
        return True

    def reset(self) -> None:
        """Break the connection off at once."""
        self._request.close_connection = True
        self._request.conn.reset()

    def wait(self, seconds: float) -> bool:
        """Wait, and return whether the server stops."""
        return self._stopping.wait(seconds)

    def abandoned(self) -> bool:
        """Return whether the client has hung up."""
        connection = self._request.conn.socket
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0)) and not connection.recv(1, socket.MSG_PEEK)


class Gateway(wsgi.Gateway_10):
    """Shows the application the connection it answers on."""

    def __init__(self, request: HTTPRequest) -> None:
        super().__init__(request)
        self.env[WIRE] = Wire(request)
