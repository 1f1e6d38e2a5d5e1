"""One GET: what is sent, what is tried again, what is waited for."""

import threading
from typing import Any

import pytest
import requests
import responses

from exporter.errors import (
    Forbidden,
    GitHubError,
    PayloadError,
    ServerError,
    Stopped,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from exporter.github.client import Client
from exporter.github.rate_limit import RateLimitWindow
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import (
    AGENT,
    NOW,
    SCIM_URL,
    SCIM_USERS,
    SYNC,
    SYNC_URL,
    TOKEN,
    FakeClock,
    MakeClient,
    RecordingObserver,
    calls,
    quota,
)


def test_request_carries_token_agent_version_and_media_type(
    client: Client, run: Run, github: responses.RequestsMock
) -> None:
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
def test_url_is_below_the_configured_base(make_client: MakeClient, base: str) -> None:
    """An endpoint is under the configured base, with path and query filled in."""
    url = make_client(base).url(SYNC, {"enterprise": "acme"}, {"page": 2, "q": "a b"})
    assert url == "https://ghes.acme.test/api/v3/enterprises/acme/license-sync-status?page=2&q=a+b"


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://api.example.com/x", "https://evil.example\\@api.example.com/x"]
)
def test_foreign_url_is_never_asked(client: Client, run: Run, github: responses.RequestsMock, url: str) -> None:
    """No address outside the configured origin is ever asked, whoever gives it."""
    with pytest.raises(PayloadError, match="another host; not followed, to keep the token here"):
        client.get(SYNC, url, run)
    assert calls(github) == 0


def test_answer_has_value_url_and_links(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """An answer is the JSON value with its address and links."""
    following = f"{SYNC_URL}?page=2"
    github.get(SYNC_URL, json=[1], headers={"Link": f'<{following}>; rel="next", <{SYNC_URL}?page=9>; rel="last"'})
    answer = client.get(SYNC, SYNC_URL, run)
    assert (answer.value, answer.url) == ([1], SYNC_URL)
    assert answer.links == {"next": following, "last": f"{SYNC_URL}?page=9"}


def test_observer_is_notified_of_every_part_of_an_answer(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, clock: FakeClock
) -> None:
    """Status, duration, accepted credential, rate limit and expiry of the token are reported."""

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
def test_missing_or_unreadable_expiry_is_reported_as_none(
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
def test_401_rejects_the_credential_and_other_refusals_accept_it(
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
def test_web_page_accepts_no_credential(
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


def test_stopped_process_sends_nothing(
    client: Client, run: Run, github: responses.RequestsMock, stop: threading.Event
) -> None:
    """When the process ends nothing more is asked."""
    stop.set()
    with pytest.raises(Stopped):
        client.get(SYNC, SYNC_URL, run)
    assert calls(github) == 0


def test_stop_ends_a_wait(
    client: Client, run: Run, github: responses.RequestsMock, stop: threading.Event, clock: FakeClock
) -> None:
    """The end of the process ends a wait for another try."""
    clock.on_wait = stop.set
    github.get(SYNC_URL, status=502)
    with pytest.raises(Stopped):
        client.get(SYNC, SYNC_URL, run)
    assert calls(github) == 1


@pytest.mark.parametrize("status", [404, 500, 502])
def test_failure_during_stop_is_not_counted(
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


def test_nothing_is_sent_after_the_deadline(client: Client, github: responses.RequestsMock, clock: FakeClock) -> None:
    """After the run's deadline nothing more is asked."""
    with pytest.raises(TimedOut, match="the run reached its deadline"):
        client.get(SYNC, SYNC_URL, Run(clock.monotonic()))
    assert calls(github) == 0


def test_deadline_during_a_wait_is_a_time_out(
    client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock, observer: RecordingObserver
) -> None:
    """A run whose deadline passes while it waits for another try ends as timed out."""
    run.deadline = clock.monotonic() + 0.1
    github.get(SYNC_URL, status=502)
    with pytest.raises(TimedOut, match="deadline"):
        client.get(SYNC, SYNC_URL, run)
    assert observer.codes == ["502"]


@pytest.mark.parametrize(("left", "expected"), [(300.0, (5.0, 30.0)), (12.0, (5.0, 12.0))])
def test_read_timeout_is_bounded_by_the_deadline(
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


def test_answer_above_the_size_limit_is_refused(
    make_client: MakeClient, run: Run, github: responses.RequestsMock
) -> None:
    """An answer of the largest size allowed is read, one byte more is refused."""
    client = make_client(limits=ClientLimits(max_response_bytes=1_000_000))
    github.get(SYNC_URL, body=b'"' + b"x" * 999_998 + b'"')
    github.get(SYNC_URL, body=b'"' + b"x" * 999_999 + b'"')
    assert len(client.get(SYNC, SYNC_URL, run).value) == 999_998
    with pytest.raises(PayloadError, match=r"larger than limits\.max_response_megabytes \(1\)"):
        client.get(SYNC, SYNC_URL, run)


def test_large_refusal_is_classified_by_its_status(
    make_client: MakeClient, run: Run, github: responses.RequestsMock
) -> None:
    """A refusal is understood by its status, however large its page is."""
    client = make_client(limits=ClientLimits(max_response_bytes=100_000))
    github.get(SYNC_URL, status=404, body=b"x" * 10_000_000)
    with pytest.raises(Unavailable):
        client.get(SYNC, SYNC_URL, run)


def test_waiting_for_a_connection_ends_at_the_deadline(
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


def test_every_ending_frees_the_connection(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
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
