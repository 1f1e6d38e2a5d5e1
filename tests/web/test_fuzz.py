"""Whatever bytes come: an answer that is HTTP with a known status or none, no traceback, and the figures unharmed."""

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.web.http.connection import MAX_HEAD_BYTES
from exporter.web.http.server import WebServer
from tests.support.certificates import PASSWORD, USER, hashed, web_config
from tests.support.web_server import WebHarness, ask, connected, everything, login, serving

STATUSES = frozenset({100, 200, 400, 401, 404, 405, 408, 413, 429, 431, 501, 503, 505})
"""What may be answered; 500 would be our mistake."""
CONTINUE = 100
EXAMPLES = 120
HEAD = re.compile(rb"HTTP/1\.[01] (\d{3}) [\x20-\x7e]+\r\n((?:[A-Za-z0-9-]+: [\x20-\x7e\x80-\xff]*\r\n)*)\r\n")
effort = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def harness() -> WebHarness:
    """An application with some figures."""
    harness = WebHarness()
    harness.publish("a")
    return harness


@pytest.fixture(scope="module", params=["open", "protected"])
def server(
    request: pytest.FixtureRequest, harness: WebHarness, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebServer]:
    """A server that all examples share, with and without passwords."""
    folder: Path = tmp_path_factory.mktemp("web")
    users = {USER: hashed()} if request.param == "protected" else {}
    with serving(harness, web_config=web_config(folder, basic_auth_users=users)) as running:
        yield running


