"""What is pointed out about settings that are valid, and what is not."""

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from exporter.commands.advisories import report_open_access, warn_about_plaintext
from exporter.config.auth import Auth
from exporter.config.settings import Enterprise, Settings


@pytest.mark.parametrize(
    ("api_url", "warned"),
    [
        ("http://github.acme.example/api/v3", True),
        ("http://10.0.0.7:8080/api/v3", True),
        ("http://127.0.0.1.acme.example", True),
        ("https://github.acme.example/api/v3", False),
        ("http://127.0.0.1:10205", False),
        ("http://localhost:10205/api/v3", False),
        ("http://[::1]:10205", False),
    ],
)
def test_plain_http_to_another_machine_is_warned_about(api_url: str, *, warned: bool) -> None:
    """The token can be read on its way to another machine, not within this one."""
    enterprise = Enterprise(slug="acme", name="acme-web", api_url=api_url, auth=Auth(token=SecretStr("demo")))
    with capture_logs() as logs:
        warn_about_plaintext(Settings(enterprises=(enterprise,)))
    assert [(entry["log_level"], entry["enterprise"]) for entry in logs] == [("warning", "acme-web")] * warned


@pytest.mark.parametrize(
    ("listen", "has_passwords", "reported"),
    [
        (":10204", False, True),
        ("0.0.0.0:10204", False, True),
        ("[::]:10204", False, True),
        (":10204", True, False),
        ("127.0.0.1:10204", False, False),
        ("10.0.0.7:10204", False, False),
    ],
)
def test_open_port_is_reported(listen: str, *, has_passwords: bool, reported: bool) -> None:
    """Who listens on all addresses without passwords reads it in the log."""
    with capture_logs() as logs:
        report_open_access(listen, has_passwords=has_passwords)
    assert [entry["event"] for entry in logs] == ["listening on all addresses without authentication"] * reported
