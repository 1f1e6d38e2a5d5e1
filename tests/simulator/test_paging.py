"""Pages, caps and Link headers of the simulated GitHub."""

from collections.abc import Callable

import pytest
import requests

from exporter.simulator import Simulator
from exporter.simulator.api.paging import Page

Get = Callable[..., requests.Response]
USERS = "/enterprises/octo-corp/consumed-licenses"
RUNNERS = "/enterprises/octo-corp/actions/runners"
GROUPS = "/enterprises/octo-corp/actions/runner-groups"


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", 30),
        ("?per_page=7", 7),
        ("?per_page=100", 100),
        ("?per_page=1000", 100),
        ("?per_page=0", 30),
        ("?per_page=-5", 30),
        ("?per_page=x", 30),
        ("?per_page=99999999999999999999", 30),
    ],
)
def test_page_holds_30_records_and_at_most_100(get: Get, query: str, size: int) -> None:
    """A page holds 30 records by default and never more than 100."""
    assert len(get(USERS + query).json()["users"]) == size


@pytest.mark.parametrize(("path", "key"), [(USERS, "users"), (RUNNERS, "runners")])
def test_links_lead_through_every_record(get: Get, simulator: Simulator, path: str, key: str) -> None:
    """Following next from the first page shows every record once."""
    records: list[str] = []
    answer = get(f"{path}?per_page=17")
    pages = 1
    while True:
        records += [str(record) for record in answer.json()[key]]
        if "next" not in answer.links:
            break
        answer = get(answer.links["next"]["url"].removeprefix(simulator.url))
        pages += 1
    assert len(set(records)) == len(records) > 17
    assert pages == -(-len(records) // 17)
    assert answer.links["prev"]["url"].endswith(f"page={pages - 1}")
    assert answer.links["first"]["url"].endswith("page=1")


def test_link_of_the_first_page(get: Get, simulator: Simulator) -> None:
    """The first page names the next and the last, other parameters kept."""
    answer = get(f"{USERS}?per_page=100&octo=a%20b")
    total = answer.json()["total_seats_consumed"]
    url = f"{simulator.url}{USERS}?per_page=100&octo=a+b&page="
    assert answer.headers["Link"] == f'<{url}2>; rel="next", <{url}{-(-total // 100)}>; rel="last"'


def test_no_link_for_a_single_page(get: Get) -> None:
    """A list of one page has no Link header."""
    assert "Link" not in get("/orgs/octo-org-1/actions/runners?per_page=100").headers


def test_beyond_the_last_page(get: Get) -> None:
    """A page that does not exist is empty, keeps the totals and points back."""
    answer = get(f"{RUNNERS}?per_page=100&page=9")
    assert answer.json()["runners"] == []
    assert answer.json()["total_count"] > 50
    assert set(answer.links) == {"prev", "first"}
    assert answer.links["prev"]["url"].endswith("page=1")


@pytest.mark.parametrize("path", [GROUPS, f"{GROUPS}/2/organizations"])
def test_groups_have_pages_without_link(get: Get, path: str) -> None:
    """Groups and their organizations have pages but announce none."""
    answer = get(f"{path}?per_page=1&page=2")
    total = answer.json().pop("total_count")
    [records] = [value for value in answer.json().values() if isinstance(value, list)]
    assert "Link" not in answer.headers
    assert len(records) == 1 < total


def test_totals_on_every_page(get: Get) -> None:
    """The totals of consumed licenses are the same on every page."""
    pages = [get(f"{USERS}?per_page=100&page={number}").json() for number in (1, 3, 5, 50)]
    assert len({(page["total_seats_consumed"], page["total_seats_purchased"]) for page in pages}) == 1


def test_a_shifted_page_never_starts_before_the_list() -> None:
    """The first page starts at the first record, however the list has moved."""
    assert Page(1, 10, shift=-1).of_places(range(25)) == range(10)
    assert Page(2, 10, shift=-1).of_places(range(25)) == range(9, 19)
