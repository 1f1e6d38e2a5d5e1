"""A GitHub App that gets no token: the error, its cause, and what is never sent."""

import threading

import pytest
import responses

from exporter.errors import (
    Cause,
    GitHubError,
    PayloadError,
    RateLimited,
    ServerError,
    Stopped,
    Unauthorized,
)
from exporter.github.client import Client
from exporter.github.endpoint import ACCESS_TOKENS
from exporter.github.run import Run
from tests.github.conftest import API, MakeAppCredential
from tests.support.github_apps import ALL, MISSING, NUMBER, ON_ENTERPRISE, TOKENS, GitHubOfApps, Reply


@pytest.mark.parametrize(
    ("path", "reply", "error", "said"),
    [
        (ON_ENTERPRISE, (403, {"message": "no"}), Unauthorized, "not installed on the enterprise acme"),
        (TOKENS, (403, {"message": "This installation has been suspended"}), Unauthorized, "or is suspended there"),
        (TOKENS, (429, {}), RateLimited, "rate limit"),
        (TOKENS, (502, ""), ServerError, "502"),
        (TOKENS, (302, {}), PayloadError, "302"),
        (TOKENS, (200, {"token": "ghs_1", "expires_at": "2030-01-01T00:00:00Z"}), PayloadError, "200"),
        (TOKENS, (201, []), PayloadError, "no token"),
        (TOKENS, (201, {"token": "ghs_1"}), PayloadError, "no token"),
        (TOKENS, (201, {"token": "ghs_1\r\nX: 1", "expires_at": "2030-01-01T00:00:00Z"}), PayloadError, "no token"),
        (TOKENS, (201, {"token": None, "expires_at": "2030-01-01T00:00:00Z"}), PayloadError, "no token"),
        (ON_ENTERPRISE, (200, {"id": "../../user"}), PayloadError, "without a number"),
        (ON_ENTERPRISE, (200, {"id": True}), PayloadError, "without a number"),
        (ON_ENTERPRISE, (200, None), PayloadError, "without a number"),
    ],
)
def test_unusable_answer_gives_no_token(
    make_app_credential: MakeAppCredential,
    apps: GitHubOfApps,
    path: str,
    reply: Reply,
    error: type[GitHubError],
    said: str,
) -> None:
    """Whatever else GitHub answers is one of the usual errors, after a bounded number of tries, without a secret."""
    apps.replies[path] = reply
    with pytest.raises(error, match=said) as caught:
        make_app_credential().token()
    assert len(apps.asked) <= 4
    assert "ghs_" not in str(caught.value)
    assert "eyJ" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "reply", "cause"),
    [
        (ON_ENTERPRISE, MISSING, Cause.APP_NOT_INSTALLED),
        (TOKENS, (403, {"message": "This installation has been suspended"}), Cause.APP_SUSPENDED),
        (TOKENS, (401, {"message": "A JSON web token could not be decoded"}), Cause.APP_KEY_REJECTED),
        (TOKENS, (401, {"message": "'Expiration time' claim ('exp') is too far"}), Cause.CLOCK_WRONG),
        (TOKENS, (502, ""), Cause.SERVER_ERROR),
    ],
)
def test_missing_token_has_its_cause(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, path: str, reply: Reply, cause: Cause
) -> None:
    """The error names what is wrong with the App."""
    apps.replies[path] = reply
    apps.replies[ALL] = (200, [])
    with pytest.raises(GitHubError) as caught:
        make_app_credential().token()
    assert caught.value.cause is cause


def test_stopped_process_sends_nothing(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, stop: threading.Event
) -> None:
    """When the process ends nothing is sent, and nothing has failed."""
    stop.set()
    with pytest.raises(Stopped):
        make_app_credential().token()
    assert apps.asked == []


def test_get_refuses_the_endpoint_of_the_post(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The address of a POST is never a caller's choice."""
    with pytest.raises(ValueError, match="is not to be read"):
        client.get(ACCESS_TOKENS, f"{API}/enterprises/acme", run)
    assert len(github.calls) == 0


def test_post_follows_no_redirect(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A POST is not repeated anywhere else, not even on the same host."""
    github.post(API + TOKENS, status=307, headers={"Location": f"{API}/enterprises/acme"})
    with pytest.raises(PayloadError, match=r"^POST /app/installations/.*/access_tokens answered 307"):
        client.create_token(str(NUMBER), run)
    assert len(github.calls) == 1
