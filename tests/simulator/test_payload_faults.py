"""Each fault of pages, of what the JSON says, and of the companies does what it says."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from exporter.simulator import Simulator

Get = Callable[..., requests.Response]
BASE = "/enterprises/octo-corp"
USERS = f"{BASE}/consumed-licenses"
RUNNERS = f"{BASE}/actions/runners"
SYNC = f"{BASE}/license-sync-status"


def values(payload: Any) -> Iterator[Any]:
    """Go through all values of a payload that hold no others."""
    if isinstance(payload, dict | list):
        for value in payload.values() if isinstance(payload, dict) else payload:
            yield from values(value)
    else:
        yield payload


def is_number(value: Any) -> bool:
    """Return whether the value is a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def runner_ids(get: Get, pages: int) -> list[int]:
    """Return the runners of the first pages of ten."""
    answers = (get(f"{RUNNERS}?per_page=10&page={page}").json() for page in range(1, pages + 1))
    return [runner["id"] for answer in answers for runner in answer["runners"]]


def test_endless_link_always_has_a_next_page(simulator: Simulator, get: Get) -> None:
    """There is always a next page, and it has records."""
    simulator.faults.set("endless-link=1")
    for page in (1, 2, 50, 12_345):
        answer = get(f"{RUNNERS}?per_page=20&page={page}")
        assert answer.links["next"]["url"].endswith(f"page={page + 1}")
        assert answer.json()["runners"]


def test_repeating_link_leads_to_the_same_page(simulator: Simulator, get: Get) -> None:
    """The next page is the same page."""
    simulator.faults.set("repeating-link=1")
    assert get(f"{USERS}?page=3").links["next"]["url"].endswith("page=3")


@pytest.mark.parametrize(("kind", "path"), [("foreign-link", USERS), ("stray-link", "/elsewhere")])
def test_link_to_another_host(simulator: Simulator, get: Get, kind: str, path: str) -> None:
    """The next page is on another host; the last one links to no further page."""
    simulator.faults.set(f"{kind}=1")
    first = get(USERS)
    assert first.links["next"]["url"] == f"http://127.0.0.2:9{path}?page=2"
    last = first.links["last"]["url"].partition("?")[2]
    assert "next" not in get(f"{USERS}?{last}").links


def test_no_link_leaves_pages_unannounced(simulator: Simulator, get: Get) -> None:
    """Pages are there, but nothing says so."""
    simulator.faults.set("no-link=1")
    assert "Link" not in get(USERS).headers


def test_capped_pages_hold_fewer_records_and_link_accordingly(simulator: Simulator, get: Get) -> None:
    """A page holds fewer records than were asked for, and the links count in the same way."""
    simulator.faults.set("capped-pages=1")
    assert len(get(f"{USERS}?per_page=100").json()["users"]) <= 50


@pytest.mark.parametrize(("kind", "change"), [("total-zero", 0), ("total-of-page", 1), ("total-too-large", 1_000)])
def test_wrong_totals_change_no_other_numbers(simulator: Simulator, get: Get, kind: str, change: int) -> None:
    """Totals of lists are wrong; other numbers are not."""
    healthy = get(f"{RUNNERS}?per_page=1").json()
    simulator.faults.set(f"{kind}=1")
    broken = get(f"{RUNNERS}?per_page=1").json()
    assert broken["total_count"] == (healthy["total_count"] + change if change == 1_000 else change)
    assert broken["runners"] == healthy["runners"]


def test_links_of_what_is_no_list(simulator: Simulator, get: Get) -> None:
    """An answer without pages announces none, whatever the fault."""
    simulator.faults.set("endless-link=1")
    assert "Link" not in get(SYNC).headers


@pytest.mark.parametrize("path", [USERS, RUNNERS, SYNC, f"{RUNNERS}/downloads"])
def test_nulls_replace_values_and_keep_lists(simulator: Simulator, get: Get, path: str) -> None:
    """Every value is null, lists stay as long as they were."""
    healthy = get(path).json()
    simulator.faults.set("nulls=1")
    broken = get(path).json()
    assert set(values(broken)) == {None}
    assert len(list(values(broken))) == len(list(values(healthy)))


def test_numbers_become_strings(simulator: Simulator, get: Get) -> None:
    """Every number is a string of itself."""
    healthy = get(USERS).json()
    simulator.faults.set("strings-for-numbers=1")
    broken = get(USERS).json()
    assert broken["total_seats_consumed"] == str(healthy["total_seats_consumed"])
    assert not any(map(is_number, values(broken)))


def test_no_number_is_finite(simulator: Simulator, get: Get) -> None:
    """No number is finite."""
    simulator.faults.set("nan=1")
    broken = json.loads(get(USERS).content)
    numbers = [value for value in values(broken) if is_number(value)]
    assert numbers
    assert not any(map(math.isfinite, numbers))


def test_numbers_are_too_large_for_a_float(simulator: Simulator, get: Get) -> None:
    """Every number is too large for a float."""
    simulator.faults.set("huge-integers=1")
    numbers = [value for value in values(get(RUNNERS).json()) if is_number(value)]
    assert min(numbers) >= 10**400
    assert len(set(numbers)) > 30


