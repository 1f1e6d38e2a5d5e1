"""What every request passes: passwords, rate limit, headers; over real sockets, with files that change."""

import asyncio
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.web.http.server import WebServer
from exporter.web.protection.guard import override_headers
from exporter.web.protection.passwords import MAX_QUEUED, Passwords, Verdict
from exporter.web.protection.protection import LiveProtection
from exporter.web.protection.rate_limit import RateLimiter
from tests.support.certificates import PASSWORD, USER, hashed, web_config
from tests.support.tools import eventually
from tests.support.web_server import CROWD, WebHarness, ask, connected, login, serving

EVERY_PATH = ("/", "/metrics", "/metrics?collect[]=runners", "/-/healthy", "/-/ready", "/-/reload", "/nothing")
OPEN = {"/-/healthy", "/-/ready"}
SLOW = 12
VERY_SLOW = 13


def status(server: WebServer, path: str = "/metrics", method: str = "GET", **headers: str) -> int:
    """The status of an answer."""
    return int(ask(server, path, method, **headers)[0])


def test_only_probes_are_answered_without_a_password(tmp_path: Path) -> None:
    """Every other path needs the right user and password."""
    with serving(WebHarness(), web_config=web_config(tmp_path, basic_auth_users={USER: hashed()})) as server:
        for path in EVERY_PATH:
            expected = 200 if path in OPEN else 401
            assert status(server, path) == expected
            assert status(server, path, "POST") == (405 if path in OPEN else 401)
            assert status(server, path, **login(password="wrong")) == expected
            assert status(server, path, **login(user="nobody")) == expected
            assert status(server, path, **login()) == (404 if path in {"/nothing", "/-/reload"} else 200)
        for path in ("/-/healthy/", "/-/healthy/../../metrics", "/-/healthy;/metrics", "/metrics#/-/ready", "/-/Ready"):
            assert status(server, path) in {400, 401}
        _, headers, body = ask(server, "/metrics")
        assert headers["WWW-Authenticate"].startswith("Basic ")
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert body == b"unauthorized\n"
        assert ask(server, "/metrics", "HEAD")[2] == b""


def test_changed_users_apply_to_the_next_request(tmp_path: Path) -> None:
    """A broken file keeps the former users."""
    path = web_config(tmp_path, basic_auth_users={USER: hashed()})
    with capture_logs() as logged, serving(WebHarness(), web_config=path) as server:
        assert status(server, **login()) == 200
        web_config(tmp_path, basic_auth_users={USER: hashed("another"), "acme": hashed()})
        assert status(server, **login()) == 401
        assert status(server, **login(password="another")) == 200
        assert status(server, **login(user="acme")) == 200
        web_config(tmp_path, basic_auth_users={USER: PASSWORD})
        for _ in range(3):
            assert status(server, **login(user="acme")) == 200
            assert status(server) == 401
        path.write_text("")
        assert status(server) == 401
        path.unlink()
        assert status(server) == 401
        web_config(tmp_path, basic_auth_users={})
        assert status(server) == 200
    events = [entry["event"] for entry in logged]
    again, kept = "web configuration reloaded", "web configuration reload failed, keeping current one"
    assert events == [again, kept, kept, kept, again]
    assert "Canary" not in str(logged)
    assert "$2b$" not in str(logged)


def test_changed_file_keeps_verified_passwords(tmp_path: Path) -> None:
    """A verified client is accepted while others fill the queue, even after the file has changed."""
    users = {USER: hashed(), "acme": hashed("another")}
    live = LiveProtection(web_config(tmp_path, basic_auth_users=users))

    async def ask_around() -> None:
        for client in (login(), login("acme", "another")):
            assert await live.current().passwords.check(client["Authorization"]) is Verdict.RIGHT
        web_config(tmp_path, basic_auth_users=users | {"acme": hashed(cost=SLOW)}, rate_limit={"interval": 0})
        passwords = live.current().passwords
        strangers = [
            asyncio.create_task(passwords.check(login(f"stranger-{number}")["Authorization"]))
            for number in range(MAX_QUEUED)
        ]
        await asyncio.sleep(0)
        assert await passwords.check(login()["Authorization"]) is Verdict.RIGHT
        assert await passwords.check(login("acme", "another")["Authorization"]) is Verdict.BUSY
        assert await asyncio.gather(*strangers) == [Verdict.WRONG] * MAX_QUEUED

    asyncio.run(ask_around())


