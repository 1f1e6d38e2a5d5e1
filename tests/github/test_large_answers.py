"""Answers that are larger than allowed, on the wire or unpacked, cost little memory."""

import socket
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest

from exporter.errors import (
    GitHubError,
)
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    PATH,
    SYNC,
    MakeClient,
)
from tests.support.wire import MakeWire, Wire, reply


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Sixty-four kilobytes that unpack to sixty-four megabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([packer.compress(b"[" + b" " * 999_999) for _ in range(64)] + [packer.flush()])


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """How many bytes were in use at most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "404 Not Found", "502 Bad Gateway"])
def test_gzip_bomb_uses_little_memory(
    make_wire: MakeWire, make_client: MakeClient, run: Run, bomb: bytes, peak: Callable[[], int], status: str
) -> None:
    """A small body that unpacks to a huge one is given up before it is unpacked, whatever its status."""
    wire = make_wire(reply(bomb, "Content-Encoding: gzip", "Location: https://evil.example/", status=status))
    client = make_client(wire.url, limits=ClientLimits(tries=1, max_response_bytes=1_000_000))
    with pytest.raises(GitHubError):
        client.get(SYNC, f"{wire.url}{PATH}", run)
    assert peak() < 8_000_000


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "403 Forbidden"])
def test_endless_body_is_refused(make_wire: MakeWire, make_client: MakeClient, run: Run, status: str) -> None:
    """A body that never ends is given up, whatever its status."""

    def endless(_wire: Wire, connection: socket.socket) -> bool:
        connection.sendall(f"HTTP/1.1 {status}\r\nLocation: https://evil.example/\r\n\r\n".encode())
        while True:
            connection.sendall(b" " * 65_536)

    wire = make_wire(endless)
    client = make_client(wire.url, limits=ClientLimits(tries=1, max_response_bytes=1_000_000))
    with pytest.raises(GitHubError):
        client.get(SYNC, f"{wire.url}{PATH}", run)
