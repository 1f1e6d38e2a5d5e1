"""One GET: what is sent, what is tried again, what is waited for."""

import ssl
import threading
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
import requests
import responses

from exporter.errors import (
    Forbidden,
    GitHubError,
    PayloadError,
    RateLimited,
    ServerError,
    Stopped,
    TimedOut,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from exporter.github.client import Client
from exporter.github.endpoint import SCIM, Endpoint
from exporter.github.rate_limit import MAX_WAIT_SECONDS, RateLimitWindow
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    AGENT,
    API,
    NOW,
    SYNC,
    SYNC_URL,
    TOKEN,
    USERS,
    USERS_URL,
    FakeClock,
    MakeClient,
    RecordingObserver,
    Rotating,
)

SCIM_USERS = Endpoint("/scim/v2/enterprises/{enterprise}/Users", "scim:enterprise", accept=SCIM)
SCIM_URL = f"{API}/scim/v2/enterprises/acme/Users"
BODY_TEXT = "octo-secret-body"
QUERY = "cursor=octo-secret-query"


def quota(remaining: float, reset: float = NOW + 1800, resource: str = "core") -> dict[str, str]:
    """Headers of an answer under a primary limit of a thousand."""
    return {
        "X-RateLimit-Limit": "1000",
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(reset),
        "X-RateLimit-Resource": resource,
    }


def calls(github: responses.RequestsMock) -> int:
    """How many requests were sent."""
    return len(github.calls)


