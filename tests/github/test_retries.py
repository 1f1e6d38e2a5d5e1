"""Which requests are tried again, how often and when; and with which token."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
import requests
import responses

from exporter.errors import (
    GitHubError,
    ServerError,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from exporter.github.client import Client
from exporter.github.run import Run
from tests.github.conftest import NOW, SYNC, SYNC_URL, FakeClock, MakeClient, RecordingObserver, Rotating, calls


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


def test_retries_are_jittered(
    make_client: MakeClient, run: Run, github: responses.RequestsMock, clock: FakeClock
) -> None:
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
def test_missing_answer_is_tried_again(
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


def test_one_broken_connection_does_not_fail_the_run(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """One broken connection does not fail the run."""
    github.get(SYNC_URL, body=requests.ConnectionError("reset"))
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert observer.codes == ["", "200"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 429, 501])
def test_final_refusals_are_not_tried_again(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, clock: FakeClock, status: int
) -> None:
    """A refusal, or an error that a retry does not help, is raised immediately."""
    github.get(SYNC_URL, status=status)
    with pytest.raises(GitHubError):
        client.get(SYNC, SYNC_URL, run)
    assert (observer.codes, observer.retries, clock.waits) == ([str(status)], [], [])


@pytest.mark.parametrize("value", ["7", format_datetime(datetime.fromtimestamp(NOW + 7, UTC), usegmt=True)])
def test_retry_after_of_a_server_error_is_obeyed(
    client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock, value: str
) -> None:
    """A failing server that says when to ask again is asked then."""
    github.get(SYNC_URL, status=503, headers={"Retry-After": value})
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert clock.waits == [pytest.approx(7)]


def test_retry_after_never_shortens_the_wait(
    client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock
) -> None:
    """A server that asks for an immediate retry is given some time all the same."""
    github.get(SYNC_URL, status=503, headers={"Retry-After": "0"})
    github.get(SYNC_URL, json=[1])
    client.get(SYNC, SYNC_URL, run)
    assert clock.waits[0] >= 0.5


@pytest.mark.parametrize(("retry_after", "attempts"), [("14", 2), ("16", 1), ("3600", 1)])
def test_retry_after_beyond_fifteen_seconds_is_final(
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


def test_slow_failures_use_up_the_time_for_retries(
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


def test_401_is_tried_once_with_a_changed_token(
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


def test_second_401_is_final(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """A second 401 is final, however many tokens there may be."""
    credential = Rotating([f"octo-{number}" for number in range(9)])
    github.get(SYNC_URL, status=401)
    with pytest.raises(Unauthorized):
        make_client(credential=credential).get(SYNC, SYNC_URL, run)
    assert calls(github) == 2


def test_401_without_another_token_is_final(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """A 401 is final when there is no other token."""
    github.get(SYNC_URL, status=401)
    with pytest.raises(Unauthorized, match="wrong, expired or revoked"):
        make_client(credential=Rotating(["octo-old"])).get(SYNC, SYNC_URL, run)
    assert calls(github) == 1


def test_rotated_token_is_used_for_the_next_request(
    make_client: MakeClient, run: Run, github: responses.RequestsMock
) -> None:
    """Each request asks the credential for its token, so that rotation needs no 401."""
    credential = Rotating(["octo-old", "octo-new"])
    client = make_client(credential=credential)
    github.get(SYNC_URL, json={})
    client.get(SYNC, SYNC_URL, run)
    credential.tokens.pop(0)
    client.get(SYNC, SYNC_URL, run)
    assert github.calls[1].request.headers["Authorization"] == "Bearer octo-new"
