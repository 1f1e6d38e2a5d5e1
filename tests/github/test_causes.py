"""The cause of every failure, from which the advice follows: found once, where the answer is read."""

import json
import socket
import ssl
from collections.abc import Mapping

import pytest

from exporter.errors import (
    Cause,
    Forbidden,
    GitHubError,
    PayloadError,
    ServerError,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from exporter.github.answers import decode, error_for
from exporter.github.unreachable import SAYS, cause_of, unreachable
from tests.github.conftest import NOW

CLASSIC = {"x-oauth-scopes": "repo, gist", "x-accepted-oauth-scopes": "admin:enterprise, read:enterprise"}
URL_OF_SSO = "https://github.com/orgs/acme/sso?authorization_request=AZZZZZsecret"
PERMISSIONS = "x-accepted-github-permissions"


def refusal(status: int, headers: Mapping[str, str] | None = None, message: str = "", body: bytes = b"") -> GitHubError:
    """The error of an answer."""
    return error_for(status, headers or {}, body or json.dumps({"message": message}).encode(), NOW, "GET /path")


@pytest.mark.parametrize(
    ("status", "headers", "message", "cause", "wanted"),
    [
        (401, {}, "Bad credentials", Cause.CREDENTIAL_REJECTED, ()),
        (401, {}, "'Expiration time' claim ('exp') is too far in the future", Cause.CLOCK_WRONG, ()),
        (401, {}, "'Issued at' claim ('iat') must be an Integer representing the time", Cause.CLOCK_WRONG, ()),
        (403, CLASSIC, "no", Cause.SCOPE_MISSING, ("admin:enterprise", "read:enterprise")),
        (404, CLASSIC, "Not Found", Cause.SCOPE_MISSING, ("admin:enterprise", "read:enterprise")),
        (403, CLASSIC | {"x-oauth-scopes": "read:enterprise"}, "no", Cause.NOT_ALLOWED, ()),
        (404, CLASSIC | {"x-oauth-scopes": "read:enterprise"}, "Not Found", Cause.NOT_OFFERED, ()),
        (403, CLASSIC | {"x-github-sso": f"required; url={URL_OF_SSO}"}, "no", Cause.SSO_NOT_AUTHORIZED, ()),
        (403, {}, "Resource protected by organization SAML enforcement.", Cause.SSO_NOT_AUTHORIZED, ()),
        (403, CLASSIC, "`acme` has an IP allow list enabled, and your IP", Cause.IP_NOT_ALLOWED, ()),
        (403, {}, "This installation has been suspended", Cause.APP_SUSPENDED, ()),
        (403, {}, "Maximum number of login attempts exceeded. Please try again later.", Cause.LOGINS_BLOCKED, ()),
        (403, {}, "Resource not accessible by personal access token", Cause.FINE_GRAINED_TOKEN, ()),
        (403, {}, "`acme` forbids access via a personal access token (classic).", Cause.TOKEN_KIND_FORBIDDEN, ()),
        (403, {}, "Resource not accessible by integration", Cause.APP_CANNOT_READ, ()),
        (
            403,
            {PERMISSIONS: "enterprise_billing=read; administration=write,<b>=read"},
            "Resource not accessible by integration",
            Cause.PERMISSION_MISSING,
            ("enterprise_billing: read", "administration: write"),
        ),
        (403, {}, "Copilot is not enabled for this enterprise.", Cause.NOT_ENABLED, ()),
        (403, {}, "The enhanced billing platform is not enabled", Cause.OTHER_BILLING_PLATFORM, ()),
        (403, {}, "Must have admin rights to Enterprise.", Cause.NOT_ALLOWED, ()),
        (410, {}, "This endpoint has been moved.", Cause.NOT_OFFERED, ()),
        (410, {}, "This version of the dashboard API is not supported.", Cause.NOT_OFFERED, ()),
        (400, {}, "'2022-11-28' is not a supported version.", Cause.API_VERSION_UNSUPPORTED, ()),
        (410, {}, "The REST API version 2022-11-28 is no longer supported.", Cause.API_VERSION_UNSUPPORTED, ()),
        (400, {}, "Problems parsing JSON", Cause.PAYLOAD, ()),
        (407, {}, "", Cause.PROXY_AUTHENTICATION, ()),
        (429, {}, "", Cause.RATE_LIMITED, ()),
        (502, {}, "", Cause.SERVER_ERROR, ()),
        (422, {}, "", Cause.PAYLOAD, ()),
    ],
)
def test_refusal_has_its_cause_and_what_is_wanted(
    status: int, headers: dict[str, str], message: str, cause: Cause, wanted: tuple[str, ...]
) -> None:
    """Status, headers and GitHub's words give one cause and what would help."""
    error = refusal(status, headers, message)
    assert (error.cause, error.wanted) == (cause, wanted)
    assert "secret" not in f"{error!r} {vars(error)}"


def test_web_page_means_a_wrong_address() -> None:
    """HTML comes from another address than the API's, whatever its status."""
    kinds = {400: PayloadError, 403: Forbidden, 404: Unavailable, 410: Unavailable}
    for status, kind in kinds.items():
        error = refusal(status, body=b"<!DOCTYPE html><title>Not found</title>")
        assert (type(error), error.cause) == (kind, Cause.WRONG_ADDRESS)
        assert "is api_url right" in str(error)
    assert type(refusal(407, body=b"<html>")) is Unreachable
    assert type(refusal(503, body=b"<html>")) is ServerError
    for body, cause in ((b"\n<html>", Cause.WRONG_ADDRESS), (b"octo", Cause.PAYLOAD)):
        with pytest.raises(GitHubError) as caught:
            decode(body, "", {}, "GET /path")
        assert caught.value.cause is cause


def test_407_says_nothing_of_the_credential() -> None:
    """A 407 says nothing of GitHub."""
    assert type(refusal(407)) is Unreachable


def test_each_error_class_has_a_default_cause() -> None:
    """An error made without a cause has that of its class."""
    assert Unauthorized("").cause is Cause.CREDENTIAL_REJECTED
    assert Unauthorized("", cause=Cause.APP_SUSPENDED).cause is Cause.APP_SUSPENDED
    assert Unauthorized("").wanted == ()


def wrapped(inner: BaseException, how: str) -> Exception:
    """*inner* inside another exception, as the HTTP libraries do it."""
    outer = OSError("octo", inner) if how == "argument" else OSError("octo")
    if how == "attribute":
        outer.reason = inner  # type: ignore[attr-defined]
    elif how == "cause":
        outer.__cause__ = inner
    return outer


@pytest.mark.parametrize("how", ["argument", "attribute", "cause"])
@pytest.mark.parametrize(
    ("inner", "cause"),
    [
        (socket.gaierror(-2, "Name or service not known"), Cause.NAME_NOT_FOUND),
        (ConnectionRefusedError(), Cause.CONNECTION_REFUSED),
        (ssl.SSLCertVerificationError(), Cause.CERTIFICATE_NOT_TRUSTED),
        (TimeoutError(), Cause.NO_CONNECTION),
    ],
)
def test_wrapped_exception_gives_the_cause(how: str, inner: Exception, cause: Cause) -> None:
    """The reason is found however deep it is wrapped, also in a circle."""
    outer = wrapped(wrapped(inner, how), how)
    inner.__context__ = outer
    try:
        assert cause_of(outer, Cause.NO_CONNECTION) is cause
    finally:
        inner.__context__ = None


@pytest.mark.parametrize("cause", SAYS)
def test_message_without_an_answer_repeats_nothing(cause: Cause) -> None:
    """Every cause has its words, and what needs a person is not tried again."""
    error = unreachable("GET /path", "octo.example:443", OSError("http://user:secret@proxy"), cause)
    words = SAYS[cause].replace("{address}", "octo.example:443")
    assert (error.cause, str(error)) == (cause, f"GET /path: {words}")
    assert error.transient is not cause.name.startswith(("CERTIFICATE", "CA_FILE", "PROXY_AUTHENTICATION"))
