"""Each fault of transport and HTTP does what it says."""

import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from exporter.simulator import Simulator

Get = Callable[..., requests.Response]
USERS = "/enterprises/octo-corp/consumed-licenses"


def dial(simulator: Simulator, path: str = USERS) -> socket.socket:
    """Send a request by hand and leave the answer unread."""
    address = urlsplit(simulator.url)
    connection = socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10)
    request = f"GET {path} HTTP/1.1\r\nHost: octo\r\nUser-Agent: octo\r\nAuthorization: Bearer x\r\n\r\n"
    connection.sendall(request.encode())
    return connection


def drain(connection: socket.socket) -> None:
    """Read until the other side ends."""
    while connection.recv(65_536):
        pass


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors(simulator: Simulator, get: Get, status: int) -> None:
    """Server errors come as a page for people."""
    simulator.faults.set(f"http-{status}=1")
    answer = get(USERS)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1>" in answer.text


def test_html(simulator: Simulator, get: Get) -> None:
    """A login page comes with status 200."""
    simulator.faults.set("html=1")
    answer = get(USERS)
    assert answer.status_code == 200
    assert "Sign in" in answer.text


def test_empty(simulator: Simulator, get: Get) -> None:
    """An empty answer is declared as JSON."""
    simulator.faults.set("empty=1")
    answer = get(USERS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("application/json")


def test_truncated(simulator: Simulator, get: Get) -> None:
    """The connection ends before the promised length."""
    simulator.faults.set("truncated=1")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        get(USERS)


def test_reset(simulator: Simulator) -> None:
    """The connection is reset after a part of the body."""
    simulator.faults.set("reset=1")
    with dial(simulator) as connection, pytest.raises(ConnectionResetError):
        drain(connection)


@pytest.mark.parametrize("kind", ["reset", "truncated", "hang"])
def test_others_are_served_meanwhile(simulator: Simulator, get: Get, kind: str) -> None:
    """A broken request harms neither the server nor other requests."""
    simulator.faults.set(f"{kind}@page=7=1")
    connections = [dial(simulator, f"{USERS}?page=7") for _ in range(5)]
    assert get(USERS).status_code == 200
    for connection in connections:
        connection.close()


def test_hang(simulator: Simulator) -> None:
    """A hanging request is accepted and not answered."""
    simulator.faults.set("hang=1")
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{simulator.url}{USERS}", timeout=0.05)
    assert simulator.requests == 1


def test_hang_frees_its_thread(simulator: Simulator, get: Get) -> None:
    """More clients than there are threads may give up waiting, and others are answered again."""
    simulator.faults.set("hang@page=7=1")
    for _ in range(40):
        dial(simulator, f"{USERS}?page=7").close()
    assert get(USERS).status_code == 200


def test_slow_drip(simulator: Simulator, get: Get) -> None:
    """The right answer begins, a few bytes at a time."""
    whole = get(USERS).content
    simulator.faults.drip_seconds = 3_600.0
    simulator.faults.set("slow-drip=1")
    answer = get(USERS, stream=True)
    assert answer.headers["Content-Length"] == str(len(whole))
    assert answer.raw.read(16) == whole[:16]
    answer.close()


def test_slow_drip_ends(simulator: Simulator, get: Get) -> None:
    """A patient client gets the whole answer."""
    whole = get(USERS).json()
    simulator.faults.drip_seconds = 0.0
    simulator.faults.set("slow-drip=1")
    assert get(USERS).json() == whole


def test_bad_gzip(simulator: Simulator, get: Get) -> None:
    """The body says it is gzip and cannot be unpacked."""
    simulator.faults.set("bad-gzip=1")
    with pytest.raises(requests.exceptions.ContentDecodingError):
        get(USERS)


def test_oversized(simulator: Simulator, get: Get) -> None:
    """The body is as large as was set, in chunks, and still the right JSON."""
    assert simulator.faults.oversized_bytes > 64 * 2**20
    whole = get(USERS).json()
    simulator.faults.oversized_bytes = 300_000
    simulator.faults.set("oversized=1")
    answer = get(USERS)
    assert len(answer.content) > 300_000
    assert "Content-Length" not in answer.headers
    assert answer.json() == whole


def test_wrong_content_type(simulator: Simulator, get: Get) -> None:
    """The right JSON comes as plain text."""
    simulator.faults.set("wrong-content-type=1")
    answer = get(USERS)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.json()["users"]


def test_malformed_json(simulator: Simulator, get: Get) -> None:
    """A complete body is not JSON."""
    simulator.faults.set("malformed-json=1")
    answer = get(USERS)
    assert answer.headers["Content-Length"] == str(len(answer.content))
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)


