"""The client on real sockets: what breaks on the way, and what is never sent."""

import gzip
import json
import socket
import ssl
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
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
from exporter.github.client import Client
from exporter.github.reader import GitHub
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import AGENT, NOW, SYNC, TOKEN, FakeClock, MakeClient, RecordingObserver
from tests.support.certificates import install, issue

PATIENCE = 30.0
ONCE = ClientLimits(tries=1)
HASTY = ClientLimits(tries=1, read_seconds=1)
PATH = "/enterprises/acme/license-sync-status"


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


@pytest.fixture
def make_wire() -> Iterator[MakeWire]:
    """Start servers that are stopped when the test ends."""
    started: list[Wire] = []

    def make(*scripts: Script, tls: ssl.SSLContext | None = None) -> Wire:
        wire = Wire(list(scripts) or [reply()], tls)
        wire.start()
        started.append(wire)
        return wire

    yield make
    for wire in started:
        wire.stop()


@pytest.fixture
def fetch(make_wire: MakeWire, make_client: MakeClient, run: Run) -> Callable[..., Any]:
    """Ask a server that answers with the scripts for one value."""

    def ask(*scripts: Script, limits: ClientLimits = ONCE) -> Any:
        wire = make_wire(*scripts)
        client = make_client(wire.url, limits=limits)
        return client.get(SYNC, f"{wire.url}{PATH}", run).value

    return ask


def nothing_listens() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# Whole answers


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
def test_whole_answer(fetch: Callable[..., Any], script: Script) -> None:
    """An answer is understood however HTTP carries it."""
    assert fetch(script) == [1]


@pytest.mark.parametrize("carry", [reply, chunked])
@pytest.mark.parametrize("compressed", [True, False])
def test_large_answer(fetch: Callable[..., Any], carry: Callable[..., Script], compressed: bool) -> None:
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


