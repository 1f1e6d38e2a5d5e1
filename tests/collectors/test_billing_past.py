"""The month before and yesterday: when they are asked for, and what happens where they cannot be had."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.billing.billing import COLLECTOR
from exporter.collectors.billing.past import PreviousMonth
from exporter.errors import Reason
from tests.support.bills import LEGACY, MOVED, SUMMARY, at
from tests.support.harness import CollectorHarness

PREVIOUS = 'ghe_billing_previous_month_net_usd{enterprise="octo-corp",product="actions"}'
YESTERDAY = 'ghe_billing_day_net_usd{enterprise="octo-corp",product="actions"}'
YESTERDAY_START = 'ghe_billing_day_start_timestamp_seconds{enterprise="octo-corp"}'
NET = 'ghe_billing_net_usd{enterprise="octo-corp",product="actions",sku="actions_linux"}'
HOUR = 3600
OCTOBER = f"{SUMMARY}?year=2026&month=10"
NOVEMBER = f"{SUMMARY}?year=2026&month=11"


def summary(net: float) -> dict[str, Any]:
    row = {"product": "Actions", "sku": "actions_linux", "unitType": "minutes", "netAmount": net}
    return {"usageItems": [row, row | {"sku": "actions_windows", "netAmount": 0.5}]}


def bench_at(moment: str, **recorded: Any) -> CollectorHarness:
    answers = {NOVEMBER: summary(3), f"{NOVEMBER}&day=9": summary(1), OCTOBER: summary(70)}
    return CollectorHarness(COLLECTOR, answers | recorded, now=at(moment))


def asked(harness: CollectorHarness) -> list[str]:
    """The queries since the last call."""
    queries = [url.partition("?")[2] for url in harness.asked]
    harness.asked.clear()
    return queries


def test_the_month_before_and_yesterday_have_series_of_their_own() -> None:
    harness = bench_at("2026-11-10T10:00:00")
    harness.run()
    assert asked(harness) == ["year=2026&month=11", "year=2026&month=11&day=9", "year=2026&month=10"]
    assert (harness.series[NET], harness.series[PREVIOUS], harness.series[YESTERDAY]) == (3, 70.5, 1.5)
    assert harness.series[YESTERDAY_START] == at("2026-11-09T00:00:00")


@pytest.mark.parametrize(("day", "is_asked_again"), [(1, True), (2, True), (3, False), (4, False), (30, False)])
def test_the_month_before_is_asked_for_again_until_it_is_final(day: int, *, is_asked_again: bool) -> None:
    """In the first three days at each run; what was read on the third day, or later, is kept."""
    harness = bench_at(f"2026-11-{day:02}T22:30:00")
    harness.run()
    asked(harness)
    harness.recorded[OCTOBER] = summary(80)
    harness.clock.now += HOUR
    harness.run()
    assert ("year=2026&month=10" in asked(harness)) is (day <= 3)
    harness.recorded[OCTOBER] = summary(90)
    harness.clock.now += HOUR
    harness.run()
    assert ("year=2026&month=10" in asked(harness)) is is_asked_again
    assert harness.series[PREVIOUS] == 0.5 + (90 if is_asked_again else 80 if day == 3 else 70)


def test_the_month_before_is_asked_for_once_more_when_it_was_last_read_too_early() -> None:
    """An exporter that was down when the last figures landed reads them when it is back."""
    harness = bench_at("2026-11-02T10:00:00")
    harness.run()
    harness.clock.now += 5 * 24 * HOUR
    harness.recorded[OCTOBER] = summary(80)
    for _ in range(2):
        harness.run()
        assert harness.series[PREVIOUS] == 80.5
    assert asked(harness).count("year=2026&month=10") == 2


@pytest.mark.parametrize(
    ("now", "yesterday"), [("2026-12-01T00:00:00", "2026-11-30"), ("2027-01-01T23:59:59", "2026-12-31")]
)
def test_yesterday_may_be_in_the_month_before(now: str, yesterday: str) -> None:
    year, month, day = (str(int(part)) for part in yesterday.split("-"))
    harness = CollectorHarness(COLLECTOR, {SUMMARY: summary(3)}, now=at(now))
    harness.run()
    assert f"year={year}&month={month}&day={day}" in asked(harness)
    assert harness.series[YESTERDAY_START] == at(f"{yesterday}T00:00:00")


@pytest.mark.parametrize("refused", [f"{NOVEMBER}&day=9", OCTOBER])
def test_what_lies_before_hides_nothing_when_it_fails(refused: str) -> None:
    """The rest is published, and the run counts as failed; what is not offered fails nothing."""
    harness = bench_at("2026-11-10T10:00:00", **{refused: {"status": 503, "body": ""}})
    harness.run()
    assert harness.status.reason is Reason.SERVER_ERROR
    assert harness.series[NET] == 3
    assert (PREVIOUS in harness.series) is (refused != OCTOBER)
    assert (YESTERDAY in harness.series) is (YESTERDAY_START in harness.series) is (refused == OCTOBER)
    harness.recorded[refused] = {"status": 404, "body": {}}
    harness.run()
    assert harness.status.success


def test_the_month_before_stays_when_it_cannot_be_read_again() -> None:
    harness = bench_at("2026-11-02T10:00:00")
    harness.run()
    harness.recorded[OCTOBER] = {"status": 503, "body": ""}
    harness.run()
    assert harness.series[PREVIOUS] == 70.5
    harness.clock.now += 30 * 24 * HOUR
    harness.recorded[NOVEMBER] = {"status": 404, "body": {}}
    harness.recorded[f"{SUMMARY}?month=12"] = summary(1)
    harness.run()
    assert PREVIOUS not in harness.series


def test_the_legacy_platform_has_neither() -> None:
    harness = CollectorHarness(COLLECTOR, {SUMMARY: MOVED, **LEGACY})
    harness.run()
    assert not {PREVIOUS, YESTERDAY, YESTERDAY_START} & harness.series.keys()


@given(st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), max_size=5))
def test_the_month_before_outlives_the_process(net: dict[str, float]) -> None:
    month = PreviousMonth(2026, 10, 3, {(product,): amount for product, amount in net.items()})
    assert PreviousMonth.load(json.loads(json.dumps(month.dump()))) == month
