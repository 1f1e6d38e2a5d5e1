"""The whole error tree.

ExporterError
├─ ConfigurationError      exit code 2; names the setting, never its secret value
├─ SystemRefusal           exit code 1; what the system refuses now it may grant later: a busy port, for instance
├─ Stopped                 the process is ending; never counted as a failure
└─ GitHubError(reason)     `reason` is a closed set and the label value of the failure counter
   ├─ Unreachable          DNS, connection, TLS, proxy
   ├─ TimedOut             connect, read or run deadline
   ├─ ServerError          5xx, or an answer that broke off
   ├─ RateLimited          403/429 of a limit, or our own reserve; knows when to come back
   ├─ Unauthorized         401
   ├─ CredentialBlocked    403 to whatever the credential asks for
   ├─ Forbidden            403 that no waiting cures
   ├─ Unavailable          404/410: this platform or credential does not offer it
   └─ PayloadError         a complete answer that is not what GitHub documents
      └─ TooLarge          or that is larger than is read
"""

import traceback
from enum import StrEnum

from exporter.redaction import redact


class Reason(StrEnum):
    """Why a collector run failed; the closed set of the label `reason`."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    PAYLOAD = "payload"
    BUG = "bug"


class Cause(StrEnum):
    """A closed set; `exporter.doctor.advice` says what to do about each."""

    # There was no answer.
    NAME_NOT_FOUND = "name_not_found"
    CONNECTION_REFUSED = "connection_refused"
    NO_CONNECTION = "no_connection"
    CERTIFICATE_NOT_TRUSTED = "certificate_not_trusted"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_OF_ANOTHER_HOST = "certificate_of_another_host"
    TLS_FAILED = "tls_failed"
    CA_FILE_UNUSABLE = "ca_file_unusable"
    PROXY_FAILED = "proxy_failed"
    PROXY_AUTHENTICATION = "proxy_authentication"
    TIMEOUT = "timeout"

    # There was one, but not from the API, or not what it documents.
    WRONG_ADDRESS = "wrong_address"
    REDIRECTED = "redirected"
    DOWNLOAD_HOST_REFUSED = "download_host_refused"
    DOWNLOAD_UNREACHABLE = "download_unreachable"
    DOWNLOAD_REFUSED = "download_refused"
    API_VERSION_UNSUPPORTED = "api_version_unsupported"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    PAYLOAD = "payload"
    BUG = "bug"

    # The credential is not accepted.
    CREDENTIAL_REJECTED = "credential_rejected"
    CLOCK_WRONG = "clock_wrong"
    APP_KEY_REJECTED = "app_key_rejected"
    APP_NOT_INSTALLED = "app_not_installed"
    APP_SUSPENDED = "app_suspended"
    MANAGEMENT_PASSWORD_REJECTED = "management_password_rejected"  # noqa: S105 - the name of a cause

    # It is accepted, but may not read this.
    SCOPE_MISSING = "scope_missing"
    PERMISSION_MISSING = "permission_missing"
    APP_CANNOT_READ = "app_cannot_read"
    FINE_GRAINED_TOKEN = "fine_grained_token"  # noqa: S105 - the name of a cause
    TOKEN_KIND_FORBIDDEN = "token_kind_forbidden"  # noqa: S105
    SSO_NOT_AUTHORIZED = "sso_not_authorized"
    IP_NOT_ALLOWED = "ip_not_allowed"
    LOGINS_BLOCKED = "logins_blocked"
    NOT_ALLOWED = "not_allowed"
    ENTERPRISE_NOT_FOUND = "enterprise_not_found"
    ORGANIZATION_NOT_FOUND = "organization_not_found"

    # There is nothing to read.
    NOT_OFFERED = "not_offered"
    NOT_ENABLED = "not_enabled"
    OTHER_BILLING_PLATFORM = "other_billing_platform"
    OTHER_PLATFORM = "other_platform"
    MANAGEMENT_NOT_OFFERED = "management_not_offered"
    MANAGEMENT_NOT_CONFIGURED = "management_not_configured"


CREDENTIAL_BLOCKED = frozenset(
    {
        Cause.APP_SUSPENDED,
        Cause.TOKEN_KIND_FORBIDDEN,
        Cause.SSO_NOT_AUTHORIZED,
        Cause.IP_NOT_ALLOWED,
        Cause.LOGINS_BLOCKED,
    }
)
"""Causes of `CredentialBlocked`."""


class ExporterError(Exception):
    """Root of every error this package raises on purpose; no message repeats what looks like a credential."""

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class ConfigurationError(ExporterError):
    """A setting is wrong; the message is one line that names it and how to fix it."""


class SystemRefusal(ExporterError):
    """The system refuses what it may grant later, such as a port that is in use; one line, exit code 1.

    A supervisor starts the process again then, which it need not for a wrong setting.
    """


class Stopped(ExporterError):
    """The process is shutting down and the work in flight was given up."""


class GitHubError(ExporterError):
    """GitHub did not give what was asked for.

    The message names method, path template, status and request id; never a token, a body or a URL query.
    """

    reason: Reason
    cause: Cause
    wanted: tuple[str, ...] = ()
    """Scopes or permissions of which the credential lacks every one; one of them would do."""
    transient = False
    """Whether an immediate retry may help."""
    retry_after: float | None = None
    """Seconds the answer asked to wait before that."""

    def __init__(
        self, message: str, *, status: int | None = None, cause: Cause | None = None, wanted: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause or self.cause
        self.wanted = wanted


class Unreachable(GitHubError):
    """No answer: name resolution, connection, TLS or proxy failed."""

    reason = Reason.UNREACHABLE
    cause = Cause.NO_CONNECTION


class TimedOut(GitHubError):
    """No complete answer within the connect, read or run limit."""

    reason = Reason.TIMEOUT
    cause = Cause.TIMEOUT


class ServerError(GitHubError):
    """GitHub failed (5xx) or its answer broke off half-way."""

    reason = Reason.SERVER_ERROR
    cause = Cause.SERVER_ERROR


class RateLimited(GitHubError):
    """A primary or secondary limit, or the configured reserve, forbids asking before `retry_at`."""

    reason = Reason.RATE_LIMITED
    cause = Cause.RATE_LIMITED

    def __init__(self, message: str, *, retry_at: float, secondary: bool = False, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_at = retry_at
        self.secondary = secondary


class Unauthorized(GitHubError):
    """The credential was rejected (401)."""

    reason = Reason.UNAUTHORIZED
    cause = Cause.CREDENTIAL_REJECTED
    answered_at: float | None = None
    """The time by GitHub's clock, if the answer reported it."""


