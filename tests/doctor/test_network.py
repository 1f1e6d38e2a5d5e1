"""`ghe-exporter check` where no GitHub answers: names, ports, certificates, proxies, web pages in its place."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from exporter.cli import main
from exporter.doctor.advice import CredentialWarning
from exporter.simulator.server import Simulator
from tests.support.certificates import Certificate, install, issue
from tests.support.secret_marker import CANARY, TOKEN
from tests.support.wire import MakeWire, Wire, hang, nothing_listens, reply, send

DAY = timedelta(days=1)
ONLY = "licenses"
Cause = Callable[..., tuple[str, str]]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run `check --json` against an address; only one collector is asked."""

    def run(expected: int, url: str, **variables: str) -> dict[str, Any]:
        usual = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": url, "LOG_LEVEL": "error"}
        for name, value in (usual | variables).items():
            monkeypatch.setenv(f"GHE_EXPORTER_{name}", value)
        code = main(["check", "--json"])
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        assert "Traceback" not in err
        assert code == expected, out
        found: dict[str, Any] = json.loads(out)
        return found

    return run


@pytest.fixture
def cause(check: Callable[..., dict[str, Any]]) -> Cause:
    """The cause of the first failure and its advice; everything after it was not asked."""

    def run(url: str, **variables: str) -> tuple[str, str]:
        items = check(1, url, **variables)["enterprises"][0]["checks"]
        first = items[0]
        assert first["state"] == "failed"
        later = {item["cause"] for item in items if item["state"] == "skipped"}
        assert later <= {first["cause"]}
        assert "skipped" in {item["state"] for item in items} or first["cause"] in {"wrong_address", "redirected"}
        return first["cause"], first["advice"]

    return run


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own."""

    folder: Path
    own: Certificate

    @classmethod
    def made(cls, folder: Path) -> "Authority":
        authority = cls(folder, issue("octo authority", is_ca=True))
        Path(authority.path).write_bytes(authority.own.pem)
        return authority

    @property
    def path(self) -> str:
        return str(self.folder / "ca.pem")

    def server(self, host: str = "localhost", begins: timedelta = -10 * DAY, ends: timedelta = DAY) -> ssl.SSLContext:
        """The side of a server with a certificate for *host*."""
        install(self.folder, issue(host, self.own, begins=begins, ends=ends, sans=(x509.DNSName(host),)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority."""
    return Authority.made(tmp_path)


def local(made: Wire, scheme: str = "https") -> str:
    """The address of *made* by name."""
    return f"{scheme}://localhost:{made.port}"


def test_unknown_authority_names_ca_file(cause: Cause, wire: MakeWire, authority: Authority) -> None:
    """Without the authority's certificate the advice names the setting."""
    made = wire(reply(), tls=authority.server())
    found, advice = cause(local(made))
    assert found == "certificate_not_trusted"
    assert "set ca_file" in advice
    assert made.asked == []


def test_known_authority_is_trusted(check: Callable[..., dict[str, Any]], wire: MakeWire, authority: Authority) -> None:
    """With it the server is asked."""
    made = wire(reply(b'{"message": "Not Found"}', status="404 Not Found"), tls=authority.server())
    check(1, local(made), CA_FILE=authority.path)
    assert made.asked


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ends": -DAY}, "certificate_expired"),
        ({"begins": DAY, "ends": DAY * 20}, "certificate_expired"),
        ({"host": "api.acme.example"}, "certificate_of_another_host"),
    ],
    ids=["expired", "not yet valid", "other name"],
)
def test_wrong_certificate_has_its_cause(
    options: dict[str, Any], expected: str, cause: Cause, wire: MakeWire, authority: Authority
) -> None:
    """A certificate that is trusted and still wrong says how."""
    made = wire(reply(), tls=authority.server(**options))
    assert cause(local(made), CA_FILE=authority.path)[0] == expected
    assert made.asked == []


def test_certificate_for_a_name_asked_by_number(cause: Cause, wire: MakeWire, authority: Authority) -> None:
    """Nor is an address the name in the certificate."""
    made = wire(reply(), tls=authority.server())
    assert cause(made.url, CA_FILE=authority.path)[0] == "certificate_of_another_host"


def test_port_without_tls_is_recognized(cause: Cause, wire: MakeWire) -> None:
    """A port without TLS is distinguished from a certificate problem."""
    made = wire(hang(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    made.reads = False
    assert cause(local(made))[0] == "tls_failed"


@pytest.mark.parametrize("content", ["octo", "-----BEGIN CERTIFICATE-----\nocto\n-----END CERTIFICATE-----\n"])
def test_ca_file_without_certificates_is_reported(
    content: str, cause: Cause, wire: MakeWire, authority: Authority
) -> None:
    """A file that holds no certificates."""
    made = wire(reply(), tls=authority.server())
    Path(authority.path).write_text(content)
    found, advice = cause(local(made), CA_FILE=authority.path)
    assert found == "ca_file_unusable"
    assert "PEM" in advice


def test_each_host_sees_its_own_token(
    wire: MakeWire,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Several enterprises in one process: a host gets its own tokens, certificates and proxy, and no other's."""
    answer = reply(b'{"message": "Not Found"}', status="404 Not Found")
    plain, secure, proxy = wire(answer), wire(answer, tls=authority.server()), wire(answer)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    (tmp_path / "plain").write_text("token-plain\n")
    (tmp_path / "runners").write_text("token-runners\n")
    first = {
        "slug": "acme",
        "api_url": plain.url,
        "auth": {"token_file": str(tmp_path / "plain")},
        "runner_auth": {"token_file": str(tmp_path / "runners")},
        "organizations": [{"name": "web", "auth": {"token": "token-web"}}],
    }
    second = {"slug": "globex", "api_url": local(secure), "ca_file": authority.path, "auth": {"token": "token-secure"}}
    third = {"slug": "octo", "api_url": "http://api.octo.example", "auth": {"token": "token-proxy"}}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"enterprises": [first, second, third]}))
    assert main(["check", "--json", "--config", str(config)]) == 1
    assert "token-" not in "".join(capsys.readouterr())
    sent = [{asked.headers["authorization"] for asked in each.asked} for each in (plain, secure, proxy)]
    assert sent == [
        {"Bearer token-plain", "Bearer token-runners", "Bearer token-web"},
        {"Bearer token-secure"},
        {"Bearer token-proxy"},
    ]
    of_web = {asked.target for asked in plain.asked if asked.headers["authorization"] == "Bearer token-web"}
    assert {target.split("/")[1:3] == ["orgs", "web"] for target in of_web} == {True}


