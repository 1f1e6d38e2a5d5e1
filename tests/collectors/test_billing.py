"""Which platform the bill is read from, for how long, and for which month."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.collectors.billing.billing import COLLECTOR
from exporter.errors import Reason
from tests.support.bills import DAY, LEGACY, MOVED, SUMMARY, at
from tests.support.harness import CollectorHarness

NOT_ENABLED = {"status": 403, "body": {"message": "The enhanced billing platform is not enabled for this enterprise."}}


def summary(minutes: float = 100) -> dict[str, Any]:
    return {
        "usageItems": [
            {"product": "Actions", "sku": "actions_linux", "unitType": "minutes", "grossQuantity": minutes},
            {"product": "Actions", "sku": "actions_storage", "unitType": "gigabyte-hours", "grossQuantity": 1},
        ]
    }


def platform(harness: CollectorHarness) -> str:
    names = ("enhanced", "legacy")
    return next(name for name in names if f'platform="{name}"' in harness.text)


def asked_since(harness: CollectorHarness, start: int) -> set[str]:
    return {urlsplit(url).path for url in harness.asked[start:]}


@pytest.mark.parametrize("refusal", [{"status": 404, "body": {}}, MOVED, NOT_ENABLED], ids=["404", "410", "403"])
def test_an_enterprise_on_the_legacy_platform_is_read_there(refusal: dict[str, Any]) -> None:
    """Where GitHub says that there is no enhanced platform, the legacy endpoints feed the same metrics."""
    harness = CollectorHarness(COLLECTOR, {SUMMARY: refusal, **LEGACY})
    harness.run()
    assert platform(harness) == "legacy"
    assert harness.series['ghe_actions_used_seconds{enterprise="octo-corp",os="",sku=""}'] == 305 * 60


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 403, "body": {"message": "Must have admin rights"}},
        {"status": 500, "body": ""},
        {"status": 503, "body": ""},
        {"status": 200, "body": "<html>"},
    ],
    ids=["403", "500", "503", "html"],
)
def test_no_other_failure_means_legacy(failure: dict[str, Any]) -> None:
    """A missing right or a failing server says nothing of the platform: the legacy endpoints are not asked."""
    harness = CollectorHarness(COLLECTOR, {SUMMARY: failure, **LEGACY})
    harness.run()
    assert not harness.status.success
    assert harness.text == ""
    assert asked_since(harness, 0) == {SUMMARY}


def test_the_legacy_platform_is_kept_for_a_day_and_then_asked_about_again() -> None:
    """Runs of the day ask no summary; the day after, the enterprise has moved and is read on the new platform."""
    harness = CollectorHarness(COLLECTOR, {SUMMARY: MOVED, **LEGACY})
    harness.run()
    harness.clock.now += DAY - 3600
    before = len(harness.asked)
    harness.run()
    assert asked_since(harness, before) == set(LEGACY)
    harness.clock.now += 3601
    harness.recorded[SUMMARY] = summary()
    harness.run()
    assert platform(harness) == "enhanced"
    assert 'os="",sku=""' not in harness.text


def test_a_summary_that_vanishes_within_the_day_is_a_failure_and_not_the_legacy_platform() -> None:
    """A 404 soon after the platform was found keeps the last good data and asks nothing else."""
    harness = CollectorHarness(COLLECTOR, {SUMMARY: summary(), **LEGACY})
    harness.run()
    good = harness.text
    harness.clock.now += 3600
    harness.recorded[SUMMARY] = {"status": 404, "body": {}}
    before = len(harness.asked)
    harness.run()
    assert harness.status.reason is Reason.UNAVAILABLE
    assert harness.status.available
    assert harness.text == good
    assert asked_since(harness, before) == {SUMMARY}


def test_a_failing_probe_does_not_change_the_platform() -> None:
    """When the daily question about the platform fails, the next run asks it again and the last data stays."""
    harness = CollectorHarness(COLLECTOR, {SUMMARY: MOVED, **LEGACY})
    harness.run()
    harness.clock.now += DAY + 1
    harness.recorded[SUMMARY] = {"status": 503, "body": ""}
    harness.run()
    assert platform(harness) == "legacy"
    assert harness.status.reason is Reason.SERVER_ERROR
    harness.recorded[SUMMARY] = MOVED
    harness.run()
    assert platform(harness) == "legacy"
    assert harness.status.success


def test_both_platforms_gone_is_not_a_failure_that_alerts() -> None:
    """Nothing to bill here: not available, and asked again a day later."""
    harness = CollectorHarness(COLLECTOR, {})
    assert harness.run() > 0.9 * DAY
    assert harness.status.available is False
    assert "usage/summary" in harness.status.problem


@pytest.mark.parametrize(("configured", "asked"), [("enhanced", {SUMMARY}), ("legacy", set(LEGACY))])
def test_a_configured_platform_is_the_only_one_asked(configured: Any, asked: set[str]) -> None:
    """With the platform in the settings nothing is probed, whatever fails."""
    for recorded in ({SUMMARY: summary(), **LEGACY}, {}):
        harness = CollectorHarness(COLLECTOR, recorded, billing_platform=configured)
        harness.run()
        assert asked_since(harness, 0) == asked


@pytest.mark.parametrize(
    ("now", "year", "month", "end"),
    [
        ("2026-11-30T23:59:59", "2026", "11", "2026-12-01"),
        ("2026-12-01T00:00:00", "2026", "12", "2027-01-01"),
        ("2026-12-31T23:59:59", "2026", "12", "2027-01-01"),
        ("2027-01-01T00:00:00", "2027", "1", "2027-02-01"),
        ("2028-02-29T23:59:59", "2028", "2", "2028-03-01"),
    ],
)
def test_the_month_turns_at_midnight_in_utc(now: str, year: str, month: str, end: str) -> None:
    """Year and month are always given, and the period ends with the first second of the next month."""
    harness = CollectorHarness(COLLECTOR, {SUMMARY: summary()}, now=at(now))
    harness.run()
    assert parse_qs(urlsplit(harness.asked[0]).query) == {"year": [year], "month": [month]}
    assert harness.series['ghe_billing_period_start_timestamp_seconds{enterprise="octo-corp"}'] == at(now[:8] + "01")
    assert harness.series['ghe_billing_period_end_timestamp_seconds{enterprise="octo-corp"}'] == at(end)


@pytest.mark.parametrize(
    ("seconds", "hours"), [(0, 1), (1, 1), (600, 1), (3600, 1), (5400, 1.5), (30 * DAY - 1, 720 - 1 / 3600)]
)
def test_storage_is_averaged_over_the_hours_of_the_month(seconds: float, hours: float) -> None:
    """Hours count as fractions, but never less than one: the first minutes of a month would multiply what there is."""
    harness = CollectorHarness(COLLECTOR, {SUMMARY: summary()}, now=at("2026-11-01") + seconds)
    harness.run()
    stored = harness.series['ghe_storage_average_bytes{enterprise="octo-corp",product="actions"}']
    assert stored == pytest.approx(1e9 / hours, rel=1e-12)


def test_the_new_month_replaces_the_old_one_whole() -> None:
    """After midnight nothing of the old month is left, also where the new one has no usage yet."""
    recorded = {f"{SUMMARY}?month=11": summary(), f"{SUMMARY}?month=12": {"usageItems": []}}
    harness = CollectorHarness(COLLECTOR, recorded, now=at("2026-11-30T23:59:59"))
    harness.run()
    assert "ghe_actions_used_seconds" in harness.text
    harness.clock.now += 1
    harness.run()
    assert harness.status.success
    assert "ghe_actions_used_seconds" not in harness.text


def test_allowance_that_discounts_use_up_is_used_up_to_the_last_digit() -> None:
    """Discounts of 0.1 and 0.7 dollars pay for 8,000 seconds, and not for a little less."""
    rows = [
        {"product": "Actions", "sku": sku, "unitType": "minutes", "grossQuantity": 1, "discountAmount": amount}
        for sku, amount in (("actions_linux", 0.1), ("actions_windows", 0.7))
    ]
    harness = CollectorHarness(COLLECTOR, {SUMMARY: {"usageItems": rows}})
    harness.run()
    assert harness.series['ghe_actions_included_used_seconds{enterprise="octo-corp"}'] == 8000
