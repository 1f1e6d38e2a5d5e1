"""What errors of the client say, and what they never contain."""

import ssl
import traceback
from typing import Any

import pytest
import requests
import responses

from exporter.errors import (
    GitHubError,
    PayloadError,
    TimedOut,
    Unreachable,
)
from exporter.github.client import Client
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import SYNC, SYNC_URL, TOKEN, MakeClient, RecordingObserver, quota

BODY_TEXT = "octo-secret-body"
QUERY = "cursor=octo-secret-query"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param({"body": requests.ConnectionError(f"{SYNC_URL}?{QUERY} {TOKEN}")}, id="connection"),
        pytest.param({"body": requests.ConnectTimeout(f"{SYNC_URL}?{QUERY} {TOKEN}")}, id="connect time-out"),
        pytest.param({"body": requests.ReadTimeout(f"{SYNC_URL}?{QUERY} {TOKEN}")}, id="read time-out"),
        pytest.param({"body": requests.exceptions.ProxyError(f"{TOKEN}?{QUERY}")}, id="proxy"),
        pytest.param({"body": requests.exceptions.SSLError(f"{TOKEN}?{QUERY}")}, id="TLS"),
        pytest.param({"body": requests.exceptions.SSLError(f"CERTIFICATE_VERIFY_FAILED {TOKEN}")}, id="certificate"),
        pytest.param({"body": requests.exceptions.InvalidURL(f"{TOKEN}?{QUERY}")}, id="address of a proxy"),
        pytest.param({"body": requests.exceptions.InvalidHeader(f"{TOKEN}?{QUERY}")}, id="another of requests"),
        pytest.param({"body": OSError(f"{TOKEN}?{QUERY}")}, id="file of CAs"),
        pytest.param({"body": BODY_TEXT}, id="not JSON"),
        pytest.param({"body": f"<html>{BODY_TEXT}"}, id="HTML"),
        pytest.param({"body": BODY_TEXT, "headers": {"Content-Encoding": "gzip"}}, id="bad gzip"),
        pytest.param({"body": BODY_TEXT * 5_000}, id="too large"),
        pytest.param({"status": 304}, id="304"),
        pytest.param({"status": 302, "headers": {"Location": f"https://evil.example/?{QUERY}"}}, id="abroad"),
        pytest.param({"status": 302, "headers": {"Location": f"{SYNC_URL}?{QUERY}"}}, id="circle"),
        pytest.param({"status": 302, "headers": {"Location": f"https://[{QUERY}"}}, id="nowhere"),
        *(
            pytest.param({"status": status, "json": {"message": f"{BODY_TEXT} {TOKEN}"}}, id=str(status))
            for status in (302, 400, 401, 403, 404, 410, 422, 429, 500, 502, 503, 504)
        ),
        pytest.param({"status": 403, "json": {"message": f"secondary rate limit {BODY_TEXT}"}}, id="secondary limit"),
        pytest.param({"status": 403, "headers": quota(0), "json": {"message": BODY_TEXT}}, id="primary limit"),
    ],
)  # fmt: skip
def test_errors_contain_no_secret(
    make_client: MakeClient, run: Run, github: responses.RequestsMock, failure: dict[str, Any]
) -> None:
    """No error, nor its traceback, holds the token, the query or what the body says; each names the endpoint."""
    github.get(SYNC_URL, **failure)
    client = make_client(limits=ClientLimits(max_response_bytes=50_000, tries=1))
    with pytest.raises(GitHubError) as caught:
        client.get(SYNC, f"{SYNC_URL}?{QUERY}", run)
    error = caught.value
    printed = "".join(traceback.format_exception(error))
    for secret in (TOKEN, QUERY, BODY_TEXT):
        assert secret not in f"{error} {error!r} {error.args} {printed}"
    assert str(error).startswith(f"GET {SYNC.path}")
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError()), Unreachable, "not trusted; set ca_file"),
        (requests.exceptions.SSLError("WRONG_VERSION_NUMBER"), Unreachable, "is the port right"),
        (requests.exceptions.ProxyError(), Unreachable, "the proxy refused or cannot be reached"),
        (requests.ConnectionError(), Unreachable, "wrong host, no network, or refused"),
        (requests.ConnectTimeout(), TimedOut, "no answer in time"),
        (requests.exceptions.InvalidURL(), Unreachable, "the proxy refused or cannot be reached"),
        (requests.exceptions.InvalidHeader(), PayloadError, "InvalidHeader"),
        (OSError("Could not find a suitable TLS CA certificate bundle"), Unreachable, "ca_file, .* cannot be read"),
    ],
)
def test_missing_answer_has_a_hint(
    make_client: MakeClient,
    run: Run,
    github: responses.RequestsMock,
    failure: Exception,
    kind: type[GitHubError],
    message: str,
) -> None:
    """Where no answer comes, the error says what to look at."""
    github.get(SYNC_URL, body=failure)
    with pytest.raises(kind, match=message):
        make_client(limits=ClientLimits(tries=1)).get(SYNC, SYNC_URL, run)


def test_untrusted_certificate_is_not_tried_again(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """A certificate that is not trusted is not tried again."""
    github.get(SYNC_URL, body=requests.exceptions.SSLError(ssl.SSLCertVerificationError()))
    with pytest.raises(Unreachable):
        client.get(SYNC, SYNC_URL, run)
    assert observer.codes == [""]
