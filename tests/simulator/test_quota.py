"""Rate limits and revalidation of the simulated GitHub."""

from collections.abc import Callable, Iterator

import pytest
import requests

from exporter.simulator import Simulator
from exporter.simulator.api.quota import MAX_TOKENS, Quotas

Get = Callable[..., requests.Response]
SYNC = "/enterprises/octo-corp/license-sync-status"
RUNNERS = "/enterprises/octo-corp/actions/runners"


@pytest.fixture
def simulator(moments: list[float]) -> Iterator[Simulator]:
    """A simulated GitHub that allows three requests an hour."""
    with Simulator(rate_limit=3, now=lambda: moments[-1]) as running:
        yield running


def remaining(answer: requests.Response) -> int:
    """Return what the answer says is left."""
    return int(answer.headers["X-RateLimit-Remaining"])


def test_every_answer_uses_one_request(get: Get, moments: list[float]) -> None:
    """Each answer, also a 404, uses one request of the quota."""
    first, second = get(SYNC), get("/nothing")
    assert (remaining(first), remaining(second)) == (2, 1)
    assert first.headers["X-RateLimit-Limit"] == "3"
    assert second.headers["X-RateLimit-Used"] == "2"
    assert first.headers["X-RateLimit-Reset"] == str(int(moments[0]) + 3_600)
    assert first.headers["X-RateLimit-Resource"] == "core"


def test_used_up_quota_is_403_until_its_reset(get: Get, moments: list[float]) -> None:
    """When it is used up the answer is 403 until the hour is over."""
    for _ in range(3):
        assert get(SYNC).status_code == 200
    refused = get(SYNC)
    assert refused.status_code == 403
    assert "rate limit exceeded" in refused.json()["message"]
    assert (remaining(refused), refused.headers["X-RateLimit-Used"]) == (0, "3")
    moments.append(float(refused.headers["X-RateLimit-Reset"]))
    assert remaining(get(SYNC)) == 2


def test_each_token_has_its_own(get: Get) -> None:
    """The requests of one token do not count for another."""
    get(SYNC)
    assert remaining(get(SYNC, headers={"Authorization": "Bearer other"})) == 2


def test_rate_limit_is_free(get: Get) -> None:
    """Asking what is left uses nothing, and the answer is true."""
    get(SYNC)
    for _ in range(5):
        core = get("/rate_limit").json()["resources"]["core"]
        assert (core["limit"], core["used"], core["remaining"]) == (3, 1, 2)


def test_not_modified_is_free(get: Get) -> None:
    """A revalidated answer is 304 without a body and uses no quota."""
    first = get(SYNC)
    for etag in (first.headers["ETag"], first.headers["ETag"].removeprefix("W/"), f'"x", {first.headers["ETag"]}'):
        again = get(SYNC, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert (remaining(again), again.headers["ETag"]) == (2, first.headers["ETag"])
    assert first.headers["ETag"].startswith('W/"')


def test_changed_state_costs_a_request(get: Get, moments: list[float]) -> None:
    """When the state has changed an old ETag gets the new answer, and that counts."""
    first = get(RUNNERS)
    moments.append(moments[0] + 1_800)
    second = get(RUNNERS, headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, remaining(second)) == (200, 1)
    assert second.headers["ETag"] != first.headers["ETag"]


def test_server_has_no_quota(get: Get) -> None:
    """GitHub Enterprise Server answers as often as it is asked."""
    path = "/api/v3/enterprises/octo-server/actions/runner-groups"
    assert {get(path).status_code for _ in range(5)} == {200}


def test_oldest_tokens_are_forgotten_first() -> None:
    """Only so many tokens are remembered; the oldest are forgotten first."""
    quotas = Quotas(10)
    for number in range(MAX_TOKENS + 1):
        quotas.use(f"token-{number}", 0.0)
    assert quotas.look("token-1", 0.0).used == 1
    assert quotas.look("token-0", 0.0).used == 0
