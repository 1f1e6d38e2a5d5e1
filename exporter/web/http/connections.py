"""Connections that get a thread only while there is something to do for them that needs no waiting.

cheroot hands every new connection to a thread, which then waits for what the client says and for what it takes: as many
clients as there are threads, each sending or taking a byte now and then, would keep everybody else out. It also does
the TLS handshake where connections are accepted, so that one silent client would do.
"""

import selectors
import ssl
import time
from typing import Any

from cheroot.server import HTTPConnection, HTTPRequest

from exporter.web.http.handshake import Handshake, Step, say_goodbye
from exporter.web.http.sending import Sender, forget_unsent

HEADER_BYTES = 16_384
END_OF_HEAD = b"\r\n\r\n"


class Request(HTTPRequest):
    """A request without a body: nothing here takes one, and one left unread would pass for the next request."""

    def __init__(self, server: Any, conn: Any) -> None:
        # RFC 9112, 3.2.2: a server must accept the absolute form, which forward proxies send; the host is ignored.
        super().__init__(server, conn, proxy_mode=True)

    def read_request_line(self) -> bool:
        """Read the first line; an address that nobody can take apart is the client's mistake."""
        try:
            return bool(super().read_request_line())  # type: ignore[no-untyped-call]
        except ValueError:
            self.simple_response("400 Bad Request", "Malformed Request-URI")
            return False

    def read_request_headers(self) -> bool:
        """Read the headers; refuse a request that announces a body."""
        try:
            if not super().read_request_headers():  # type: ignore[no-untyped-call]
                return False
        except UnboundLocalError:  # how cheroot takes the continuation of a header that never began
            self.simple_response("400 Bad Request", "Malformed header")
            return False
        if self.chunked_read or int(self.inheaders.get(b"Content-Length", 0)) != 0:
            self.simple_response("413 Request Entity Too Large", "no request here has a body")
            return False
        return True

    def respond(self) -> None:
        """Answer; the request is all there, so that nothing but sending waits from here on."""
        self.conn.wfile.begin()
        super().respond()


class Connection(HTTPConnection):
    """A connection that can tell, without waiting, whether there is something to do for it."""

    RequestHandlerClass = Request
    # More than a head may have: one that fills it is refused without waiting for the rest.
    rbufsize = 2 * HEADER_BYTES
    is_waiting = False
    """Whether something was awaited, so that finding nothing means that the client has gone."""
    handshake: Handshake | None = None
    """The handshake that is still under way."""
    awaits = selectors.EVENT_READ
    closes_after = False
    """Whether it ends when the answer is sent."""

    def __init__(self, server: Any, sock: Any, *args: Any) -> None:
        super().__init__(server, sock, *args)
        self.wfile = Sender(sock)
        if server.protection.is_tls:
            self.handshake = Handshake(sock, server.protection.current)
        self.began_at = 0.0
        server.opened(self)

    @property
    def is_due(self) -> bool:
        """Whether it is a thread's turn as soon as the socket is ready."""
        return self.handshake is not None or not self.wfile.is_done

    def communicate(self) -> bool:
        """Do what there is to do; whether the connection stays."""
        if self.handshake is not None:
            return self._shake_hands(self.handshake)
        if not self.wfile.is_done:
            return self._go_on()
        self.began_at = time.time()
        self.closes_after = not super().communicate()  # type: ignore[no-untyped-call]
        return self._after_sending()

    def close(self) -> None:
        """End it, and leave no descriptor to the garbage collector."""
        self.server.closed(self)
        if self.wfile.is_done:
            say_goodbye(self.socket)
        else:
            forget_unsent(self.socket)
        try:
            super().close()
        finally:
            self.wfile.raw.close()

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

    def _shake_hands(self, handshake: Handshake) -> bool:
        step = handshake.step()
        if self.socket is not handshake.socket:
            self.socket = handshake.socket
            self.rfile = type(self.rfile)(self.socket, "rb", self.rbufsize)
            self.wfile = Sender(self.socket)
        self.awaits = selectors.EVENT_WRITE if step is Step.AWAITS_ROOM else selectors.EVENT_READ
        if step is Step.DONE:
            self.handshake = None
        return step is not Step.FAILED

    def _go_on(self) -> bool:
        try:
            self.wfile.go_on()
        except OSError:
            return False
        return self._after_sending()

    def _after_sending(self) -> bool:
        if not self.wfile.is_done:
            self.awaits = selectors.EVENT_WRITE
            return True
        self.awaits = selectors.EVENT_READ
        self.server.answered(self)
        return not self.closes_after
