"""Which months and days of usage are asked for, and when again."""

import json
import math
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from structlog.testing import capture_logs

from exporter.collectors.billing_usage import COLLECTOR, MonthSoFar, UsageTotals
from exporter.errors import Reason
from tests.support.bills import BILLING, DAY, at
from tests.support.harness import CollectorHarness

USAGE = f"{BILLING}/usage"
SUMMARY = f"{BILLING}/usage/summary"
CENTERS = f"{BILLING}/cost-centers"
NET = 'ghe_billing_organization_net_usd{enterprise="octo-corp",organization="octo-org",product="actions"}'
MONTH = 0
"""In place of a day: the whole month was asked for."""
REFUSED = {"status": 503, "body": ""}


def usage(amount: float) -> dict[str, Any]:
    return {"usageItems": [{"product": "actions", "organizationName": "octo-org", "netAmount": amount}]}


def by_day(answer: Any, month: Any = REFUSED) -> dict[str, Any]:
    """*answer* for each day, while the whole *month* is refused."""
    return {USAGE: month} | {f"{USAGE}?day={day}": answer for day in range(1, 32)}


def centers(*names: str, deleted: Iterable[str] = ()) -> dict[str, Any]:
    states = [(name, "active") for name in names] + [(name, "deleted") for name in deleted]
    return {"costCenters": [{"id": name, "name": name, "state": state, "resources": []} for name, state in states]}


def summary(amount: float) -> dict[str, Any]:
    return {"usageItems": [{"product": "Actions", "sku": "actions_linux", "netAmount": amount}]}


def asked(harness: CollectorHarness, start: int = 0) -> list[tuple[int, str]]:
    """Day, or `MONTH`, and cost center of each usage asked for since request number *start*, repetitions left out."""
    urls = (urlsplit(url) for url in harness.asked[start:])
    queries = (parse_qs(url.query) for url in urls if url.path == USAGE)
    found = [(int(query.get("day", ["0"])[0]), query.get("cost_center_id", [""])[0]) for query in queries]
    return [each for number, each in enumerate(found) if found[number - 1 : number] != [each]]


def days(numbers: Iterable[int], *names: str) -> list[tuple[int, str]]:
    listed = list(numbers)
    return [(day, name) for name in names for day in listed]


def test_a_month_is_one_request_per_cost_center() -> None:
    """Year and month are always given; without a cost center GitHub reports what has none. No run asks for a day."""
    harness = CollectorHarness(
        COLLECTOR, {CENTERS: centers("web", "data"), USAGE: usage(1)}, now=at("2026-11-25T10:00:00")
    )
    for _ in range(2):
        first = len(harness.asked)
        harness.run()
        assert asked(harness, first) == days([MONTH], "", "data", "web")
        assert all("year=2026&month=11" in url for url in harness.asked[first:] if url.startswith(f"{USAGE}?"))
        assert len(harness.asked) - first == 1 + 3 + 1
        assert harness.series[NET] == 3
    assert "state=" not in harness.asked[0]


TOO_MUCH = {
    "usageItems": [{"product": "actions", "organizationName": "octo-org", "netAmount": 1, "sku": "x" * 17_000_000}]
}


@pytest.mark.parametrize(
    "month",
    [*({"status": status, "body": ""} for status in (500, 502, 503, 504)), TOO_MUCH, requests.ReadTimeout()],
    ids=["500", "502", "503", "504", "too large", "time-out"],
)
def test_a_month_that_is_too_much_is_read_day_by_day(month: Any) -> None:
    """Days are asked for where the month is refused or too large; it is not asked for again this month."""
    harness = CollectorHarness(
        COLLECTOR, {CENTERS: centers(), **by_day(usage(1), month)}, now=at("2026-11-10T10:00:00")
    )
    harness.run()
    assert harness.status.success
    assert harness.series[NET] == 10
    assert asked(harness) == [(MONTH, ""), *days(range(1, 11), "")]
    first = len(harness.asked)
    harness.run()
    assert asked(harness, first) == days(range(7, 11), "")
    assert harness.series[NET] == 10


