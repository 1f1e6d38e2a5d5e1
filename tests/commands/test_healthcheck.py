"""`ghe-exporter healthcheck` against servers that are well, ill, strange or not there."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.config.web_address import web_url
from exporter.url import is_loopback
from exporter.web.http.messages import Request, Response
from exporter.web.http.server import WebServer
from tests.support.certificates import HOUR, hashed, install, issue, web_config
from tests.support.programs import run
from tests.support.tools import free_port
from tests.support.web_server import WebHarness, port_of, serving


@contextmanager
def exporter(status: str, paths: list[str]) -> Iterator[str]:
    """A server that answers *status* to everything and notes the paths; its URL."""

    async def application(request: Request) -> Response:
        paths.append(request.path)
        return Response(HTTPStatus(int(status[:3])), (), [])

    server = WebServer("127.0.0.1:0", application)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def gibberish() -> Iterator[str]:
    """A server that does not speak HTTP; its URL."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1024)
                client.sendall(b"SSH-2.0-octo\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def check(capsys: pytest.CaptureFixture[str], url: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    code = main(["healthcheck", "--url", url])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("ending", ["", "/"])
def test_healthy_exporter_exits_with_0(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A healthy exporter is 0, asked at its own path."""
    paths: list[str] = []
    with exporter("200 OK", paths) as url:
        assert check(capsys, url + ending) == (0, "healthy\n", "")
    assert paths == ["/-/healthy"]


def test_path_of_the_url_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Behind a proxy the path may begin with a prefix."""
    paths: list[str] = []
    with exporter("200 OK", paths) as url:
        assert check(capsys, f"{url}/github")[0] == 0
    assert paths == ["/github/-/healthy"]


@pytest.mark.parametrize("status", ["503 Service Unavailable", "404 Not Found", "302 Found", "204 No Content"])
def test_any_other_status_exits_with_1(status: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Any other answer is 1, with one line that names it."""
    with exporter(status, []) as url:
        assert check(capsys, url) == (1, "", f"unhealthy: {url} answered {status[:3]}\n")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        pytest.param("http://127.0.0.1:9", "ConnectionRefusedError", id="nobody"),
        ("http://127.0.0.1:99999", "ValueError"),
        ("http://127.0.0.1:port", "ValueError"),
        ("http://", "ValueError"),
        ("ftp://127.0.0.1", "ValueError"),
        ("127.0.0.1:10204", "ValueError"),
        ("http://[::1", "ValueError"),
        ("http://127.0.0.1:1/\x00", "InvalidURL"),
        ("", "ValueError"),
    ],
)
def test_address_that_cannot_be_asked_exits_with_1(url: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An address that cannot be asked is 1 with one line, never a traceback."""
    assert check(capsys, url) == (1, "", f"unhealthy: {error}: cannot ask {url}\n")


def test_https_without_a_server_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    """An https address without a server behind it is 1 with one line, never a traceback."""
    code, out, err = check(capsys, f"https://127.0.0.1:{free_port()}")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("unhealthy: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_certificate_of_a_loopback_address_is_not_verified(
    host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The certificate of a loopback address is not verified, whoever signed it and however old it is."""
    install(tmp_path, issue("elsewhere", ends=-HOUR))
    with serving(WebHarness(), web_config=web_config(tmp_path, tls={}, basic_auth_users={"octo": hashed()})) as server:
        assert check(capsys, f"https://{host}:{port_of(server)}") == (0, "healthy\n", "")
        assert check(capsys, f"http://{host}:{port_of(server)}")[0] == 1


def test_certificate_of_any_other_address_is_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The certificate of any other address is verified, by name and authority."""
    host = socket.gethostname()
    with serving(WebHarness(), "0.0.0.0:0", web_config=web_config(tmp_path, tls={})) as server:
        try:
            socket.create_connection((host, port_of(server)), timeout=5).close()
        except OSError:
            pytest.skip("needs a name of this machine that is no loopback address")
        url = f"https://{host}:{port_of(server)}"
        code, _, err = check(capsys, url)  # the server, in this process, may log to standard output
        assert (code, err) == (1, f"unhealthy: SSLCertVerificationError: cannot ask {url}\n")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("::", False),
        ("localhost.acme.example.com", False),
        ("127.0.0.1.acme.example.com", False),
    ],
)
def test_loopback_addresses_are_recognized(host: str, *, loopback: bool) -> None:
    """What is taken for this machine, and what is not."""
    assert is_loopback(host) is loopback


def test_server_without_http_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that speaks something else is 1."""
    with gibberish() as url:
        assert check(capsys, url) == (1, "", f"unhealthy: BadStatusLine: cannot ask {url}\n")


@pytest.mark.parametrize("source", ["environment", "file", "named file", "both"])
def test_address_of_the_settings_is_asked(source: str, tmp_path: Path) -> None:
    """Without --url it asks where `serve` with the same environment, file and web configuration listens."""
    paths: list[str] = []
    with exporter("200 OK", paths) as url:
        listen = url.removeprefix("http://")
        file = tmp_path / "settings.yaml"
        file.write_text(f"listen: {listen if source != 'both' else '127.0.0.1:9'}\nenterprises: nonsense\n")
        variables = {
            "environment": {"LISTEN": listen},
            "file": {},
            "named file": {"CONFIG": str(file)},
            "both": {"CONFIG": str(file), "LISTEN": listen},
        }[source]
        arguments = ["--config", str(file)] if source == "file" else []
        done = run("healthcheck", *arguments, **variables)
    assert (done.code, done.out, done.err) == (0, "healthy\n", "")
    assert paths == ["/-/healthy"]


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (None, "http://127.0.0.1:10204"),
        (":9100", "http://127.0.0.1:9100"),
        ("0.0.0.0:9100", "http://127.0.0.1:9100"),
        ("[::]:9100", "http://[::1]:9100"),
        ("[::1]:9100", "http://[::1]:9100"),
        ("10.0.0.7:9100", "http://10.0.0.7:9100"),
        ("exporter.acme.example:9100", "http://exporter.acme.example:9100"),
    ],
)
def test_url_of_a_listen_address(listen: str | None, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of its own is asked, loopback where it listens on all of them."""
    if listen is not None:
        monkeypatch.setenv("GHE_EXPORTER_LISTEN", listen)
    assert web_url(None, None) == url


@pytest.mark.parametrize("source", ["option", "variable", "json", "file"])
def test_tls_of_the_settings_is_used(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS in the web configuration it asks by https, without verifying its own certificate."""
    web = tmp_path / "web.yaml"
    web.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"web: {{config_file: {web}}}\n" if source == "file" else "web: {enable_lifecycle: true}\n")
    if source == "variable":
        monkeypatch.setenv("GHE_EXPORTER_WEB__CONFIG_FILE", str(web))
    if source == "json":
        monkeypatch.setenv("GHE_EXPORTER_WEB", json.dumps({"config_file": str(web)}))
    assert web_url(settings, web if source == "option" else None) == "https://127.0.0.1:10204"


def test_healthcheck_of_a_server_with_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, with a certificate for another name on an address that is not loopback by its name."""
    install(tmp_path, issue("elsewhere", ends=-HOUR))
    web = web_config(tmp_path, tls={}, basic_auth_users={"octo": hashed()})
    with serving(WebHarness(), "0.0.0.0:0", web_config=web) as server:
        monkeypatch.setenv("GHE_EXPORTER_LISTEN", f"0.0.0.0:{port_of(server)}")
        assert main(["healthcheck", "--web.config.file", str(web)]) == 0


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"LISTEN": "nowhere"}, "listen: must be HOST:PORT or :PORT, for instance :10204"),
        ({"CONFIG": "/nonexistent.yaml"}, "cannot read the configuration /nonexistent.yaml: No such file or directory"),
        ({"WEB": "[1]"}, "GHE_EXPORTER_WEB: must be a JSON object"),
    ],
)
def test_wrong_settings_are_one_line(variables: dict[str, str], problem: str) -> None:
    """An address that cannot be derived is a configuration error."""
    done = run("healthcheck", **variables)
    assert (done.code, done.out, done.err) == (2, "", f"ghe-exporter: {problem}\n")


def test_real_program_exits_with_the_answer() -> None:
    """The real program takes its exit code from the answer."""
    with exporter("200 OK", []) as url:
        assert run("healthcheck", "--url", url).code == 0
    done = run("healthcheck", "--url", url)
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
