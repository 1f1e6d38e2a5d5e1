"""A cheap client in a process of its own: keep-alive, one buffer, nothing is parsed but the length.

Prints JSON: the seconds of every scrape, from sending to the last byte, and the size of the last answer.
"""

import argparse
import json
import re
import socket
import threading
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.measure import run_python

SECONDS = 120.0
BUFFER_BYTES = 1 << 20
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
END = b"\r\n\r\n"
WARM_UP = 3


class Scrapes(NamedTuple):
    """How long each scrape took and how large an answer is."""

    seconds: list[float]
    bytes: int


def scrapes(url: str, requests: int, *, gzip: bool, pause: float = 0.0) -> Scrapes:
    """Scrape *url* one time after the other, with *pause* between, from another process."""
    flags = ["--gzip"] if gzip else []
    return Scrapes(**run_python("benchmarks.scraper", url, "--requests", requests, "--pause", pause, *flags))


class Client:
    """A connection that is opened again when the server closes it."""

    def __init__(self, url: str, *, gzip: bool, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port or 80
        coding = "gzip" if gzip else "identity"
        sent = {"Host": parts.netloc, "Accept-Encoding": coding, "Accept": "text/plain;version=0.0.4", **headers}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self._request = b""
        self.aim(f"{parts.path}?{parts.query}" if parts.query else parts.path)
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._socket: socket.socket | None = None

    def aim(self, target: str) -> None:
        """Ask for *target* from now on."""
        self._request = f"GET {target} HTTP/1.1\r\n{self._headers}\r\n".encode()

    def scrape(self, keep: list[bytes] | None = None) -> int:
        """Scrape once; return the size of the body, and put its parts into *keep*."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(self._request)
        head = b""
        while END not in head:
            head += self._receive() or b""
        head, _, body = head.partition(END)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            raise ValueError(head.decode())
        length = LENGTH.search(head)
        size = len(body)
        if keep is not None:
            keep.append(body)
        while length is None or size < int(length[1]):
            count = self._socket.recv_into(self._buffer)
            if not count:
                break
            size += count
            if keep is not None:
                keep.append(bytes(self._buffer[:count]))
        if length is not None and size != int(length[1]):
            raise ValueError(f"{size} bytes of {int(length[1])}")
        if length is None or head.startswith(b"HTTP/1.0"):
            self._socket.close()
            self._socket = None
        return size

    def body(self) -> bytes:
        """Scrape once; return the body."""
        parts: list[bytes] = []
        self.scrape(parts)
        return b"".join(parts)

    def _receive(self) -> bytes:
        assert self._socket is not None
        count = self._socket.recv_into(self._buffer)
        if not count:
            raise ConnectionError("closed before the answer")
        return bytes(self._buffer[:count])


def main() -> None:
    """Scrape as the command line says."""
    parser = argparse.ArgumentParser(description="Scrape a URL again and again.")
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between scrapes")
    chosen = parser.parse_args()
    client = Client(chosen.url, gzip=chosen.gzip)
    seconds, size = [], 0
    pause = threading.Event()
    for number in range(chosen.requests + min(WARM_UP, chosen.requests)):
        started = time.perf_counter()
        size = client.scrape()
        if number >= min(WARM_UP, chosen.requests):
            seconds.append(time.perf_counter() - started)
        if chosen.pause:
            pause.wait(chosen.pause)
    print(json.dumps({"seconds": seconds, "bytes": size}))


if __name__ == "__main__":
    main()
