"""What a client sends after GitHub reported a rate limit."""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pytest
import requests
import responses
from structlog.testing import capture_logs

from exporter.errors import (
    GitHubError,
    RateLimited,
    Unauthorized,
)
from exporter.github.auth import PersonalAccessToken
from exporter.github.client import Client
from exporter.github.rate_limit import MAX_WAIT_SECONDS
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    NOW,
    SCIM_URL,
    SCIM_USERS,
    SYNC,
    SYNC_URL,
    TOKEN,
    FakeClock,
    MakeClient,
    RecordingObserver,
    Rotating,
    calls,
    quota,
)


@pytest.mark.parametrize(
    ("status", "headers", "message", "seconds"),
    [
        (403, {"Retry-After": "90"}, "", 90),
        (403, {"Retry-After": "5"}, "You have exceeded a secondary rate limit", 60),
        (429, {}, "", 60),
        (429, {"Retry-After": "86400"}, "", MAX_WAIT_SECONDS),
        (403, quota(0), "API rate limit exceeded", 1800),
        (403, quota(0, NOW - 100), "API rate limit exceeded", 60),
        (403, quota(0, NOW + 86_400), "API rate limit exceeded", MAX_WAIT_SECONDS),
    ],
)
def test_nothing_is_sent_until_a_limit_ends(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    clock: FakeClock,
    observer: RecordingObserver,
    status: int,
    headers: dict[str, str],
    message: str,
    seconds: float,
) -> None:
    """After a limit nothing is sent, not even what is essential, until the moment to come back, and then it is."""
    run.essential = True
    run.deadline = float("inf")
    github.get(SYNC_URL, status=status, headers=headers, json={"message": message})
    github.get(SYNC_URL, json=[1])
    with pytest.raises(RateLimited) as caught:
        client.get(SYNC, SYNC_URL, run)
    assert caught.value.retry_at == NOW + seconds
    for advance in (0, seconds - 1):
        clock.advance(advance)
        with pytest.raises(RateLimited, match="not sent") as caught:
            client.get(SYNC, SYNC_URL, run)
        assert caught.value.retry_at == NOW + seconds
    assert (calls(github), observer.codes) == (1, [str(status)])
    clock.advance(1)
    assert client.get(SYNC, SYNC_URL, run).value == [1]


@pytest.mark.parametrize(
    ("headers", "message", "others_go_on"),
    [
        (quota(0, resource="scim"), "API rate limit exceeded", True),
        ({"Retry-After": "60"}, "You have exceeded a secondary rate limit", False),
    ],
)
def test_primary_limit_stops_its_resource_and_secondary_the_credential(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    headers: dict[str, str],
    message: str,
    others_go_on: bool,
) -> None:
    """A primary limit stops its resource, a secondary one the whole credential."""
    github.get(SYNC_URL, json={}, headers=quota(900))
    github.get(SCIM_URL, json={}, headers=quota(900, resource="scim"))
    github.get(SCIM_URL, json={"message": message}, status=403, headers=headers)
    client.get(SYNC, SYNC_URL, run)
    client.get(SCIM_USERS, SCIM_URL, run)
    with pytest.raises(RateLimited):
        client.get(SCIM_USERS, SCIM_URL, run)
    if others_go_on:
        client.get(SYNC, SYNC_URL, run)
    else:
        with pytest.raises(RateLimited):
            client.get(SYNC, SYNC_URL, run)


def test_limit_of_one_credential_does_not_stop_another(
    make_client: MakeClient, run: Run, github: responses.RequestsMock
) -> None:
    """What one credential used up is not taken from another."""
    github.get(SYNC_URL, status=429)
    github.get(SYNC_URL, json={})
    with pytest.raises(RateLimited):
        make_client().get(SYNC, SYNC_URL, run)
    make_client(credential=Rotating(["octo-other"])).get(SYNC, SYNC_URL, run)


