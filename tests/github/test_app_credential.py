"""The token of a GitHub App: when it is renewed, and when it is new."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import responses
from structlog.testing import capture_logs

from exporter.errors import (
    GitHubError,
    ServerError,
)
from exporter.github.app_credential import NEW_TOKEN_SECONDS, PAUSE_SECONDS
from exporter.github.client import Client
from exporter.github.run import Run
from tests.github.conftest import SYNC, SYNC_URL, FakeClock, MakeAppCredential, RecordingObserver
from tests.support.github_apps import HOUR, ON_ENTERPRISE, TOKENS, GitHubOfApps


@pytest.mark.parametrize(
    ("seconds", "token"),
    [(HOUR - 301, "ghs_1"), (HOUR - 300, "ghs_2"), (HOUR - 1, "ghs_2"), (HOUR, "ghs_2"), (30 * 24 * HOUR, "ghs_2")],
)
def test_token_is_renewed_five_minutes_before_it_expires(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock, seconds: float, token: str
) -> None:
    """A token is renewed five minutes before it expires; the installation is not looked for again."""
    credential = make_app_credential()
    credential.token()
    clock.advance(seconds)
    assert credential.token() == token
    assert apps.asked.count(f"GET {ON_ENTERPRISE}") == 1


def test_failed_renewal_keeps_the_token_until_it_expires(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock
) -> None:
    """While the old token is valid it stays in use, GitHub is asked now and then; afterwards the failure shows."""
    credential = make_app_credential()
    credential.token()
    clock.advance(HOUR - 200)
    apps.replies[TOKENS] = (501, "")
    with capture_logs() as logs:
        assert [credential.token() for _ in range(5)] == ["ghs_1"] * 5
    assert [entry["event"] for entry in logs] == ["token renewal failed, current token still valid"]
    assert "ghs_" not in str(logs)
    assert apps.asked.count(f"POST {TOKENS}") == 2
    clock.advance(200)
    with pytest.raises(ServerError):
        credential.token()
    del apps.replies[TOKENS]
    clock.advance(PAUSE_SECONDS)
    assert credential.token() == "ghs_2"


def test_rejected_token_is_replaced_once(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock
) -> None:
    """A rejected token is replaced once, for all who met the 401; another 401 soon after is final."""
    credential = make_app_credential()
    rejected = credential.token()
    assert [credential.renew(rejected) for _ in range(8)] == [True] * 8
    assert (credential.token(), apps.made) == ("ghs_2", 2)
    assert credential.renew("ghs_2") is False
    assert apps.made == 2
    clock.advance(PAUSE_SECONDS)
    assert credential.renew("ghs_2") is True


def test_client_replaces_an_old_token_after_401(
    make_app_credential: MakeAppCredential,
    apps: GitHubOfApps,
    github: responses.RequestsMock,
    make_client: Callable[..., Client],
    run: Run,
    clock: FakeClock,
) -> None:
    """A client whose request is answered with 401 asks once more with a new token."""
    github.get(SYNC_URL, json={"octo": 0})
    github.get(SYNC_URL, status=401)
    github.get(SYNC_URL, json={"octo": 1})
    client = make_client(credential=make_app_credential())
    client.get(SYNC, SYNC_URL, run)
    clock.advance(NEW_TOKEN_SECONDS)
    assert client.get(SYNC, SYNC_URL, run).value == {"octo": 1}
    sent = [call.request.headers["Authorization"] for call in github.calls if call.request.url == SYNC_URL]
    assert sent == ["Bearer ghs_1", "Bearer ghs_1", "Bearer ghs_2"]
    assert apps.made == 2


def test_client_gives_a_new_token_time(
    make_app_credential: MakeAppCredential,
    apps: GitHubOfApps,
    github: responses.RequestsMock,
    make_client: Callable[..., Client],
    run: Run,
    clock: FakeClock,
    observer: RecordingObserver,
) -> None:
    """GitHub does not know a token everywhere in its first seconds: the same one is sent again."""
    for status in (401, 401):
        github.get(SYNC_URL, status=status)
    github.get(SYNC_URL, json={"octo": 1})
    client = make_client(credential=make_app_credential())
    assert client.get(SYNC, SYNC_URL, run).value == {"octo": 1}
    assert (apps.made, clock.waits) == (1, [1, 2])
    assert observer.accepted == [("auth", True)]


@pytest.mark.usefixtures("apps")
def test_token_is_new_for_ten_seconds(make_app_credential: MakeAppCredential, clock: FakeClock) -> None:
    """Only the token in use can be new."""
    credential = make_app_credential()
    assert not credential.is_new("")
    token = credential.token()
    assert credential.is_new(token)
    assert not credential.is_new("ghs_other")
    clock.advance(NEW_TOKEN_SECONDS)
    assert not credential.is_new(token)
    assert credential.renew(token)
    assert credential.is_new(credential.token())
    assert not credential.is_new(token)


@pytest.mark.parametrize(
    ("lifetime", "early"), [(HOUR, 300), (660, 300), (600, 300), (480, 240), (120, 60), (40, 10), (10, -20)]
)
def test_token_is_renewed_in_time(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock, lifetime: float, early: float
) -> None:
    """Five minutes before its end, at half its life where it is short, never with every request."""
    expires = datetime.fromtimestamp(clock.now + lifetime, UTC)
    apps.replies[TOKENS] = (201, {"token": "ghs_9", "expires_at": f"{expires:%Y-%m-%dT%H:%M:%SZ}"})
    credential = make_app_credential()
    credential.token()
    del apps.replies[TOKENS]
    clock.advance(lifetime - early - 1)
    assert credential.token() == "ghs_9"
    clock.advance(1)
    assert credential.token() == "ghs_1"


@pytest.mark.parametrize("fails", [False, True])
def test_concurrent_threads_cause_one_renewal(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, fails: bool
) -> None:
    """Eight threads that need a token cause one POST, also when it fails."""
    together = threading.Barrier(8)
    credential = make_app_credential()
    if fails:
        apps.replies[TOKENS] = (501, "")

    def ask(_: int) -> str:
        together.wait()
        try:
            return credential.token()
        except GitHubError as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(ask, range(8)))
    assert tokens == ["ServerError" if fails else "ghs_1"] * 8
    assert apps.asked == [f"GET {ON_ENTERPRISE}", f"POST {TOKENS}"]


def test_expired_token_is_not_renewed_with_every_request(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock
) -> None:
    """A token that has expired when it comes does not cause a POST with every request."""
    apps.replies[TOKENS] = (201, {"token": "ghs_9", "expires_at": "2020-01-01T00:00:00Z"})
    credential = make_app_credential()
    assert [credential.token() for _ in range(3)] == ["ghs_9"] * 3
    assert apps.asked.count(f"POST {TOKENS}") == 1
    clock.advance(PAUSE_SECONDS)
    credential.token()
    assert apps.asked.count(f"POST {TOKENS}") == 2
