"""What `check` says of a server's management API."""

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.doctor.report import EnterpriseReport, warnings_of
from exporter.simulator.server import Simulator
from tests.support.certificates import install, issue
from tests.support.secret_marker import CANARY, PASSWORD, TOKEN
from tests.support.wire import Wire, reply

NAME = "server_management"
Check = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=1) as running:
        yield running


@pytest.fixture
def check(simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """What `check --json` finds for the collector; the password is never in it."""

    def run(password: str = PASSWORD, **enterprise: Any) -> list[dict[str, Any]]:
        (tmp_path / "password").write_text(password)
        auth = {"username": "octo", "password_file": str(tmp_path / "password")}
        server: dict[str, Any] = {"slug": "octo-server", "api_url": simulator.server_url, "auth": {"token": TOKEN}}
        server |= {"manage_url": simulator.manage_url, "manage_auth": auth} | enterprise
        server = {key: value for key, value in server.items() if value is not None}
        document = {"enterprises": [server], "collectors": {NAME: {"enabled": True}}}
        (tmp_path / "config.yaml").write_text(json.dumps(document))
        main(["check", "--json", "--config", str(tmp_path / "config.yaml")])
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        (found,) = json.loads(out)["enterprises"]
        return [item for item in found["checks"] if item["collector"] == NAME]

    return run


def test_every_endpoint_is_asked_with_the_password(check: Check) -> None:
    found = check()
    assert {item["state"] for item in found} == {"ok"}
    assert {item["credential"] for item in found} == {"manage_auth"}
    assert len(found) == 6


def test_wrong_password_is_sent_once(check: Check, simulator: Simulator) -> None:
    first, *others = check(f"bad {PASSWORD}")
    assert (first["state"], first["cause"]) == ("failed", "management_password_rejected")
    assert "password_file" in first["advice"]
    assert simulator.manage_url.removeprefix("http://") in first["advice"]
    assert {item["state"] for item in others} <= {"skipped"}
    assert sum(times for key, times in simulator.request_counts().items() if "/manage/" in key) == 1


def test_enterprise_without_manage_url_has_nothing_to_fix(check: Check, simulator: Simulator) -> None:
    (item,) = check(manage_url=None, manage_auth=None)
    assert (item["state"], item["cause"]) == ("unavailable", "management_not_configured")
    assert "manage_url" in item["advice"]
    assert not [key for key in simulator.request_counts() if "/manage/" in key]


def test_cloud_has_nothing_to_fix(check: Check, simulator: Simulator) -> None:
    (item,) = check(slug="octo-corp", api_url=simulator.url, manage_url=None, manage_auth=None)
    assert (item["state"], item["cause"]) == ("unavailable", "other_platform")


def test_older_server_has_nothing_to_fix(check: Check, simulator: Simulator) -> None:
    """An enterprise of which only the management API is missing is not taken for one that is not there."""
    simulator.faults.set("not-found@/manage/=1")
    found = check()
    assert {(item["state"], item["cause"]) for item in found} == {("unavailable", "management_not_offered")}


def test_self_signed_certificate_needs_ca_file(check: Check, tmp_path: Path) -> None:
    """The advice names ca_file and the host of the management API; with the certificate itself it is trusted."""
    made = issue("localhost")
    install(tmp_path, made)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    wire = Wire([reply(b"{}")], context)
    wire.start()
    try:
        url = f"https://localhost:{wire.port}"
        first = check(manage_url=url)[0]
        assert first["cause"] == "certificate_not_trusted"
        assert f"The certificate of localhost:{wire.port}" in first["advice"]
        assert "set ca_file" in first["advice"]
        assert "self-signed" in first["advice"]
        assert wire.asked == []
        check(manage_url=url, ca_file=str(tmp_path / "server.crt"))
        assert wire.asked
    finally:
        wire.stop()


def test_closed_port_names_manage_url(check: Check) -> None:
    first = check(manage_url="http://127.0.0.1:9")[0]
    assert first["cause"] == "connection_refused"
    assert "manage_url" in first["advice"]
    assert "api_url" not in first["advice"]


def test_plain_http_is_a_warning() -> None:
    report = EnterpriseReport(
        enterprise="octo",
        api_url="https://github.octo.example/api/v3",
        host="github.octo.example",
        platform="server",
        credentials=(),
        findings=(),
        manage_url="http://github.octo.example:8080",
    )
    ((warning, credential, text),) = warnings_of(report, 0)
    assert (warning, credential) == ("plaintext_manage_url", "manage_auth")
    assert "github.octo.example:8080" in text
