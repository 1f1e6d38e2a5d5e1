"""GitHub as a collector sees it."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses
from responses import matchers

from exporter.errors import PayloadError
from exporter.github.client import Client
from exporter.github.endpoint import Endpoint
from exporter.github.models import Runner, Seats
from exporter.github.reader import GitHub
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import API, SYNC, SYNC_URL, USERS, MakeClient

GROUP_RUNNERS = Endpoint(
    "/orgs/{organization}/actions/runner-groups/{runner_group_id}/runners",
    "admin:org",
    "organization_self_hosted_runners",
)


@pytest.fixture
def reader(client: Client, run: Run) -> GitHub:
    """Reads for one run and one target."""
    return GitHub(client, run, enterprise="acme", organization="acme-web")


def test_object_is_returned(reader: GitHub, github: responses.RequestsMock) -> None:
    """The object at an endpoint is given as it came."""
    github.get(SYNC_URL, json={"server_instances": []})
    assert reader.get_object(SYNC) == {"server_instances": []}
    assert reader.get(SYNC) == {"server_instances": []}


@pytest.mark.parametrize("value", [[], None, "x", 5, True])
def test_answer_that_is_no_object_is_refused(reader: GitHub, github: responses.RequestsMock, value: Any) -> None:
    """Another JSON value is refused where an object is expected, and given where any value is."""
    github.get(SYNC_URL, body=json.dumps(value))
    assert reader.get(SYNC) == value
    with pytest.raises(PayloadError, match=f"GET {re.escape(SYNC.path)}: not an object"):
        reader.get_object(SYNC)


def test_path_and_query_are_filled_in(reader: GitHub, github: responses.RequestsMock) -> None:
    """The target fills the path, arguments add to it, and the query is sent along."""
    github.get(
        f"{API}/orgs/acme-web/actions/runner-groups/7/runners",
        json={},
        match=[matchers.query_param_matcher({"year": "2026", "sku": "a b&c"})],
    )
    assert reader.get_object(GROUP_RUNNERS, {"year": 2026, "sku": "a b&c"}, runner_group_id="7") == {}


@pytest.mark.parametrize("name", ["a/b", "../x", "a?b", "a#b", "a b", "a%2Fb", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_name_with_slash_stays_one_segment(client: Client, name: str) -> None:
    """Whatever a name holds, it fills one segment of the path."""
    url = client.url(SYNC, {"enterprise": name}, {})
    parts = urlsplit(url)
    assert len(parts.path.split("/")) == len(SYNC.path.split("/"))
    assert (parts.query, parts.fragment) == ("", "")


def test_pages_are_asked_for_by_number(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """A list is read to its end in pages of a hundred, with the path filled in."""
    asked: list[dict[str, str]] = []

    def page(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked.append(dict(parse_qsl(urlsplit(str(request.url)).query)))
        start = (int(asked[-1]["page"]) - 1) * 100
        return 200, {}, json.dumps({"total_count": 250, "runners": list(range(250))[start : start + 100]})

    github.add_callback(responses.GET, f"{API}/orgs/acme-web/actions/runner-groups/7/runners", callback=page)
    reader = GitHub(make_client(limits=ClientLimits(max_concurrency=1)), run, organization="acme-web")
    pages = reader.pages(GROUP_RUNNERS, "runners", runner_group_id="7")
    assert [item for page in pages for item in page.items] == list(range(250))
    assert asked == [{"per_page": "100", "page": str(number)} for number in (1, 2, 3)]


def test_links_on_the_same_host_are_followed(reader: GitHub, github: responses.RequestsMock) -> None:
    """Links are followed on the same host, under whatever path they name."""
    following = f"{API}/enterprises/17/consumed-licenses?per_page=100&after=x"
    github.get(
        f"{API}/enterprises/acme/consumed-licenses", json={"users": [1]}, headers={"Link": f'<{following}>; rel="next"'}
    )
    github.get(following, json={"users": [2]})
    assert [page.items for page in reader.pages(USERS, "users")] == [[1], [2]]


def test_link_by_another_name_is_followed_on_the_configured_host(
    reader: GitHub, github: responses.RequestsMock
) -> None:
    """A server that calls itself by another name is asked for the page by the configured one."""
    following = "/enterprises/acme/consumed-licenses?page=2"
    link = f'<http://internal.example/api/v3{following}>; rel="next"'
    github.get(f"{API}/enterprises/acme/consumed-licenses", json={"users": [1]}, headers={"Link": link})
    github.get(f"{API}{following}", json={"users": [2]})
    assert [page.items for page in reader.pages(USERS, "users")] == [[1], [2]]


def test_link_to_another_list_on_another_host_is_not_followed(reader: GitHub, github: responses.RequestsMock) -> None:
    """It fails the walk, and the host is not asked."""
    elsewhere = "https://evil.example/enterprises/globex/consumed-licenses?page=2"
    github.get(
        f"{API}/enterprises/acme/consumed-licenses", json={"users": [1]}, headers={"Link": f'<{elsewhere}>; rel="next"'}
    )
    evil = github.get(elsewhere, json={"users": [2]})
    with pytest.raises(PayloadError, match="another host"):
        list(reader.pages(USERS, "users"))
    assert evil.call_count == 0


def test_max_pages_of_the_client_is_obeyed(make_client: MakeClient, run: Run, github: responses.RequestsMock) -> None:
    """The limit of pages is the client's."""
    github.get(f"{API}/enterprises/acme/consumed-licenses", json={"users": list(range(100)), "total_count": 1000})
    reader = GitHub(make_client(limits=ClientLimits(max_pages=9)), run, enterprise="acme")
    with pytest.raises(PayloadError, match=r"limits\.max_pages \(9\)"):
        list(reader.pages(USERS, "users"))


def test_malformed_records_are_skipped_and_counted(reader: GitHub, run: Run) -> None:
    """Records that are no objects or have no identity are skipped and counted; the others are understood."""
    items: list[Any] = [{"id": 1}, None, "x", 5, [], {}, {"id": None}, {"id": "2", "busy": "?"}, True]
    assert [runner.id for runner in reader.records(Runner, items)] == ["1", "2"]
    assert run.skipped == 7


def test_whole_answer_is_read_as_a_record(reader: GitHub) -> None:
    """A whole answer is understood as one record."""
    assert reader.record(Seats, {"total_seats_consumed": "7"}).total_seats_consumed == 7


@pytest.mark.parametrize(
    ("path", "level"),
    [
        ("/enterprises/{enterprise}/license-sync-status", "enterprise"),
        ("/orgs/{organization}/actions/runners", "organization"),
        ("/enterprise/settings/license", "server"),
    ],
)
def test_level_follows_from_the_path(path: str, level: str) -> None:
    """The path of an endpoint says whose data it reads."""
    assert Endpoint(path, "read:enterprise").level == level


@pytest.mark.parametrize("identifier", [".", ".."])
def test_relative_identifier_is_refused(identifier: str) -> None:
    """An identifier of GitHub's that is a relative path is refused instead of leading elsewhere."""
    endpoint = Endpoint("/enterprises/{enterprise}/actions/runner-groups/{runner_group_id}/runners", "")
    with pytest.raises(PayloadError, match="relative path"):
        endpoint.filled({"enterprise": "acme", "runner_group_id": identifier}, {})
