"""Connections: used again, replaced, bounded in number, refused."""

import gzip
import socket
import threading
from dataclasses import replace
from typing import Any

import pytest

from exporter.errors import (
    GitHubError,
    ServerError,
    Unavailable,
    Unreachable,
)
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    HASTY,
    ONCE,
    PATH,
    SYNC,
    FakeClock,
    MakeClient,
    RecordingObserver,
)
from tests.support.tools import free_port
from tests.support.wire import PATIENCE, MakeWire, Script, Wire, chunked, hang, nothing_listens, reply, reset, send


def test_one_connection_serves_many_answers(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """One connection serves all answers that come one after another, whatever they are."""
    gzipped = reply(gzip.compress(b"[2]"), "Content-Encoding: gzip")
    wire = make_wire(
        reply(b"[1]", 'ETag: "1"'),
        send(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', keep=True),
        gzipped,
        chunked(b"[3", b"]"),
        chunked(gzip.compress(b"[4]"), headers="Content-Encoding: gzip\r\n"),
        reply(b'{"message": "Not Found"}', status="404 Not Found"),
        reply(b"", status="501 Not Implemented"),
        reply(b"[5]"),
    )
    client = make_client(wire.url)
    values: list[Any] = []
    for _ in range(8):
        try:
            values.append(client.get(SYNC, f"{wire.url}{PATH}", run).value)
        except GitHubError as error:
            values.append(type(error))
    assert values == [[1], [1], [2], [3], [4], Unavailable, ServerError, [5]]
    assert wire.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        reset(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n["),
        reply(b"[1", length=50),
        hang(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n["),
        reply(b"[" + b" " * 2_000_000 + b"]"),
        reply(b"x" * 2_000_000, status="404 Not Found"),
        reply(b"x" * 2_000_000, "Location: https://evil.example/", status="302 Found"),
    ],
)
def test_connection_of_an_unread_answer_is_not_reused(
    make_wire: MakeWire, make_client: MakeClient, run: Run, script: Script
) -> None:
    """After an answer that was not read to its end the next request begins on a new connection."""
    wire = make_wire(script, reply(b"<html>"), reply(b"[1]"))
    client = make_client(wire.url, limits=replace(HASTY, max_response_bytes=1_000_000))
    for _ in range(2):
        with pytest.raises(GitHubError):
            client.get(SYNC, f"{wire.url}{PATH}", run)
    assert client.get(SYNC, f"{wire.url}{PATH}", run).value == [1]
    assert wire.connections >= 2


def test_idle_connection_that_was_closed_is_replaced(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """A connection that the server closed meanwhile is replaced, at worst with one more try."""
    wire = make_wire(send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]"), reply(b"[2]"))
    client = make_client(wire.url)
    assert client.get(SYNC, f"{wire.url}{PATH}", run).value == [1]
    assert client.get(SYNC, f"{wire.url}{PATH}", run).value == [2]


def test_concurrent_requests_are_bounded(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """No more requests than allowed are under way, however many threads ask."""
    lock, pair = threading.Lock(), threading.Barrier(2, timeout=PATIENCE)
    under_way, most = 0, 0

    def count(_wire: Wire, connection: socket.socket) -> bool:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        pair.wait()  # both allowed requests are here; a third would be counted before these two are answered
        with lock:
            under_way -= 1
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]")
        return True

    wire = make_wire(count)
    client = make_client(wire.url, limits=ClientLimits(max_concurrency=2))
    threads = [threading.Thread(target=client.get, args=(SYNC, f"{wire.url}{PATH}", run)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(wire.asked) == 12
    assert most == 2
    assert wire.connections == 2


def test_refused_connection_is_unreachable(make_client: MakeClient, run: Run, observer: RecordingObserver) -> None:
    """A host where nothing listens is unreachable."""
    url = f"http://127.0.0.1:{nothing_listens()}"
    with pytest.raises(Unreachable, match="refused"):
        make_client(url).get(SYNC, f"{url}{PATH}", run)
    assert observer.codes == ["", "", ""]


def test_connection_is_reused_after_a_bounded_read(
    make_wire: MakeWire, make_client: MakeClient, clock: FakeClock
) -> None:
    """What was left of one run does not bound the next one on the same connection."""
    wire = make_wire(reply(b"[]"))
    client = make_client(wire.url, limits=ONCE)
    for seconds in (9, 300):
        client.get(SYNC, f"{wire.url}{PATH}", Run(clock.monotonic() + seconds))
    assert wire.connections == 1


def test_refused_connection_names_host_and_port(make_client: MakeClient, run: Run) -> None:
    """Whoever reads the log looks for the address, not for the path alone."""
    address = f"127.0.0.1:{free_port()}"
    client = make_client(f"http://{address}", limits=ClientLimits(tries=1))
    with pytest.raises(Unreachable, match=f"connection refused; nothing listens at {address}$"):
        client.get(SYNC, f"http://{address}{PATH}", run)