def test_a_damaged_answer_is_never_a_revalidation(simulator: Simulator, get: Get) -> None:
    """A fault of the body happens also to a client that has the answer already."""
    etag = get(USERS).headers["ETag"]
    simulator.faults.set("malformed-json=1")
    assert get(USERS, headers={"If-None-Match": etag}).status_code == 200


def test_primary_rate_limit(simulator: Simulator, get: Get) -> None:
    """The primary limit says when it ends and that nothing is left."""
    simulator.faults.set("rate-limit-primary=1")
    answer = get(USERS)
    assert answer.status_code == 403
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["X-RateLimit-Used"] == answer.headers["X-RateLimit-Limit"] == "5000"
    assert int(answer.headers["X-RateLimit-Reset"]) > 0
    assert "API rate limit exceeded" in answer.json()["message"]


def test_secondary_rate_limit(simulator: Simulator, get: Get) -> None:
    """The secondary limit says neither when it ends nor that the quota is used up."""
    simulator.faults.set("rate-limit-secondary=1")
    answer = get(USERS)
    assert answer.status_code == 403
    assert "Retry-After" not in answer.headers
    assert answer.headers["X-RateLimit-Remaining"] != "0"
    assert "secondary rate limit" in answer.json()["message"]


def test_retry_after(simulator: Simulator, get: Get) -> None:
    """A 429 says how long to wait."""
    simulator.faults.retry_after_seconds = 7
    simulator.faults.set("retry-after=1")
    answer = get(USERS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("unauthorized", 401, "Bad credentials"),
        ("forbidden", 403, "Resource not accessible by integration"),
        ("sso", 403, "Resource protected by organization SAML enforcement"),
        ("ip-allow-list", 403, "has an IP allow list enabled"),
        ("suspended", 403, "This installation has been suspended"),
        ("no-permission", 403, "Resource not accessible by integration"),
        ("token-policy", 403, "forbids access via a personal access token (classic)"),
        ("not-owner", 403, "Must have admin rights"),
        ("not-enabled", 403, "is not enabled"),
        ("not-found", 404, "Not Found"),
        ("gone", 410, "This endpoint has been moved."),
    ],
)
def test_refusals(simulator: Simulator, get: Get, kind: str, status: int, message: str) -> None:
    """Refusals carry GitHub's own words."""
    simulator.faults.set(f"{kind}=1")
    answer = get(USERS)
    assert answer.status_code == status
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    ("kind", "header"), [("sso", "X-GitHub-SSO"), ("no-permission", "X-Accepted-GitHub-Permissions")]
)
def test_headers_of_refusals(simulator: Simulator, get: Get, kind: str, header: str) -> None:
    """Some say in a header what to do."""
    simulator.faults.set(f"{kind}=1")
    assert get(USERS).headers[header]


def test_redirect(simulator: Simulator, get: Get) -> None:
    """A redirect on the same host leads to the right answer."""
    right = get(f"{USERS}?per_page=5").json()
    simulator.faults.set("redirect=1")
    answer = get(f"{USERS}?per_page=5")
    assert [hop.status_code for hop in answer.history] == [302]
    assert answer.json() == right
    assert get(USERS).json()["users"]


def test_redirect_loop(simulator: Simulator, get: Get) -> None:
    """A redirect to itself never ends."""
    simulator.faults.set("redirect-loop=1")
    with pytest.raises(requests.exceptions.TooManyRedirects):
        get(USERS)


def test_foreign_redirect(simulator: Simulator, get: Get) -> None:
    """A redirect names another host."""
    simulator.faults.set("foreign-redirect=1")
    answer = get(f"{USERS}?page=2", allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"http://127.0.0.2:9{USERS}?page=2"
