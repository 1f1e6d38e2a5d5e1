"""Where the token goes: to the configured origin, whatever links and redirects say, and nothing goes with it."""

from pathlib import Path

import pytest

from exporter.errors import (
    PayloadError,
)
from exporter.github.reader import GitHub
from exporter.github.run import Run
from tests.github.conftest import PATH, SYNC, TOKEN, MakeClient
from tests.support.wire import MakeWire, reply


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_host_of_a_foreign_redirect_is_not_connected_to(
    make_wire: MakeWire, make_client: MakeClient, run: Run, status: str
) -> None:
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
def test_host_of_a_foreign_link_is_not_connected_to(
    make_wire: MakeWire, make_client: MakeClient, run: Run, target: str, rels: list[str]
) -> None:
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


def test_other_name_of_the_same_host_is_a_foreign_redirect(
    make_wire: MakeWire, make_client: MakeClient, run: Run
) -> None:
    """Another name is another host, even if it leads to the same machine."""
    wire = make_wire()
    wire.scripts[:] = [reply(b"", f"Location: http://localhost:{wire.port}/x", status="302 Found")]
    with pytest.raises(PayloadError, match="another host"):
        make_client(wire.url).get(SYNC, f"{wire.url}{PATH}", run)
    assert wire.connections == 1


def test_redirects_on_the_same_host_are_followed_until_they_repeat(
    make_wire: MakeWire, make_client: MakeClient, run: Run
) -> None:
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


def test_cookies_are_not_sent_back(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
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


def test_netrc_does_not_replace_the_token(
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


def test_etag_of_two_lines_adds_no_header(make_wire: MakeWire, make_client: MakeClient, run: Run) -> None:
    """An ETag that breaks its line smuggles no header into the next request."""
    wire = make_wire(reply(b"[1]", 'ETag: "1"\r\n X-Evil: 1'))
    client = make_client(wire.url)
    assert [client.get(SYNC, f"{wire.url}{PATH}", run).value for _ in range(2)] == [[1], [1]]
    assert "x-evil" not in wire.asked[1].headers
