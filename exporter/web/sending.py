"""Send long answers past Python: without copies, and with as few turns at the interpreter's lock as can be.

cheroot copies every piece twice before it sends it. And a socket with a timeout of Python's sends as much as fits and
then waits for room: each of the two gives the lock up and, while a collector computes, waits for it again. A socket
that blocks, with a timeout of the kernel's, sends a whole piece in one call.
"""

import socket
import struct
from typing import Any

from cheroot.makefile import StreamWriter


class Sender(StreamWriter):
    """The writing side of a connection, without a buffer."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._socket = sock

    def write(self, val: Any) -> int:
        """Send all of *val*.

        Raises:
            TimeoutError: the client takes nothing any more.
        """
        try:
            self._socket.sendall(val)
        except BlockingIOError:
            raise TimeoutError("timed out") from None
        self.bytes_written += len(val)
        return len(val)


def block(sock: Any, seconds: float) -> None:
    """Let the kernel wait, at most *seconds* without any progress; not where TLS sends, which has to be asked twice."""
    if type(sock) is socket.socket:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(seconds), 0))
        sock.settimeout(None)