class CredentialBlocked(GitHubError):
    """GitHub refuses whatever the credential asks for until a person acts; that says nothing about what it offers.

    A failure like a rejected credential: taken for "not offered", it would silence every alert, read as an empty
    organization, and be asked again only after a day.
    """

    reason = Reason.FORBIDDEN


class Forbidden(GitHubError):
    """The credential may not read this (403 that is not a rate limit)."""

    reason = Reason.FORBIDDEN
    cause = Cause.NOT_ALLOWED


class Unavailable(GitHubError):
    """The platform or credential does not offer this endpoint (404, 410)."""

    reason = Reason.UNAVAILABLE
    cause = Cause.NOT_OFFERED


class PayloadError(GitHubError):
    """The answer is complete but is not what GitHub documents."""

    reason = Reason.PAYLOAD
    cause = Cause.PAYLOAD


class TooLarge(PayloadError):
    """The answer is larger than this program reads."""


class IncompleteList(PayloadError):
    """A list announces more than all of its pages hold."""

    transient = True


NOT_OFFERED = (Unavailable, Forbidden)
"""Errors that say "not here, not with this credential" rather than "not now"."""


def describe_bug(error: Exception) -> str:
    """Where an unexpected exception came from; its message may hold what GitHub sent and stays out."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}; please report this"
