"""The client on real sockets: requests as they are sent, answers however HTTP carries them."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from exporter.github.run import Run
from tests.github.conftest import (
    AGENT,
    PATH,
    SYNC,
    TOKEN,
    Fetch,
    MakeClient,
)
from tests.support.wire import MakeWire, Script, chunked, reply, send


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