@pytest.fixture
def unharmed(server: WebServer, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Before and after all examples the figures are the same, and nothing was printed or logged above debug."""
    before = ask(server, "/metrics", **login())
    with capture_logs() as logged:
        yield
    assert before[0] == 200
    assert ask(server, "/metrics", **login())[2] == before[2]
    assert [entry for entry in logged if entry["log_level"] != "debug" or entry.get("level", 0) >= 40] == []
    assert "Traceback" not in "".join(capfd.readouterr())


def talk(server: WebServer, said: bytes) -> bytes:
    """Everything the server answers to *said* until the end."""
    with connected(server) as client:
        try:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was refused before all was said
        return everything(client)


def statuses(answer: bytes, *, asked_for_heads: bool = False) -> list[int]:
    """The status of every answer in *answer*, each of which must be whole."""
    found = []
    while answer:
        head = HEAD.match(answer)
        assert head, answer[:200]
        found.append(int(head[1]))
        fields = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head[2].split(b"\r\n"))}
        rest = answer[head.end() :]
        has_body = found[-1] != CONTINUE and not (asked_for_heads and (not rest or rest.startswith(b"HTTP/1.1 ")))
        length = int(fields.get(b"content-length", b"0")) if has_body else 0
        assert len(rest) >= length
        answer = rest[length:]
    return found


HEADER_NAMES = (
    *(b"Host", b"Accept", b"Accept-Encoding", b"Authorization", b"Content-Length", b"Transfer-Encoding"),
    *(b"Connection", b"Expect", b"Cookie", b"Upgrade", b"Range", b"If-None-Match", b"Trailer", b"A" * 300),
)
HEADER_VALUES = (
    *(b"", b"*/*", b"gzip;q=nan", b"gzip;q=-1,*;q=1e999", b"text/plain;version=;q=", b";;;,,,", b"Basic", b"Basic !"),
    *(b"chunked", b"0", b"-1", b"1e3", b"9" * 5000, b"close", b"keep-alive", b"100-continue", b"=" * 500),
    *(b"application/openmetrics-text;version=2.0.0", b'application/openmetrics-text;version="1.0.0";q=0.0001'),
    *(b"Basic OjpvY3RvOg==", b"\xff\xfe", b"a\x00b", b"a\r\n b", b"a\nb: c", login()["Authorization"].encode()),
)
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PRI", b"get")
PIECES = (
    *(
        b"/",
        b"/metrics",
        b"/-/healthy",
        b"/-/ready",
        b"/-/reload",
        b"..",
        b"%2e%2e",
        b"%00",
        b"%",
        b"%zz",
        b"//",
        b"\\",
    ),
    *(b"?", b"&", b"=", b"collect[]", b"collect%5B%5D", b"collect[]=runners", b"collect[]=", b"collect[]=%ff", b";"),
    *(b"#", b"http://[::1", b"*", b"\xc3\xa9", b"a" * 3000, b"&a=b" * 2000, b"\t", b"@", b":"),
)
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.", b"HTTP/1.1.1", b"FTP/1.1", b"")
QUERY_NAMES = ("collect[]", "collect", "collect[0]", "")

names = st.sampled_from(HEADER_NAMES)
values = st.one_of(st.binary(max_size=60), st.sampled_from(HEADER_VALUES))
methods = st.one_of(st.sampled_from(METHODS), st.binary(max_size=10))
targets = st.one_of(st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join), st.binary(max_size=40))
versions = st.sampled_from(VERSIONS)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
headers = st.lists(st.tuples(names, values), max_size=8)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is more or less one."""
    end = draw(ends)
    lines = [b" ".join((draw(methods), draw(targets), draw(versions)))]
    lines += [name + b": " + value for name, value in draw(headers)]
    return end.join(lines) + end * 2


@effort
@given(said=st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda noise: noise + b"\r\n\r\n")))
@example(said=b"\r\n" * 3)
@example(said=b"\x00" * 2 * MAX_HEAD_BYTES)
@example(said=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
@pytest.mark.usefixtures("unharmed")
def test_random_bytes_get_a_valid_response_or_none(server: WebServer, said: bytes) -> None:
    """Bytes of any kind."""
    assert STATUSES.issuperset(statuses(talk(server, said)))


@effort
@given(said=st.lists(requests(), min_size=1, max_size=3).map(b"".join))
@example(said=b"GET /metrics?collect[]=runners&collect[]= HTTP/1.1\r\nAccept: \xff\r\n\r\n")
@example(said=b"GET /metrics HTTP/1.1\r\nAccept-Encoding: gzip;q=nan\r\nAccept: text/plain;q=inf\r\n\r\n")
@example(said=b"GET http://[::1 HTTP/1.1\r\n\r\n")
@example(said=b"GET /metrics HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
@example(said=b"GET /metrics HTTP/1.1\r\n continued\r\n\r\n")
@pytest.mark.usefixtures("unharmed")
def test_malformed_requests_get_a_valid_response_or_none(server: WebServer, said: bytes) -> None:
    """Odd methods, paths, versions and headers, in one or several requests on a connection."""
    assert STATUSES.issuperset(statuses(talk(server, said), asked_for_heads=b"HEAD " in said))


@effort
@given(query=st.lists(st.tuples(st.sampled_from(QUERY_NAMES), st.text(max_size=20)), max_size=5))
@pytest.mark.usefixtures("unharmed")
def test_random_query_is_never_repeated(server: WebServer, query: list[tuple[str, str]]) -> None:
    """Unknown collectors are refused with the names of those that exist."""
    status, _, body = ask(server, f"/metrics?{urlencode(query)}", **login())
    asked = {value for name, value in query if name == "collect[]"}
    assert status == (200 if asked <= {"runners"} else 400)
    if status == 400:
        assert body == b"collect[]: no such collector; there are runners\n"


@effort
@given(accept=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80))
@pytest.mark.usefixtures("unharmed")
def test_random_accept_header_gets_a_known_format(server: WebServer, accept: str) -> None:
    """The response is one of the two formats, in a coding that its headers name."""
    try:
        status, found, body = ask(server, "/metrics", Accept=accept, Accept_Encoding=accept, **login())
    except ValueError:
        return  # the client itself refuses to send it
    assert status == 200
    assert found["Content-Type"].startswith(
        ("text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0")
    )
    assert body.startswith(b"\x1f\x8b" if found.get("Content-Encoding") == "gzip" else b"# HELP")


@effort
@given(user=st.text(max_size=20), password=st.text(max_size=100))
@example(user=USER, password=PASSWORD + "\0")
@example(user="", password="")
@pytest.mark.usefixtures("unharmed")
def test_random_password_is_refused(server: WebServer, user: str, password: str) -> None:
    """No other name or password is accepted, and none makes the check fail."""
    protected = ask(server, "/")[0] == 401
    status = ask(server, "/", **login(user, password))[0]
    assert status == (401 if protected and (user, password) != (USER, PASSWORD) else 200)


def test_invalid_responses_fail_these_tests() -> None:
    """The parser of responses rejects what is not HTTP."""
    assert statuses(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 400 Bad Request\r\n\r\n") == [200, 400]
    for wrong in (b"oops", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", b"HTTP/1.1 200 OK\r\nA\r\n\r\n"):
        with pytest.raises(AssertionError):
            statuses(wrong)
    assert http.client.INTERNAL_SERVER_ERROR not in STATUSES
