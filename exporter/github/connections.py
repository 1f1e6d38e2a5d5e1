"""Connections that end at a moment, however slowly an answer drips.

A read time-out counts anew from each byte. A server that sends one now and then could hold a reader for days: in the
status line, in a header, in the size of a chunk, in what follows the last chunk.
"""

import io
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.clock import Clock

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


CONTINUE, INTERIM = 100, range(100, 200)

Pool = TypeVar("Pool")


class Patience(threading.local):
    """Until when the present thread waits for an answer, by the clock's monotonic time; each thread has its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.until = float("inf")

    def left(self) -> float:
        """Seconds until then."""
        return self.until - self._clock.monotonic()


class _Reader(io.RawIOBase):
    """Bytes of a socket, each read bounded by what is left of the patience."""

    def __init__(self, connection: socket.socket, patience: Patience) -> None:
        self._socket = connection
        self._timeout = connection.gettimeout()
        self._file = connection.makefile("rb", buffering=0)
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        left = self._patience.left()
        if left <= 0:
            raise TimeoutError("the answer drips past the deadline")
        if self._timeout is not None and self._timeout <= left:
            return self._file.readinto(buffer)
        self._socket.settimeout(left)
        try:
            return self._file.readinto(buffer)
        finally:
            self._socket.settimeout(self._timeout)  # the next request is sent with it

    def close(self) -> None:
        self._file.close()
        super().close()


class _Final:
    """Part of a response: skips every interim answer (1xx); the standard library skips only 100.

    It would take `103 Early Hints` for the answer, and the answer for that to the next request of the connection.
    """

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, CONTINUE if status in INTERIM else status, reason


def patient(pool: Pool, patience: Patience) -> Pool:
    """Make new connections of *pool*, one of urllib3's, read each answer with *patience* from its first byte on."""
    plain: Any = getattr(pool, "ConnectionCls", None)
    if plain is not None and "response_class" not in vars(plain):
        response_class: Any = type("Response", (_Final, plain.response_class), {})

        def answer(connection: socket.socket, *args: Any, **options: Any) -> Any:
            response = response_class(connection, *args, **options)
            response.fp.close()
            response.fp = io.BufferedReader(_Reader(connection, patience))
            return response

        bounded = type(plain.__name__, (plain,), {"response_class": staticmethod(answer)})
        pool.ConnectionCls = bounded  # type: ignore[attr-defined]
    return pool
