"""Credentials: where the token comes from and when it must be read again."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Protocol

import structlog

from exporter.errors import ConfigurationError
from exporter.redaction import describe_path, is_authorization, is_encoded_credential
from exporter.regular_file import Stamp, read_regular_file, stamp_of

log = structlog.get_logger()

QUOTES = "\"'`\u2018\u2019\u201c\u201d"


class Credential(Protocol):
    """What the client needs of a credential."""

    @property
    def name(self) -> str:
        """The value of the label `credential`: `auth`, `runner_auth` or `organization:NAME`."""
        ...

    @property
    def scheme(self) -> Literal["Bearer", "Basic"]:
        """How the token is sent."""
        ...

    def token(self) -> str:
        """The token to send now.

        Raises:
            GitHubError: there is none because GitHub gave none.
        """
        ...

    def rate_limit_key(self) -> str:
        """What is equal for credentials that GitHub counts together, and shows nothing of the secret."""
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


class NoCredential:
    """Sends nothing: for addresses that anybody may read, and for links that say themselves who may."""

    name = ""
    scheme: Final = "Bearer"

    def token(self) -> str:
        """None."""
        return ""

    def rate_limit_key(self) -> str:
        """The same for everybody here: GitHub counts what is anonymous by address."""
        return ""

    def is_new(self, token: str) -> bool:
        """Never."""
        del token
        return False

    def renew(self, rejected: str) -> bool:
        """Never."""
        del rejected
        return False


class PersonalAccessToken:
    """A token that somebody made by hand, from the configuration or from a file that may be rotated."""

    scheme: Final = "Bearer"

    def __init__(self, name: str, read: Callable[[], str]) -> None:
        self.name = name
        self._read = read

    def token(self) -> str:
        """The token to send now."""
        return self._read()

    def rate_limit_key(self) -> str:
        """A digest of the token."""
        return hashlib.sha256(self._read().encode()).hexdigest()

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
        self._stamp: Stamp | None = None
        self._secret = ""
        self._warned = False

    def check(self) -> None:
        """Read it for the first time.

        Raises:
            ConfigurationError: the file is missing, unreadable, empty, or holds no such secret.
        """
        try:
            self._load()
        except OSError as error:
            raise ConfigurationError(f"cannot read the file {describe_path(self._path)}: {error.strerror}") from None
        except ValueError as error:
            raise ConfigurationError(f"the file {describe_path(self._path)} {error}") from None

    def read(self) -> str:
        """The secret as the file has it now."""
        with self._lock:
            try:
                if stamp_of(self._path.stat()) != self._stamp:
                    self._load()
                    log.info("secret file reloaded", path=describe_path(self._path))
                self._warned = False
            except (OSError, ValueError) as error:
                if not self._warned:
                    self._warned = True
                    problem = error.strerror if isinstance(error, OSError) else str(error)
                    log.warning(
                        "secret file not usable, keeping the last secret",
                        path=describe_path(self._path),
                        problem=problem,
                    )
            return self._secret

    def _load(self) -> None:
        content, stamp = read_regular_file(self._path)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8 text") from None
        self._secret = self._clean(text)
        self._stamp = stamp


def clean_secret(content: str) -> str:
    """The token in *content* without surrounding white space.

    Raises:
        ValueError: it is empty, could not be sent in an HTTP header, or holds more than the token.
    """
    secret = content.strip()
    if not secret:
        raise ValueError("is empty")
    if secret[0] in QUOTES or secret[-1] in QUOTES:
        raise ValueError("holds quotation marks; write the token alone, without them")
    if is_authorization(secret):
        raise ValueError("holds an Authorization header; write the token alone")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ValueError("holds something that is no token: white space, control or non-ASCII characters")
    if is_encoded_credential(secret):
        raise ValueError("holds a token or an Authorization header in base64; write the token itself")
    return secret
