"""Who is notified of every request."""

from collections.abc import Mapping
from typing import Protocol

from exporter.github.endpoint import Endpoint
from exporter.github.models import timestamp
from exporter.github.rate_limit import RateLimitWindow

NOT_MODIFIED = 304
UNAUTHORIZED = 401
AUTHENTICATED_STATUSES = frozenset({304, 400, 403, 404, 410, 422, 429})
"""Statuses by which the API shows that it accepted the credential, unless the body is a web page."""


class ApiObserver(Protocol):
    """What the client reports of its work."""

    def attempted(self, endpoint: Endpoint, code: str, seconds: float) -> None:
        """An attempt ended with status *code*, empty when there was no answer."""

    def retried(self, endpoint: Endpoint) -> None:
        """An attempt is repeated."""

    def not_modified(self, endpoint: Endpoint) -> None:
        """A 304 confirmed what was kept."""

    def answered(self, credential: str, headers: Mapping[str, str]) -> None:
        """There was an answer with *headers*."""

    def authenticated(self, credential: str, *, accepted: bool) -> None:
        """The API accepted or rejected the credential."""

    def rate_limit(self, credential: str, window: RateLimitWindow) -> None:
        """The API reported a rate limit; *window* is the one in force."""

    def token_expires(self, credential: str, at: float | None) -> None:
        """The API reported when the token expires; None if it does not."""


def report_credential(
    observer: ApiObserver, credential: str, status: int, headers: Mapping[str, str], *, is_page: bool = False
) -> None:
    """Report what the head of an answer says of the *credential*; *is_page* if its body is a web page.

    Whether a 401 rejects it is decided later: GitHub may not know a new token everywhere yet.
    """
    observer.answered(credential, headers)
    # A gateway's failure or a web page says nothing of it; of a 200 the body must show who answers.
    if status in AUTHENTICATED_STATUSES and not is_page:
        observer.authenticated(credential, accepted=True)
    if status in {200, 304} and not is_page:
        observer.token_expires(credential, timestamp(headers.get("github-authentication-token-expiration")))
