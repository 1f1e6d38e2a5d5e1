"""Where tokens come from, and what happens when their files change."""

import base64
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.errors import ConfigurationError
from exporter.github.auth import PersonalAccessToken, SecretFile, clean_secret
from tests.github.conftest import TOKEN


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a token."""
    path = tmp_path / "acme-token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
def secret(path: Path) -> SecretFile:
    """That file, read once."""
    file = SecretFile(path)
    file.check()
    return file


def rotate(path: Path, content: str) -> None:
    """Replace the file as secret stores do: a new file under the old name."""
    replacement = path.with_suffix(".new")
    replacement.write_text(content)
    replacement.replace(path)


def overwrite_in_place(path: Path, content: str) -> None:
    """Write the file again; its modification time differs even on coarse clocks."""
    path.write_text(content)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))


@pytest.mark.parametrize("content", [TOKEN, f"{TOKEN}\n", f"\n  {TOKEN}\t\r\n\n"])
def test_white_space_around_a_token_is_removed(path: Path, content: str) -> None:
    """White space around a token is not part of it."""
    path.write_text(content)
    file = SecretFile(path)
    file.check()
    assert file.read() == TOKEN


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty"),
        (" \n\t", "is empty"),
        (f"{TOKEN}\n{TOKEN}", "holds something that is no token"),
        (f"{TOKEN}\r\nX-Evil: 1", "holds something that is no token"),
        ("octo token", "holds something that is no token"),
        ("octo\ttoken", "holds something that is no token"),
        ("octo\x00token", "holds something that is no token"),
        ("octo\x7ftoken", "holds something that is no token"),
        ("octo\N{NO-BREAK SPACE}token", "holds something that is no token"),
        ("t\N{LATIN SMALL LETTER O WITH DIAERESIS}ken", "holds something that is no token"),
    ],
    ids=range(10),
)
def test_unusable_content_is_refused(path: Path, content: str, problem: str) -> None:
    """A file whose content could not be sent as a token is a configuration error that names the file only."""
    path.write_text(content, newline="")
    with pytest.raises(ConfigurationError, match=problem) as caught:
        SecretFile(path).check()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    with pytest.raises(ValueError, match=problem):
        clean_secret(content)


REFUSED = {
    f'"{TOKEN}"': "holds quotation marks",
    f"'{TOKEN}'": "holds quotation marks",
    f"\N{LEFT DOUBLE QUOTATION MARK}{TOKEN}\N{RIGHT DOUBLE QUOTATION MARK}": "holds quotation marks",
    f"{TOKEN}'": "holds quotation marks",
    f"Bearer {TOKEN}": "holds an Authorization header",
    f"token {TOKEN}": "holds an Authorization header",
    "Basic b2N0bzpzZWNyZXQ=": "holds an Authorization header",
    f"Authorization: Bearer {TOKEN}": "holds an Authorization header",
    f"authorization:token {TOKEN}": "holds an Authorization header",
    base64.b64encode(f"Authorization: Bearer {TOKEN}".encode()).decode(): "in base64",
    base64.b64encode(f"Authorization: token {TOKEN}\n".encode()).decode(): "in base64",
    base64.b64encode(b"Bearer demo").decode(): "in base64",
    base64.b64encode(b"Basic b2N0bzpzZWNyZXQ=").decode(): "in base64",
    base64.b64encode(f"token {TOKEN}".encode()).decode(): "in base64",
    base64.b64encode(TOKEN.encode()).decode(): "in base64",
}


@pytest.mark.parametrize("content", REFUSED, ids=range(len(REFUSED)))
def test_token_in_the_wrong_form_is_refused(content: str, path: Path) -> None:
    """Quotes, an Authorization header, and base64 of one or of a token, which GitHub would only reject later."""
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=REFUSED[content]) as caught:
        SecretFile(path).check()
    assert TOKEN not in str(caught.value)
    assert content not in str(caught.value)


@pytest.mark.parametrize(
    "token",
    [
        "demo",
        "token",
        "bearer",
        "authorization",
        TOKEN,
        f"github_pat_{'a1' * 11}_{'B2' * 29}c",
        f"ghs_1234567_{'eyJhbGciOiJSUzI1NiJ9'}.{'aB3-' * 32}.{'aB3_' * 85}",
        "0123456789abcdef0123456789abcdef01234567",
        "v1.0123456789abcdef0123456789abcdef01234567",
        "dG9rZW4=",
    ],
)
def test_any_other_token_is_accepted(token: str, path: Path) -> None:
    """Whatever GitHub's tokens will look like; a byte order mark in front is no part of it."""
    for content in (token, f"\N{ZERO WIDTH NO-BREAK SPACE}{token}\r\n"):
        path.write_text(content, "utf-8")
        file = SecretFile(path)
        file.check()
        assert file.read() == token


