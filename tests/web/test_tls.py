"""TLS over real sockets: who gets in, what changes under a running server, and clients that do not mean it."""

import http.client
import ipaddress
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from exporter.errors import ConfigurationError
from exporter.web.http.server import WebServer
from exporter.web.protection.protection import LiveProtection
from tests.support.certificates import HOUR, THIS_MACHINE, Certificate, authority, install, issue, web_config
from tests.support.web_server import CROWD, PATIENCE, REQUEST, WebHarness, connected, everything, port_of, serving

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERIFY = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.crt"}
IF_GIVEN = VERIFY | {"client_auth_type": "VerifyClientCertIfGiven"}
EXPIRED = -24 * HOUR


@contextmanager
def secure(folder: Path, **tls: Any) -> Iterator[WebServer]:
    """A server with TLS."""
    install(folder, authority(2), "ca")
    with serving(WebHarness(), web_config=web_config(folder, tls=tls)) as server:
        yield server


def client(folder: Path | None = None, certificate: Certificate | None = None) -> ssl.SSLContext:
    """What an honest client knows: the authority, and perhaps a certificate of its own."""
    context = ssl.create_default_context(cadata=authority().pem.decode())
    if folder is not None and certificate is not None:
        install(folder, certificate, "client")
        context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


def ask(server: WebServer, context: ssl.SSLContext) -> int:
    """The status of the health endpoint."""
    connection = http.client.HTTPSConnection("127.0.0.1", port_of(server), timeout=PATIENCE, context=context)
    try:
        connection.request("GET", "/-/healthy")
        return connection.getresponse().status
    finally:
        connection.close()


def gets_in(server: WebServer, context: ssl.SSLContext) -> bool:
    """Whether the client is answered; with TLS 1.3 a refusal arrives after the handshake."""
    try:
        return ask(server, context) == 200
    except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
        return False


def peer(server: WebServer) -> x509.Certificate:
    """The certificate the server shows."""
    context = client()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port_of(server)), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        shown = connection.getpeercert(binary_form=True)
    assert shown
    return x509.load_der_x509_certificate(shown)


def test_client_with_the_authority_is_answered(tmp_path: Path) -> None:
    """A client without it closes the connection."""
    with secure(tmp_path) as server:
        assert server.url == f"https://127.0.0.1:{port_of(server)}"
        assert ask(server, client()) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(server, ssl.create_default_context())
        assert ask(server, client()) == 200


