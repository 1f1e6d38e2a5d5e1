"""From a status, headers and bytes to a value or an error; no I/O.

The one place that says what GitHub's refusals mean.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from pydantic_core import from_json

from exporter.errors import (
    CREDENTIAL_BLOCKED,
    Cause,
    CredentialBlocked,
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
RETRIED = frozenset({500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_END_OF_JSON = "EOF while parsing"
"""What the parser says of a text that ends too early, be it empty."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ACCEPTED_PERMISSIONS = "x-accepted-github-permissions"
_PERMISSION = re.compile(r"([a-z][a-z_]{0,79})=([a-z]{1,20})")
_SCOPE = re.compile(r"[a-z][a-z0-9_:-]{0,79}")
# A refusal with one of these is about where the enterprise is billed, not about the credential.
_PLATFORM_OFF = ("not enabled", "not been enabled", "not available", "only available", "not on the", "not have access")
_FEATURE_OFF = ("not enabled", "not been enabled", "is disabled")
_PROXY_AUTHENTICATION = 407
_VERSION_REFUSED = re.compile(r"not a supported version|api version\b.*\b(not|no longer) supported")
"""In a 400; older documentation calls for a 410, by which GitHub says of an endpoint that it is gone."""

_SAID = (
    ("ip allow list", Cause.IP_NOT_ALLOWED),
    ("saml enforcement", Cause.SSO_NOT_AUTHORIZED),
    ("login attempts exceeded", Cause.LOGINS_BLOCKED),
    ("installation has been suspended", Cause.APP_SUSPENDED),
    ("not accessible by personal access token", Cause.FINE_GRAINED_TOKEN),
    ("forbids access via", Cause.TOKEN_KIND_FORBIDDEN),
    ("not accessible by integration", Cause.APP_CANNOT_READ),
)
"""What GitHub's words in a 403 mean."""

