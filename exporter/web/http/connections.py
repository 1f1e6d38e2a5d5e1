"""The open connections: how many there may be, and which goes first when there are too many."""

import asyncio
from contextlib import suppress
from typing import Protocol

MAX_CONNECTIONS = 384


class Closable(Protocol):
    """A connection, or what becomes one after its TLS handshake."""

    def close(self) -> None:
        """Close it in an orderly way."""
        ...

    def abort(self) -> None:
        """Close it now."""
        ...


class Connections:
    """Knows which connections wait for their client, the longest waiting first, and which are being answered."""

    def __init__(self) -> None:
        self._waiting: dict[Closable, None] = {}
        self._answering: set[Closable] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self.is_stopping = False

    @property
    def waiting(self) -> int:
        """How many wait for a handshake, for a request or for their client to close."""
        return len(self._waiting)

    @property
    def answering(self) -> int:
        """How many have sent a request and not taken the whole response."""
        return len(self._answering)

    def wait(self, connection: Closable) -> None:
        """Note that *connection*, which may be new, waits for its client from now on."""
        self._answering.discard(connection)
        self._waiting.pop(connection, None)
        self._waiting[connection] = None
        self._is_empty.clear()

    def answer(self, connection: Closable) -> None:
        """Note that *connection* is being answered."""
        self._waiting.pop(connection, None)
        self._answering.add(connection)

    def discard(self, connection: Closable) -> None:
        """Forget *connection*, which is closed."""
        self._waiting.pop(connection, None)
        self._answering.discard(connection)
        if not self._waiting and not self._answering:
            self._is_empty.set()

    def make_room(self) -> bool:
        """Close what waits longest if there are too many; return whether there is room for another one."""
        return self.waiting + self.answering < MAX_CONNECTIONS or self.abort_oldest()

    def abort_oldest(self) -> bool:
        """Close what waits longest, for a client that means it speaks soon; return whether there was any."""
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            return False
        self.discard(oldest)
        oldest.abort()
        return True

    async def finish(self, seconds: float) -> None:
        """Close what waits, let responses be taken for *seconds*, and then close the rest."""
        self.is_stopping = True
        for connection in list(self._waiting):
            connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()
        for connection in (*self._waiting, *self._answering):
            connection.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()
