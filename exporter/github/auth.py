"""Credentials: where the token comes from and when it must be read again."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from exporter.errors import ConfigurationError

log = structlog.get_logger()

CREDENTIAL_SHAPE = r"(gh[a-z]|github_pat)_\w+|[0-9a-f]{40}"
"""What tokens look like, to tell one from the path of a file, or from an id, without repeating it."""


class Credential(Protocol):
    """What the client needs of a credential."""

    @property
    def name(self) -> str:
        """The value of the label `credential`: `auth`, `runner_auth` or `organization:NAME`."""
        ...

    def token(self) -> str:
        """The token to send now.

        Raises:
            GitHubError: there is none because GitHub gave none.
        """
        ...

    def is_new(self, token: str) -> bool:
        """Whether *token* was issued so recently that GitHub may not know it everywhere yet."""
        ...

    def renew(self, rejected: str) -> bool:
        """Try to get another token than *rejected*, which GitHub answered with 401; return whether there is one.

        Raises:
            GitHubError: GitHub was asked for another one and gave none.
        """
        ...


class PersonalAccessToken:
    """A token that somebody made by hand, from the configuration or from a file that may be rotated."""

    def __init__(self, name: str, read: Callable[[], str]) -> None:
        self.name = name
        self._read = read

    def token(self) -> str:
        """The token to send now."""
        return self._read()

    def is_new(self, token: str) -> bool:
        """Never; it is older than its file."""
        del token
        return False

    def renew(self, rejected: str) -> bool:
        """Whether the file has been rotated since *rejected* was read."""
        return self._read() != rejected


class SecretFile:
    """A secret in a file, read again whenever the file changes, so that rotation needs no restart.

    While the file is missing or empty (the moment of a rotation) the last good secret stays in use.

    Args:
        path: The file.
        clean: Makes the secret of the file's text, or raises a ValueError that says what the file is or holds.
    """

    def __init__(self, path: Path, clean: Callable[[str], str] | None = None) -> None:
        self._path = path
        self._clean = clean or clean_secret
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._secret = ""
        self._complained = False

    def check(self) -> None:
        """Read it for the first time.

        Raises:
            ConfigurationError: the file is missing, unreadable, empty, or holds no such secret.
        """
        try:
            self._load(os.stat(self._path))  # noqa: PTH116 - one system call, also followed through symlinks
        except OSError as error:
            raise ConfigurationError(f"cannot read the file {self._path}: {error.strerror}") from None
        except ValueError as error:
            raise ConfigurationError(f"the file {self._path} {error}") from None

    def read(self) -> str:
        """The secret as the file has it now."""
        with self._lock:
            try:
                status = self._path.stat()
                if (status.st_mtime_ns, status.st_size, status.st_ino) != self._stamp:
                    self._load(status)
                    log.info("secret file read again", path=str(self._path))
                self._complained = False
            except (OSError, ValueError) as error:
                if not self._complained:
                    self._complained = True
                    problem = error.strerror if isinstance(error, OSError) else str(error)
                    log.warning("secret file not usable, last secret kept", path=str(self._path), problem=problem)
            return self._secret

    def _load(self, status: os.stat_result) -> None:
        try:
            secret = self._clean(self._path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise ValueError("is not text") from None
        self._secret = secret
        self._stamp = (status.st_mtime_ns, status.st_size, status.st_ino)


def clean_secret(content: str) -> str:
    """The token in *content* without surrounding white space.

    Raises:
        ValueError: it is empty or could not be sent in an HTTP header.
    """
    secret = content.strip()
    if not secret:
        raise ValueError("is empty")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ValueError("holds something that is no token: white space, control or non-ASCII characters")
    return secret