def test_file_that_is_not_text_is_refused(path: Path) -> None:
    """A binary file is a configuration error that names it."""
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=str(path)):
        SecretFile(path).check()


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A missing file is a configuration error that names it and says so."""
    with pytest.raises(ConfigurationError, match=r"cannot read the file .*absent: No such file or directory"):
        SecretFile(tmp_path / "absent").check()


def test_folder_is_refused(tmp_path: Path) -> None:
    """A directory is a configuration error that names it."""
    with pytest.raises(ConfigurationError, match=r"cannot read the file .*: Is a directory"):
        SecretFile(tmp_path).check()


@pytest.mark.parametrize("change", [rotate, overwrite_in_place])
def test_rotated_file_is_read_again(path: Path, secret: SecretFile, change: Callable[[Path, str], None]) -> None:
    """A changed file is read again, which is logged without its content."""
    assert secret.read() == TOKEN
    with capture_logs() as logs:
        change(path, "octo-second")
        assert secret.read() == "octo-second"
        assert secret.read() == "octo-second"
    assert [entry["event"] for entry in logs] == ["secret file reloaded"]
    assert "octo-second" not in str(logs)


def test_rotated_link_is_read_again(tmp_path: Path) -> None:
    """A link that is turned to another file, as Kubernetes does, counts as a change."""
    first, second, link = (tmp_path / name for name in ("first", "second", "link"))
    first.write_text("octo-1")
    second.write_text("octo-2")
    link.symlink_to(first)
    file = SecretFile(link)
    file.check()
    turned = tmp_path / "turned"
    turned.symlink_to(second)
    turned.replace(link)
    assert file.read() == "octo-2"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.unlink(), id="vanished"),
        pytest.param(lambda path: rotate(path, ""), id="empty"),
        pytest.param(lambda path: rotate(path, "octo\nocto"), id="two lines"),
        pytest.param(lambda path: path.write_bytes(b"\xff" * 50), id="not text"),
    ],
)
def test_file_that_becomes_unusable_keeps_the_last_secret(
    path: Path, secret: SecretFile, spoil: Callable[[Path], object]
) -> None:
    """While the file is unusable the last secret is used, with one warning, until there is a good one again."""
    spoil(path)
    with capture_logs() as logs:
        assert [secret.read() for _ in range(3)] == [TOKEN] * 3
    assert [(entry["event"], entry["path"]) for entry in logs] == [
        ("secret file not usable, keeping the last secret", str(path))
    ]
    rotate(path, "octo-second")
    assert secret.read() == "octo-second"
    spoil(path)
    with capture_logs() as logs:
        assert secret.read() == "octo-second"
    assert len(logs) == 1


def test_renewal_reports_whether_the_file_changed(path: Path, secret: SecretFile) -> None:
    """A rejected token is renewed when the file holds another one by now."""
    credential = PersonalAccessToken("auth", secret.read)
    assert (credential.name, credential.token()) == ("auth", TOKEN)
    assert not credential.renew(TOKEN)
    rotate(path, "octo-second")
    assert credential.renew(TOKEN)
    assert credential.token() == "octo-second"
    assert not credential.renew("octo-second")


def test_token_of_the_settings_is_never_renewed() -> None:
    """A token from the settings cannot be renewed."""
    credential = PersonalAccessToken("runner_auth", lambda: TOKEN)
    assert not credential.renew(TOKEN)


def test_concurrent_readers_see_whole_secrets(path: Path, secret: SecretFile) -> None:
    """Threads that read while the file is rotated see one whole secret or the other."""
    seen: set[str] = set()
    ready = threading.Barrier(5)

    def read() -> None:
        ready.wait()
        seen.update(secret.read() for _ in range(200))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    rotate(path, "octo-second")
    for thread in threads:
        thread.join()
    assert seen <= {TOKEN, "octo-second"}
    assert secret.read() == "octo-second"
