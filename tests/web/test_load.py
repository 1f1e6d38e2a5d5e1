"""The front door under load: slow readers, crowds, and what is left of them."""

import gc
import http.client
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.web.http.connections import MAX_CONNECTIONS
from exporter.web.http.server import WebServer
from tests.support.certificates import authority, web_config
from tests.support.tools import eventually
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

SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
LAST_SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LAST_PROBE = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
STOP_SECONDS = 10
"""What the product promises."""


@pytest.fixture
def harness() -> WebHarness:
    """An application whose answer is larger than what the kernel takes in for a client."""
    harness = WebHarness()
    harness.publish("a", 100_000)
    return harness


@contextmanager
def reading_slowly(server: WebServer, request: bytes = SCRAPE) -> Iterator[socket.socket]:
    """A client that has asked and takes nothing yet."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port_of(server)))
        client.sendall(request)
        yield client


def body_of(client: socket.socket) -> bytes:
    """The body of the next answer."""
    answer = http.client.HTTPResponse(client)
    answer.begin()
    assert answer.status == 200
    return answer.read()


def untaken(server: WebServer) -> int:
    """How many clients have not taken their whole response."""
    return server.connections.answering


def connections(server: WebServer) -> int:
    """How many connections there are."""
    return server.connections.answering + server.connections.waiting


def test_slow_readers_do_not_delay_others(harness: WebHarness) -> None:
    """Others are answered while many clients leave their responses unread; every response arrives whole."""
    with serving(harness) as server, ExitStack() as stack:
        slow = [stack.enter_context(reading_slowly(server)) for _ in range(3 * CROWD)]
        eventually(lambda: untaken(server) == len(slow), "all answers are set aside")
        assert is_well(server)
        whole = ask(server, "/metrics")[2]
        assert len(whole) > 4_000_000
        for client in slow:
            assert body_of(client) == whole
        # The connections are as good as new.
        slow[0].sendall(REQUEST)
        assert body_of(slow[0]) == b"healthy\n"


def test_pipelined_requests_wait_for_a_slow_reader(harness: WebHarness) -> None:
    """They are answered after the first response, in order."""
    with serving(harness) as server, reading_slowly(server, SCRAPE + REQUEST + LAST_PROBE) as client:
        eventually(lambda: untaken(server) == 1, "the first answer is set aside")
        received = everything(client)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert b"\r\n\r\nhealthy\nHTTP/1.1 200 OK" in received
    assert received.endswith(b"healthy\n")


def test_half_closed_connection_gets_the_whole_response(harness: WebHarness) -> None:
    """The client has finished sending and still reads."""
    with serving(harness) as server, reading_slowly(server) as client:
        client.shutdown(socket.SHUT_WR)
        eventually(lambda: untaken(server) == 1, "the answer is set aside")
        head, _, body = everything(client).partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head


def test_reader_that_is_too_slow_is_disconnected(harness: WebHarness) -> None:
    """The kernel drops what it still holds for the client."""
    with (
        serving(harness, head_seconds=0.5, response_seconds=1.0) as server,
        reading_slowly(server, LAST_SCRAPE) as client,
    ):
        client.recv(1)
        # On a busy machine its time may be over before anybody looks.
        eventually(lambda: untaken(server) == 1 or not connections(server), "the answer is set aside")
        pause = threading.Event()
        while untaken(server):
            client.recv(20_000)
            pause.wait(0.1)
        assert len(everything(client)) < 1_000_000
        assert is_well(server)


def test_responses_of_clients_that_reset_are_dropped(harness: WebHarness) -> None:
    """No connection remains."""
    with serving(harness) as server:
        with ExitStack() as stack:
            for _ in range(2 * CROWD):
                client = stack.enter_context(reading_slowly(server))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            eventually(lambda: untaken(server) == 2 * CROWD, "all answers are set aside")
        eventually(lambda: not untaken(server), "all are forgotten")
        assert is_well(server)


def test_stop_waits_for_slow_readers(harness: WebHarness) -> None:
    """Responses in flight are finished; new clients are refused."""
    with serving(harness) as server, reading_slowly(server) as client:
        eventually(lambda: untaken(server) == 1, "the answer is set aside")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        eventually(lambda: server.connections.is_stopping, "it is stopping")
        received = everything(client)
        stopping.join()
    assert received.endswith(b"ghe_up 1\n")
    with pytest.raises(ConnectionRefusedError):
        ask(server)


@pytest.mark.parametrize("number", [1, 2 * CROWD])
def test_stop_is_in_time_despite_readers_that_never_read(harness: WebHarness, number: int) -> None:
    """It leaves no thread."""
    before = set(threading.enumerate())
    with serving(harness) as server, ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(reading_slowly(server))
        eventually(lambda: untaken(server) == number, "all answers are set aside")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < STOP_SECONDS
    assert set(threading.enumerate()) <= before


def test_two_hundred_scrapes_at_the_same_time_are_complete(harness: WebHarness) -> None:
    """The server starts no thread for them."""
    harness.publish("b", 2_000)
    with serving(harness) as server:
        whole = ask(server, "/metrics")[2]
        threads = threading.active_count()
        crowd = 200
        together = threading.Barrier(crowd)
        bodies: list[Any] = []
        most: list[int] = []

        def scrape() -> None:
            together.wait()
            bodies.append(ask(server, "/metrics")[2])
            most.append(threading.active_count())

        scrapers = [threading.Thread(target=scrape) for _ in range(crowd)]
        for scraper in scrapers:
            scraper.start()
        for scraper in scrapers:
            scraper.join()
        assert bodies == [whole] * crowd
        assert max(most) <= threads + crowd


def test_connections_beyond_the_limit_are_closed(harness: WebHarness) -> None:
    """A new client is answered all the same."""
    harness.publish("b", 20_000)
    with serving(harness) as server, ExitStack() as stack:
        for number in range(MAX_CONNECTIONS + 60):
            client = stack.enter_context(connected(server))
            if number % 2:
                client.sendall(SCRAPE)
        eventually(lambda: is_well(server), "somebody new is answered")
        assert connections(server) <= MAX_CONNECTIONS
    eventually(lambda: not untaken(server), "nothing is left")


def test_closed_connections_release_their_descriptors(harness: WebHarness) -> None:
    """They do so without the garbage collector."""
    harness.publish("b")

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with serving(harness) as server:
        assert is_well(server)
        eventually(lambda: not connections(server), "nobody is connected")
        before = descriptors()
        gc.disable()
        try:
            for _ in range(100):
                assert is_well(server)
                with connected(server) as client:
                    client.sendall(b"GET")
            eventually(lambda: not connections(server), "nobody is connected")
            eventually(lambda: descriptors() <= before, "every descriptor is released")
        finally:
            gc.enable()


def test_new_connection_is_closed_while_all_others_are_being_answered(harness: WebHarness) -> None:
    """Only connections that wait for their client give way."""
    harness.publish("b")
    harness.gate.is_open = False
    with serving(harness) as server, ExitStack() as stack:
        asking = []
        for _ in range(MAX_CONNECTIONS):
            asking.append(stack.enter_context(connected(server)))
            asking[-1].sendall(LAST_SCRAPE)
        eventually(lambda: untaken(server) == MAX_CONNECTIONS, "all of them have asked")
        with connected(server) as late:
            assert everything(late) == b""
        harness.gate.is_open = True
        assert all(everything(client).endswith(b"ghe_up 1\n") for client in asking)
        assert is_well(server)


def test_stop_aborts_a_response_that_takes_too_long(harness: WebHarness, tmp_path: Path) -> None:
    """Over TLS, no byte of it is sent unencrypted."""
    harness.publish("b")
    harness.gate.is_open = False
    sent = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    with serving(harness, web_config=web_config(tmp_path, tls={})) as server, connected(server) as plain:
        tls = ssl.create_default_context(cadata=authority().pem.decode())
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = tls.wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65_536))
        client.write(sent)
        plain.sendall(outgoing.read())
        assert harness.gate.asked.wait(PATIENCE)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        received = everything(plain)
        harness.gate.is_open = True
        stopping.join()
    assert b"HTTP" not in received
    assert b"ghe_" not in received