def test_only_the_cost_center_that_is_too_much_is_read_day_by_day() -> None:
    recorded = {CENTERS: centers("web", "data"), USAGE: usage(1)}
    recorded |= {f"{USAGE}?cost_center_id=web": REFUSED}
    recorded |= {f"{USAGE}?cost_center_id=web&day={day}": usage(2) for day in range(1, 4)}
    harness = CollectorHarness(COLLECTOR, recorded, now=at("2026-11-03T10:00:00"))
    harness.run()
    assert asked(harness) == [(MONTH, ""), (MONTH, "data"), (MONTH, "web"), *days(range(1, 4), "web")]
    assert harness.series[NET] == 2 + 3 * 2


def test_a_server_that_fails_altogether_does_not_make_the_month_too_much() -> None:
    """Where the first day fails as well, the next run asks for the month again."""
    harness = CollectorHarness(COLLECTOR, {CENTERS: centers(), USAGE: REFUSED}, now=at("2026-11-10T10:00:00"))
    harness.run()
    assert harness.status.reason is Reason.SERVER_ERROR
    assert asked(harness) == [(MONTH, ""), (1, "")]
    harness.recorded[USAGE] = usage(7)
    first = len(harness.asked)
    harness.run()
    assert asked(harness, first) == [(MONTH, "")]
    assert harness.series[NET] == 7


def test_a_month_that_is_not_what_it_should_be_fails_the_run() -> None:
    """A wrong envelope would be as wrong for days."""
    harness = CollectorHarness(COLLECTOR, {CENTERS: centers(), USAGE: {"message": "ok"}}, now=at("2026-11-10T10:00:00"))
    harness.run()
    assert harness.status.reason is Reason.PAYLOAD
    assert asked(harness) == [(MONTH, "")]


def test_a_day_is_asked_for_once_more_when_it_is_final() -> None:
    """What was read while GitHub still added to it does not become final."""
    harness = CollectorHarness(COLLECTOR, {CENTERS: centers(), **by_day(usage(1))}, now=at("2026-11-05T10:00:00"))
    harness.run()
    harness.clock.now += DAY
    harness.recorded |= by_day(usage(3))
    first = len(harness.asked)
    harness.run()
    assert asked(harness, first) == days(range(2, 7), "")
    assert harness.series[NET] == 1 + 5 * 3


def test_days_read_before_a_failure_are_kept() -> None:
    """A run that fails half-way does not start over; no day counts twice."""
    harness = CollectorHarness(
        COLLECTOR,
        {CENTERS: centers(), **by_day(usage(1)), f"{USAGE}?day=5": {"status": 500, "body": ""}},
        now=at("2026-11-10T10:00:00"),
    )
    harness.run()
    assert not harness.status.success
    harness.recorded[f"{USAGE}?day=5"] = usage(1)
    first = len(harness.asked)
    harness.run()
    assert asked(harness, first) == days(range(5, 11), "")
    assert harness.series[NET] == 10


def test_what_is_kept_of_a_month_outlives_the_process() -> None:
    """Written down as JSON and read again it is the same, to the last digit."""
    kept = MonthSoFar((2026, 11), {"web": UsageTotals(days={1, 2})}, {"web", "data"}, {"gone"})
    for amount in (0.1, 0.2, 1e-9):
        kept.final_days["web"].net.add(amount, ("octo-org", "actions"))
    again = MonthSoFar.load(json.loads(json.dumps(kept.dump())))
    assert again.dump() == kept.dump()
    assert again.final_days["web"].net_usd == kept.final_days["web"].net_usd == math.fsum((0.1, 0.2, 1e-9))
    assert (again.month, again.charged, again.unused) == ((2026, 11), {"web", "data"}, {"gone"})


def test_a_new_month_starts_over() -> None:
    """After midnight in UTC only the new month counts, and what was kept of the old one is forgotten."""
    harness = CollectorHarness(COLLECTOR, {CENTERS: centers(), **by_day(usage(1))}, now=at("2026-12-31T23:59:59"))
    harness.run()
    assert harness.series[NET] == 31
    harness.clock.now += 1
    harness.recorded[USAGE] = usage(4)
    first = len(harness.asked)
    harness.run()
    assert asked(harness, first) == [(MONTH, "")]
    assert "year=2027&month=1" in harness.asked[-2]
    assert harness.series[NET] == 4


