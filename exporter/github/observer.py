"""Who is notified of every request."""

import re
from collections.abc import Mapping
from typing import Protocol

from exporter.github.endpoint import Endpoint
from exporter.github.models import timestamp
from exporter.github.rate_limit import RateLimitWindow, http_date

NOT_MODIFIED = 304
UNAUTHORIZED = 401
_DEPRECATION_DATE = re.compile(r"@[0-9]{1,12}")
AUTHENTICATED_STATUSES = frozenset({304, 400, 403, 404, 410, 422, 429})
"""Statuses by which the API shows that it accepted the credential, unless the body is a web page."""


class ApiObserver(Protocol):
    """What the client reports of its work."""

    def attempted(self, endpoint: Endpoint, code: str, seconds: float) -> None:
        """An attempt ended with status *code*, empty when there was no answer."""

    def retried(self, endpoint: Endpoint) -> None:
        """An attempt is repeated."""

    def not_modified(self, endpoint: Endpoint) -> None:
        """A 304 confirmed the stored answer."""

    def answered(self, credential: str, headers: Mapping[str, str]) -> None:
        """There was an answer with *headers*."""

    def authenticated(self, credential: str, *, accepted: bool) -> None:
        """The API accepted or rejected the credential."""

    def rate_limit(self, credential: str, window: RateLimitWindow) -> None:
        """The API reported a rate limit; *window* is the one in force."""

    def token_expires(self, credential: str, at: float | None) -> None:
        """The API reported when the token expires; None if it does not."""

    def sunset(self, endpoint: Endpoint, at: float | None) -> None:
        """The API reported when it stops offering *endpoint*; None if it plans nothing of the kind any more."""

    def deprecated(self, endpoint: Endpoint) -> None:
        """The API advises against *endpoint*, but does not say when it ends."""


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


def report_lifecycle(
    observer: ApiObserver, endpoint: Endpoint, headers: Mapping[str, str], *, is_complete: bool
) -> None:
    """Report what the head of an answer says of the end of *endpoint*; *is_complete* unless it is a 304 or a refusal.

    Those need not repeat every header, so what they leave out says nothing. Source: RFC 8594 for `Sunset`; RFC 9745
    for `Deprecation`, which GitHub also sends in the form of its drafts: an HTTP date, or `true`.
    """
    at = http_date(headers.get("sunset", ""))
    if at is not None and at > 0:
        observer.sunset(endpoint, at)
        return
    if is_complete:
        observer.sunset(endpoint, None)
    deprecation = headers.get("deprecation", "").strip()
    if deprecation == "true" or _DEPRECATION_DATE.fullmatch(deprecation) or http_date(deprecation) is not None:
        observer.deprecated(endpoint)
