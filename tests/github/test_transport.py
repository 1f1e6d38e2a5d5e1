"""The client on real sockets: whole answers, broken ones, slow ones, and connections that are used again."""

import gzip
import json
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from exporter.errors import (
    GitHubError,
    PayloadError,
    RateLimited,
    ServerError,
    Stopped,
    TimedOut,
    Unavailable,
    Unreachable,
)
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    AGENT,
    NOW,
    ONCE,
    PATH,
    SYNC,
    TOKEN,
    FakeClock,
    Fetch,
    MakeClient,
    MakeWire,
    RecordingObserver,
)
from tests.support.tools import free_port
from tests.support.wire import PATIENCE, Script, Wire, chunked, hang, nothing_listens, reply, reset, send

HASTY = ClientLimits(tries=1, read_seconds=1)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(reply(b"[1]"), id="length"),
        pytest.param(chunked(b"[", b"1", b"]"), id="chunks"),
        pytest.param(send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1]"), id="until the end"),
        pytest.param(send(b"HTTP/1.0 200 OK\r\n\r\n[1]"), id="HTTP/1.0"),
        pytest.param(reply(gzip.compress(b"[1]"), "Content-Encoding: gzip"), id="gzip"),
        pytest.param(reply(zlib.compress(b"[1]"), "Content-Encoding: deflate"), id="deflate"),
        pytest.param(
            chunked(*(bytes([part]) for part in gzip.compress(b"[1]")), headers="Content-Encoding: gzip\r\n"),
            id="gzip in chunks of a byte",
        ),
        pytest.param(
            send(b"HTTP/1.1 103 Early Hints\r\nETag: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]"),
            id="early hints",
        ),
        pytest.param(
            send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.0 200 OK\r\n\r\n[1]"),
            id="several interim answers",
        ),
    ],
)
def test_answer_is_read_however_http_carries_it(fetch: Fetch, script: Script) -> None:
    """An answer is understood however HTTP carries it."""
    assert fetch(script) == [1]


@pytest.mark.parametrize("carry", [reply, chunked])
@pytest.mark.parametrize("compressed", [True, False])
def test_answer_of_many_packets_is_read_whole(fetch: Fetch, carry: Callable[..., Script], compressed: bool) -> None:
    """An answer of many packets comes whole."""
    value = [{"number": number, "text": "octo" * (number % 50)} for number in range(20_000)]
    body = json.dumps(value).encode()
    if compressed and carry is reply:
        script = reply(gzip.compress(body, 1), "Content-Encoding: gzip")
    elif compressed:
        script = chunked(gzip.compress(body, 1), headers="Content-Encoding: gzip\r\n")
    else:
        script = carry(body)
    assert fetch(script) == value