def test_what_is_on_the_wire(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
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


def test_keep_alive(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
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
def test_spoilt_connection_is_not_used_again(
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
    assert client.rate_limits()["core"].own == 1


def test_server_closed_an_idle_connection(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """A connection that the server closed meanwhile is replaced, at worst with one more try."""
    wire = make_wire(send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]"), reply(b"[2]"))
    client = make_client(wire.url)
    assert client.get(SYNC, f"{wire.url}{PATH}", run).value == [1]
    assert client.get(SYNC, f"{wire.url}{PATH}", run).value == [2]


def test_concurrency_is_bounded(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """No more requests than allowed are under way at once, however many threads ask."""
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
def test_broken_connection(
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
def test_unreadable_body_is_final(
    fetch: Callable[..., Any], observer: RecordingObserver, script: Script, message: str
) -> None:
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
def test_one_short_or_failed_answer_is_tried_again(
    fetch: Callable[..., Any], observer: RecordingObserver, script: Script
) -> None:
    """One bad answer in a long list does not fail the list; three in a row do."""
    assert fetch(script, reply(b"[1]"), limits=ClientLimits()) == [1]
    assert len(observer.retries) == 1
    with pytest.raises((PayloadError, ServerError)):
        fetch(script, limits=ClientLimits())
    assert len(observer.codes) == 5


def test_refused(make_client: MakeClient, run: Run, observer: RecordingObserver) -> None:
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
def test_hanging_server(
    fetch: Callable[..., Any], observer: RecordingObserver, script: Script, message: str, code: str
) -> None:
    """A server that stops sending, before or within the answer, times out."""
    with pytest.raises(TimedOut, match=message):
        fetch(script, limits=HASTY)
    assert observer.codes == [code]


@pytest.mark.parametrize("head", ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186a0\r\n"])
@pytest.mark.parametrize("ending", ["deadline", "stop"])
def test_dripping_body(
    fetch: Callable[..., Any], clock: FakeClock, stop: threading.Event, head: str, ending: str
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
def test_dripping_head(
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


def test_a_connection_outlives_a_bounded_answer(make_wire: MakeWire, make_client: MakeClient, clock: FakeClock) -> None:
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
def test_gzip_bomb(
    make_wire: MakeWire, make_client: MakeClient, run: Run, bomb: bytes, peak: Callable[[], int], status: str
) -> None:
    """A small body that unpacks to a huge one is given up before it is unpacked, whatever its status."""
    wire = make_wire(reply(bomb, "Content-Encoding: gzip", "Location: https://evil.example/", status=status))
    client = make_client(wire.url, limits=ClientLimits(tries=1, max_response_bytes=1_000_000))
    with pytest.raises(GitHubError):
        client.get(SYNC, f"{wire.url}{PATH}", run)
    assert peak() < 8_000_000


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "403 Forbidden"])
def test_endless_body(make_wire: MakeWire, make_client: MakeClient, run: Run, status: str) -> None:
    """A body that never ends is given up, whatever its status."""

    def endless(_wire: Wire, connection: socket.socket) -> bool:
        connection.sendall(f"HTTP/1.1 {status}\r\nLocation: https://evil.example/\r\n\r\n".encode())
        while True:
            connection.sendall(b" " * 65_536)

    wire = make_wire(endless)
    client = make_client(wire.url, limits=ClientLimits(tries=1, max_response_bytes=1_000_000))
    with pytest.raises(GitHubError):
        client.get(SYNC, f"{wire.url}{PATH}", run)


# Where the token goes


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_redirect_abroad(make_wire: MakeWire, make_client: MakeClient, run: Run, status: str) -> None:
    """A server that a redirect names is not even connected to."""
    foreign = make_wire()
    wire = make_wire(reply(b"", f"Location: {foreign.url}/x", status=status))
    with pytest.raises(PayloadError, match="another host"):
        make_client(wire.url).get(SYNC, f"{wire.url}{PATH}", run)
    assert (foreign.connections, len(wire.asked)) == (0, 1)


@pytest.mark.parametrize(
    "target",
    ["http://{host}/x?page=2", "//{host}/x?page=2", "http://{host}\\@{home}/x?page=2", "http://{home}@{host}/x?page=2"],
)
@pytest.mark.parametrize("rels", [["next"], ["next", "last"]])
def test_link_abroad(make_wire: MakeWire, make_client: MakeClient, run: Run, target: str, rels: list[str]) -> None:
    """A server that a link names is not even connected to, however the link is written."""
    foreign = make_wire()
    wire = make_wire()
    url = target.format(host=f"127.0.0.1:{foreign.port}", home=f"127.0.0.1:{wire.port}")
    links = ", ".join(f'<{url}>; rel="{rel}"' for rel in rels)
    wire.scripts[:] = [reply(b'{"server_instances": [1]}', f"Link: {links}")]
    reader = GitHub(make_client(wire.url), run, enterprise="acme")
    with pytest.raises(PayloadError, match="another host"):
        list(reader.pages(SYNC, "server_instances"))
    assert (foreign.connections, len(wire.asked)) == (0, 1)


def test_other_name_of_the_same_host(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """Another name is another host, even if it leads to the same machine."""
    wire = make_wire()
    wire.scripts[:] = [reply(b"", f"Location: http://localhost:{wire.port}/x", status="302 Found")]
    with pytest.raises(PayloadError, match="another host"):
        make_client(wire.url).get(SYNC, f"{wire.url}{PATH}", run)
    assert wire.connections == 1


def test_redirects_at_home(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """Redirects on the same host are followed, and a circle of them ends."""
    wire = make_wire(
        reply(b"", "Location: /a", status="301 Moved"),
        reply(b"", "Location: b?page=2", status="307 Temporary Redirect"),
        reply(b"[1]"),
        reply(b"", "Location: /a", status="302 Found"),
    )
    client = make_client(wire.url)
    assert client.get(SYNC, f"{wire.url}{PATH}", run).value == [1]
    assert [asked.target for asked in wire.asked] == [PATH, "/a", "/b?page=2"]
    with pytest.raises(PayloadError, match="redirected more than 5 times"):
        client.get(SYNC, f"{wire.url}{PATH}", run)
    assert len(wire.asked) == 3 + 6
    assert {(asked.method, asked.headers["authorization"]) for asked in wire.asked} == {("GET", f"Bearer {TOKEN}")}


def test_no_cookies(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """A cookie that a server sets is not sent back, not even after a redirect."""
    wire = make_wire(
        reply(b"[1]", "Set-Cookie: octo=1; Path=/"),
        reply(b"", "Set-Cookie: octo=2; Path=/", "Location: /a", status="302 Found"),
        reply(b"[1]"),
    )
    client = make_client(wire.url)
    for _ in range(3):
        client.get(SYNC, f"{wire.url}{PATH}", run)
    assert len(wire.asked) == 4
    assert not any("cookie" in asked.headers for asked in wire.asked)


def test_no_netrc(
    make_wire: MakeWire, make_client: MakeClient, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords in ~/.netrc take the place of no token, not even after a redirect."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login octo password octo-netrc\ndefault login octo password octo-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    wire = make_wire(reply(b"", "Location: /a", status="302 Found"), reply(b"[1]"))
    make_client(wire.url).get(SYNC, f"{wire.url}{PATH}", run)
    assert [asked.headers["authorization"] for asked in wire.asked] == [f"Bearer {TOKEN}"] * 2


def test_etag_of_two_lines(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """An ETag that breaks its line smuggles no header into the next request."""
    wire = make_wire(reply(b"[1]", 'ETag: "1"\r\n X-Evil: 1'))
    client = make_client(wire.url)
    assert [client.get(SYNC, f"{wire.url}{PATH}", run).value for _ in range(2)] == [[1], [1]]
    assert "x-evil" not in wire.asked[1].headers


# Proxies


def test_proxy(make_wire: MakeWire, make_client: MakeClient, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of the environment is used, except for hosts that it names."""
    proxy, direct = make_wire(reply(b"[1]")), make_wire(reply(b"[2]"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url = "http://api.octo.test"
    assert make_client(url).get(SYNC, f"{url}{PATH}", run).value == [1]
    assert [asked.target for asked in proxy.asked] == [f"{url}{PATH}"]
    assert make_client(direct.url).get(SYNC, f"{direct.url}{PATH}", run).value == [2]
    assert len(proxy.asked) == 1


def test_proxy_refuses(make_wire: MakeWire, make_client: MakeClient, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that opens no tunnel is unreachable, and never sees the token."""
    proxy = make_wire(send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv("https_proxy", proxy.url)
    url = "https://api.octo.test"
    with pytest.raises(Unreachable, match="the proxy wants a user name and password"):
        make_client(url, limits=ONCE).get(SYNC, f"{url}{PATH}", run)
    [asked] = proxy.asked
    assert (asked.method, asked.target) == ("CONNECT", "api.octo.test:443")
    assert TOKEN not in str(asked)


def test_proxy_is_gone(make_client: MakeClient, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not listen is unreachable."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{nothing_listens()}")
    with pytest.raises(Unreachable, match="the proxy refused or cannot be reached"):
        make_client("http://api.octo.test", limits=ONCE).get(SYNC, f"http://api.octo.test{PATH}", run)


# TLS


@dataclass(frozen=True)
class Trust:
    """An authority that nobody knows, and the side of a server with a certificate of it."""

    path: Path
    context: ssl.SSLContext


@pytest.fixture
def certificate(tmp_path: Path) -> Trust:
    """A server at 127.0.0.1."""
    octo = issue("octo authority", is_ca=True)
    path = tmp_path / "ca.pem"
    path.write_bytes(octo.pem)
    install(tmp_path, issue(issuer=octo))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    return Trust(path, context)


def test_trusted_certificate(
    make_wire: MakeWire,
    make_client: MakeClient,
    run: Run,
    certificate: Trust,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its CA configured a server is trusted, whatever bundle the environment names for everything else."""
    wire = make_wire(tls=certificate.context)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/absent/bundle.pem")
    assert make_client(wire.url, ca_file=str(certificate.path)).get(SYNC, f"{wire.url}{PATH}", run).value == [1]


def test_untrusted_certificate(
    make_wire: MakeWire, make_client: MakeClient, run: Run, certificate: Trust, observer: RecordingObserver
) -> None:
    """A server whose certificate nobody knows gets no request, and no second chance."""
    wire = make_wire(tls=certificate.context)
    with pytest.raises(Unreachable, match="the certificate is not trusted; set ca_file"):
        make_client(wire.url).get(SYNC, f"{wire.url}{PATH}", run)
    assert (wire.asked, observer.codes) == ([], [""])


def test_no_tls(make_wire: MakeWire, make_client: MakeClient, run: Run, observer: RecordingObserver) -> None:
    """A server that does not speak TLS is told from one that is not trusted."""
    wire = make_wire(hang(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    url = wire.url.replace("http:", "https:")
    wire.reads = False
    with pytest.raises(Unreachable, match="TLS failed; is the port right"):
        make_client(url).get(SYNC, f"{url}{PATH}", run)
    assert observer.codes == ["", "", ""]


@pytest.mark.parametrize("content", [None, "octo"])
def test_unusable_ca_file(make_client: MakeClient, run: Run, tmp_path: Path, content: str | None) -> None:
    """A CA file that vanished or is spoilt makes the server unreachable; it is not a bug."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    client: Client = make_client("https://127.0.0.1:9", limits=ONCE, ca_file=str(path))
    with pytest.raises(Unreachable):
        client.get(SYNC, f"https://127.0.0.1:9{PATH}", run)
