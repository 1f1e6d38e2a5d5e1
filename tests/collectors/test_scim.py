"""How the collector of SCIM walks lists of servers that page as they like."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.collectors.scim import COLLECTOR
from exporter.errors import Reason
from tests.support.harness import CollectorHarness

USERS = "/scim/v2/enterprises/octo-corp/Users"
GROUPS = "/scim/v2/enterprises/octo-corp/Groups"
MANY_GROUPS = {"totalResults": 40, "Resources": [{"id": "1"}]}


class Directory(CollectorHarness):
    """A server with people who are all active, which sends at most `largest` of them at a time."""

    def __init__(self, people: list[str], largest: int, *, total: int | None = None, moves: bool = True) -> None:
        super().__init__(COLLECTOR, {GROUPS: MANY_GROUPS})
        self.people, self.largest, self.moves = people, largest, moves
        self.total = len(people) if total is None else total
        self.accepted: list[str] = []

    def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        parts = urlsplit(str(request.url))
        self.accepted.append(request.headers["Accept"])
        if parts.path == USERS:
            query = parse_qs(parts.query)
            start = int(query["startIndex"][0]) - 1 if self.moves else 0
            page = self.people[start : start + min(int(query["count"][0]), self.largest)]
            self.recorded[USERS] = {
                "totalResults": self.total,
                "Resources": [{"id": person, "active": True} for person in page],
            }
        return super()._answer(request)

    @property
    def starts(self) -> list[str]:
        return [parse_qs(urlsplit(url).query)["startIndex"][0] for url in self.asked if url.startswith(USERS)]

    @property
    def active(self) -> float | None:
        return self.series.get('ghe_scim_users{enterprise="octo-corp",active="true"}')


def people(number: int) -> list[str]:
    return [f"person-{index}" for index in range(number)]


def test_a_server_that_sends_fewer_than_asked_for_is_read_whole() -> None:
    """The next page begins after what came, not after what was asked for."""
    harness = Directory(people(70), 30)
    harness.run()
    assert harness.starts == ["1", "31", "61"]
    assert harness.active == 70


@pytest.mark.parametrize("total", [None, 0, 100, 199])
def test_full_page_does_not_end_the_walk(total: int | None) -> None:
    """Whatever total is reported, a full page is followed by another request."""
    harness = Directory(people(250), 100, total=total)
    harness.run()
    assert harness.starts[:3] == ["1", "101", "201"]
    assert harness.active == 250


@pytest.mark.parametrize("moves", [True, False])
def test_total_that_is_not_reached_fails_the_run(moves: bool) -> None:
    """Where more people are announced than come, or the server ignores startIndex, part of them is worth nothing."""
    harness = Directory(people(5), 100, total=9_000, moves=moves)
    harness.run()
    assert harness.starts == ["1", "6"]
    assert harness.status.reason == "payload"
    assert harness.active is None


@pytest.mark.parametrize(
    "record",
    [{"active": True}, "nobody", {"id": None}, {"id": float("nan")}],
    ids=["no id", "no object", "null id", "an id that equals nothing"],
)
def test_a_page_without_any_id_that_repeats_ends_the_walk(record: Any) -> None:
    """Also records without an id cannot make the walk endless, with no total to end it."""
    harness = CollectorHarness(COLLECTOR, {USERS: {"Resources": [record]}, GROUPS: MANY_GROUPS})
    harness.run()
    assert len(harness.asked) == 3
    assert harness.status.success


def test_a_person_who_slips_to_the_next_page_counts_once() -> None:
    """When the list grows at its front while it is read, nobody counts twice."""
    harness = Directory(["a", "b", "b", "c"], 2)
    harness.run()
    assert harness.active == 3


def test_a_page_in_the_middle_that_fails_fails_the_run() -> None:
    """Half of the people are no answer."""
    harness = CollectorHarness(
        COLLECTOR,
        {
            f"{USERS}?startIndex=1": {"totalResults": 4, "Resources": [{"id": "1"}, {"id": "2"}]},
            f"{USERS}?startIndex=3": {"totalResults": 4},
            GROUPS: MANY_GROUPS,
        },
    )
    harness.run()
    assert harness.status.reason is Reason.PAYLOAD
    assert harness.text == ""


def test_groups_are_counted_without_their_members() -> None:
    """One request has the number of groups; members are not sent at all. SCIM has a media type of its own."""
    harness = Directory(people(1), 100)
    harness.run()
    assert harness.asked[-1] == f"{GROUPS}?excludedAttributes=members&startIndex=1&count=1"
    assert harness.series['ghe_scim_groups{enterprise="octo-corp"}'] == 40
    assert all(accepted.startswith("application/scim+json") for accepted in harness.accepted)
