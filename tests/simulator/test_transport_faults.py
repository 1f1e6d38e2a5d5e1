"""Each fault of transport and HTTP does what it says."""

import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from exporter.simulator import Simulator
from exporter.simulator.faults.text import DEEP

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
def test_server_error_is_a_page_for_people(simulator: Simulator, get: Get, status: int) -> None:
    """Server errors come as a page for people."""
    simulator.faults.set(f"http-{status}=1")
    answer = get(USERS)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1>" in answer.text


def test_login_page_has_status_200(simulator: Simulator, get: Get) -> None:
    """A login page comes with status 200."""
    simulator.faults.set("html=1")
    answer = get(USERS)
    assert answer.status_code == 200
    assert "Sign in" in answer.text


def test_empty_answer_is_declared_as_json(simulator: Simulator, get: Get) -> None:
    """An empty answer is declared as JSON."""
    simulator.faults.set("empty=1")
    answer = get(USERS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("application/json")


def test_connection_ends_before_the_promised_length(simulator: Simulator, get: Get) -> None:
    """The connection ends before the promised length."""
    simulator.faults.set("truncated=1")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        get(USERS)


def test_connection_is_reset_after_part_of_the_body(simulator: Simulator) -> None:
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


def test_hanging_request_is_never_answered(simulator: Simulator) -> None:
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


def test_answer_arrives_a_few_bytes_at_a_time(simulator: Simulator, get: Get) -> None:
    """The right answer begins, a few bytes at a time."""
    whole = get(USERS).content
    simulator.faults.drip_seconds = 3_600.0
    simulator.faults.set("slow-drip=1")
    answer = get(USERS, stream=True)
    assert answer.headers["Content-Length"] == str(len(whole))
    assert answer.raw.read(16) == whole[:16]
    answer.close()


def test_patient_client_gets_the_whole_answer(simulator: Simulator, get: Get) -> None:
    """A patient client gets the whole answer."""
    whole = get(USERS).json()
    simulator.faults.drip_seconds = 0.0
    simulator.faults.set("slow-drip=1")
    assert get(USERS).json() == whole


def test_gzip_body_cannot_be_unpacked(simulator: Simulator, get: Get) -> None:
    """The body says it is gzip and cannot be unpacked."""
    simulator.faults.set("bad-gzip=1")
    with pytest.raises(requests.exceptions.ContentDecodingError):
        get(USERS)


def test_oversized_body_is_still_the_right_json(simulator: Simulator, get: Get) -> None:
    """The body is as large as was set, in chunks, and still the right JSON."""
    assert simulator.faults.oversized_bytes > 64 * 2**20
    whole = get(USERS).json()
    simulator.faults.oversized_bytes = 300_000
    simulator.faults.set("oversized=1")
    answer = get(USERS)
    assert len(answer.content) > 300_000
    assert "Content-Length" not in answer.headers
    assert answer.json() == whole


def test_right_json_is_declared_as_plain_text(simulator: Simulator, get: Get) -> None:
    """The right JSON comes as plain text."""
    simulator.faults.set("wrong-content-type=1")
    answer = get(USERS)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.json()["users"]


def test_complete_body_is_not_json(simulator: Simulator, get: Get) -> None:
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


def test_primary_limit_says_when_it_ends(simulator: Simulator, get: Get) -> None:
    """The primary limit says when it ends and that nothing is left."""
    simulator.faults.set("rate-limit-primary=1")
    answer = get(USERS)
    assert answer.status_code == 403
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["X-RateLimit-Used"] == answer.headers["X-RateLimit-Limit"] == "5000"
    assert int(answer.headers["X-RateLimit-Reset"]) > 0
    assert "API rate limit exceeded" in answer.json()["message"]


def test_secondary_limit_does_not_say_when_it_ends(simulator: Simulator, get: Get) -> None:
    """The secondary limit says neither when it ends nor that the quota is used up."""
    simulator.faults.set("rate-limit-secondary=1")
    answer = get(USERS)
    assert answer.status_code == 403
    assert "Retry-After" not in answer.headers
    assert answer.headers["X-RateLimit-Remaining"] != "0"
    assert "secondary rate limit" in answer.json()["message"]


def test_answer_429_says_how_long_to_wait(simulator: Simulator, get: Get) -> None:
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
        ("unsupported-version", 400, "is not a supported version."),
        ("gone", 410, "This endpoint has been moved."),
    ],
)
def test_refusals_have_githubs_own_words(simulator: Simulator, get: Get, kind: str, status: int, message: str) -> None:
    """Refusals carry GitHub's own words."""
    simulator.faults.set(f"{kind}=1")
    answer = get(USERS)
    assert answer.status_code == status
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    ("kind", "header"), [("sso", "X-GitHub-SSO"), ("no-permission", "X-Accepted-GitHub-Permissions")]
)
def test_some_refusals_have_a_header_with_advice(simulator: Simulator, get: Get, kind: str, header: str) -> None:
    """Some say in a header what to do."""
    simulator.faults.set(f"{kind}=1")
    assert get(USERS).headers[header]


def test_redirect_on_the_same_host_leads_to_the_answer(simulator: Simulator, get: Get) -> None:
    """A redirect on the same host leads to the right answer."""
    right = get(f"{USERS}?per_page=5").json()
    simulator.faults.set("redirect=1")
    answer = get(f"{USERS}?per_page=5")
    assert [hop.status_code for hop in answer.history] == [302]
    assert answer.json() == right
    assert get(USERS).json()["users"]


