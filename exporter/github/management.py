"""The management API of a GitHub Enterprise Server: an address and a credential of its own.

Source: docs.github.com, "REST API endpoints for managing GitHub Enterprise Server".
"""

import base64
from collections.abc import Callable
from typing import Final

from exporter.clock import Clock
from exporter.errors import Unauthorized
from exporter.github.endpoint import MANAGE_AUTH
from exporter.redaction import holds_credential

FIRST_PAUSE_SECONDS = 300.0
MAX_PAUSE_SECONDS = 24 * 3600.0


class ManagementPassword:
    """A user of the management console and the password, which is read again when its file changes.

    After a few wrong passwords the server locks the console, for people too, and GitHub documents no time after which
    it forgets one. A password that was rejected is therefore sent again ever more rarely, and another one right away.
    """

    scheme: Final = "Basic"

    def __init__(self, username: str, read: Callable[[], str], clock: Clock) -> None:
        self.name = MANAGE_AUTH
        self._username = username
        self._read = read
        self._clock = clock
        self._rejected = ""
        self._rejections = 0
        self._again_at = 0.0

    def token(self) -> str:
        """What basic authentication sends now.

        Raises:
            Unauthorized: it was rejected, and is not sent again yet.
        """
        token = base64.b64encode(f"{self._username}:{self._read()}".encode()).decode()
        if token == self._rejected and self._clock.monotonic() < self._again_at:
            raise Unauthorized("manage_auth was rejected and is not sent again yet, or the server locks its console")
        return token

    def rate_limit_key(self) -> str:
        """The user's name; the console has no rate limit that is known."""
        return self._username

    def is_new(self, token: str) -> bool:
        """Never; it is older than its file."""
        del token
        return False

    def renew(self, rejected: str) -> bool:
        """Never, even if the file has changed: the next run is soon enough."""
        self._rejections = self._rejections + 1 if rejected == self._rejected else 0
        pause = min(FIRST_PAUSE_SECONDS * 2.0**self._rejections, MAX_PAUSE_SECONDS)
        self._rejected, self._again_at = rejected, self._clock.monotonic() + pause
        return False


def clean_username(value: str) -> str:
    """The name of a user, if basic authentication can send it.

    Raises:
        ValueError: it cannot.
    """
    name = value.strip()
    if not name or ":" in name or not name.isprintable() or holds_credential(name):
        raise ValueError("must be api_key, or the name of a user of the management console, without a colon")
    return name


def clean_password(content: str) -> str:
    """The password in *content* without the line end that editors add; it may hold white space.

    Raises:
        ValueError: it is empty, has several lines, or is a credential of another kind.
    """
    password = content.strip("\r\n")
    if not password.strip():
        raise ValueError("is empty")
    if not password.isprintable():
        raise ValueError("holds several lines or control characters; write the password alone")
    if holds_credential(password):
        raise ValueError("holds a token or an Authorization header; write the password of manage_auth alone")
    return password