def test_a_cost_center_deleted_in_mid_month_keeps_its_usage() -> None:
    """What was charged to it before stays part of the month; the month after, it is forgotten."""
    harness = CollectorHarness(COLLECTOR, {CENTERS: centers("old"), USAGE: usage(1)}, now=at("2026-11-29T10:00:00"))
    harness.run()
    for listed in (centers("new", deleted=["old"]), centers("new")):
        harness.recorded[CENTERS] = listed
        first = len(harness.asked)
        harness.run()
        assert asked(harness, first) == days([MONTH], "", "new", "old")
        assert harness.series[NET] == 3
    harness.clock.now += 3 * DAY
    first = len(harness.asked)
    harness.run()
    assert asked(harness, first) == days([MONTH], "", "new")


def test_a_cost_center_that_was_deleted_before_it_was_seen_is_found_by_the_summary() -> None:
    """Where the sum falls short of the summary, deleted ones are asked, those without usage once a month."""
    recorded = {
        CENTERS: centers("web", deleted=["gone", "long-gone"]),
        USAGE: usage(1),
        f"{USAGE}?cost_center_id=gone": usage(5),
        f"{USAGE}?cost_center_id=long-gone": {},
        SUMMARY: summary(7),
    }
    harness = CollectorHarness(COLLECTOR, recorded, now=at("2026-11-20T10:00:00"))
    harness.run()
    assert asked(harness) == days([MONTH], "", "web", "gone", "long-gone")
    assert harness.series[NET] == 7
    first = len(harness.asked)
    harness.run()
    assert asked(harness, first) == days([MONTH], "", "gone", "web")
    assert harness.series[NET] == 7


def test_deleted_cost_centers_are_left_alone_where_the_sum_is_the_summary() -> None:
    recorded = {CENTERS: centers("web", deleted=["gone"]), USAGE: usage(1), SUMMARY: summary(2)}
    harness = CollectorHarness(COLLECTOR, recorded, now=at("2026-11-20T10:00:00"))
    harness.run()
    assert asked(harness) == days([MONTH], "", "web")


@pytest.mark.parametrize(
    ("amount", "billed", "is_logged"), [(100, 103, True), (103, 100, True), (1000, 1009, False), (1, 1.9, False)]
)
def test_a_difference_to_the_summary_is_logged_once(amount: float, billed: float, *, is_logged: bool) -> None:
    """More than a dollar and a hundredth: rows are missing, or something is charged twice."""
    harness = CollectorHarness(COLLECTOR, {CENTERS: centers(), USAGE: usage(amount), SUMMARY: summary(billed)})
    with capture_logs() as lines:
        harness.run()
        harness.run()
    logged = [line for line in lines if line.get("problem") == "usage and usage summary differ"]
    assert len(logged) == (1 if is_logged else 0)
    assert harness.status.success


def test_without_cost_centers_the_rest_is_read_all_the_same() -> None:
    """An enterprise that has no cost centers, or a credential that may not see them."""
    for refusal in ({"status": 404, "body": {}}, {"status": 403, "body": {"message": "Must have admin rights"}}):
        harness = CollectorHarness(COLLECTOR, {CENTERS: refusal, USAGE: usage(1)}, now=at("2026-11-01T10:00:00"))
        harness.run()
        assert harness.series[NET] == 1


@pytest.mark.parametrize("failing", [CENTERS, f"{USAGE}?cost_center_id=web"])
def test_cost_centers_that_fail_fail_the_run(failing: str) -> None:
    """Sums without them would be wrong, not merely old."""
    recorded = {CENTERS: centers("web"), USAGE: usage(1), failing: {"status": 500, "body": ""}}
    harness = CollectorHarness(COLLECTOR, recorded, now=at("2026-11-02T10:00:00"))
    harness.run()
    assert not harness.status.success
    assert harness.text == ""


def test_a_deleted_cost_center_that_can_no_longer_be_read_leaves_its_usage_out() -> None:
    """Nothing more can be known of it: the rest is published, and the run counts as failed."""
    harness = CollectorHarness(COLLECTOR, {CENTERS: centers("old"), USAGE: usage(1)}, now=at("2026-11-20T10:00:00"))
    harness.run()
    harness.recorded |= {CENTERS: centers(), f"{USAGE}?cost_center_id=old": {"status": 400, "body": {}}}
    harness.run()
    assert harness.status.reason is Reason.PAYLOAD
    assert harness.series[NET] == 1
