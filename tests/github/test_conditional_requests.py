"""Answers that GitHub confirms by 304."""

import pytest
import responses

from exporter.errors import (
    PayloadError,
)
from exporter.github.client import Client
from exporter.github.run import Run
from tests.github.conftest import SYNC, SYNC_URL, USERS, USERS_URL, RecordingObserver, quota


def test_304_returns_the_kept_answer(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """A 304 gives the value and links that its ETag identifies, and is counted."""
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


def test_changed_answer_replaces_the_kept_one(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A changed answer takes the place of the kept one."""
    github.get(SYNC_URL, json=[1], headers={"ETag": '"1"'})
    github.get(SYNC_URL, json=[2], headers={"ETag": '"2"'})
    github.get(SYNC_URL, status=304)
    assert [client.get(SYNC, SYNC_URL, run).value for _ in range(3)] == [[1], [2], [2]]
    assert github.calls[2].request.headers["If-None-Match"] == '"2"'


def test_etag_of_one_page_is_not_sent_for_another(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The ETag of one page is not sent for another."""
    github.get(SYNC_URL, json=[1], headers={"ETag": '"1"'})
    for page in (1, 2):
        client.get(SYNC, f"{SYNC_URL}?page={page}", run)
    assert "If-None-Match" not in github.calls[1].request.headers


def test_list_without_revalidation_sends_no_etag(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """Lists that are folded and forgotten are asked for without their ETags."""
    github.get(USERS_URL, json=[1], headers={"ETag": '"1"'})
    github.get(USERS_URL, status=304)
    client.get(USERS, USERS_URL, run)
    with pytest.raises(PayloadError, match="never seen"):
        client.get(USERS, USERS_URL, run)
    assert "If-None-Match" not in github.calls[1].request.headers


def test_unexpected_304_is_a_payload_error(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A 304 that nobody asked for is a payload error."""
    github.get(SYNC_URL, status=304)
    with pytest.raises(PayloadError, match="304 for something never seen"):
        client.get(SYNC, SYNC_URL, run)


@pytest.mark.parametrize("etag", ["", '"1"\r\n "2"', f'"{chr(7)}"'])
def test_unusable_etag_is_not_sent_back(client: Client, run: Run, github: responses.RequestsMock, etag: str) -> None:
    """An ETag that cannot be sent back is forgotten, so that the next request is as good as the first."""
    github.get(SYNC_URL, json=[1], headers={"ETag": etag})
    assert [client.get(SYNC, SYNC_URL, run).value for _ in range(2)] == [[1], [1]]
    assert "If-None-Match" not in github.calls[1].request.headers


def test_answer_that_is_not_json_is_not_kept(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The login page of a proxy is an error and not kept."""
    github.get(SYNC_URL, body="<html>", headers={"ETag": '"1"'})
    for _ in range(2):
        with pytest.raises(PayloadError, match="the body is HTML"):
            client.get(SYNC, SYNC_URL, run)
    assert "If-None-Match" not in github.calls[1].request.headers


def test_run_counts_its_attempts_and_what_they_cost(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """Every attempt is a request, also one that is repeated; those answered by 304 cost nothing."""
    github.get(SYNC_URL, status=502, headers=quota(901))
    github.get(SYNC_URL, json=[1], headers={"ETag": '"1"'} | quota(900))
    github.get(SYNC_URL, status=304, headers=quota(900))
    github.get(USERS_URL, json=[1], headers=quota(170, resource="users"))
    github.get(USERS_URL, json=[1])
    for endpoint, url in ((SYNC, SYNC_URL), (SYNC, SYNC_URL), (USERS, USERS_URL), (USERS, USERS_URL)):
        client.get(endpoint, url, run)
    assert (run.requests, run.answered, run.charged) == (5, 4, {"core": 2, "users": 2})
