"""Connections that get a thread only when a whole request has come, so that silent or slow clients hold none.

cheroot hands every new connection to a thread, which then waits for what the client says: as many clients as there are
threads, each sending nothing or a byte now and then, would keep everybody else out.
"""

import selectors
import ssl
import time
from typing import Any

from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.wsgi import Server

from exporter.web.sending import Sender, block

HEADER_BYTES = 16_384
MOST_WAITING = 256
END_OF_HEAD = b"\r\n\r\n"


class Request(HTTPRequest):
    """A request without a body: nothing here takes one, and one left unread would pass for the next request."""

    def read_request_headers(self) -> bool:
        """Read the headers; refuse a request that announces a body."""
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if self.chunked_read or int(self.inheaders.get(b"Content-Length", 0)) != 0:
            self.simple_response("413 Request Entity Too Large", "no request here has a body")
            return False
        return True

    def respond(self) -> None:
        """Answer; the request is all there, so that nothing but sending waits from here on."""
        block(self.conn.socket, self.server.timeout)
        super().respond()


class Connection(HTTPConnection):
    """A connection that can tell, without waiting, whether its next request has come."""

    RequestHandlerClass = Request
    # More than a head may have: one that fills it is refused without waiting for the rest.
    rbufsize = 2 * HEADER_BYTES
    is_waiting = False
    """Whether something was awaited, so that finding nothing means that the client has gone."""

    def __init__(self, server: Any, sock: Any, *args: Any) -> None:
        super().__init__(server, sock, *args)
        self.wfile = Sender(sock)

    def has_request(self) -> bool:
        """Take in what the client has sent; whether a thread has something to do that needs no waiting.

        It has when the head is whole or too long, and when the connection has ended.
        """
        finding_nothing_is_the_end = self.is_waiting
        self.is_waiting = False
        try:
            self.socket.settimeout(0)
            head = self.rfile.peek(1) if self.rfile.has_data() else b""
            while END_OF_HEAD not in head and len(head) < self.rbufsize:
                longer = self.rfile.peek(len(head) + 1)
                if len(longer) == len(head):
                    return finding_nothing_is_the_end
                head, finding_nothing_is_the_end = longer, False
        except ssl.SSLWantReadError:
            return False
        except OSError:
            return True
        return True


class PatientServer(Server):
    """Keeps connections aside until there is something to do for them; of too many the oldest go."""

    ConnectionClass = Connection
    max_request_header_size = HEADER_BYTES
    keep_alive_conn_limit = MOST_WAITING // 2
    _connections: Any

    def process_conn(self, conn: Any) -> None:
        """Hand *conn* to a thread, or wait for its request to come."""
        is_new = conn.last_used is None
        if not is_new and conn.has_request():
            conn.socket.settimeout(self.timeout)
            super().process_conn(conn)
            return
        conn.is_waiting = True
        waiting = self._connections._selector  # noqa: SLF001 - cheroot has no other way to put one aside
        if is_new:
            # From now on, however slowly it speaks: what waits longer than the timeout is closed.
            conn.last_used = time.time()
            if len(waiting) > MOST_WAITING:
                self._drop_oldest(waiting)
        waiting.register(conn.socket.fileno(), selectors.EVENT_READ, data=conn)

    def _drop_oldest(self, waiting: Any) -> None:
        """Close what waits longest: a client that means it speaks at once."""
        others = [(number, conn) for number, conn in waiting.connections if conn is not self]
        number, oldest = min(others, key=lambda item: item[1].last_used)
        waiting.unregister(number)
        oldest.close()
