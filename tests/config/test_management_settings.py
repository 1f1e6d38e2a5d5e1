"""Settings of a server's management API: what fits together, and what is said of what does not."""

from pathlib import Path

import pytest

from exporter.cli import main
from exporter.config import loading
from tests.support.secret_marker import CANARY, PASSWORD, TOKEN, furnish, the_line

SERVER = "https://github.octo.example/api/v3"
MANAGE = "https://github.octo.example:8443"
URL = f"manage_url: {MANAGE}"
AUTH = "manage_auth: {username: octo, password_file: password}"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with secrets."""
    furnish(tmp_path)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    monkeypatch.chdir(tmp_path)


def write(*lines: str, api_url: str = SERVER) -> Path:
    """A configuration with these lines for its enterprise."""
    path = Path("config.yaml")
    head = ("enterprises:", "  - slug: octo", f"    api_url: {api_url}", "    auth: {token_file: acme-token}")
    path.write_text("\n".join([*head, *(f"    {line}" for line in lines), ""]))
    return path


def refusal(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which `collect` refuses the configuration."""
    assert main(["collect", "--config", str(path)]) == 2
    return the_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (MANAGE, MANAGE),
        (f"{MANAGE}/", MANAGE),
        (f"{MANAGE}/manage/v1", MANAGE),
        ("HTTPS://github.octo.example:8443", MANAGE),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_address_is_read(written: str, read: str) -> None:
    (enterprise,) = loading.load(write(f'manage_url: "{written}"', AUTH)).enterprises
    assert enterprise.manage_url == read
    assert enterprise.manage_auth is not None
    assert enterprise.manage_auth.username == "octo"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((AUTH,), "manage_auth needs manage_url, the address of the management API, such as https://HOST:8443"),
        ((URL,), "manage_url needs manage_auth, with username and password_file"),
        (("manage_url: github.octo.example:8443", AUTH), "must be a URL such as https://HOST:8443"),
        ((f"manage_url: {SERVER}", AUTH), "must be the address of the management API without a path"),
        (("manage_url: https://octo:Canary@github.octo.example", AUTH), "must not hold user names, passwords"),
        ((URL, "manage_auth: {username: octo}"), "give one of password_file and password"),
        ((URL, "manage_auth: {password_file: password}"), "manage_auth.username: is missing"),
        ((URL, "manage_auth: {username: 'a:b', password_file: password}"), "without a colon"),
        ((URL, "manage_auth: {username: octo, password_file: none}"), "cannot read the file none"),
        ((URL, "manage_auth: {username: octo, password_file: empty-token}"), "the file empty-token is empty"),
        ((URL, "manage_auth: {username: octo, password_file: two-tokens}"), "holds several lines"),
        ((URL, "manage_auth: {username: octo, password_file: acme-token}"), "holds a token or an Authorization header"),
        ((URL, f"manage_auth: {{username: octo, password: {TOKEN}}}"), "holds a token or an Authorization header"),
        ((URL, f"manage_auth: {{username: octo, passwort: {PASSWORD}}}"), "there is no such setting"),
        ((URL, f"manage_auth: {PASSWORD}"), "must be a mapping"),
    ],
)
def test_refusal_is_one_line_that_names_the_setting(
    lines: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(write(*lines), capsys)
    assert expected in line
    assert "manage_" in line
    assert CANARY not in line


@pytest.mark.parametrize("lines", [(URL, AUTH), (AUTH,), (URL,)])
def test_cloud_has_no_management_api(lines: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(write(*lines, api_url="https://api.github.com"), capsys)
    assert "is for a GitHub Enterprise Server, whose api_url ends in /api/v3; remove it" in line


def test_password_keeps_its_white_space_but_no_line_end(tmp_path: Path) -> None:
    """A person may choose spaces; the line end is an editor's."""
    (tmp_path / "password").write_bytes(b" correct horse \r\n")
    (enterprise,) = loading.load(write(URL, AUTH)).enterprises
    assert "password_file" in repr(enterprise.manage_auth)
    (enterprise,) = loading.load(write(URL, "manage_auth: {username: octo, password: ' correct horse '}")).enterprises
    assert enterprise.manage_auth is not None
    assert enterprise.manage_auth.password is not None
    assert enterprise.manage_auth.password.get_secret_value() == " correct horse "
    assert "horse" not in repr(enterprise)
