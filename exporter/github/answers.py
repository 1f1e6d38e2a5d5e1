"""From a status, headers and bytes to a value or an error; no I/O.

The one place that says what GitHub's refusals mean.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from pydantic_core import from_json

from exporter.errors import (
    Forbidden,
    GitHubError,
    PayloadError,
    RateLimited,
    ServerError,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from exporter.github.rate_limit import http_date, limited, retry_after

NOT_OFFERED = frozenset({404, 405, 410, 451})
RETRIED = frozenset({502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TELLING = frozenset({304, 400, 401, 403, 404, 410, 422, 429})
"""Statuses by which GitHub shows, whatever the body, that it looked at the credential."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCOPE = re.compile(r"[a-z][a-z0-9_:-]{0,79}")
# A refusal with one of these is about where the enterprise is billed, not about the credential.
_PLATFORM_OFF = ("not enabled", "not been enabled", "not available", "only available", "not on the", "not have access")


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded 200 (or a 304 joined with what it confirms)."""

    value: Any
    url: str
    links: Mapping[str, str]
    fingerprint: bytes


def decode(body: bytes, url: str, links: Mapping[str, str], context: str) -> Answer:
    """Parse the body of a 200.

    Raises:
        PayloadError: it is not JSON, for instance the login page of a proxy.
    """
    try:
        value = from_json(body)
    except ValueError:
        looks = "empty" if not body.strip() else "HTML" if body.lstrip()[:1] == b"<" else "not JSON"
        raise PayloadError(f"{context}: the body is {looks}; is api_url right, is a proxy in between?") from None
    return Answer(value, url, links, hashlib.blake2b(body, digest_size=8).digest())


def error_for(status: int, headers: Mapping[str, str], body: bytes, now: float, context: str) -> GitHubError:
    """Map an answer that is neither 200 nor 304 to the error tree."""
    context = f"{context} answered {status}{_request_id(headers)}"
    message = _message(body)
    limit = limited(status, headers, message, now)
    if limit is not None:
        kind = "secondary" if limit.secondary else "primary"
        said = f"{context}: {kind} rate limit"
        return RateLimited(said, retry_at=limit.retry_at, secondary=limit.secondary, status=status)
    if status == 401:  # noqa: PLR2004
        refused = Unauthorized(f"{context}: the credential is wrong, expired or revoked", status=status)
        refused.answered_at = http_date(headers.get("date", ""))
        return refused
    if status == 403:  # noqa: PLR2004
        return _forbidden(headers, message, context)
    if status in NOT_OFFERED:
        hint = "wrong slug, credential without the scope, or not offered by this plan or version"
        return Unavailable(f"{context}: {_missing_scope(headers) or hint}", status=status)
    if status >= 500:  # noqa: PLR2004
        error = ServerError(context, status=status)
        error.transient = status in RETRIED
        error.retry_after = retry_after(headers, now)
        return error
    return PayloadError(f"{context}: neither an answer nor a refusal that GitHub documents here", status=status)


def tls_failure(context: str, said: str) -> GitHubError:
    """The error for a connection that TLS refused with the words *said*, which are not repeated."""
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return Unreachable(
            f"{context}: TLS failed; the certificate is not trusted; set ca_file to the CA of this server"
        )
    return transient(Unreachable(f"{context}: TLS failed; is the port right, is a proxy in between?"))


def transient(error: GitHubError) -> GitHubError:
    """Mark *error* as one that may be gone when asked again at once."""
    error.transient = True
    return error


def is_same_origin(url: str, origin: str) -> bool:
    """Whether *url* has the scheme, host and port of *origin*; nothing else may be sent a token.

    A URL with a user name or control characters is refused: the parser that checks is not the one that connects, and
    with a backslash before the `@` they see different hosts.
    """
    try:
        return _origin(url) == _origin(origin)
    except ValueError:
        return False


def own(url: str, origin: str, context: object) -> str:
    """*url*, if it has the scheme, host and port of *origin*.

    Raises:
        PayloadError: it leads elsewhere.
    """
    if not is_same_origin(url, origin):
        raise PayloadError(f"{context}: sent on to another host; not followed, to keep the token here")
    return url


def resolve(base: str, location: str) -> str:
    """Make *location*, as a header gave it, absolute; empty when it is no URL."""
    try:
        return urljoin(base, location)
    except ValueError:
        return ""


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    if "@" in parts.netloc or not url.isprintable():
        raise ValueError("not clear which host this is")
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _request_id(headers: Mapping[str, str]) -> str:
    identity = headers.get("x-github-request-id", "")
    return f" (request {identity})" if identity and len(identity) < 80 and identity.isprintable() else ""  # noqa: PLR2004


def _message(body: bytes) -> str:
    try:
        value = from_json(body)
    except ValueError:
        return ""
    message = value.get("message") if isinstance(value, dict) else None
    return message if isinstance(message, str) else ""


def _forbidden(headers: Mapping[str, str], message: str, context: str) -> GitHubError:
    words = message.lower()
    if "billing platform" in words and any(phrase in words for phrase in _PLATFORM_OFF):
        return Unavailable(f"{context}: not offered on the billing platform of this enterprise", status=403)
    return Forbidden(f"{context}: {_refusal(headers, message)}", status=403)


def _refusal(headers: Mapping[str, str], message: str) -> str:
    words = message.lower()
    if "x-github-sso" in headers:
        return "authorise the token for single sign-on of the organization or enterprise"
    if "ip allow list" in words:
        return "the address of this exporter is not on the IP allow list"
    if "not accessible by integration" in words:
        return "a GitHub App cannot read this; configure runner_auth with a classic personal access token"
    return _missing_scope(headers) or "the credential may not read this"


def _missing_scope(headers: Mapping[str, str]) -> str:
    accepted = _scopes(headers.get("x-accepted-oauth-scopes", ""))
    granted = _scopes(headers.get("x-oauth-scopes", ""))
    if "x-oauth-scopes" not in headers or not accepted or accepted & granted:
        return ""
    return f"the token lacks a scope: one of {', '.join(sorted(accepted))}"


def _scopes(value: str) -> frozenset[str]:
    return frozenset(scope.strip() for scope in value.split(",") if _SCOPE.fullmatch(scope.strip()))