@pytest.mark.parametrize(
    ("remaining", "essential", "goes_on"), [(100, False, True), (99, False, False), (99, True, True), (0, True, False)]
)
def test_only_essential_runs_use_the_reserve(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    clock: FakeClock,
    remaining: int,
    essential: bool,
    goes_on: bool,
) -> None:
    """Below the reserve only essential runs continue; with nothing left, none does before the reset."""
    run.essential, run.deadline = essential, float("inf")
    github.get(SYNC_URL, json={}, headers=quota(remaining))
    client.get(SYNC, SYNC_URL, run)
    if goes_on:
        client.get(SYNC, SYNC_URL, run)
    else:
        with pytest.raises(RateLimited, match="rate limit or reserve reached") as caught:
            client.get(SYNC, SYNC_URL, run)
        assert caught.value.retry_at == NOW + 1800
        assert calls(github) == 1
        clock.advance(1800)
        client.get(SYNC, SYNC_URL, run)


def test_rate_limit_of_a_401_is_ignored(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The budget that a 401 shows is not the credential's and stops nothing."""
    github.get(SYNC_URL, status=401, headers=quota(0))
    for _ in range(2):
        with pytest.raises(Unauthorized):
            client.get(SYNC, SYNC_URL, run)


def test_limit_reached_while_waiting_for_a_connection_stops_the_request(
    make_client: MakeClient, run: Run, github: responses.RequestsMock
) -> None:
    """A request that waits for a free connection is not sent any more when a limit is reached meanwhile."""
    second_is_coming = threading.Event()
    failed: list[GitHubError] = []

    @dataclass
    class Announcing:
        name: str = "auth"
        scheme: Literal["Bearer", "Basic"] = "Bearer"
        asked: int = 0

        def token(self) -> str:
            self.asked += 1
            if self.asked == 2:
                second_is_coming.set()
            return TOKEN

        rate_limit_key = staticmethod(lambda: "octo")

        def is_new(self, token: str) -> bool:
            del token
            return False

        def renew(self, rejected: str) -> bool:
            raise AssertionError(rejected)

    def limit(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        assert second_is_coming.wait(10)
        return 429, {}, ""

    github.add_callback(responses.GET, SYNC_URL, callback=limit)
    client = make_client(credential=Announcing(), limits=ClientLimits(max_concurrency=1))

    def ask() -> None:
        try:
            client.get(SYNC, SYNC_URL, run)
        except GitHubError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [type(error) for error in failed] == [RateLimited, RateLimited]
    assert calls(github) == 1


@pytest.mark.parametrize(
    "headers",
    [
        quota(900) | {"X-RateLimit-Limit": "0"},
        quota(0, NOW - 3600),
        quota(0, NOW + 100 * 365 * 86_400),
        quota(2000),
    ],
    ids=["limit of 0", "reset an hour ago", "reset in another century", "more than the limit"],
)
def test_headers_that_make_no_sense_stop_nothing_and_are_reported_once(
    client: Client, run: Run, github: responses.RequestsMock, headers: dict[str, str]
) -> None:
    """Requests go on, and one line of the log says why the pace does not follow the headers."""
    github.get(SYNC_URL, json=[1], headers=headers)
    with capture_logs() as logs:
        for _ in range(3):
            client.get(SYNC, SYNC_URL, run)
    assert [entry["event"] for entry in logs] == ["rate limit headers make no sense, ignored"]
    assert client.rate_limits.forecast(NOW) == {}


def test_replaced_token_has_limits_of_its_own(
    make_client: MakeClient, run: Run, github: responses.RequestsMock
) -> None:
    """What the former token has left says nothing about the new one; with the former one it is known again."""
    tokens = ["one"]
    client = make_client(credential=PersonalAccessToken("auth", lambda: tokens[0]))
    github.get(SYNC_URL, json=[1], headers=quota(17))
    client.get(SYNC, SYNC_URL, run)
    assert client.rate_limits.in_force(NOW)["core"].window.remaining == 17
    with pytest.raises(RateLimited):
        client.get(SYNC, SYNC_URL, run)
    tokens[0] = "two"
    assert client.rate_limits.in_force(NOW) == {}
    client.get(SYNC, SYNC_URL, run)


def test_limits_are_found_without_showing_the_secret(make_client: MakeClient) -> None:
    """What identifies a credential is no token, and equal for equal ones alone."""
    keys = [PersonalAccessToken("auth", partial(str, token)).rate_limit_key() for token in ("ghp_a", "ghp_b", "ghp_a")]
    assert keys[0] == keys[2] != keys[1]
    assert "ghp" not in keys[0]
    assert make_client().rate_limits is not make_client().rate_limits