_HINTS = {
    Cause.SSO_NOT_AUTHORIZED: "authorize the token for single sign-on of the organization or enterprise",
    Cause.IP_NOT_ALLOWED: "the address of this exporter is not on the IP allow list",
    Cause.LOGINS_BLOCKED: "GitHub refuses every login for a while, after many with wrong credentials",
    Cause.APP_SUSPENDED: "the installation of the GitHub App is suspended",
    Cause.FINE_GRAINED_TOKEN: "a fine-grained token cannot read this; use a classic personal access token",
    Cause.TOKEN_KIND_FORBIDDEN: "the organization or enterprise does not accept this kind of token",
    Cause.APP_CANNOT_READ: "a GitHub App cannot read this; configure runner_auth with a classic personal access token",
    Cause.PERMISSION_MISSING: "the GitHub App lacks a permission: one of {wanted}",
    Cause.SCOPE_MISSING: "the token lacks a scope: one of {wanted}",
    Cause.NOT_ENABLED: "this is not enabled here",
    Cause.NOT_ALLOWED: "the credential may not read this",
    Cause.NOT_OFFERED: "wrong slug, credential without the scope, or not offered by this plan or version",
    Cause.API_VERSION_UNSUPPORTED: "this GitHub does not support the api_version of the settings",
    Cause.WRONG_ADDRESS: "this is no answer of the API; is api_url right, is a proxy in between?",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded 200 (or a 304 joined with what it confirms)."""

    value: Any
    url: str
    links: Mapping[str, str]


def decode(body: bytes, url: str, links: Mapping[str, str], context: str) -> Answer:
    """Parse the body of a 200.

    Raises:
        PayloadError: it is not JSON, for instance the login page of a proxy.
    """
    try:
        value = from_json(body)
    except ValueError as error:
        raise _not_json(body, context, is_cut_short=_END_OF_JSON in str(error)) from None
    return Answer(value, url, links)


def decode_lines(body: bytes, url: str, links: Mapping[str, str], context: str) -> Answer:
    """Parse a body that has a JSON value on each line, or is one array of them; a line that is none gives None.

    Raises:
        PayloadError: there is nothing but such lines, for instance the login page of a proxy.
    """
    try:
        whole = from_json(body)
    except ValueError:
        values = [_line(line) for line in body.splitlines() if line.strip()]
        if values and all(value is None for value in values):
            raise _not_json(body, context, is_cut_short=False) from None
        return Answer(values, url, links)
    return Answer(whole if isinstance(whole, list) else [whole], url, links)


def _line(line: bytes) -> Any:
    try:
        return from_json(line)
    except ValueError:
        return None


def _not_json(body: bytes, context: str, *, is_cut_short: bool) -> PayloadError:
    """The error for the *body* of a 200; one that is empty or cut short is as likely to be gone as a 502."""
    if is_page(body):
        said = f"{context}: the body is HTML; is api_url right, is a proxy in between?"
        return PayloadError(said, cause=Cause.WRONG_ADDRESS)
    looks = "empty" if not body.strip() else "cut short" if is_cut_short else "not JSON"
    error = PayloadError(f"{context}: the body is {looks}; is api_url right, is a proxy in between?")
    error.transient = is_cut_short
    return error


def refuse_partial(headers: Mapping[str, str], context: str) -> None:
    """Raise where a 200 leaves out organizations that are closed to the token; it would pass for the whole.

    Source: docs.github.com, "Authenticating to the REST API", on personal access tokens and SAML single sign-on.

    Raises:
        CredentialBlocked: it does.
    """
    if headers.get("x-github-sso", "").startswith("partial-results"):
        said = f"{context} leaves out organizations: {_HINTS[Cause.SSO_NOT_AUTHORIZED]}"
        raise CredentialBlocked(said, status=200, cause=Cause.SSO_NOT_AUTHORIZED)


def error_for(status: int, headers: Mapping[str, str], body: bytes, now: float, context: str) -> GitHubError:
    """Map an answer that is neither 200 nor 304 to the error tree."""
    context = f"{context} answered {status}{_request_id(headers)}"
    message = _message(body)
    limit = limited(status, headers, message, now)
    if limit is not None:
        kind = "secondary" if limit.secondary else "primary"
        said = f"{context}: {kind} rate limit"
        return RateLimited(said, retry_at=limit.retry_at, secondary=limit.secondary, status=status)
    if (refused := _refused(status, headers, body, message, context)) is not None:
        return refused
    if status >= 500:  # noqa: PLR2004
        error = ServerError(context, status=status)
        error.transient = status in RETRIED
        error.retry_after = retry_after(headers, now)
        return error
    if is_page(body):
        return PayloadError(f"{context}: {_HINTS[Cause.WRONG_ADDRESS]}", status=status, cause=Cause.WRONG_ADDRESS)
    return PayloadError(f"{context}: neither an answer nor a refusal that GitHub documents here", status=status)


def transient(error: GitHubError) -> GitHubError:
    """Mark *error* as one that a retry may not meet again."""
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


def require_same_origin(url: str, origin: str, context: object) -> str:
    """*url*, if it has the scheme, host and port of *origin*.

    Raises:
        PayloadError: it leads elsewhere.
    """
    if not is_same_origin(url, origin):
        said = f"{context}: sent on to another host; not followed, to keep the token here"
        raise PayloadError(said, cause=Cause.REDIRECTED)
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


def is_page(body: bytes) -> bool:
    """Whether *body* is a web page, which says nothing of the API: a proxy, a filter or another address sent it."""
    return body.lstrip()[:1] == b"<"


def _refused(status: int, headers: Mapping[str, str], body: bytes, message: str, context: str) -> GitHubError | None:
    if status == 401:  # noqa: PLR2004
        wrong_clock = any(words in message for words in ("Expiration time", "Issued at"))
        cause = Cause.CLOCK_WRONG if wrong_clock else Cause.CREDENTIAL_REJECTED
        refused = Unauthorized(f"{context}: the credential is wrong, expired or revoked", status=status, cause=cause)
        refused.answered_at = http_date(headers.get("date", ""))
        return refused
    if status == _PROXY_AUTHENTICATION:
        said = f"{context}: the proxy wants a user name and password"
        return Unreachable(said, status=status, cause=Cause.PROXY_AUTHENTICATION)
    if status == 403:  # noqa: PLR2004
        return _forbidden(headers, body, message.lower(), context)
    if status in {400, 410} and _VERSION_REFUSED.search(message.lower()):
        cause = Cause.API_VERSION_UNSUPPORTED
        return PayloadError(f"{context}: {_HINTS[cause]}", status=status, cause=cause)
    if status in NOT_OFFERED:
        wanted = _missing_scopes(headers)
        cause = Cause.SCOPE_MISSING if wanted else Cause.WRONG_ADDRESS if is_page(body) else Cause.NOT_OFFERED
        return Unavailable(f"{context}: {_hint(cause, wanted)}", status=status, cause=cause, wanted=wanted)
    return None


def _forbidden(headers: Mapping[str, str], body: bytes, words: str, context: str) -> GitHubError:
    if "billing platform" in words and any(phrase in words for phrase in _PLATFORM_OFF):
        said = f"{context}: not offered on the billing platform of this enterprise"
        return Unavailable(said, status=403, cause=Cause.OTHER_BILLING_PLATFORM)
    cause, wanted = (Cause.WRONG_ADDRESS, ()) if is_page(body) else _refusal(headers, words)
    kind = CredentialBlocked if cause in CREDENTIAL_BLOCKED else Forbidden
    return kind(f"{context}: {_hint(cause, wanted)}", status=403, cause=cause, wanted=wanted)


def _refusal(headers: Mapping[str, str], words: str) -> tuple[Cause, tuple[str, ...]]:
    """Why a 403, and the scopes or permissions that would help."""
    if "x-github-sso" in headers:
        return Cause.SSO_NOT_AUTHORIZED, ()
    cause = next((cause for phrase, cause in _SAID if phrase in words), None)
    if cause in {Cause.APP_CANNOT_READ, Cause.FINE_GRAINED_TOKEN}:
        wanted = _permissions(headers)
        return (Cause.PERMISSION_MISSING if wanted and cause is Cause.APP_CANNOT_READ else cause), wanted
    if cause is not None:
        return cause, ()
    if wanted := _missing_scopes(headers):
        return Cause.SCOPE_MISSING, wanted
    return (Cause.NOT_ENABLED if any(phrase in words for phrase in _FEATURE_OFF) else Cause.NOT_ALLOWED), ()


def _hint(cause: Cause, wanted: tuple[str, ...]) -> str:
    return _HINTS[cause].format(wanted=", ".join(wanted))


def _missing_scopes(headers: Mapping[str, str]) -> tuple[str, ...]:
    accepted = scopes(headers.get("x-accepted-oauth-scopes", ""))
    granted = scopes(headers.get("x-oauth-scopes", ""))
    # Source: docs.github.com, "Scopes for OAuth apps": admin:enterprise and admin:org include the lesser ones.
    had = (scope for scope in accepted if scope in granted or f"admin:{scope.partition(':')[2]}" in granted)
    if "x-oauth-scopes" not in headers or any(had):
        return ()
    return tuple(sorted(accepted))


def _permissions(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Permissions as `name: level`; in the header they are `name=level`, alternatives set apart by semicolons."""
    found = (_PERMISSION.fullmatch(part.strip()) for part in re.split("[,;]", headers.get(_ACCEPTED_PERMISSIONS, "")))
    return tuple(dict.fromkeys(f"{match[1]}: {match[2]}" for match in found if match))


def scopes(value: str) -> frozenset[str]:
    """The scopes in a header; what is not spelt like one is left out."""
    return frozenset(scope.strip() for scope in value.split(",") if _SCOPE.fullmatch(scope.strip()))