def test_request_on_the_wire_is_a_get_without_body(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """A request is a GET without a body that says who asks, for what, and with which token."""
    wire = make_wire()
    client = make_client(wire.url)
    client.get(SYNC, client.url(SYNC, {"enterprise": "acme"}, {"page": 2}), run)
    [asked] = wire.asked
    assert (asked.method, asked.target) == ("GET", f"{PATH}?page=2")
    assert asked.headers == {
        "host": f"127.0.0.1:{wire.port}",
        "user-agent": AGENT,
        "accept": "application/vnd.github+json, application/json;q=0.9",
        "accept-encoding": "gzip, deflate",
        "x-github-api-version": "2022-11-28",
        "authorization": f"Bearer {TOKEN}",
        "connection": "keep-alive",
    }


# Connections


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


def test_rate_limit_is_noted_when_the_body_breaks_off(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """GitHub has counted a request whose answer never came whole."""
    window = ("X-RateLimit-Limit: 1000", "X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {NOW + 600:.0f}")
    wire = make_wire(reply(b"[1", *window, length=50))
    client = make_client(wire.url, limits=ONCE)
    with pytest.raises(ServerError):
        client.get(SYNC, f"{wire.url}{PATH}", run)
    with pytest.raises(RateLimited):
        client.get(SYNC, f"{wire.url}{PATH}", run)
    assert client.rate_limits.in_force(NOW)["core"].own == 1


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


# What breaks


@pytest.mark.parametrize(
    ("script", "kind", "message", "code"),
    [
        pytest.param(reset(), Unreachable, "no connection", "", id="reset before the headers"),
        pytest.param(send(b""), Unreachable, "no connection", "", id="closed before the headers"),
        pytest.param(
            reset(b"HTTP/1.1 200 OK\r\nContent-"), Unreachable, "no connection", "", id="reset in the headers"
        ),
        pytest.param(send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Unreachable, "no connection", "", id="not HTTP"),
        pytest.param(
            send(b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n"),
            Unreachable,
            "no connection",
            "",
            id="headers without end",
        ),
        pytest.param(reply(b"[1", length=50), ServerError, "the answer broke off", "200", id="short body"),
        pytest.param(
            reset(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1"),
            ServerError,
            "the answer broke off",
            "200",
            id="reset in the body",
        ),
        pytest.param(chunked(b"[1", end=b""), ServerError, "the answer broke off", "200", id="chunks without an end"),
        pytest.param(chunked(b"[1", end=b"50\r\n,2"), ServerError, "the answer broke off", "200", id="chunk cut"),
        pytest.param(
            chunked(b"[1", end=b"octo\r\n"), ServerError, "the answer broke off", "200", id="no length of a chunk"
        ),
        pytest.param(reply(b"x", length=50), ServerError, "the answer broke off", "200", id="short body of one byte"),
        pytest.param(reply(b"", length=50), ServerError, "the answer broke off", "200", id="no body at all"),
    ],
)
def test_broken_connection_is_tried_again(
    make_wire: MakeWire,
    make_client: MakeClient,
    run: Run,
    observer: RecordingObserver,
    script: Script,
    kind: type[GitHubError],
    message: str,
    code: str,
) -> None:
    """A connection that breaks before the answer is unreachable, within it a server error; both are tried again."""
    wire = make_wire(script, script, reply(b"[1]"))
    client = make_client(wire.url)
    assert client.get(SYNC, f"{wire.url}{PATH}", run).value == [1]
    assert observer.codes == [code, code, "200"]
    wire.scripts[:] = [script]
    with pytest.raises(kind, match=message):
        client.get(SYNC, f"{wire.url}{PATH}", run)
    assert len(observer.retries) == 4


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param(
            reply(b"\x1f\x8bnot gzip", "Content-Encoding: gzip"), "not compressed as its header", id="bad gzip"
        ),
        pytest.param(reply(b"[1]", "Content-Encoding: gzip"), "not compressed as its header", id="plain text as gzip"),
        pytest.param(reply(b"[1]", "Content-Encoding: br"), "", id="compression not asked for"),
        pytest.param(reply(b"<html>Sign in"), "the body is HTML", id="login page"),
        pytest.param(reply(b"[1]]"), "the body is not JSON", id="not JSON"),
    ],
)
def test_unreadable_body_is_final(fetch: Fetch, observer: RecordingObserver, script: Script, message: str) -> None:
    """A complete answer that cannot be understood is a payload error and not tried again."""
    if not message:
        assert fetch(script, limits=ClientLimits()) == [1]
        return
    with pytest.raises(PayloadError, match=message):
        fetch(script, limits=ClientLimits())
    assert observer.codes == ["200"]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(reply(b""), id="empty"),
        pytest.param(reply(b"[1, 2"), id="cut JSON"),
        pytest.param(
            reply(gzip.compress(json.dumps([*range(99)]).encode())[:60], "Content-Encoding: gzip"),
            id="gzip cut before it was sent",
        ),
        pytest.param(send(b"HTTP/1.0 200 OK\r\n\r\n[1"), id="end of the connection is the end of the body"),
        pytest.param(reply(b"<h1>Server Error</h1>", status="500 Internal Server Error"), id="500 with a page"),
    ],
)
def test_one_short_or_failed_answer_is_tried_again(fetch: Fetch, observer: RecordingObserver, script: Script) -> None:
    """One bad answer in a long list does not fail the list; three in a row do."""
    assert fetch(script, reply(b"[1]"), limits=ClientLimits()) == [1]
    assert len(observer.retries) == 1
    with pytest.raises((PayloadError, ServerError)):
        fetch(script, limits=ClientLimits())
    assert len(observer.codes) == 5


def test_refused_connection_is_unreachable(make_client: MakeClient, run: Run, observer: RecordingObserver) -> None:
    """A host where nothing listens is unreachable."""
    url = f"http://127.0.0.1:{nothing_listens()}"
    with pytest.raises(Unreachable, match="refused"):
        make_client(url).get(SYNC, f"{url}{PATH}", run)
    assert observer.codes == ["", "", ""]


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


def test_connection_is_reused_after_a_bounded_read(
    make_wire: MakeWire, make_client: MakeClient, clock: FakeClock
) -> None:
    """What was left of one run does not bound the next one on the same connection."""
    wire = make_wire(reply(b"[]"))
    client = make_client(wire.url, limits=ONCE)
    for seconds in (9, 300):
        client.get(SYNC, f"{wire.url}{PATH}", Run(clock.monotonic() + seconds))
    assert wire.connections == 1


# Bombs


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


def test_refused_connection_names_host_and_port(make_client: MakeClient, run: Run) -> None:
    """Whoever reads the log looks for the address, not for the path alone."""
    address = f"127.0.0.1:{free_port()}"
    client = make_client(f"http://{address}", limits=ClientLimits(tries=1))
    with pytest.raises(Unreachable, match=f"connection refused; nothing listens at {address}$"):
        client.get(SYNC, f"http://{address}{PATH}", run)
