"""Answers that stop or drip: nothing outlasts its time-out or the deadline of the run."""

import socket
import threading

import pytest

from exporter.errors import (
    Stopped,
    TimedOut,
)
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    HASTY,
    PATH,
    SYNC,
    FakeClock,
    Fetch,
    MakeClient,
    RecordingObserver,
)
from tests.support.wire import PATIENCE, MakeWire, Script, Wire, hang


@pytest.mark.parametrize(
    ("script", "message", "code"),
    [
        (hang(), "no answer in time", ""),
        (hang(b"HTTP/1.1 200 OK\r\nContent-"), "no answer in time", ""),
        (hang(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"), "the answer stopped arriving", "200"),
        (hang(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1"), "the answer stopped arriving", "200"),
        (
            hang(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n"),
            "the answer stopped arriving",
            "200",
        ),
    ],
)
def test_server_that_hangs_times_out(
    fetch: Fetch, observer: RecordingObserver, script: Script, message: str, code: str
) -> None:
    """A server that stops sending, before or within the answer, times out."""
    with pytest.raises(TimedOut, match=message):
        fetch(script, limits=HASTY)
    assert observer.codes == [code]


@pytest.mark.parametrize("head", ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186a0\r\n"])
@pytest.mark.parametrize("ending", ["deadline", "stop"])
def test_body_that_drips_ends_at_the_deadline(
    fetch: Fetch, clock: FakeClock, stop: threading.Event, head: str, ending: str
) -> None:
    """A body that arrives byte by byte ends with the run's deadline or the process, not with its last byte."""

    def drip(wire: Wire, connection: socket.socket) -> bool:
        connection.sendall(f"HTTP/1.1 200 OK\r\n{head}[".encode())
        if ending == "stop":
            stop.set()
        else:
            clock.advance(301)
        connection.sendall(b"1")
        wire.closing.wait(PATIENCE)
        return False

    kind, message = (Stopped, "^$") if ending == "stop" else (TimedOut, "deadline|no answer in time|stopped arriving")
    with pytest.raises(kind, match=message):
        fetch(drip, limits=ClientLimits(tries=1, read_seconds=5))


STATUS_LINE = "HTTP/1.1 200 OK\r\n"
HEAD_SECONDS = ClientLimits().connect_seconds + PATIENCE
RUN_SECONDS = 600.0
CHUNKED = f"{STATUS_LINE}Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "drop", "bound"),
    [
        ("", "H", HEAD_SECONDS),
        ("HTTP/1.1 200 ", "O", HEAD_SECONDS),
        (f"{STATUS_LINE}X-Drip: ", "x", HEAD_SECONDS),
        (STATUS_LINE, "X: y\r\n", HEAD_SECONDS),
        ("", "HTTP/1.1 100 Continue\r\n\r\n", HEAD_SECONDS),
        (CHUNKED, "0", RUN_SECONDS),
        (f"{CHUNKED}2\r\n[]\r\n0\r\n", "X: y\r\n", RUN_SECONDS),
    ],
    ids=["first byte", "status line", "header", "headers", "100 Continue", "size of a chunk", "trailer"],
)
def test_head_that_drips_ends_at_the_deadline(
    make_wire: MakeWire, make_client: MakeClient, clock: FakeClock, sent: str, drop: str, bound: float
) -> None:
    """A head has the read time-out altogether, and what frames a body the run's deadline, however small the waits."""

    def drip(wire: Wire, connection: socket.socket) -> bool:
        connection.sendall(sent.encode())
        while not wire.closing.wait(0.002):
            clock.advance(10)
            connection.sendall(drop.encode())
        return False

    wire = make_wire(drip)
    client = make_client(wire.url, limits=ClientLimits(tries=3, read_seconds=PATIENCE))
    started = clock.monotonic()
    with pytest.raises(TimedOut):
        client.get(SYNC, f"{wire.url}{PATH}", Run(started + RUN_SECONDS))
    assert bound <= clock.monotonic() - started < bound + RUN_SECONDS / 2
    assert len(wire.asked) == 1
