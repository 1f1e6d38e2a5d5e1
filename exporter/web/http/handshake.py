"""The TLS handshake of one connection, in steps that never wait for the client."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Any

import structlog

from exporter.web.protection.protection import Protection
from exporter.web.protection.tls import is_allowed

log = structlog.get_logger()

RECORD = b"\x16"
"""The first byte of every TLS handshake."""
PLAIN_ANSWER = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"this port speaks https, not http\n"
)
MOST_UNREAD = 65_536


class Step(Enum):
    """What a step of the handshake ended with."""

    DONE = auto()
    AWAITS_CLIENT = auto()
    AWAITS_ROOM = auto()
    FAILED = auto()


class Handshake:
    """A handshake that begins when the client has said something, with what protects that moment."""

    def __init__(self, sock: socket.socket, protection: Callable[[], Protection]) -> None:
        self.socket: Any = sock
        self._protection = protection
        self._allowed_names: list[str] | None = None

    def step(self) -> Step:
        """Do what can be done without waiting."""
        try:
            if not isinstance(self.socket, ssl.SSLSocket) and not self._begin():
                return Step.FAILED
            self.socket.do_handshake()
        except (BlockingIOError, ssl.SSLWantReadError):
            return Step.AWAITS_CLIENT
        except ssl.SSLWantWriteError:
            return Step.AWAITS_ROOM
        except (OSError, ValueError) as error:
            # Every scanner on the network causes it; the reason is OpenSSL's, nothing of it the client's.
            log.debug("tls handshake failed", reason=getattr(error, "reason", None))
            return Step.FAILED
        if not is_allowed(self.socket.getpeercert(), self._allowed_names):
            log.debug("tls handshake failed", reason="certificate without an allowed name")
            return Step.FAILED
        return Step.DONE

    def _begin(self) -> bool:
        self.socket.settimeout(0)
        first = self.socket.recv(1, socket.MSG_PEEK)
        if first != RECORD:
            if first:
                self._answer_plainly()
            return False
        protection = self._protection()
        if protection.tls is None:
            return False
        self._allowed_names = protection.allowed_names
        self.socket = protection.tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.settimeout(0)
        return True

    def _answer_plainly(self) -> None:
        """Tell whoever speaks plain HTTP; what stays unread when a socket closes would take the answer with it."""
        with suppress(OSError):
            self.socket.recv(MOST_UNREAD)
            self.socket.send(PLAIN_ANSWER)
            self.socket.shutdown(socket.SHUT_WR)


def say_goodbye(sock: Any) -> None:
    """Tell the client of a TLS connection that nothing was cut off."""
    if isinstance(sock, ssl.SSLSocket):
        with suppress(OSError, ValueError):
            sock.settimeout(0)
            sock.unwrap()
