"""Links in answers to files on other hosts: where they may lead, and that the token does not go with them."""

import socket
from contextlib import suppress

import pytest
import urllib3
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.errors import Cause, GitHubError, PayloadError, Unreachable
from exporter.github.connections import with_allowed_addresses
from exporter.github.downloads import allowed_link
from exporter.github.endpoint import Endpoint
from exporter.github.run import Run
from exporter.url import is_loopback, is_public_address
from tests.github.conftest import TOKEN, MakeClient
from tests.support.tools import eventually
from tests.support.wire import MakeWire, chunked, nothing_listens, reply

FILE = Endpoint("/{download_link}", "", revalidate=False, versioned=False, anonymous=True, lines=True)
SIGNATURE = "octo-signature"
CLOUD = "https://api.github.com"
LOCAL = "http://127.0.0.1:1"
PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "no address",
    "",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_is_not_public(address: str) -> None:
    """However it is embedded."""
    assert not is_public_address(address)


@pytest.mark.parametrize(
    "address", ["140.82.112.3", "2606:50c0:8000::154", "64:ff9b::8c52:7003", "::ffff:140.82.112.3"]
)
def test_public_address_is_public(address: str) -> None:
    """Also behind NAT64."""
    assert is_public_address(address)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://reports.example.com/a?sig=b", ["*"]),
        ("https://REPORTS.Example.com./a", ["*.example.com"]),
        ("https://reports.example.com:8443/a", ["*.EXAMPLE.com"]),
        ("https://140.82.112.3/a", ["140.82.112.3"]),
    ],
)
def test_public_host_that_is_allowed_is_asked(url: str, hosts: list[str]) -> None:
    """And the connection must end at a public address."""
    assert allowed_link(url, hosts, CLOUD, FILE).allows is is_public_address


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://[{address}]/x" if ":" in address else f"https://{address}/x" for address in PRIVATE),
        "https://localhost/x",
        "https://api.localhost/x",
        "https://metadata.google.internal/x",
        "https://printer.local/x",
        "https://intranet/x",
        "https://2130706433/x",
        "https://140.82.112.3/x",
        "http://reports.example.com/x",
        "ftp://reports.example.com/x",
        "//reports.example.com/x",
        "/x",
        "https://octo:octo@reports.example.com/x",
        "https://reports.example.com\\@10.0.0.1/x",
        "https://reports.example.com:0/x",
        "https://reports.example.com:port/x",
        "https://reports.example.com/\r\nHost: x",
        "https://[::1",
    ],
)
def test_link_to_anything_else_is_refused(url: str) -> None:
    """Nothing is sent, whatever the patterns are."""
    with pytest.raises(PayloadError) as caught:
        allowed_link(f"{url}?sig={SIGNATURE}", ["*"], CLOUD, FILE)
    assert caught.value.cause is Cause.DOWNLOAD_HOST_REFUSED
    assert SIGNATURE not in str(caught.value)


def test_host_that_no_pattern_allows_is_named() -> None:
    """So that it can be added."""
    with pytest.raises(PayloadError, match=r"download_hosts does not allow: reports\.example\.com$"):
        allowed_link("https://reports.example.com/x", ["*.octo.example", "octo.example"], CLOUD, FILE)


@given(st.text() | st.from_regex(r"[a-z]{1,6}://[^/]{0,40}/\S{0,20}"))
@example("https://\u212a.example.com/x")
def test_any_link_is_allowed_or_refused(url: str) -> None:
    """Nothing that an answer may hold raises anything else, and what is allowed is https."""
    with suppress(PayloadError):
        assert allowed_link(url, ["*"], CLOUD, FILE).origin.lower().startswith("https://")


@pytest.mark.parametrize("first", [True, False])
def test_name_with_a_private_address_gets_no_request(make_wire: MakeWire, first: bool) -> None:
    """Neither where it is resolved to one, nor where it is only connected to one."""
    wire = make_wire()
    seen: list[str] = []

    def allows(address: str) -> bool:
        seen.append(address)
        return len(seen) <= lookups

    lookups = 0 if first else len(socket.getaddrinfo("localhost", wire.port, type=socket.SOCK_STREAM))
    pool = with_allowed_addresses(urllib3.HTTPConnectionPool("localhost", wire.port, retries=False), allows)
    with pytest.raises(PayloadError) as caught:
        pool.request("GET", "/x")
    assert caught.value.cause is Cause.DOWNLOAD_HOST_REFUSED
    assert len(seen) == lookups + 1
    eventually(lambda: wire.connections == (0 if first else 1), "connection")
    assert wire.asked == []
    assert all(map(is_loopback, seen))


