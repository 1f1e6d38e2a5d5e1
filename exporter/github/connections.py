"""Connections that end at a deadline, however slowly an answer arrives.

A read time-out starts anew with each byte. A server that sends one now and then could hold a reader for days: in the
status line, in a header, in the size of a chunk, in what follows the last chunk.
"""

import io
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.clock import Clock
from exporter.errors import Cause, PayloadError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


CONTINUE, INTERIM = 100, range(100, 200)

Pool = TypeVar("Pool")


class ReadDeadline(threading.local):
    """When the current thread stops reading an answer, by the clock's monotonic time; each thread has its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.at = float("inf")

    def seconds_left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.at - self._clock.monotonic()


class _DeadlineReader(io.RawIOBase):
    """Bytes of a socket, each read bounded by what is left until the deadline."""

    def __init__(self, connection: socket.socket, deadline: ReadDeadline) -> None:
        self._socket = connection
        self._timeout = connection.gettimeout()
        self._file = connection.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        left = self._deadline.seconds_left()
        if left <= 0:
            raise TimeoutError("the answer arrives too slowly")
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


class SkipInterimResponses:
    """Mixin of `http.client.HTTPResponse` that skips every interim answer (1xx); the standard library skips only 100.

    It would take `103 Early Hints` for the answer, and the answer for that to the next request of the connection.
    """

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, CONTINUE if status in INTERIM else status, reason


class AllowedAddresses:
    """Mixin of a connection that is made only to addresses that `allows` accepts.

    Names are resolved twice, here and by the library, and may give another address the second time; so the one that
    was really connected to is checked too, before the request is sent.
    """

    allows: Callable[[str], bool]
    host: str
    port: int | None
    sock: socket.socket | None

    def connect(self) -> None:
        """Connect.

        Raises:
            PayloadError: the address is not accepted.
        """
        with suppress(OSError):  # the library says better what is wrong with a name
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            self._check(str(address[0]) for *_, address in found)
        super().connect()  # type: ignore[misc]
        if self.sock is not None:
            try:
                self._check([str(self.sock.getpeername()[0])])
            except PayloadError:
                self.close()  # type: ignore[attr-defined]
                raise

    def _check(self, addresses: Iterable[str]) -> None:
        if not all(map(self.allows, addresses)):
            said = "the name of the host of a download has a private address"
            raise PayloadError(said, cause=Cause.DOWNLOAD_HOST_REFUSED)


def with_allowed_addresses(pool: Pool, allows: Callable[[str], bool]) -> Pool:
    """Make new connections of *pool*, one of urllib3's, only to addresses that *allows* accepts.

    A proxy resolves names itself, and has an address that may be private; it is left alone.
    """
    plain: Any = getattr(pool, "ConnectionCls", None)
    if plain is not None and not issubclass(plain, AllowedAddresses) and getattr(pool, "proxy", None) is None:
        bound = {"allows": staticmethod(allows)}
        pool.ConnectionCls = type(plain.__name__, (AllowedAddresses, plain), bound)  # type: ignore[attr-defined]
    return pool


def with_deadline(pool: Pool, deadline: ReadDeadline) -> Pool:
    """Make new connections of *pool*, one of urllib3's, read each answer until *deadline* from its first byte on."""
    plain: Any = getattr(pool, "ConnectionCls", None)
    if plain is not None and "response_class" not in vars(plain):
        response_class: Any = type("Response", (SkipInterimResponses, plain.response_class), {})

        def answer(connection: socket.socket, *args: Any, **options: Any) -> Any:
            response = response_class(connection, *args, **options)
            response.fp.close()
            response.fp = io.BufferedReader(_DeadlineReader(connection, deadline))
            return response

        bounded = type(plain.__name__, (plain,), {"response_class": staticmethod(answer)})
        pool.ConnectionCls = bounded  # type: ignore[attr-defined]
    return pool
