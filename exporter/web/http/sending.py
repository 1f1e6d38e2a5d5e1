"""Send long answers past Python: without copies, and with as few turns at the interpreter's lock as can be.

cheroot copies every piece twice before it sends it. And a socket with a timeout of Python's sends as much as fits and
then waits for room: each of the two gives the lock up and, while a collector computes, waits for it again. A socket
that blocks, with a timeout of the kernel's, sends a whole piece in one call.

A client that does not take its answer at once holds no thread: what is left is kept aside and sent when there is room.
"""

import socket
import ssl
import struct
import time
from collections import deque
from contextlib import suppress
from typing import Any

from cheroot.makefile import StreamWriter

PATIENCE_SECONDS = 0.25
"""How long a thread waits for room; a client that takes its answer at all has made some by then."""
NO_ROOM = (BlockingIOError, TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Sender(StreamWriter):
    """The writing side of a connection: no buffer, but a list of what the client has not taken yet."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._socket = sock
        self._left: deque[memoryview] = deque()
        self._waits_until = 0.0

    @property
    def is_done(self) -> bool:
        """Whether everything has been sent."""
        return not self._left

    def begin(self) -> None:
        """Wait a little for room from now on."""
        self._waits_until = time.monotonic() + PATIENCE_SECONDS
        if type(self._socket) is socket.socket:
            timeout = struct.pack("@ll", 0, int(PATIENCE_SECONDS * 1_000_000))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
            self._socket.settimeout(None)
        else:
            # TLS has to be asked twice before it sends, so Python waits.
            self._socket.settimeout(PATIENCE_SECONDS)

    def write(self, val: Any) -> int:
        """Send *val*, or keep aside what there is no room for.

        Raises:
            OSError: the client has gone.
        """
        if self._left or (rest := self._send(memoryview(val))):
            self._left.append(memoryview(val) if self._left else rest)
        self.bytes_written += len(val)
        return len(val)

    def go_on(self) -> None:
        """Send what there is room for now.

        Raises:
            OSError: the client has gone.
        """
        while self._left:
            self._left[0] = self._send(self._left[0])
            if self._left[0]:
                return
            self._left.popleft()

    def _send(self, piece: memoryview) -> memoryview:
        """Send what there is room for; return the rest."""
        while piece:
            try:
                piece = piece[self._socket.send(piece) :]
            except NO_ROOM:
                self._socket.settimeout(0)
                return piece
            if piece and time.monotonic() > self._waits_until:
                self._socket.settimeout(0)
        return piece


def forget_unsent(sock: Any) -> None:
    """Let the kernel drop what it holds for a client that does not take it, as soon as the socket closes."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
