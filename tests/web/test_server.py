"""The web server over real sockets, with clients that behave and clients that do not."""

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from exporter.web.http.connection import MAX_HEAD_BYTES
from exporter.web.http.connections import MAX_CONNECTIONS
from exporter.web.http.server import WebServer, bind_address
from tests.support.web_server import (
    CROWD,
    PATIENCE,
    REQUEST,
    WebHarness,
    ask,
    connected,
    everything,
    is_well,
    port_of,
    serving,
)


@pytest.fixture(scope="module")
def hosted() -> Iterator[tuple[WebHarness, WebServer]]:
    """An application and its server on a free port, which all tests of this file share: none of them may break it."""
    harness = WebHarness()
    with serving(harness) as server:
        yield harness, server


@pytest.fixture
def harness(hosted: tuple[WebHarness, WebServer]) -> WebHarness:
    """The shared application without results."""
    harness, _ = hosted
    harness.reset()
    return harness


@pytest.fixture
def server(hosted: tuple[WebHarness, WebServer]) -> WebServer:
    """The shared server."""
    return hosted[1]


@pytest.mark.parametrize(
    ("listen", "hosts"),
    [
        ("127.0.0.1:0", ["127.0.0.1"]),
        ("0.0.0.0:0", ["127.0.0.1"]),
        ("localhost:0", ["localhost"]),
        ("[::1]:0", ["::1"]),
        ("[::]:0", ["::1", "127.0.0.1"]),
        (":0", ["127.0.0.1"]),
    ],
)
def test_listens_at_every_form_of_address(harness: WebHarness, listen: str, hosts: list[str]) -> None:
    """Port 0 takes a free port, and the URL can be opened."""
    if "::" in listen and not socket.has_dualstack_ipv6():
        pytest.skip("needs IPv6")
    with serving(harness, listen) as server:
        for host in hosts:
            assert ask(server, host=host)[2] == b"healthy\n"
        netloc = server.url.removeprefix("http://")
        assert ask(server, host=netloc.rpartition(":")[0].strip("[]"))[0] == 200


def test_empty_host_means_every_address() -> None:
    """IPv6 and IPv4 where both exist."""
    expected = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    assert bind_address(":10204") == (expected, 10204)
    assert bind_address("octo.example.com:80") == ("octo.example.com", 80)
    assert bind_address("[::1]:80") == ("::1", 80)


def test_port_in_use_is_an_error_that_names_the_address(harness: WebHarness, server: WebServer) -> None:
    """It is the error of the system."""
    second = WebServer(f"127.0.0.1:{port_of(server)}", harness.application)
    with pytest.raises(OSError, match=f"cannot listen at 127.0.0.1:{port_of(server)}: Address already in use$"):
        second.start()
    second.stop()
    assert is_well(server)


def test_stop_before_start_is_no_error(harness: WebHarness) -> None:
    """Nothing happens."""
    WebServer("127.0.0.1:0", harness.application).stop()


def test_stop_ends_threads_and_releases_the_port(harness: WebHarness) -> None:
    """A new client is refused."""
    before = set(threading.enumerate())
    with serving(harness) as server:
        ask(server)
    server.stop()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        ask(server)


def test_stop_finishes_the_response_in_flight(harness: WebHarness) -> None:
    """The scrape is complete."""
    harness.publish("a", 20_000)
    harness.gate.is_open = False
    answers: list[Any] = []
    with serving(harness) as server:
        scrape = threading.Thread(target=lambda: answers.append(ask(server, "/metrics")))
        scrape.start()
        assert harness.gate.asked.wait(PATIENCE)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        harness.gate.is_open = True
        scrape.join()
        stopping.join()
    [(status, headers, body)] = answers
    assert status == 200
    assert len(body) == int(headers["Content-Length"])
    assert body.endswith(b"ghe_up 1\n")