def test_configured_headers_replace_the_defaults(tmp_path: Path) -> None:
    """Refusals and probes have them as well."""
    headers = {"X-Frame-Options": "sameorigin", "Strict-Transport-Security": "max-age=9", "X-XSS-Protection": ""}
    path = web_config(tmp_path, http_server_config={"headers": headers}, basic_auth_users={USER: hashed()})
    with serving(WebHarness(), web_config=path) as server:
        for address, given in (("/", login()), ("/", {}), ("/-/ready", {})):
            _, found, _ = ask(server, address, **given)
            assert found["X-Frame-Options"] == "sameorigin"
            assert found["Strict-Transport-Security"] == "max-age=9"
            assert found["X-Content-Type-Options"] == "nosniff"
            assert "X-XSS-Protection" not in found
        web_config(tmp_path, basic_auth_users={})
        _, found, _ = ask(server, "/")
        assert found["X-Frame-Options"] == "DENY"


def test_header_names_are_compared_without_case() -> None:
    """An empty value removes the header."""
    assert override_headers((("A", "1"), ("B", "2")), {"b": "3", "C": ""}) == (("A", "1"), ("b", "3"))


def test_requests_beyond_the_burst_are_429(tmp_path: Path) -> None:
    """Probes are never limited."""
    with serving(WebHarness(), web_config=web_config(tmp_path, rate_limit={"interval": "1h", "burst": 3})) as server:
        assert [status(server) for _ in range(5)] == [200, 200, 200, 429, 429]
        assert [status(server, path) for path in OPEN for _ in range(5)] == [200] * 10
        web_config(tmp_path, rate_limit={"interval": "1h", "burst": 1})
        assert [status(server) for _ in range(2)] == [200, 429]


def test_rate_limiter_adds_a_token_each_interval() -> None:
    """It never holds more tokens than the burst."""
    now = [0.0]
    limiter = RateLimiter(2.0, 2, lambda: now[0])
    allowed = []
    for moment in (0, 0, 0, 1, 2, 2, 100, 100, 100):
        now[0] = float(moment)
        allowed.append(limiter.allows())
    assert allowed == [True, True, False, False, True, False, True, True, False]


def test_password_guesses_do_not_delay_verified_clients(tmp_path: Path) -> None:
    """Verified clients and probes are answered while guesses fill the queue."""
    path = web_config(tmp_path, basic_auth_users={USER: hashed(cost=SLOW)})
    with serving(WebHarness(), web_config=path) as server:
        assert status(server, **login()) == 200
        statuses: list[Any] = []
        crowd = 3 * CROWD

        def guess(number: int) -> None:
            statuses.append(status(server, **login(user=f"user-{number}")))

        threads = [threading.Thread(target=guess, args=(number,)) for number in range(crowd)]
        for thread in threads:
            thread.start()
        assert [status(server, **login()), status(server, "/-/healthy")] == [200, 200]
        computed_by_then = statuses.count(401)
        for thread in threads:
            thread.join()
    assert set(statuses) == {401, 503}
    assert statuses.count(503) >= MAX_QUEUED
    assert computed_by_then < statuses.count(401)


def test_client_that_resets_keeps_its_place_in_the_queue(tmp_path: Path) -> None:
    """Its password is still being computed: who guesses and hangs up must not start more computations than others."""
    path = web_config(tmp_path, basic_auth_users={USER: hashed(cost=VERY_SLOW)})
    with serving(WebHarness(), web_config=path) as server:
        for number in range(MAX_QUEUED):
            with connected(server) as client:
                guess = login(user=f"user-{number}")["Authorization"]
                client.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {guess}\r\n\r\n".encode())
                eventually(lambda: server.connections.answering == 1, "the request has arrived")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            eventually(lambda: server.connections.answering == 0, "the reset has arrived")
        assert status(server, **login(user="late")) == 503


@pytest.mark.parametrize("costs", [(4, 12), (12,)])
def test_unknown_user_costs_as_much_as_a_known_one(costs: tuple[int, ...]) -> None:
    """The hash for unknown users has the highest cost of the real ones."""
    passwords = Passwords({f"user-{cost}": hashed(cost=cost) for cost in costs})
    assert passwords._nobody.startswith(b"$2b$12$")
    assert len(passwords._nobody) == len(hashed())