def test_hostile_names_stay_distinct(simulator: Simulator, get: Get) -> None:
    """Names hold quotes, newlines and backslashes and stay distinct; one is very long."""
    healthy = [runner["name"] for runner in get(RUNNERS).json()["runners"]]
    simulator.faults.set("hostile-labels=1")
    names = [runner["name"] for runner in get(RUNNERS).json()["runners"]]
    assert all('"' in name and "\n" in name and "\\" in name for name in names)
    assert len(set(names)) == len(healthy)
    assert len(names[0]) > 100_000 > len(names[1])
    roles = [role for user in get(USERS).json()["users"] for role in user["github_com_member_roles"]]
    assert all("\n" in role for role in roles)


def test_every_key_is_missing_somewhere(simulator: Simulator, get: Get) -> None:
    """Totals are gone, each record lacks keys, and every key is missing somewhere."""
    healthy = get(USERS).json()["users"][0]
    simulator.faults.set("missing-keys=1")
    broken = get(USERS).json()
    assert set(broken) == {"users"}
    assert len(broken["users"]) == 30
    for key in healthy:
        assert 0 < sum(key in user for user in broken["users"]) < 30
    assert get(f"{RUNNERS}/downloads").json()[0].keys() == {"architecture", "filename"}


def test_no_value_keeps_its_type(simulator: Simulator, get: Get) -> None:
    """No value is of the type it was, lists are objects."""
    healthy = get(RUNNERS).json()
    simulator.faults.set("wrong-types=1")
    broken = get(RUNNERS).json()
    assert broken["total_count"] == [healthy["total_count"]]
    assert broken["runners"]["0"]["name"] == len(healthy["runners"][0]["name"])
    assert broken["runners"]["0"]["busy"] in {"True", "False"}
    assert broken["runners"]["0"]["labels"].keys() == {
        str(place) for place in range(len(healthy["runners"][0]["labels"]))
    }


def test_unknown_keys_leave_known_ones_right(simulator: Simulator, get: Get) -> None:
    """Every object has more keys than documented, the known ones are right."""
    healthy = get(USERS).json()
    simulator.faults.set("unknown-keys=1")
    broken = get(USERS).json()
    assert healthy["users"][0].items() < broken["users"][0].items()
    assert "octo_future" in broken
    assert "octo_future" in get(f"{RUNNERS}/downloads").json()[0]


def test_slipped_records_come_twice_or_never(simulator: Simulator, get: Get) -> None:
    """Some records come twice and some never, while the total stays."""
    healthy = runner_ids(get, 4)
    simulator.faults.set("slippage=1")
    slipped = runner_ids(get, 4)
    assert len(slipped) == len(healthy)
    assert set(slipped) < {*healthy, healthy[-1] + 1}
    assert len(set(slipped)) < len(slipped)
    assert not set(healthy) <= set(slipped)


def test_as_many_runners_of_one_group_are_offline_as_asked(simulator: Simulator, get: Get) -> None:
    """The runners of one group are offline, as many as was said, and no others."""
    healthy = get(f"{RUNNERS}?per_page=100").json()["runners"]
    size = sum(runner["runner_group_id"] == 2 for runner in healthy)
    for share in (1.0, 0.5):
        simulator.faults.set(f"runners-offline={share}")
        runners = get(f"{RUNNERS}?per_page=100").json()["runners"]
        lost = [runner for runner in runners if runner["runner_group_id"] == 2 and runner["status"] == "offline"]
        assert len(lost) >= round(size * share)
        assert share < 1 or len(lost) == size
        assert not any(runner["busy"] for runner in lost)
        assert [runner for runner in runners if runner["runner_group_id"] != 2] == [
            runner for runner in healthy if runner["runner_group_id"] != 2
        ]
    group = get(f"{BASE}/actions/runner-groups/2/runners?per_page=100").json()["runners"]
    assert sum(runner["status"] == "offline" for runner in group) >= round(size / 2)


def test_rows_still_add_up_when_no_seat_is_free(simulator: Simulator, get: Get) -> None:
    """No seat is free, and the rows still add up to the consumed seats."""
    healthy = get(USERS).json()
    simulator.faults.set("seats-exhausted=1")
    exhausted = get(USERS).json()
    assert healthy["total_seats_consumed"] < healthy["total_seats_purchased"]
    assert exhausted["total_seats_consumed"] == exhausted["total_seats_purchased"] == healthy["total_seats_consumed"]
    metered = get("/enterprises/octo-tenant/consumed-licenses").json()
    assert metered["total_seats_purchased"] == 0


def test_every_server_that_ever_synchronized_has_failed(simulator: Simulator, get: Get) -> None:
    """Every server that ever synchronized has failed, with a reason."""
    simulator.faults.set("sync-failed=1")
    instances = get(SYNC).json()["server_instances"]
    outcomes = [instance["last_sync"] for instance in instances if "last_sync" in instance]
    assert len(outcomes) == 5
    assert {outcome["status"] for outcome in outcomes} == {"failed"}
    assert all(outcome["error"] for outcome in outcomes)


def test_a_fault_leaves_no_trace(simulator: Simulator, get: Get) -> None:
    """When a fault is over the answer is what it was."""
    healthy = get(USERS).content
    simulator.faults.set("nulls=1", "seats-exhausted=1")
    assert get(USERS).content != healthy
    simulator.faults.clear()
    assert get(USERS).content == healthy