def test_token_and_signature_stay_where_they_belong(
    make_wire: MakeWire, make_client: MakeClient, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """The file is read without the token; the link is neither logged nor in the error of a later refusal."""
    other = make_wire(chunked(b'{"a": 1}\n', b'\n{"a": 2}'), reply(b"<Error/>", status="403 Forbidden"))
    client = make_client(make_wire().url)
    link = f"{other.url}/x?sig={SIGNATURE}%2F"
    with capture_logs() as logs:
        assert client.download(FILE, link, ["*"], run).value == [{"a": 1}, {"a": 2}]
        with pytest.raises(PayloadError) as caught:
            client.download(FILE, link, ["*"], run)
    assert caught.value.cause is Cause.DOWNLOAD_REFUSED
    assert [asked.target for asked in other.asked] == [f"/x?sig={SIGNATURE}%2F"] * 2
    assert TOKEN not in str(other.asked)
    assert not [asked for asked in other.asked if "authorization" in asked.headers or "cookie" in asked.headers]
    assert SIGNATURE not in f"{logs}{caplog.text}{caught.value}"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"])
def test_refusal_of_a_file_is_a_failure(make_wire: MakeWire, make_client: MakeClient, run: Run, status: str) -> None:
    """It says nothing of what GitHub offers, and nothing of the credential."""
    other = make_wire(reply(b"", status=status))
    with pytest.raises(PayloadError) as caught:
        make_client(make_wire().url).download(FILE, f"{other.url}/x", ["*"], run)
    assert caught.value.cause is Cause.DOWNLOAD_REFUSED


def test_redirect_to_another_host_is_not_followed(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """Not even to one that a link might lead to."""
    third = make_wire()
    other = make_wire(reply(b"", f"Location: {third.url}/x", status="302 Found"))
    with pytest.raises(PayloadError):
        make_client(make_wire().url).download(FILE, f"{other.url}/x", ["*"], run)
    assert third.connections == 0


def test_loopback_is_refused_unless_the_api_is_there(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """A real GitHub has no business there."""
    other = make_wire()
    with pytest.raises(PayloadError):
        make_client(CLOUD).download(FILE, f"{other.url}/x", ["*"], run)
    assert other.connections == 0


def test_host_that_is_down_has_a_cause_of_its_own(make_client: MakeClient, run: Run) -> None:
    """The advice for api_url would mislead."""
    with pytest.raises(Unreachable) as caught:
        make_client(LOCAL).download(FILE, f"http://127.0.0.1:{nothing_listens()}/x", ["*"], run)
    assert caught.value.cause is Cause.DOWNLOAD_UNREACHABLE


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b"", []),
        (b"\n\r\n", []),
        (b"[]", []),
        (b'[{"a": 1}, 2]', [{"a": 1}, 2]),
        (b'{"a":\n 1}', [{"a": 1}]),
        (b'{"a": 1}\r\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'{"a": 1}\nno json\n', [{"a": 1}, None]),
    ],
)
def test_records_stand_on_lines_or_in_an_array(
    make_wire: MakeWire, make_client: MakeClient, run: Run, body: bytes, records: list[object]
) -> None:
    """An empty file has none; a line that is none is one that cannot be understood."""
    other = make_wire(reply(body))
    assert make_client(make_wire().url).download(FILE, f"{other.url}/x", ["*"], run).value == records


@pytest.mark.parametrize("body", [b"<html>", b"no json", b'{"a": '])
def test_file_of_something_else_fails(make_wire: MakeWire, make_client: MakeClient, run: Run, body: bytes) -> None:
    """As an answer of the API would."""
    other = make_wire(reply(body))
    with pytest.raises(GitHubError):
        make_client(make_wire().url).download(FILE, f"{other.url}/x", ["*"], run)
