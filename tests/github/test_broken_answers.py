"""Answers that break off or cannot be understood."""

import gzip
import json

import pytest

from exporter.errors import (
    GitHubError,
    PayloadError,
    RateLimited,
    ServerError,
    Unreachable,
)
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    NOW,
    ONCE,
    PATH,
    SYNC,
    Fetch,
    MakeClient,
    RecordingObserver,
)
from tests.support.wire import MakeWire, Script, chunked, reply, reset, send


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
