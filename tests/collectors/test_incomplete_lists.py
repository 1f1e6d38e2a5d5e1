"""Lists that announce more than they link to, or than they hold: what is read, what is published, what fails."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.collector import Collector
from exporter.collectors.copilot import COLLECTOR as COPILOT
from exporter.collectors.license_users import COLLECTOR as LICENSE_USERS
from exporter.collectors.runners import COLLECTOR as RUNNERS
from exporter.errors import Reason
from tests.support.harness import CollectorHarness

SEATS = "/enterprises/octo-corp/copilot/billing/seats"
USERS = "/enterprises/octo-corp/consumed-licenses"
RUNNER_LIST = "/enterprises/octo-corp/actions/runners"
GROUPS = "/enterprises/octo-corp/actions/runner-groups"


class Unlinked(CollectorHarness):
    """A server that sends at most *size* records of a list at a time and never a Link header."""

    def __init__(
        self, collector: Collector[Any], path: str, key: str, records: list[Any], size: int, **envelope: Any
    ) -> None:
        super().__init__(collector, {GROUPS: {"total_count": 1, "runner_groups": [{"id": 1, "name": "Default"}]}})
        self.path, self.key, self.records, self.size, self.envelope = path, key, records, size, envelope
        self.pages: list[int] = []

    def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        parts = urlsplit(str(request.url))
        if parts.path == self.path:
            number = int(parse_qs(parts.query)["page"][0])
            self.pages.append(number)
            listed = self.records[(number - 1) * self.size : number * self.size]
            self.recorded[self.path] = {self.key: listed, **self.envelope}
        return super()._answer(request)

    def total(self, metric: str) -> float:
        """The sum of all series of *metric*."""
        return sum(value for name, value in self.series.items() if name.startswith(f"{metric}{{"))


def seats(people: int, each: int = 1) -> list[dict[str, Any]]:
    """So many people with *each* seats, one after the other."""
    return [{"assignee": {"id": number // each, "login": f"octo-{number // each}"}} for number in range(people * each)]


def users(people: int) -> list[dict[str, Any]]:
    return [{"github_com_login": f"octo-{number}", "github_com_user": True} for number in range(people)]


def runners(number: int) -> list[dict[str, Any]]:
    return [
        {"id": each, "name": f"octo-{each}", "os": "linux", "status": "online", "runner_group_id": 1}
        for each in range(number)
    ]


@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("size", [50, 100])
def test_seats_without_links_are_read_until_all_people_came(size: int, each: int) -> None:
    """`total_seats` counts people, of whom each may have several seats."""
    harness = Unlinked(COPILOT, SEATS, "seats", seats(120, each), size, total_seats=120)
    harness.run()
    assert harness.status.success
    assert harness.total("ghe_copilot_seats") == 120


@pytest.mark.parametrize("size", [50, 100])
def test_missing_people_with_seats_fail_the_run(size: int) -> None:
    """Part of the people would look like all of them; it is tried again after a minute, not at the next interval."""
    harness = Unlinked(COPILOT, SEATS, "seats", seats(110), size, total_seats=120)
    delay = harness.run()
    assert harness.status.reason is Reason.PAYLOAD
    assert "120 seats announced, 110 received" in harness.status.problem
    assert harness.text == ""
    assert 57 <= delay <= 63


def test_total_of_assignments_is_no_reason_to_fail() -> None:
    """A server that announces assignments in place of people has sent all of them."""
    harness = Unlinked(COPILOT, SEATS, "seats", seats(30, 3), 100, total_seats=90)
    harness.run()
    assert harness.status.success
    assert harness.pages == [1]


def test_seats_that_make_no_sense_are_not_missing() -> None:
    """A malformed seat is skipped; it was announced all the same, and so was one without a person."""
    listed = [*seats(3), "no object", {"assignee": None}]
    harness = Unlinked(COPILOT, SEATS, "seats", listed, 100, total_seats=5)
    harness.run()
    assert harness.status.success
    assert harness.pages == [1]


@pytest.mark.parametrize("consumed", [120, 130, "130"])
def test_consumed_seats_hint_at_missing_users(consumed: object) -> None:
    """More seats than people listed make the walk read on until an empty page; then the people are published."""
    harness = Unlinked(LICENSE_USERS, USERS, "users", users(120), 50, total_seats_consumed=consumed)
    harness.run()
    assert harness.status.success
    assert harness.total("ghe_license_users") == 120
    assert harness.pages == ([1, 2, 3] if consumed == 120 else [1, 2, 3, 4])


@pytest.mark.parametrize("total", [0, 100, 170, None])
def test_full_page_of_runners_is_not_the_end(total: int | None) -> None:
    """With a total that is 0, that of the page, or wrong, all runners are read and published."""
    harness = Unlinked(RUNNERS, RUNNER_LIST, "runners", runners(250), 100, total_count=total)
    harness.run()
    assert harness.status.success
    assert harness.total("ghe_runner_online") == 250


def test_wrong_total_count_triggers_one_extra_pass() -> None:
    """More runners announced than there are: each of two passes reads on until an empty page, then they are shown."""
    harness = Unlinked(RUNNERS, RUNNER_LIST, "runners", runners(120), 100, total_count=300)
    harness.run()
    assert harness.status.success
    assert harness.total("ghe_runner_online") == 120
    assert sorted(harness.pages) == [1, 1, 2, 2, 3, 3]


def test_group_that_vanishes_is_skipped_alone() -> None:
    """On a server whose runners carry no group, one that is gone between two requests costs the others nothing."""
    listed = [{"id": each, "name": f"octo-{each}", "os": "linux", "status": "online"} for each in (1, 2, 3)]
    names = {1: "Default", 2: "gone", 3: "large"}
    harness = CollectorHarness(RUNNERS, {RUNNER_LIST: {"total_count": 3, "runners": listed}})
    harness.recorded[GROUPS] = {
        "total_count": 3,
        "runner_groups": [{"id": id_, "name": name} for id_, name in names.items()],
    }
    for id_ in (1, 3):
        harness.recorded[f"{GROUPS}/{id_}/runners"] = {"total_count": 1, "runners": [{"id": id_}]}
    harness.run()
    assert harness.status.success
    found = {
        name.partition('runner_group="')[2].partition('"')[0]
        for name in harness.series
        if name.startswith("ghe_runner_online{")
    }
    assert found == {"Default", "large", ""}
