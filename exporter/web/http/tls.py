"""TLS on an accepted socket, with the current protection: a new certificate applies to the next client."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import structlog

from exporter.web.http.connection import Connection
from exporter.web.http.connections import Connections
from exporter.web.protection.protection import LiveProtection
from exporter.web.protection.tls import is_allowed

log = structlog.get_logger()

HANDSHAKE_RECORD = b"\x16"
"""The first byte of every TLS handshake."""
PLAIN_RESPONSE = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"this port speaks https, not http\n"
)
MAX_UNREAD_BYTES = 65_536


class Handshake:
    """The handshake of one client, until it is a connection of its own."""

    def __init__(
        self,
        accepted: socket.socket,
        protection: LiveProtection,
        connections: Connections,
        connect: Callable[[float, Callable[[asyncio.BaseTransport], bool]], Connection],
        *,
        seconds: float,
        close_seconds: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._accepted = accepted
        self._protection = protection
        self._connections = connections
        self._connect = connect
        self._deadline = loop.time() + seconds
        self._close_seconds = close_seconds
        connections.wait(self)
        self._task = loop.create_task(self._run())

    def close(self) -> None:
        """End it; there is no response that could be cut off."""
        self._task.cancel()

    abort = close

    async def _run(self) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                await readable(self._accepted)
            first = self._accepted.recv(1, socket.MSG_PEEK)
            if first == HANDSHAKE_RECORD:
                await self._shake_hands()
                return
            if first:
                answer_plainly(self._accepted)
        except (OSError, ValueError) as error:
            # Every network scanner causes it. The reason is OpenSSL's text, not the client's.
            log.debug("tls handshake failed", reason=getattr(error, "reason", None))
        finally:
            self._connections.discard(self)
        self._accepted.close()

    async def _shake_hands(self) -> None:
        current = self._protection.current()
        if current.tls is None:
            raise ValueError("TLS was switched off")
        loop = asyncio.get_running_loop()

        def is_welcome(transport: asyncio.BaseTransport) -> bool:
            welcome = is_allowed(transport.get_extra_info("peercert"), current.allowed_names)
            if not welcome:
                log.debug("tls handshake failed", reason="certificate without an allowed name")
            return welcome

        await loop.connect_accepted_socket(
            lambda: self._connect(self._deadline, is_welcome),
            self._accepted,
            ssl=current.tls,
            ssl_handshake_timeout=self._deadline - loop.time(),
            ssl_shutdown_timeout=self._close_seconds,
        )


async def readable(sock: socket.socket) -> None:
    """Wait until there is something to read, and leave it there."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def set_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock, set_ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def answer_plainly(sock: socket.socket) -> None:
    """Explain the mistake to a client that speaks plain HTTP; unread bytes would reset the connection before that."""
    with suppress(OSError):
        sock.recv(MAX_UNREAD_BYTES)
        sock.send(PLAIN_RESPONSE)
        sock.shutdown(socket.SHUT_WR)