def test_what_is_sent(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A request carries the token, who asks, the version of the API and the media type wanted."""
    github.get(SYNC_URL, json={})
    github.get(SCIM_URL, json={})
    client.get(SYNC, SYNC_URL, run)
    client.get(SCIM_USERS, SCIM_URL, run)
    first, second = (call.request.headers for call in github.calls)
    assert first["Authorization"] == f"Bearer {TOKEN}"
    assert first["User-Agent"] == AGENT
    assert first["X-GitHub-Api-Version"] == "2022-11-28"
    assert first["Accept"] == "application/vnd.github+json, application/json;q=0.9"
    assert first["Accept-Encoding"] == "gzip, deflate"
    assert second["Accept"] == "application/scim+json, application/json;q=0.9"
    assert {call.request.method for call in github.calls} == {"GET"}


@pytest.mark.parametrize("base", ["https://ghes.acme.test/api/v3", "https://ghes.acme.test/api/v3/"])
def test_url(make_client: MakeClient, base: str) -> None:
    """An endpoint is under the configured base, with path and query filled in."""
    url = make_client(base).url(SYNC, {"enterprise": "acme"}, {"page": 2, "q": "a b"})
    assert url == "https://ghes.acme.test/api/v3/enterprises/acme/license-sync-status?page=2&q=a+b"


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://api.example.com/x", "https://evil.example\\@api.example.com/x"]
)
def test_foreign_url(client: Client, run: Run, github: responses.RequestsMock, url: str) -> None:
    """No address outside the configured origin is ever asked, whoever gives it."""
    with pytest.raises(PayloadError, match="another host; not followed, to keep the token here"):
        client.get(SYNC, url, run)
    assert calls(github) == 0


def test_answer(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """An answer is the JSON value with its address and links."""
    following = f"{SYNC_URL}?page=2"
    github.get(SYNC_URL, json=[1], headers={"Link": f'<{following}>; rel="next", <{SYNC_URL}?page=9>; rel="last"'})
    answer = client.get(SYNC, SYNC_URL, run)
    assert (answer.value, answer.url) == ([1], SYNC_URL)
    assert answer.links == {"next": following, "last": f"{SYNC_URL}?page=9"}


def test_what_the_observer_hears(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, clock: FakeClock
) -> None:
    """Each answer tells its status, its duration, that the credential works, its budget and when the token expires."""

    def slow(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        clock.advance(2.5)
        return 200, quota(900) | {"GitHub-Authentication-Token-Expiration": "2026-12-01 10:00:00 UTC"}, "{}"

    github.add_callback(responses.GET, SYNC_URL, callback=slow)
    client.get(SYNC, SYNC_URL, run)
    assert (observer.codes, observer.seconds) == (["200"], [2.5])
    assert observer.accepted == [("auth", True)]
    assert observer.windows == [("auth", RateLimitWindow("core", 1000, 900, NOW + 1800))]
    assert observer.expirations == [("auth", 1_796_119_200.0)]
    assert (observer.retries, observer.unchanged) == ([], [])


@pytest.mark.parametrize("value", [None, "", "never"])
def test_token_without_expiry(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, value: str | None
) -> None:
    """A token that does not expire, or says so in a way nobody knows, has no expiry."""
    headers = {} if value is None else {"GitHub-Authentication-Token-Expiration": value}
    github.get(SYNC_URL, json={}, headers=headers)
    client.get(SYNC, SYNC_URL, run)
    assert observer.expirations == [("auth", None)]


@pytest.mark.parametrize(
    ("status", "accepted", "kind"),
    [
        (401, [("auth", False)], Unauthorized),
        (403, [("auth", True)], Forbidden),
        (404, [("auth", True)], Unavailable),
        (422, [("auth", True)], PayloadError),
        (501, [], ServerError),
    ],
)
def test_credential_is_judged(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    observer: RecordingObserver,
    status: int,
    accepted: list[tuple[str, bool]],
    kind: type[GitHubError],
) -> None:
    """A 401 rejects the credential, any other refusal accepts it, a failing server says nothing of it."""
    github.get(SYNC_URL, status=status, headers=quota(17))
    with pytest.raises(kind):
        client.get(SYNC, SYNC_URL, run)
    assert observer.accepted == accepted
    assert observer.codes == [str(status)]
    assert len(observer.windows) == (0 if status == 401 else 1)
    assert observer.expirations == []


@pytest.mark.parametrize(("status", "accepted"), [(200, []), (403, []), (404, []), (401, [("auth", False)])])
def test_a_web_page_accepts_no_credential(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    observer: RecordingObserver,
    status: int,
    accepted: list[tuple[str, bool]],
) -> None:
    """Who answers with a page is not the API, and knows neither the credential nor when it expires."""
    github.get(SYNC_URL, status=status, body="<html>Blocked")
    with pytest.raises(GitHubError):
        client.get(SYNC, SYNC_URL, run)
    assert (observer.accepted, observer.expirations) == (accepted, [])


# Retries


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_failure_is_tried_again(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, clock: FakeClock, status: int
) -> None:
    """After a failure of the server the same is asked again, a little later and then later still."""
    github.get(SYNC_URL, status=status, body="<h1>octo</h1>")
    github.get(SYNC_URL, status=status)
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert observer.codes == [str(status), str(status), "200"]
    assert observer.retries == [SYNC.path] * 2
    first, second = clock.waits
    assert 0.5 <= first < 1.5
    assert 1.0 <= second < 3.0


def test_waits_are_spread(make_client: MakeClient, run: Run, github: responses.RequestsMock, clock: FakeClock) -> None:
    """Requests that failed together are not repeated together."""
    github.get(SYNC_URL, status=502)
    client = make_client()
    for _ in range(5):
        with pytest.raises(ServerError):
            client.get(SYNC, SYNC_URL, run)
    assert len(set(clock.waits)) == 10


def test_third_failure_is_final(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """The third failure in a row is reported."""
    github.get(SYNC_URL, status=502)
    with pytest.raises(ServerError, match="answered 502"):
        client.get(SYNC, SYNC_URL, run)
    assert (observer.codes, len(observer.retries)) == (["502"] * 3, 2)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (requests.ConnectionError("refused"), Unreachable),
        (requests.ConnectTimeout(), TimedOut),
        (requests.ReadTimeout(), TimedOut),
        (requests.exceptions.ProxyError(), Unreachable),
    ],
)
def test_no_answer_is_tried_again(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    observer: RecordingObserver,
    failure: Exception,
    kind: type[GitHubError],
) -> None:
    """Without an answer the same is asked again, three times in all; the status of such an attempt is empty."""
    github.get(SYNC_URL, body=failure)
    with pytest.raises(kind):
        client.get(SYNC, SYNC_URL, run)
    assert (observer.codes, len(observer.retries)) == ([""] * 3, 2)
    assert observer.accepted == []


def test_one_failure_is_survived(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """One broken connection does not fail the run."""
    github.get(SYNC_URL, body=requests.ConnectionError("reset"))
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert observer.codes == ["", "200"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 429, 501])
def test_final_answers(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, clock: FakeClock, status: int
) -> None:
    """A refusal or an error that repeating does not cure is reported at once."""
    github.get(SYNC_URL, status=status)
    with pytest.raises(GitHubError):
        client.get(SYNC, SYNC_URL, run)
    assert (observer.codes, observer.retries, clock.waits) == ([str(status)], [], [])


@pytest.mark.parametrize("value", ["7", format_datetime(datetime.fromtimestamp(NOW + 7, UTC), usegmt=True)])
def test_retry_after_is_obeyed(
    client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock, value: str
) -> None:
    """A failing server that says when to ask again is asked then."""
    github.get(SYNC_URL, status=503, headers={"Retry-After": value})
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert clock.waits == [pytest.approx(7)]


def test_retry_after_never_shortens(client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock) -> None:
    """A server that says to ask at once is not hammered."""
    github.get(SYNC_URL, status=503, headers={"Retry-After": "0"})
    github.get(SYNC_URL, json=[1])
    client.get(SYNC, SYNC_URL, run)
    assert clock.waits[0] >= 0.5


@pytest.mark.parametrize(("retry_after", "attempts"), [("14", 2), ("16", 1), ("3600", 1)])
def test_tries_end_in_time(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    observer: RecordingObserver,
    retry_after: str,
    attempts: int,
) -> None:
    """What would be repeated only after fifteen seconds is left to the next run."""
    github.get(SYNC_URL, status=503, headers={"Retry-After": retry_after})
    with pytest.raises(ServerError):
        client.get(SYNC, SYNC_URL, run)
    assert len(observer.codes) == attempts


def test_slow_failures_are_not_repeated(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, clock: FakeClock
) -> None:
    """The time that failed attempts take counts too."""

    def slow(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        clock.advance(10)
        return 504, {}, ""

    github.add_callback(responses.GET, SYNC_URL, callback=slow)
    with pytest.raises(ServerError):
        client.get(SYNC, SYNC_URL, run)
    assert observer.codes == ["504", "504"]


# Stopping and deadlines


def test_stopped(client: Client, run: Run, github: responses.RequestsMock, stop: threading.Event) -> None:
    """When the process ends nothing more is asked."""
    stop.set()
    with pytest.raises(Stopped):
        client.get(SYNC, SYNC_URL, run)
    assert calls(github) == 0


def test_stopped_while_waiting(
    client: Client, run: Run, github: responses.RequestsMock, stop: threading.Event, clock: FakeClock
) -> None:
    """The end of the process ends a wait for another try."""
    clock.on_wait = stop.set
    github.get(SYNC_URL, status=502)
    with pytest.raises(Stopped):
        client.get(SYNC, SYNC_URL, run)
    assert calls(github) == 1


@pytest.mark.parametrize("status", [404, 500, 502])
def test_stopped_while_asking(
    client: Client, run: Run, github: responses.RequestsMock, stop: threading.Event, status: int
) -> None:
    """What goes wrong while the process ends is no failure."""

    def end(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        stop.set()
        return status, {}, ""

    github.add_callback(responses.GET, SYNC_URL, callback=end)
    with pytest.raises(Stopped):
        client.get(SYNC, SYNC_URL, run)
    assert calls(github) == 1


def test_deadline_passed(client: Client, github: responses.RequestsMock, clock: FakeClock) -> None:
    """After the run's deadline nothing more is asked."""
    with pytest.raises(TimedOut, match="the run reached its deadline"):
        client.get(SYNC, SYNC_URL, Run(clock.monotonic()))
    assert calls(github) == 0


def test_deadline_while_waiting(
    client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock, observer: RecordingObserver
) -> None:
    """A run whose deadline passes while it waits for another try ends as timed out."""
    run.deadline = clock.monotonic() + 0.1
    github.get(SYNC_URL, status=502)
    with pytest.raises(TimedOut, match="deadline"):
        client.get(SYNC, SYNC_URL, run)
    assert observer.codes == ["502"]


@pytest.mark.parametrize(("left", "expected"), [(300.0, (5.0, 30.0)), (12.0, (5.0, 12.0))])
def test_time_limits_of_a_request(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    clock: FakeClock,
    left: float,
    expected: tuple[float, float],
) -> None:
    """Connecting and reading have limits, and no read may last longer than the run."""
    run.deadline = clock.monotonic() + left
    github.get(SYNC_URL, json={})
    client.get(SYNC, SYNC_URL, run)
    kwargs: dict[str, Any] = github.calls[0].request.req_kwargs  # type: ignore[attr-defined]
    assert kwargs["timeout"] == expected
    assert kwargs["stream"] is True


# Tokens that are renewed


def test_renewed_token(
    make_client: MakeClient, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """After a 401 a token that has changed meanwhile is tried once."""
    credential = Rotating(["octo-old", "octo-new"])
    github.get(SYNC_URL, status=401)
    github.get(SYNC_URL, json=[1])
    assert make_client(credential=credential).get(SYNC, SYNC_URL, run).value == [1]
    assert [call.request.headers["Authorization"] for call in github.calls] == ["Bearer octo-old", "Bearer octo-new"]
    assert credential.rejected == ["octo-old"]
    assert observer.accepted == [("runner_auth", False), ("runner_auth", True)]


def test_renewed_once_only(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """A second 401 is final, however many tokens there may be."""
    credential = Rotating([f"octo-{number}" for number in range(9)])
    github.get(SYNC_URL, status=401)
    with pytest.raises(Unauthorized):
        make_client(credential=credential).get(SYNC, SYNC_URL, run)
    assert calls(github) == 2


def test_nothing_to_renew(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """A 401 is final when there is no other token."""
    github.get(SYNC_URL, status=401)
    with pytest.raises(Unauthorized, match="wrong, expired or revoked"):
        make_client(credential=Rotating(["octo-old"])).get(SYNC, SYNC_URL, run)
    assert calls(github) == 1


def test_new_token_is_used_at_once(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """Each request asks the credential for its token, so that rotation needs no 401."""
    credential = Rotating(["octo-old", "octo-new"])
    client = make_client(credential=credential)
    github.get(SYNC_URL, json={})
    client.get(SYNC, SYNC_URL, run)
    credential.tokens.pop(0)
    client.get(SYNC, SYNC_URL, run)
    assert github.calls[1].request.headers["Authorization"] == "Bearer octo-new"


# Rate limits


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
def test_paused_credential_asks_nothing(
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
def test_what_a_limit_stops(
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


def test_other_credentials_go_on(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """What one credential used up is not taken from another."""
    github.get(SYNC_URL, status=429)
    github.get(SYNC_URL, json={})
    with pytest.raises(RateLimited):
        make_client().get(SYNC, SYNC_URL, run)
    make_client(credential=Rotating(["octo-other"])).get(SYNC, SYNC_URL, run)


@pytest.mark.parametrize(
    ("remaining", "essential", "goes_on"), [(100, False, True), (99, False, False), (99, True, True), (0, True, False)]
)
def test_reserve(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    clock: FakeClock,
    remaining: int,
    essential: bool,
    goes_on: bool,
) -> None:
    """Below the reserve only essential runs go on; with nothing left, none does before the reset."""
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


def test_anonymous_budget(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The budget that a 401 shows is not the credential's and stops nothing."""
    github.get(SYNC_URL, status=401, headers=quota(0))
    for _ in range(2):
        with pytest.raises(Unauthorized):
            client.get(SYNC, SYNC_URL, run)


def test_limit_while_waiting_for_a_connection(
    make_client: MakeClient, run: Run, github: responses.RequestsMock
) -> None:
    """A request that waits for a free connection is not sent any more when a limit is reached meanwhile."""
    second_is_coming = threading.Event()
    failed: list[GitHubError] = []

    @dataclass
    class Announcing:
        name: str = "auth"
        asked: int = 0

        def token(self) -> str:
            self.asked += 1
            if self.asked == 2:
                second_is_coming.set()
            return TOKEN

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


# Revalidation


def test_not_modified(client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver) -> None:
    """A 304 gives the value and links that its ETag stands for, and is counted."""
    link = {"Link": f'<{SYNC_URL}?page=2>; rel="next"'}
    github.get(SYNC_URL, json=[1], headers={"ETag": 'W/"1"'} | link)
    github.get(SYNC_URL, status=304, headers=quota(900))
    first, second = (client.get(SYNC, SYNC_URL, run) for _ in range(2))
    assert second == first
    assert second.links == {"next": f"{SYNC_URL}?page=2"}
    assert "If-None-Match" not in github.calls[0].request.headers
    assert github.calls[1].request.headers["If-None-Match"] == 'W/"1"'
    assert (observer.codes, observer.unchanged) == (["200", "304"], [SYNC.path])
    assert observer.accepted[-1] == ("auth", True)
    assert len(observer.windows) == 1


def test_modified(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A changed answer takes the place of the kept one."""
    github.get(SYNC_URL, json=[1], headers={"ETag": '"1"'})
    github.get(SYNC_URL, json=[2], headers={"ETag": '"2"'})
    github.get(SYNC_URL, status=304)
    assert [client.get(SYNC, SYNC_URL, run).value for _ in range(3)] == [[1], [2], [2]]
    assert github.calls[2].request.headers["If-None-Match"] == '"2"'


def test_each_address_has_its_own(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The ETag of one page is not sent for another."""
    github.get(SYNC_URL, json=[1], headers={"ETag": '"1"'})
    for page in (1, 2):
        client.get(SYNC, f"{SYNC_URL}?page={page}", run)
    assert "If-None-Match" not in github.calls[1].request.headers


def test_never_kept(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """Lists that are folded and forgotten are asked for without their ETags."""
    github.get(USERS_URL, json=[1], headers={"ETag": '"1"'})
    github.get(USERS_URL, status=304)
    client.get(USERS, USERS_URL, run)
    with pytest.raises(PayloadError, match="never seen"):
        client.get(USERS, USERS_URL, run)
    assert "If-None-Match" not in github.calls[1].request.headers


def test_confirmation_of_nothing(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A 304 that nobody asked for is a payload error."""
    github.get(SYNC_URL, status=304)
    with pytest.raises(PayloadError, match="304 for something never seen"):
        client.get(SYNC, SYNC_URL, run)


@pytest.mark.parametrize("etag", ["", '"1"\r\n "2"', f'"{chr(7)}"'])
def test_unusable_etag(client: Client, run: Run, github: responses.RequestsMock, etag: str) -> None:
    """An ETag that cannot be sent back is forgotten, so that the next request is as good as the first."""
    github.get(SYNC_URL, json=[1], headers={"ETag": etag})
    assert [client.get(SYNC, SYNC_URL, run).value for _ in range(2)] == [[1], [1]]
    assert "If-None-Match" not in github.calls[1].request.headers


def test_what_is_no_json_is_not_kept(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The login page of a proxy is an error and not kept."""
    github.get(SYNC_URL, body="<html>", headers={"ETag": '"1"'})
    for _ in range(2):
        with pytest.raises(PayloadError, match="the body is HTML"):
            client.get(SYNC, SYNC_URL, run)
    assert "If-None-Match" not in github.calls[1].request.headers


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_at_home(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, status: int
) -> None:
    """A redirect on the same host is followed with the token, and the answer knows where it came from."""
    github.get(SYNC_URL, status=status, headers={"Location": "/enterprises/17/license-sync-status"})
    github.get(f"{API}/enterprises/17/license-sync-status", json=[1])
    answer = client.get(SYNC, SYNC_URL, run)
    assert (answer.value, answer.url) == ([1], f"{API}/enterprises/17/license-sync-status")
    assert github.calls[1].request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert observer.codes == [str(status), "200"]


@pytest.mark.parametrize(("redirects", "follows"), [(5, True), (6, False)])
def test_chain_of_redirects(
    client: Client, run: Run, github: responses.RequestsMock, redirects: int, follows: bool
) -> None:
    """Five redirects in a row are followed, no more."""
    for number in range(redirects):
        github.get(f"{API}/{number}", status=302, headers={"Location": f"/{number + 1}"})
    github.get(f"{API}/{redirects}", json=[1])
    if follows:
        assert client.get(SYNC, f"{API}/0", run).value == [1]
    else:
        with pytest.raises(PayloadError, match="redirected more than 5 times"):
            client.get(SYNC, f"{API}/0", run)
        assert calls(github) == 6


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/x",
        "http://api.example.com/x",
        "https://api.example.com:8443/x",
        "//evil.example/x",
        "https://evil.example\\@api.example.com/x",
        "https://user:secret@api.example.com/x",
        "ftp://api.example.com/x",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_redirect_abroad(client: Client, run: Run, github: responses.RequestsMock, location: str) -> None:
    """A redirect to another scheme, host or port is not followed."""
    github.get(SYNC_URL, status=302, headers={"Location": location})
    with pytest.raises(PayloadError, match="another host; not followed, to keep the token here"):
        client.get(SYNC, SYNC_URL, run)
    assert calls(github) == 1


def test_redirect_to_nowhere(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A redirect that does not say where to is a payload error."""
    github.get(SYNC_URL, status=302)
    with pytest.raises(PayloadError, match="answered 302"):
        client.get(SYNC, SYNC_URL, run)


# Bounds


def test_large_answer(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """An answer of the largest size allowed is read, one byte more is refused."""
    client = make_client(limits=ClientLimits(max_response_bytes=1_000_000))
    github.get(SYNC_URL, body=b'"' + b"x" * 999_998 + b'"')
    github.get(SYNC_URL, body=b'"' + b"x" * 999_999 + b'"')
    assert len(client.get(SYNC, SYNC_URL, run).value) == 999_998
    with pytest.raises(PayloadError, match=r"larger than limits\.max_response_megabytes \(1\)"):
        client.get(SYNC, SYNC_URL, run)


def test_large_refusal(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """A refusal is understood by its status, however large its page is."""
    client = make_client(limits=ClientLimits(max_response_bytes=100_000))
    github.get(SYNC_URL, status=404, body=b"x" * 10_000_000)
    with pytest.raises(Unavailable):
        client.get(SYNC, SYNC_URL, run)


def test_waiting_for_a_connection_ends(
    make_client: MakeClient, run: Run, github: responses.RequestsMock, clock: FakeClock
) -> None:
    """A request that gets no free connection before the run's deadline times out."""
    busy, done = threading.Event(), threading.Event()

    def hang(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        busy.set()
        assert done.wait(10)
        return 200, {}, "{}"

    github.add_callback(responses.GET, SYNC_URL, callback=hang)
    client = make_client(limits=ClientLimits(max_concurrency=1))
    other = threading.Thread(target=client.get, args=(SYNC, SYNC_URL, run))
    other.start()
    assert busy.wait(10)
    try:
        with pytest.raises(TimedOut, match="no free connection before the run's deadline"):
            client.get(SYNC, SYNC_URL, Run(clock.monotonic() + 0.01))
    finally:
        done.set()
        other.join(10)
    assert client.get(SYNC, SYNC_URL, run).value == {}


def test_connections_are_given_back(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """However a request ends, the next one finds a free connection."""
    client = make_client(limits=ClientLimits(max_concurrency=1, tries=1))
    bodies: list[Any] = [b"", b"<html>", requests.ConnectionError(), requests.ReadTimeout(), ValueError("a bug")]
    for body in bodies:
        github.get(SYNC_URL, body=body)
    github.get(SYNC_URL, json=[1])
    for _ in bodies:
        with pytest.raises((GitHubError, ValueError)):
            client.get(SYNC, SYNC_URL, run)
    assert client.get(SYNC, SYNC_URL, run).value == [1]


# What errors tell


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
def test_errors_keep_secrets(
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
def test_hints_without_an_answer(
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


def test_untrusted_certificate_is_final(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """A certificate that is not trusted is not tried again."""
    github.get(SYNC_URL, body=requests.exceptions.SSLError(ssl.SSLCertVerificationError()))
    with pytest.raises(Unreachable):
        client.get(SYNC, SYNC_URL, run)
    assert observer.codes == [""]
