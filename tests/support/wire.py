"""A server on a real socket that answers as a script says, down to the last byte."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 30.0


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    connection: int
    method: str
    target: str
    headers: dict[str, str]


Script = Callable[["Wire", socket.socket], bool]
"""Answers one request; returns whether the connection stays open."""


@dataclass
class Wire:
    """A server that answers requests with scripts, one after another; the last one stays."""

    scripts: list[Script]
    tls: ssl.SSLContext | None = None
    reads: bool = True
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: list[threading.Thread] = field(default_factory=list)
    open: list[socket.socket] = field(default_factory=list)

    def start(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        self.spawn(self.accept)

    def spawn(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            if self.closing.is_set():
                connection.close()
                return
            with self.lock:
                self.connections += 1
                self.open.append(connection)
                self.spawn(self.serve, connection, self.connections)

    def serve(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                with self.lock:
                    self.open.append(connection)  # the plain socket is detached
            with connection, connection.makefile("rb") as reader:
                while (asked := self.read(reader, number)) is not None:
                    with self.lock:
                        self.asked.append(asked)
                        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                    if not script(self, connection):
                        return

    def read(self, reader: Any, number: int) -> Asked | None:
        if not self.reads:
            return Asked(number, "", "", {})
        lines: list[str] = []
        while (line := reader.readline()) not in {b"", b"\r\n"}:
            lines.append(line.decode("latin-1").strip())
        if not lines:
            return None
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        return Asked(number, method, target, headers)

    def stop(self) -> None:
        self.closing.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        self.listener.close()


def send(content: bytes, *, keep: bool = False) -> Script:
    """Send bytes as they are."""

    def script(_wire: Wire, connection: socket.socket) -> bool:
        connection.sendall(content)
        return keep

    return script


def reply(body: bytes = b"[1]", *headers: str, status: str = "200 OK", length: int | None = None) -> Script:
    """Answer properly, unless the length is made up."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return send("\r\n".join([*head, "", ""]).encode("latin-1") + body, keep=length is None)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", headers: str = "") -> Script:
    """Answer in chunks; without an end the connection breaks off."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = f"HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    return send(head.encode() + body + end, keep=end.startswith(b"0"))


def reset(content: bytes = b"") -> Script:
    """Send something and reset the connection."""

    def script(_wire: Wire, connection: socket.socket) -> bool:
        connection.sendall(content)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return script


def hang(content: bytes = b"") -> Script:
    """Send something and then nothing more until the test ends."""

    def script(wire: Wire, connection: socket.socket) -> bool:
        connection.sendall(content)
        wire.closing.wait(PATIENCE)
        return False

    return script


MakeWire = Callable[..., Wire]


def nothing_listens() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def wires() -> Iterator[MakeWire]:
    """Start servers that are stopped at the end; one without scripts answers with an empty list."""
    started: list[Wire] = []

    def make(*scripts: Script, tls: ssl.SSLContext | None = None) -> Wire:
        wire = Wire(list(scripts) or [reply()], tls)
        wire.start()
        started.append(wire)
        return wire

    yield make
    for wire in started:
        wire.stop()
