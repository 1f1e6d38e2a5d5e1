"""What is behind a failure, more exactly than its reason: the key to what a person can do about it."""

from enum import StrEnum


class Cause(StrEnum):
    """A closed set; `exporter.checkup.advice` says what to do about each."""

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

    # It is accepted, but may not read this.
    SCOPE_MISSING = "scope_missing"
    PERMISSION_MISSING = "permission_missing"
    APP_CANNOT_READ = "app_cannot_read"
    FINE_GRAINED_TOKEN = "fine_grained_token"  # noqa: S105 - the name of a cause
    TOKEN_KIND_FORBIDDEN = "token_kind_forbidden"  # noqa: S105
    SSO_NOT_AUTHORIZED = "sso_not_authorized"
    IP_NOT_ALLOWED = "ip_not_allowed"
    NOT_ALLOWED = "not_allowed"
    ENTERPRISE_NOT_FOUND = "enterprise_not_found"
    ORGANIZATION_NOT_FOUND = "organization_not_found"

    # There is nothing to read.
    NOT_OFFERED = "not_offered"
    NOT_ENABLED = "not_enabled"
    OTHER_BILLING_PLATFORM = "other_billing_platform"
    OTHER_PLATFORM = "other_platform"
