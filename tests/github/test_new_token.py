"""A token that GitHub has just issued and does not know everywhere yet."""

from typing import Any

import pytest
import responses

from exporter.errors import Forbidden, GitHubError, Unauthorized
from exporter.github.client import Client
from exporter.github.retries import NEW_TOKEN_WAITS
from exporter.github.run import Run
from tests.github.conftest import SYNC, SYNC_URL, FakeClock, MakeClient, RecordingObserver, Rotating

NOT_YET: dict[str, Any] = {"status": 401, "json": {"message": "Bad credentials"}}
NOT_HERE: dict[str, Any] = {"status": 403, "json": {"message": "Resource not accessible by integration"}}
LACKS: dict[str, Any] = NOT_HERE | {"headers": {"X-Accepted-GitHub-Permissions": "enterprise_licensing=read"}}


@pytest.fixture
def credential() -> Rotating:
    """One whose first token is new."""
    return Rotating(["octo-new", "octo-newer"], new={"octo-new", "octo-newer"})


@pytest.fixture
def client(make_client: MakeClient, credential: Rotating) -> Client:
    """A client of that credential."""
    return make_client(credential=credential)


def sent(github: responses.RequestsMock) -> list[str]:
    """The tokens that were sent."""
    return [call.request.headers["Authorization"].removeprefix("Bearer ") for call in github.calls]


@pytest.mark.parametrize("refusal", [NOT_YET, NOT_HERE, LACKS], ids=["401", "403", "403 with permissions"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_new_token_that_is_refused_is_sent_again(
    client: Client,
    credential: Rotating,
    run: Run,
    github: responses.RequestsMock,
    clock: FakeClock,
    observer: RecordingObserver,
    refusal: dict[str, Any],
    times: int,
) -> None:
    """The same token is tried after one, two and four seconds; it is not replaced and never called rejected."""
    for _ in range(times):
        github.get(SYNC_URL, **refusal)
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert sent(github) == ["octo-new"] * (times + 1)
    assert clock.waits == list(NEW_TOKEN_WAITS[:times])
    assert credential.rejected == []
    assert {accepted for _, accepted in observer.accepted} == {True}


@pytest.mark.parametrize(("refusal", "kind"), [(NOT_YET, Unauthorized), (NOT_HERE, Forbidden)])
def test_new_token_that_stays_refused_is_judged(
    client: Client,
    credential: Rotating,
    run: Run,
    github: responses.RequestsMock,
    clock: FakeClock,
    observer: RecordingObserver,
    refusal: dict[str, Any],
    kind: type[GitHubError],
) -> None:
    """After the waits the refusal counts, and a newer token would help no more."""
    github.get(SYNC_URL, **refusal)
    with pytest.raises(kind):
        client.get(SYNC, SYNC_URL, run)
    assert clock.waits == list(NEW_TOKEN_WAITS)
    assert sent(github) == ["octo-new"] * 4
    assert credential.rejected == []
    assert observer.accepted[-1] == ("runner_auth", kind is Forbidden)


def test_waits_for_a_new_token_use_up_no_tries(
    client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock
) -> None:
    """Failures of the server are tried three times, and within their own time, all the same."""
    for refusal in (NOT_YET, NOT_YET, NOT_YET, {"status": 503, "headers": {"Retry-After": "9"}}, {"status": 502}):
        github.get(SYNC_URL, **refusal)
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert clock.waits[:3] == list(NEW_TOKEN_WAITS)
    assert len(github.calls) == 6


@pytest.mark.parametrize(
    "refusal", [{"status": 403, "json": {"message": "Must have admin rights to Organization."}}, {"status": 404}]
)
def test_other_refusals_of_a_new_token_are_final(
    client: Client, run: Run, github: responses.RequestsMock, clock: FakeClock, refusal: dict[str, Any]
) -> None:
    """GitHub knows the token, and says what it may not do."""
    github.get(SYNC_URL, **refusal)
    with pytest.raises(GitHubError):
        client.get(SYNC, SYNC_URL, run)
    assert clock.waits == []


def test_token_that_replaced_a_rejected_one_is_new(
    client: Client, credential: Rotating, run: Run, github: responses.RequestsMock, clock: FakeClock
) -> None:
    """An old token is replaced after a 401 without a wait, and its successor is given time."""
    credential.new = {"octo-newer"}
    for _ in range(3):
        github.get(SYNC_URL, **NOT_YET)
    github.get(SYNC_URL, json=[1])
    assert client.get(SYNC, SYNC_URL, run).value == [1]
    assert sent(github) == ["octo-new", *["octo-newer"] * 3]
    assert clock.waits == [1, 2]