def test_unknown_host_name_is_reported(cause: Cause) -> None:
    """A name that nobody knows; `.invalid` never is (RFC 6761)."""
    found, advice = cause("https://api.acme.invalid")
    assert found == "name_not_found"
    assert "api.acme.invalid" in advice


def test_refused_connection_is_reported(cause: Cause) -> None:
    """A port where nothing listens."""
    url = f"https://localhost:{nothing_listens()}"
    found, advice = cause(url)
    assert found == "connection_refused"
    assert url.removeprefix("https://") in advice


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_wants_a_password(scheme: str, cause: Cause, wire: MakeWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real proxy that refuses with 407, before a tunnel and without one."""
    proxy = wire(send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv(f"{scheme}_proxy", f"http://octo:{TOKEN}@127.0.0.1:{proxy.port}")
    found, advice = cause(f"{scheme}://api.acme.example")
    assert found == "proxy_authentication"
    assert "HTTPS_PROXY" in advice
    assert proxy.asked


def test_refusing_proxy_is_reported(cause: Cause, wire: MakeWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lets nobody through, one that is gone, and addresses of none."""
    proxy = wire(send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    gone = f"http://127.0.0.1:{nothing_listens()}"
    for url in (proxy.url, gone, "octo://127.0.0.1", "socks5://127.0.0.1:1080", "http://", "http://127.0.0.1:99999"):
        monkeypatch.setenv("https_proxy", url)
        assert cause("https://api.acme.example")[0] == "proxy_failed"


def test_no_proxy_is_obeyed(
    check: Callable[..., dict[str, Any]], wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host in NO_PROXY is asked directly."""
    proxy = wire(send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Simulator(users=5, runners=2, organizations=1) as simulator:
        check(0, simulator.url)
    assert proxy.asked == []


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "403 Forbidden", "404 Not Found"])
def test_web_page_means_wrong_address(status: str, cause: Cause, wire: MakeWire) -> None:
    """The web pages of a server, whose API is elsewhere."""
    made = wire(reply(b"<!DOCTYPE html><title>Sign in</title>", status=status))
    found, advice = cause(made.url)
    assert found == "wrong_address"
    assert "https://HOST/api/v3" in advice


def test_redirect_to_https_is_not_followed(cause: Cause, wire: MakeWire) -> None:
    """An address that sends everybody on to TLS."""
    made = wire(reply(b"", "Location: https://api.acme.example/", status="301 Moved Permanently"))
    assert cause(made.url)[0] == "redirected"


def test_hostile_headers_do_no_harm(
    check: Callable[..., dict[str, Any]], wire: MakeWire, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever headers say, nothing crashes and nothing that moves a terminal's cursor is printed."""
    made = wire(
        reply(
            b"{}",
            "X-OAuth-Scopes: repo, \x1b[31mevil, octo@acme.example",
            "X-Accepted-OAuth-Scopes: \x1b[2J, https://acme.example/?secret=1",
            "X-RateLimit-Limit: 1e300",
            "X-RateLimit-Remaining: 1",
            "X-RateLimit-Reset: 1e300",
            "X-RateLimit-Resource: \x1b]0;evil",
            "GitHub-Authentication-Token-Expiration: 9999-99-99",
            "Date: yesterday",
            "X-GitHub-Request-Id: \x1b[31m",
            status="403 Forbidden",
        )
    )
    found = check(1, made.url)
    (credential,) = found["enterprises"][0]["credentials"]
    assert credential["scopes"] == ["repo"]
    assert credential["rate_limits"][0]["resource"] == "other"
    assert credential["rate_limits"][0]["reset"] is None
    assert credential["clock_difference_seconds"] is None
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    for hostile in ("\x1b", "evil", "secret", "octo@"):
        assert hostile not in json.dumps(found) + out


def test_clock_an_hour_ahead_is_a_warning(check: Callable[..., dict[str, Any]], wire: MakeWire) -> None:
    """A GitHub whose clock is an hour ahead is a warning."""
    ahead = datetime.now(UTC).timestamp() + 3600
    made = wire(reply(b'{"total_seats_consumed": 1}', f"Date: {formatdate(ahead, usegmt=True)}"))
    (enterprise,) = check(1, made.url)["enterprises"]
    warnings = {item["warning"]: item["advice"] for item in enterprise["warnings"]}
    assert "differs from GitHub's by" in warnings[CredentialWarning.CLOCK_DIFFERS.value]
    assert abs(enterprise["credentials"][0]["clock_difference_seconds"] - 3600) <= 5