@pytest.mark.parametrize(
    ("tls", "version", "gets"),
    [
        ({}, TLS12, True),
        ({}, TLS13, True),
        ({}, "old", False),
        ({"min_version": "TLS13"}, TLS12, False),
        ({"min_version": "TLS13"}, TLS13, True),
        ({"max_version": "TLS12"}, TLS13, False),
        ({"min_version": "TLS10"}, "old", True),
        ({"min_version": "TLS11"}, "old", True),
        ({"cipher_suites": ["TLS_AES_128_GCM_SHA256"]}, TLS12, False),
        ({"cipher_suites": ["TLS_AES_128_GCM_SHA256"]}, TLS13, True),
        ({"cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}, TLS12, False),
    ],
)
def test_only_allowed_versions_and_suites_are_accepted(
    tmp_path: Path, tls: dict[str, Any], version: Any, *, gets: bool
) -> None:
    """By settings of the file."""
    context = client()
    if version == "old":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    else:
        context.minimum_version = context.maximum_version = version
    with secure(tmp_path, **tls) as server:
        assert gets_in(server, context) is gets


def test_server_chooses_the_cipher_suite(tmp_path: Path) -> None:
    """Unless `prefer_server_cipher_suites` is false."""
    names = ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
    for prefers, chosen in ((True, "ECDHE-ECDSA-CHACHA20-POLY1305"), (False, "ECDHE-ECDSA-AES256-GCM-SHA384")):
        context = client()
        context.maximum_version = TLS12
        context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305")
        with (
            secure(tmp_path, cipher_suites=names, prefer_server_cipher_suites=prefers) as server,
            socket.create_connection(("127.0.0.1", port_of(server)), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            found = connection.cipher()
            assert found
            assert found[0] == chosen


@pytest.mark.parametrize(("curve", "gets"), [("CurveP256", True), ("CurveP384", False)])
def test_single_curve_is_enforced(tmp_path: Path, curve: str, *, gets: bool) -> None:
    """A client with another one is refused."""
    context = client()
    context.set_ecdh_curve("prime256v1")
    with secure(tmp_path, curve_preferences=[curve]) as server:
        assert gets_in(server, context) is gets


STRANGER = "stranger"


@pytest.mark.parametrize(
    ("tls", "welcome"),
    [
        ({}, {"nobody", "known", STRANGER, "expired"}),
        ({"client_auth_type": "NoClientCert"}, {"nobody", "known", STRANGER, "expired"}),
        ({"client_auth_type": "RequestClientCert"}, {"nobody", "known", STRANGER, "expired"}),
        (IF_GIVEN, {"nobody", "known"}),
        (VERIFY, {"known"}),
        (VERIFY | {"client_allowed_sans": ["acme.example.com", "127.0.0.1"]}, {"known"}),
        (VERIFY | {"client_allowed_sans": ["acme.example.com"]}, set()),
        (VERIFY | {"client_allowed_sans": ["octo@acme.example.com"]}, {"known"}),
        (VERIFY | {"client_allowed_sans": ["spiffe://acme/prometheus"]}, {"known"}),
        (VERIFY | {"client_allowed_sans": ["::1"]}, {"known"}),
        (VERIFY | {"client_allowed_sans": []}, set()),
    ],
)
@pytest.mark.parametrize("version", [TLS12, TLS13], ids=str)
def test_client_certificate_is_judged_as_configured(
    tmp_path: Path, tls: dict[str, Any], welcome: set[str], version: Any
) -> None:
    """By `client_auth_type` and `client_allowed_sans`."""
    names = (
        *THIS_MACHINE,
        x509.RFC822Name("octo@acme.example.com"),
        x509.UniformResourceIdentifier("spiffe://acme/prometheus"),
        x509.IPAddress(ipaddress.ip_address("::1")),
    )
    certificates = {
        "nobody": None,
        "known": issue("prometheus", authority(2), sans=names),
        STRANGER: issue("prometheus", sans=names),
        "expired": issue("prometheus", authority(2), ends=EXPIRED, sans=names),
    }
    with secure(tmp_path, **tls) as server:
        let_in = set()
        for name, certificate in certificates.items():
            context = client(tmp_path, certificate)
            context.minimum_version = context.maximum_version = version
            if gets_in(server, context):
                let_in.add(name)
        assert let_in == welcome


def test_client_certificate_that_is_not_strict_is_accepted(tmp_path: Path) -> None:
    """On every Python, although VERIFY_X509_STRICT would refuse it."""
    private = issue("octo authority", is_ca=True, strict=False)
    with secure(tmp_path, **VERIFY) as server:
        install(tmp_path, private, "ca")
        web_config(tmp_path, tls=VERIFY)
        assert gets_in(server, client(tmp_path, issue("prometheus", private, strict=False)))


def test_replaced_certificate_applies_to_the_next_connection(tmp_path: Path) -> None:
    """Open connections continue."""
    install(tmp_path, issue(issuer=authority(), ends=EXPIRED))
    with secure(tmp_path) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            ask(server, client())
        install(tmp_path, issue(issuer=authority()))
        assert ask(server, client()) == 200
        connection = http.client.HTTPSConnection("127.0.0.1", port_of(server), timeout=PATIENCE, context=client())
        connection.request("GET", "/-/healthy")
        assert connection.getresponse().read() == b"healthy\n"
        newest = issue(issuer=authority())
        install(tmp_path, newest)
        assert peer(server) == newest.certificate
        connection.request("GET", "/-/healthy")
        assert connection.getresponse().read() == b"healthy\n"
        connection.close()


def spoil_key(folder: Path) -> None:
    (folder / "server.key").write_bytes(issue().key_pem())


def remove_certificate(folder: Path) -> None:
    (folder / "server.crt").unlink()


def spoil_file(folder: Path) -> None:
    (folder / "web.yml").write_text("tls_server_config: [")


def switch_off(folder: Path) -> None:
    web_config(folder, basic_auth_users={})


def name_another(folder: Path) -> None:
    web_config(folder, tls={"cert_file": "later.crt", "key_file": "later.key"})


@pytest.mark.parametrize("spoil", [spoil_key, remove_certificate, spoil_file, switch_off, name_another])
def test_broken_files_keep_the_last_configuration(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """The log has one line; fixed files apply immediately."""
    first = issue(issuer=authority())
    install(tmp_path, first)
    with capture_logs() as logged, secure(tmp_path) as server:
        assert peer(server) == first.certificate
        spoil(tmp_path)
        for _ in range(3):
            assert peer(server) == first.certificate
        complaints = [entry for entry in logged if entry["log_level"] == "warning"]
        assert [entry["event"] for entry in complaints] == ["web configuration reload failed, keeping current one"]
        assert "PRIVATE" not in str(complaints)
        second = issue(issuer=authority())
        if spoil is name_another:
            # The file it names comes later; nothing else changes.
            install(tmp_path, second, "later")
        else:
            install(tmp_path, second)
            web_config(tmp_path, tls={})
        assert peer(server) == second.certificate
        assert "web configuration reloaded" in [entry["event"] for entry in logged]


def test_reload_that_switches_tls_on_is_refused(tmp_path: Path) -> None:
    """The error says that it needs a restart."""
    plain = LiveProtection()
    with pytest.raises(ConfigurationError, match=r"web\.yml: switching TLS on or off needs a restart"):
        plain.prepare(web_config(tmp_path, tls={}))
    assert plain.current().tls is None


def test_clients_that_stop_in_the_handshake_do_not_delay_others(tmp_path: Path) -> None:
    """Or send nothing."""
    hello = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    whole = hello.read()
    with secure(tmp_path) as server, ExitStack() as stack:
        for start in (b"", whole[:1], whole[:50], whole):
            for _ in range(2 * CROWD):
                stack.enter_context(connected(server)).sendall(start)
        assert ask(server, client()) == 200


def test_unfinished_handshake_is_closed(tmp_path: Path) -> None:
    """After the time for a head."""
    with serving(WebHarness(), web_config=web_config(tmp_path, tls={}), head_seconds=0.5) as server:
        for start in (b"", b"\x16\x03\x01"):
            with connected(server) as silent:
                silent.sendall(start)
                assert everything(silent) == b""


@pytest.mark.parametrize(
    ("said", "explained"),
    [
        (REQUEST, True),
        (b"PATCH / HTTP/1.1\r\n\r\n", True),
        (b"\x00\xff" * 50, True),
        (b"\x16\x03\x01\x00\x05hello", False),
        (b"\x16" + b"\xff" * 500, False),
        (b"", False),
    ],
)
def test_plain_http_on_the_tls_port_gets_an_explanation(
    tmp_path: Path, said: bytes, capfd: pytest.CaptureFixture[str], *, explained: bool
) -> None:
    """Anything else is closed; nothing is printed, and the server continues."""
    with secure(tmp_path) as server:
        with connected(server) as stranger:
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)
            answer = everything(stranger)
        assert answer.startswith(b"HTTP/1.0 400 Bad Request\r\n") is explained
        assert ask(server, client()) == 200
    assert "Traceback" not in "".join(capfd.readouterr())


def test_slow_tls_readers_get_whole_responses(tmp_path: Path) -> None:
    """Others are answered meanwhile."""
    harness = WebHarness()
    harness.publish("a", 100_000)
    with serving(harness, web_config=web_config(tmp_path, tls={})) as server, ExitStack() as stack:
        slow = []
        for _ in range(CROWD + 2):
            plain = socket.create_connection(("127.0.0.1", port_of(server)), PATIENCE)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131_072)
            connection = stack.enter_context(client().wrap_socket(plain, server_hostname="localhost"))
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            slow.append(connection)
        assert ask(server, client()) == 200
        bodies = set()
        for connection in slow:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            bodies.add(answer.read())
        assert len(bodies) == 1
        assert len(bodies.pop()) > 3_000_000


def test_handshake_byte_by_byte_is_answered(tmp_path: Path) -> None:
    """The server ends the connection with close_notify."""
    with secure(tmp_path) as server, connected(server) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client().wrap_bio(incoming, outgoing, server_hostname="localhost")

        def pump(action: Callable[[], Any]) -> Any:
            while True:
                try:
                    return action()
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        plain.sendall(bytes([byte]))
                    if piece := plain.recv(65_536):
                        incoming.write(piece)
                    else:
                        incoming.write_eof()

        pump(tls.do_handshake)
        tls.write(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answer = b""
        while piece := pump(lambda: tls.read(1_000)):  # an end without goodbye would raise
            answer += piece
        assert answer.endswith(b"healthy\n")