def test_failure_is_logged_and_reported(harness: WebHarness) -> None:
    """A server that is stopped reports none."""
    failed = threading.Event()
    server = WebServer("127.0.0.1:0", harness.application, on_failure=failed.set)
    with capture_logs() as logged:
        server.start()
        assert is_well(server)
        assert server._listener is not None
        server._listener.shutdown(socket.SHUT_RDWR)
        assert failed.wait(PATIENCE)
        server.stop()
    assert [(entry["log_level"], entry["event"]) for entry in logged] == [("critical", "web server failed")]
    failed.clear()
    stopped = WebServer("127.0.0.1:0", harness.application, on_failure=failed.set)
    stopped.start()
    stopped.stop()
    assert not failed.is_set()


def test_scrape_gets_the_whole_body(harness: WebHarness, server: WebServer) -> None:
    """Plain and compressed."""
    harness.publish("a", 30_000)
    status, headers, plain = ask(server, "/metrics")
    assert status == 200
    assert len(plain) == int(headers["Content-Length"]) > 1_000_000
    _, headers, zipped = ask(server, "/metrics", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped) == plain


def test_head_has_the_length_and_no_body(harness: WebHarness, server: WebServer) -> None:
    """The connection stays usable."""
    harness.publish("a")
    with connected(server) as client:
        client.sendall(
            REQUEST.replace(b"GET /-/healthy", b"HEAD /metrics")
            + REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
        head, _, rest = everything(client).partition(b"\r\n\r\n")
    assert b"Content-Length: " in head
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n\r\nhealthy\n")


def test_server_header_hides_versions(server: WebServer) -> None:
    """It is the name alone."""
    _, headers, _ = ask(server)
    assert headers["Server"] == "ghe-exporter"


def test_exception_is_a_500_without_details(
    harness: WebHarness, server: WebServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its text is neither sent nor printed, and the server continues."""
    harness.broken = True
    status, _, body = ask(server, "/")
    assert status == 500
    assert b"secret" not in body
    assert "secret" not in "".join(capfd.readouterr())
    assert is_well(server)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n" + b"X-Many: 1\r\n" * (MAX_HEAD_BYTES // 8) + b"\r\n",
        b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nX-Endless: " + b"x" * 4 * MAX_HEAD_BYTES,
    ],
)
def test_oversized_head_is_431(server: WebServer, head: bytes) -> None:
    """It is refused before its end has arrived, and the server continues."""
    with connected(server) as client:
        client.sendall(head)
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"HTTP/1.1 200" not in answer
    assert is_well(server)


def test_long_head_within_the_limit_is_accepted(server: WebServer) -> None:
    """A head slightly below the limit."""
    assert ask(server, X_Long="x" * (MAX_HEAD_BYTES - 1_000))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 1\r\n",
        b"Content-Length: 100000000000\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: many\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Expect: 100-continue\r\nContent-Length: 5\r\n",
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_request_with_a_body_is_refused(server: WebServer, method: bytes, headers: bytes) -> None:
    """Its body is never parsed as a request."""
    with connected(server) as client:
        client.sendall(REQUEST.replace(b"GET", method).replace(b"\r\n\r\n", b"\r\n" + headers + b"\r\n") + REQUEST)
        answer = everything(client)
    assert answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))
    assert answer.count(b"HTTP/1.1 200") == 0
    assert is_well(server)


def test_content_length_zero_is_accepted(server: WebServer) -> None:
    """It is no body."""
    assert ask(server, Content_Length="0")[0] == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe" * 100 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / FTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT octo.example.com:443 HTTP/1.1\r\n\r\n",
    ],
)
def test_invalid_http_is_never_answered_with_200(server: WebServer, garbage: bytes) -> None:
    """It gets an error or nothing, and the server continues."""
    with connected(server) as client:
        client.sendall(garbage)
        client.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1 200" not in everything(client)
    assert is_well(server)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_unknown_http_version_is_refused(server: WebServer, method: bytes) -> None:
    """The parser accepts any digits, so the version is checked; HEAD gets no body."""
    with connected(server) as client:
        client.sendall(method + b" / HTTP/9.9\r\nHost: a\r\n\r\n")
        response = everything(client)
    assert response.startswith(b"HTTP/1.1 505 ")
    assert response.endswith(b"\r\n\r\n") is (method == b"HEAD")


@pytest.mark.parametrize("start", [b"", b"G", b"GET /-/healthy HTTP/1.1\r\n", REQUEST[:-1]])
def test_client_that_closes_during_its_request_is_dropped(server: WebServer, start: bytes) -> None:
    """Others are answered."""
    for _ in range(3 * CROWD):
        with connected(server) as client:
            client.sendall(start)
    with connected(server) as client:
        client.sendall(start)
        client.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1 200" not in everything(client)
    assert is_well(server)


def test_client_that_resets_during_its_request_is_dropped(server: WebServer) -> None:
    """Others are answered."""
    for _ in range(3 * CROWD):
        with connected(server) as client:
            client.sendall(b"GET /")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert is_well(server)


@pytest.mark.parametrize("start", [b"", b"G", b"GET /metrics HTTP/1.1\r\nHost: ", REQUEST[:-1]])
def test_slow_requests_do_not_delay_others(server: WebServer, start: bytes) -> None:
    """Others are answered while many clients have sent nothing or half a request; these stay connected."""
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(4 * CROWD)]
        for client in slow:
            client.sendall(start)
        assert is_well(server)
        for client in slow:
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(1)


def test_request_byte_by_byte_is_answered(server: WebServer) -> None:
    """The client closes its sending half afterwards."""
    with connected(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(REQUEST)):
            client.sendall(REQUEST[index : index + 1])
        client.shutdown(socket.SHUT_WR)
        assert everything(client).endswith(b"\r\n\r\nhealthy\n")


def test_pipelined_requests_are_answered_in_order(server: WebServer) -> None:
    """Also if the last one arrives in two parts."""
    last = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with connected(server) as client:
        client.sendall(REQUEST * 20 + last[:10])
        answer = b""
        while answer.count(b"healthy\n") < 20:
            answer += client.recv(65_536)
        client.sendall(last[10:])
        assert (answer + everything(client)).count(b"\r\n\r\nhealthy\n") == 21


def test_kept_connections_are_reused(server: WebServer) -> None:
    """By many clients."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(5 * CROWD)]
        for _ in range(3):
            for client in clients:
                client.sendall(REQUEST)
            for client in clients:
                answer = HTTPResponse(client)
                answer.begin()
                assert (answer.status, answer.read(), answer.will_close) == (200, b"healthy\n", False)


def test_oldest_idle_connection_is_closed_at_the_limit(server: WebServer) -> None:
    """The newest one is answered."""
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(server)) for _ in range(MAX_CONNECTIONS + 10)]
        assert is_well(server)
        silent[0].setblocking(False)
        assert silent[0].recv(1) == b""
        silent[-1].sendall(REQUEST)
        assert silent[-1].recv(100).startswith(b"HTTP/1.1 200 OK")


