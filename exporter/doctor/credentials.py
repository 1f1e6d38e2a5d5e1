"""What a credential and the answers to it show. Pure, but for the notes it takes."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.clock import Clock
from exporter.github.answers import scopes
from exporter.github.endpoint import Endpoint
from exporter.github.rate_limit import RateLimitWindow, http_date

CLASSIC_SHAPE = re.compile(r"ghp_.*|[0-9a-f]{40}", re.DOTALL)


class Kind(StrEnum):
    """Kinds of credentials, as far as the one at hand shows."""

    GITHUB_APP = "github_app"
    CLASSIC = "classic"
    FINE_GRAINED = "fine_grained"
    INSTALLATION = "installation"
    """The token of an App, made elsewhere."""
    OAUTH = "oauth"
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    """Of a user of a server's management console."""
    UNKNOWN = "unknown"
    NONE = "none"
    """What anybody may read is read without one."""


PREFIXES = {
    "github_pat_": Kind.FINE_GRAINED,
    "ghs_": Kind.INSTALLATION,
    "gho_": Kind.OAUTH,
    "ghu_": Kind.OAUTH,
}
"""Source: docs.github.com, "About authentication to GitHub", token formats."""


def kind_of(token: str) -> Kind:
    """The kind of a token that somebody configured, by what it begins with."""
    if CLASSIC_SHAPE.fullmatch(token):
        return Kind.CLASSIC
    return next((kind for prefix, kind in PREFIXES.items() if token.startswith(prefix)), Kind.UNKNOWN)


@dataclass(slots=True)
class CredentialFacts:
    """What answers reported about one credential.

    `skew` is GitHub's clock less this one's in seconds; `scopes` is None where a credential has no scopes.
    """

    scopes: tuple[str, ...] | None = None
    expires: float | None = None
    skew: float | None = None
    windows: dict[str, RateLimitWindow] = field(default_factory=dict)


class CredentialObserver:
    """The observer of all requests for one enterprise: remembers what they report about its credentials."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._facts: dict[str, CredentialFacts] = {}

    def of(self, credential: str) -> CredentialFacts:
        """What was reported about *credential*."""
        with self._lock:
            return self._facts.setdefault(credential, CredentialFacts())

    def attempted(self, endpoint: Endpoint, code: str, seconds: float) -> None:
        """Not noted."""

    def retried(self, endpoint: Endpoint) -> None:
        """Not noted."""

    def not_modified(self, endpoint: Endpoint) -> None:
        """Not noted."""

    def authenticated(self, credential: str, *, accepted: bool) -> None:
        """Not noted."""

    def answered(self, credential: str, headers: Mapping[str, str]) -> None:
        """Note scopes and time."""
        facts = self.of(credential)
        if "x-oauth-scopes" in headers:
            facts.scopes = tuple(sorted(scopes(headers["x-oauth-scopes"])))
        at = http_date(headers.get("date", ""))
        if facts.skew is None and at is not None:
            facts.skew = at - self._clock.time()

    def rate_limit(self, credential: str, window: RateLimitWindow) -> None:
        """Note what is left of a rate limit."""
        self.of(credential).windows[window.resource] = window

    def token_expires(self, credential: str, at: float | None) -> None:
        """Note when the token expires."""
        self.of(credential).expires = at

    def sunset(self, endpoint: Endpoint, at: float | None) -> None:
        """Not noted."""

    def deprecated(self, endpoint: Endpoint) -> None:
        """Not noted."""
