"""Files of settings and secrets are read whole or not at all, and nothing but files."""

import os
import socket
import threading
from pathlib import Path

import pytest

from exporter.config.yaml_file import read_mapping
from exporter.errors import ConfigurationError
from exporter.github.auth import SecretFile
from exporter.regular_file import ChangingFileError, NotRegularFileError, check_path, read_regular_file
from tests.support.programs import run
from tests.support.secret_marker import the_line


def pipe(folder: Path) -> Path:
    """A named pipe to which nobody writes."""
    path = folder / "pipe"
    os.mkfifo(path)
    return path


def unix_socket(folder: Path) -> Path:
    """A socket in the file system."""
    path = folder / "socket"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    return path


def link_to_a_pipe(folder: Path) -> Path:
    """A link to a named pipe."""
    path = folder / "link"
    path.symlink_to(pipe(folder))
    return path


@pytest.mark.parametrize("make", [pipe, unix_socket, link_to_a_pipe, lambda _folder: Path("/dev/zero")])
def test_pipe_or_device_is_refused_without_waiting(make: object, tmp_path: Path) -> None:
    """A secret in a pipe would be gone at the next look; nobody waits for its writer."""
    path = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(NotRegularFileError, match="is not a regular file but a pipe or a device"):
        read_regular_file(path)
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        SecretFile(path).check()


def test_link_to_a_file_is_followed(tmp_path: Path) -> None:
    """Secrets of Kubernetes are links to links."""
    (tmp_path / "token").write_text("octo")
    (tmp_path / "first").symlink_to("token")
    (tmp_path / "second").symlink_to("first")
    assert read_regular_file(tmp_path / "second")[0] == b"octo"


def test_content_of_another_length_than_the_file_is_not_used() -> None:
    """A file that grows or shrinks while it is read is not taken for whole; those of /proc report a length of 0."""
    with pytest.raises(ChangingFileError, match="is being written to"):
        read_regular_file(Path("/proc/self/status"))
    with pytest.raises(ConfigurationError, match="the file /proc/self/status is being written to"):
        SecretFile(Path("/proc/self/status")).check()


def test_settings_may_come_from_a_pipe(tmp_path: Path) -> None:
    """A secret manager can write the settings into a pipe, as the shell's <(…) does."""
    path = pipe(tmp_path)
    thread = threading.Thread(target=path.write_text, args=("listen: ':1'\n",))
    thread.start()
    try:
        assert read_mapping(path) == {"listen": ":1"}
    finally:
        thread.join()


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Editors of Windows put one before the text."""
    (tmp_path / "settings").write_bytes(b"\xef\xbb\xbflisten: ':1'\n")
    assert read_mapping(tmp_path / "settings") == {"listen": ":1"}


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a\0b", "is not the path of a file: it holds a NUL character"),
        ("a" * 256, "is too long to be the path of a file"),
        ("ä" * 128, "is too long to be the path of a file"),
        ("a/" * 2048, "is too long to be the path of a file"),
        ("a" * 255, ""),
        ("a/" * 2047, ""),
    ],
    ids=range(6),
)
def test_names_that_no_file_can_have(path: str, problem: str) -> None:
    """Too long, or with a NUL, which the system would refuse with an exception of its own."""
    if not problem:
        assert check_path(path) == path
        return
    with pytest.raises(ValueError, match=f"^{problem}$"):
        check_path(path)


@pytest.mark.parametrize(
    "setting",
    [
        "enterprises: [{{slug: acme, auth: {{token: demo}}, ca_file: {path}}}]",
        "enterprises: [{{slug: acme, auth: {{token_file: {path}}}}}]",
        "enterprises: [{{slug: acme, auth: {{app_id: 1, private_key_file: {path}}}}}]",
        "enterprises: [{{slug: acme, auth: {{app_id_file: {path}, private_key_file: none}}}}]",
        "state_dir: {path}\nenterprises: [{{slug: acme, auth: {{token: demo}}}}]",
        "web: {{config_file: {path}}}\nenterprises: [{{slug: acme, auth: {{token: demo}}}}]",
    ],
)
@pytest.mark.parametrize("path", [r'"a\0b"', "a" * 300], ids=["nul", "long"])
def test_impossible_path_is_one_line(setting: str, path: str, tmp_path: Path) -> None:
    """In any setting, it ends the real program with 2 and a line that names the setting and not the path."""
    (tmp_path / "settings.yaml").write_text(setting.format(path=path))
    done = run("collect", "--config", str(tmp_path / "settings.yaml"))
    assert done.code == 2
    assert "aaaa" not in the_line(done.err)
    assert the_line(done.err).endswith(("it holds a NUL character", "is too long to be the path of a file"))