def test_http_1_0_gets_its_response_and_a_close(server: WebServer) -> None:
    """The client reads to the end."""
    with connected(server) as client:
        client.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        assert everything(client).endswith(b"\r\n\r\nhealthy\n")


def test_scrapes_during_publishing_are_consistent(harness: WebHarness, server: WebServer) -> None:
    """Fifty scrapes at the same time see complete results of one publication."""
    whole = []
    for generation in ("old", "new"):
        harness.publish(generation)
        whole.append(b"".join(harness.exposition.page().plain(())))
    together, done = threading.Barrier(51), threading.Event()
    seen: list[bytes] = []

    def publish() -> None:
        together.wait()
        turn = 0
        while not done.is_set():
            harness.publish(("old", "new")[turn % 2])
            turn += 1

    def scrape(*, zipped: bool) -> None:
        together.wait()
        for _ in range(4):
            status, _, body = ask(server, "/metrics", Accept_Encoding="gzip" if zipped else "identity")
            assert status == 200
            seen.append((gzip.decompress(body) if zipped else body).partition(b"# HELP ghe_up")[0])

    publisher = threading.Thread(target=publish)
    scrapers = [threading.Thread(target=scrape, kwargs={"zipped": bool(number % 2)}) for number in range(50)]
    for thread in (publisher, *scrapers):
        thread.start()
    for thread in scrapers:
        thread.join()
    done.set()
    publisher.join()
    assert len(seen) == 200
    assert set(seen) <= set(whole)
    assert len(list(text_string_to_metric_families(seen[0].decode()))) == 1