def test_redirect_to_itself_never_ends(simulator: Simulator, get: Get) -> None:
    """A redirect to itself never ends."""
    simulator.faults.set("redirect-loop=1")
    with pytest.raises(requests.exceptions.TooManyRedirects):
        get(USERS)


def test_foreign_redirect_names_another_host(simulator: Simulator, get: Get) -> None:
    """A redirect names another host."""
    simulator.faults.set("foreign-redirect=1")
    answer = get(f"{USERS}?page=2", allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"http://127.0.0.2:9{USERS}?page=2"


def test_response_head_never_ends(simulator: Simulator) -> None:
    """The head begins and never ends, a byte at a time."""
    simulator.faults.drip_seconds = 0.0
    simulator.faults.set("slow-head=1")
    with dial(simulator) as connection:
        received = b""
        while len(received) < 300:
            received += connection.recv(100)
    assert received.startswith(b"HTTP/1.1 200 OK\r\nX-Drip: xxx")
    assert b"\n" not in received.removeprefix(b"HTTP/1.1 200 OK\r\n")


def test_answer_is_another_protocol(simulator: Simulator) -> None:
    """What comes is another protocol."""
    simulator.faults.set("not-http=1")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{simulator.url}{USERS}", timeout=10)


def test_head_has_more_headers_than_a_client_accepts(simulator: Simulator) -> None:
    """The head has more headers than a client accepts."""
    simulator.faults.set("many-headers=1")
    with pytest.raises(requests.ConnectionError, match="more than 100 headers"):
        requests.get(f"{simulator.url}{USERS}", timeout=10, headers={"Authorization": "Bearer x"})


def test_small_body_unpacks_to_the_size_set(simulator: Simulator, get: Get) -> None:
    """A small body unpacks to as much as was set, and still to the right JSON."""
    whole = get(USERS).json()
    simulator.faults.oversized_bytes = 3_000_000
    simulator.faults.set("gzip-bomb=1")
    answer = get(USERS)
    assert int(answer.headers["Content-Length"]) < 300_000
    assert len(answer.content) > 3_000_000
    assert answer.json() == whole


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("rate-limit-primary-retry-after", 403, "API rate limit exceeded"),
        ("rate-limit-secondary-retry-after", 403, "secondary rate limit"),
    ],
)
def test_limits_with_retry_after(simulator: Simulator, get: Get, kind: str, status: int, words: str) -> None:
    """Either limit may say how long to wait."""
    simulator.faults.retry_after_seconds = 7
    simulator.faults.set(f"{kind}=1")
    answer = get(USERS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert words in answer.json()["message"]


def test_gateways_429_says_neither_limit_nor_wait(simulator: Simulator, get: Get) -> None:
    """A gateway's 429 says neither which limit nor how long."""
    simulator.faults.set("too-many-requests=1")
    answer = get(USERS)
    assert answer.status_code == 429
    assert not {"Retry-After", "X-RateLimit-Reset"} & answer.headers.keys()


def test_redirect_leads_to_an_unparsable_url(simulator: Simulator) -> None:
    """A redirect leads to something that no URL parser accepts."""
    simulator.faults.set("nowhere-redirect=1")
    with dial(simulator) as connection:
        assert b"\r\nLocation: http://[octo\r\n" in connection.recv(65_536)


@pytest.mark.parametrize("kind", ["invalid-utf-8", "lone-surrogates"])
def test_texts_that_are_none(simulator: Simulator, get: Get, kind: str) -> None:
    """Texts that cannot be encoded as UTF-8 come in a complete body."""
    simulator.faults.set(f"{kind}=1")
    body = get(USERS).content
    with pytest.raises(UnicodeError):
        json.dumps(json.loads(body.decode()), ensure_ascii=False).encode()


def test_texts_end_with_escapes_and_stay_distinct(simulator: Simulator, get: Get) -> None:
    """Every text ends with escapes, and no two texts are equal."""
    simulator.faults.set("control-characters=1")
    logins = [user["github_com_login"] for user in get(USERS).json()["users"]]
    assert all("\x1b[31m\r\x07\x00\u202e" in login for login in logins)
    assert len(set(logins)) == len(logins)


def test_five_texts_are_100_kb_long(simulator: Simulator, get: Get) -> None:
    """Five texts are 100 kB long."""
    simulator.faults.set("long-texts=1")
    assert 500_000 < len(get(USERS).content) < 600_000


def test_duplicate_keys_hide_the_first_value(simulator: Simulator, get: Get) -> None:
    """Keys come twice; who takes the last one sees nothing, or sees null."""
    whole = get(USERS)
    simulator.faults.set("duplicate-keys=1")
    answer = get(USERS)
    assert answer.text.count("total_seats_consumed") == 2 * whole.text.count("total_seats_consumed")
    assert answer.json() == whole.json()
    simulator.faults.set("null-last=1")
    assert get(USERS).json()["total_seats_consumed"] is None


def test_deep_nesting_exhausts_a_recursive_parser(simulator: Simulator, get: Get) -> None:
    """A parser that calls itself runs out of stack, up to Python 3.13."""
    simulator.faults.set("deep-nesting=1")
    assert get(USERS).content.startswith(b"[" * DEEP)


def test_whole_numbers_have_more_digits_than_python_reads(simulator: Simulator, get: Get) -> None:
    """Whole numbers have more digits than Python reads."""
    simulator.faults.set("enormous-numbers=1")
    with pytest.raises(ValueError, match="4300 digits"):
        json.loads(get(USERS).content)


def test_object_comes_inside_a_list(simulator: Simulator, get: Get) -> None:
    """An object comes inside a list."""
    whole = get(USERS).json()
    simulator.faults.set("wrapped=1")
    assert get(USERS).json() == [whole]
