"""A server that keeps connections aside until there is something to do for them, and so many and no more."""

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from cheroot.workers.threadpool import ThreadPool
from cheroot.wsgi import Server

from exporter.web.http.connections import HEADER_BYTES, Connection
from exporter.web.protection.protection import LiveProtection

MOST_WAITING = 256
MOST_OPEN = 384
"""Connections altogether: those that wait, and those that a thread has or soon will have."""
FINISHING_SECONDS = 4
"""How long the end waits for answers that clients are still taking."""


class Workers(ThreadPool):
    """Threads of which none outlives the end by waiting for a client."""

    @staticmethod
    def _force_close(conn: Any) -> None:
        """Break a connection off; cheroot's way would send the rest of a TLS connection unencrypted."""
        if conn is not None:
            with suppress(OSError):
                socket.socket.shutdown(conn.socket, socket.SHUT_RDWR)


class PatientServer(Server):
    """Keeps connections aside until there is something to do for them; of too many the oldest go."""

    ConnectionClass = Connection
    max_request_header_size = HEADER_BYTES
    keep_alive_conn_limit = MOST_WAITING // 2
    _connections: Any

    def __init__(self, *args: Any, protection: LiveProtection, answer_seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.requests = Workers(self, min=self.requests.min, max=self.requests.max)
        self.protection = protection
        self.answer_seconds = answer_seconds
        self._open: set[Connection] = set()
        self._answering: set[Connection] = set()
        self._changed = threading.Condition()
        self._is_ending = False

    def opened(self, conn: Connection) -> None:
        """Count a new connection."""
        with self._changed:
            self._open.add(conn)

    def closed(self, conn: Connection) -> None:
        """Count it no more."""
        with self._changed:
            self._open.discard(conn)
        self.answered(conn)

    def answered(self, conn: Connection) -> None:
        """Remember that *conn* has its answer."""
        with self._changed:
            self._answering.discard(conn)
            self._changed.notify_all()

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether a connection may stay after its answer."""
        return not self._is_ending and bool(super().can_add_keepalive_connection)

    def process_conn(self, conn: Connection) -> None:
        """Hand *conn* to a thread, or wait until there is something to do for it."""
        is_new = conn.last_used is None
        if not is_new and conn.is_due:
            super().process_conn(conn)
            return
        if not is_new and conn.has_request():
            conn.socket.settimeout(self.timeout)
            with self._changed:
                self._answering.add(conn)
            super().process_conn(conn)
            return
        conn.is_waiting = True
        if is_new:
            # From now on, however slowly it speaks: what waits longer than the timeout is closed.
            conn.last_used = time.time()
            if not self._make_room():
                conn.close()
                return
        self._wait_for(conn)

    def put_conn(self, conn: Connection) -> None:
        """Take *conn* back from a thread."""
        if not self.ready:
            conn.close()
        elif not conn.wfile.is_done:
            # The time to take the answer counts from its beginning.
            conn.last_used = conn.began_at + self.answer_seconds - self.timeout
            self._wait_for(conn)
        elif conn.handshake is not None:
            self._wait_for(conn)
        elif conn.began_at:
            super().put_conn(conn)
        else:
            self.process_conn(conn)

    def stop(self) -> None:
        """Take no more connections, finish what is being answered if that does not take long, and end."""
        if self.ready:
            self._is_ending = True
            with suppress(KeyError, ValueError):
                self._connections._selector.unregister(self.socket.fileno())  # noqa: SLF001 - no other way
            with self._changed:
                self._changed.wait_for(lambda: not self._answering, FINISHING_SECONDS)
        super().stop()

    def _wait_for(self, conn: Connection) -> None:
        waiting = self._connections._selector  # noqa: SLF001 - cheroot has no other way to put one aside
        waiting.register(conn.socket.fileno(), conn.awaits, data=conn)

    def _make_room(self) -> bool:
        """Close what waits longest if there are too many: a client that means it speaks at once."""
        waiting = self._connections._selector  # noqa: SLF001
        if len(waiting) <= MOST_WAITING and len(self._open) <= MOST_OPEN:
            return True
        others = [(number, conn) for number, conn in waiting.connections if conn is not self]
        if not others:
            return False
        number, oldest = min(others, key=lambda item: item[1].last_used)
        waiting.unregister(number)
        oldest.close()
        return True
