"""TLS to GitHub and proxies: which certificate authorities are trusted, and what is said of the others."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from exporter.errors import Cause, Unreachable
from exporter.github.certificates import TrustedCertificates
from exporter.github.run import Run
from tests.github.conftest import ONCE, PATH, SYNC, TOKEN, Fetch, MakeClient, RecordingObserver
from tests.support.certificates import HOUR, Certificate, install, issue
from tests.support.wire import MakeWire, Wire, hang, nothing_listens, reply, send

# Proxies


def test_proxy_of_the_environment_is_used(
    make_wire: MakeWire, make_client: MakeClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy of the environment is used, except for hosts that it names."""
    proxy, direct = make_wire(reply(b"[1]")), make_wire(reply(b"[2]"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url = "http://api.octo.test"
    assert make_client(url).get(SYNC, f"{url}{PATH}", run).value == [1]
    assert [asked.target for asked in proxy.asked] == [f"{url}{PATH}"]
    assert make_client(direct.url).get(SYNC, f"{direct.url}{PATH}", run).value == [2]
    assert len(proxy.asked) == 1


def test_proxy_that_refuses_never_sees_the_token(
    make_wire: MakeWire, make_client: MakeClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that opens no tunnel is unreachable, and never sees the token."""
    proxy = make_wire(send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv("https_proxy", proxy.url)
    url = "https://api.octo.test"
    with pytest.raises(Unreachable, match="the proxy wants a user name and password"):
        make_client(url, limits=ONCE).get(SYNC, f"{url}{PATH}", run)
    [asked] = proxy.asked
    assert (asked.method, asked.target) == ("CONNECT", "api.octo.test:443")
    assert TOKEN not in str(asked)


def test_proxy_that_does_not_listen_is_unreachable(
    make_client: MakeClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that does not listen is unreachable."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{nothing_listens()}")
    with pytest.raises(Unreachable, match="the proxy refused or cannot be reached"):
        make_client("http://api.octo.test", limits=ONCE).get(SYNC, f"http://api.octo.test{PATH}", run)


def test_proxy_with_a_company_certificate_is_trusted(
    make_wire: MakeWire,
    make_client: MakeClient,
    run: Run,
    company: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy whose own certificate is the company's is trusted as GitHub is."""
    proxy = make_wire(tls=serving(tmp_path, issue(issuer=company)))
    monkeypatch.setenv("http_proxy", proxy.url)
    url = "http://api.octo.test"
    ca_file = str(tmp_path / "ca.pem")
    assert make_client(url, ca_file=ca_file).get(SYNC, f"{url}{PATH}", run).value == [1]
    with pytest.raises(Unreachable, match="the proxy refused or cannot be reached"):
        make_client(url, limits=ONCE).get(SYNC, f"{url}{PATH}", run)


# TLS


@pytest.fixture
def company(tmp_path: Path) -> Certificate:
    """A company's authority, which is in the file ca.pem."""
    authority = issue("octo authority", is_ca=True)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    return authority


def serving(folder: Path, certificate: Certificate) -> ssl.SSLContext:
    """The side of a server with *certificate*."""
    install(folder, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


@pytest.fixture
def server(make_wire: MakeWire, company: Certificate, tmp_path: Path) -> Wire:
    """A server at 127.0.0.1 with a certificate of the company."""
    return make_wire(tls=serving(tmp_path, issue(issuer=company)))


@pytest.fixture
def ask(make_client: MakeClient, run: Run) -> Fetch:
    """Ask a server once."""

    def asked(wire: Wire, ca_file: Path | None = None) -> Any:
        client = make_client(wire.url, ca_file=str(ca_file) if ca_file else None, limits=ONCE)
        return client.get(SYNC, f"{wire.url}{PATH}", run).value

    return asked


def test_ca_file_wins_over_the_environment(
    ask: Fetch, server: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its CA configured a server is trusted, whatever bundle the environment names for everything else."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/absent/bundle.pem")
    monkeypatch.setenv("SSL_CERT_FILE", "/absent/bundle.pem")
    assert ask(server, tmp_path / "ca.pem") == [1]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_named_by_the_environment_are_trusted(
    ask: Fetch, server: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Without ca_file the environment may name the company's CA."""
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    assert ask(server) == [1]


def test_ca_file_is_trusted_alone(ask: Fetch, server: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system trusts is not trusted where a CA is configured."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    (tmp_path / "other.pem").write_bytes(issue("another authority", is_ca=True).pem)
    with pytest.raises(Unreachable, match="not trusted"):
        ask(server, tmp_path / "other.pem")


def test_authority_without_extensions_is_accepted(make_wire: MakeWire, ask: Fetch, tmp_path: Path) -> None:
    """Company authorities lack key identifiers and critical constraints; only Python 3.13 minds by default."""
    sloppy = issue("octo authority", is_ca=True, strict=False)
    (tmp_path / "ca.pem").write_bytes(sloppy.pem)
    wire = make_wire(tls=serving(tmp_path, issue(issuer=sloppy, strict=False)))
    assert ask(wire, tmp_path / "ca.pem") == [1]


def test_intermediate_authority_alone_is_enough(
    make_wire: MakeWire, ask: Fetch, company: Certificate, tmp_path: Path
) -> None:
    """A file with the intermediate authority and not the root is accepted, as by curl and Go."""
    intermediate = issue("octo intermediate", issuer=company, is_ca=True)
    (tmp_path / "ca.pem").write_bytes(intermediate.pem)
    wire = make_wire(tls=serving(tmp_path, issue(issuer=intermediate)))
    assert ask(wire, tmp_path / "ca.pem") == [1]


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        ({"ends": -HOUR}, "has expired or is not valid yet"),
        ({"sans": (x509.DNSName("octo.test"),)}, "for another host name"),
    ],
)
def test_wrong_certificate_is_refused(
    make_wire: MakeWire,
    ask: Fetch,
    company: Certificate,
    tmp_path: Path,
    certificate: dict[str, Any],
    message: str,
) -> None:
    """Accepting sloppy authorities accepts neither expired certificates nor those of other hosts."""
    wire = make_wire(tls=serving(tmp_path, issue(issuer=company, **certificate)))
    with pytest.raises(Unreachable, match=message):
        ask(wire, tmp_path / "ca.pem")
    assert wire.asked == []


def test_untrusted_certificate_gets_no_request(
    make_client: MakeClient, run: Run, server: Wire, observer: RecordingObserver
) -> None:
    """A server whose certificate nobody knows gets no request, and no second chance."""
    with pytest.raises(Unreachable, match="the certificate is not trusted; set ca_file"):
        make_client(server.url).get(SYNC, f"{server.url}{PATH}", run)
    assert (server.asked, observer.codes) == ([], [""])


def test_replaced_ca_file_is_read_again(
    make_wire: MakeWire, make_client: MakeClient, run: Run, company: Certificate, tmp_path: Path
) -> None:
    """A client trusts the new authority as soon as the file is replaced, and the old one while the file is missing."""
    path = tmp_path / "ca.pem"
    successor = issue("octo successor", is_ca=True)
    old, new = (
        make_wire(reply(b"[1]", "Connection: close"), tls=serving(tmp_path, issue(issuer=each)))
        for each in (company, successor)
    )
    client = make_client(old.url, ca_file=str(path), limits=ONCE)

    def get(wire: Wire) -> Any:
        client.base_url = wire.url
        return client.get(SYNC, f"{wire.url}{PATH}", run).value

    assert get(old) == [1]
    with pytest.raises(Unreachable, match="not trusted"):
        get(new)
    path.rename(tmp_path / "away")
    with capture_logs() as logs:
        assert get(old) == get(old) == [1]
    assert [(entry["event"], entry["path"]) for entry in logs] == [
        ("certificate file not usable, keeping the last certificates", str(path))
    ]
    path.write_bytes(successor.pem)
    assert get(new) == [1]
    with pytest.raises(Unreachable, match="not trusted"):
        get(old)


@pytest.mark.parametrize("content", [None, "octo", ""])
def test_unusable_ca_file_is_named(make_client: MakeClient, run: Run, tmp_path: Path, content: str | None) -> None:
    """A CA file that vanished or holds no certificate makes the server unreachable; it is not a bug."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    client = make_client("https://127.0.0.1:9", limits=ONCE, ca_file=str(path))
    with pytest.raises(Unreachable, match="ca_file") as caught:
        client.get(SYNC, f"https://127.0.0.1:9{PATH}", run)
    assert caught.value.cause is Cause.CA_FILE_UNUSABLE


def test_no_tls_is_distinguished_from_no_trust(
    make_wire: MakeWire, make_client: MakeClient, run: Run, observer: RecordingObserver
) -> None:
    """A server that does not speak TLS is not called untrusted."""
    wire = make_wire(hang(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    url = wire.url.replace("http:", "https:")
    wire.reads = False
    with pytest.raises(Unreachable, match="TLS failed; is the port right"):
        make_client(url).get(SYNC, f"{url}{PATH}", run)
    assert observer.codes == ["", "", ""]


# Where the system keeps its certificates


def names(context: ssl.SSLContext) -> list[str]:
    """The common names of what *context* trusts."""
    found = (x509.load_der_x509_certificate(each) for each in context.get_ca_certs(binary_form=True))
    return [str(name.value) for each in found for name in each.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


@pytest.fixture
def _no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenSSL finds nothing where it looks."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))


@pytest.mark.usefixtures("_no_store", "company")
def test_store_of_another_distribution_is_found(tmp_path: Path) -> None:
    """A Python built for another distribution looks in the wrong place; the store is elsewhere."""
    certificates = TrustedCertificates((str(tmp_path / "not-here.pem"), str(tmp_path / "ca.pem")))
    assert names(certificates.context(None)) == ["octo authority"]


@pytest.mark.usefixtures("_no_store")
def test_without_any_store_the_shipped_one_is_trusted() -> None:
    """A machine without certificates can still ask GitHub."""
    assert len(TrustedCertificates(()).context(None).get_ca_certs(binary_form=True)) > 50


@pytest.mark.usefixtures("company")
def test_system_store_is_trusted_and_not_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has a store, the one that requests ships is not read."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert names(TrustedCertificates().context(None)) == ["octo authority"]


@pytest.mark.usefixtures("company")
def test_context_accepts_what_python_311_accepts(tmp_path: Path) -> None:
    """The flag that Python 3.13 added is off on every Python; names and dates are checked."""
    context = TrustedCertificates().context(str(tmp_path / "ca.pem"))
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
