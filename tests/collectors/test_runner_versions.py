"""Support dates of runner versions: which are asked for, and what stays when one cannot be read."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors import runner_versions
from exporter.collectors.runner_versions import MAX_VERSIONS
from exporter.errors import Reason
from tests.support.harness import CollectorHarness

RUNNERS = "/enterprises/octo-corp/actions/runners"
OWN_RUNNERS = "/orgs/octo-org/actions/runners"
FIRST, SECOND = "2.300.0", "2.337.0"
DATE, LATER = "2026-09-01T00:00:00Z", "2026-12-01T00:00:00Z"
DATE_SECONDS, LATER_SECONDS = 1_788_220_800, 1_796_083_200
BAD_GATEWAY: Mapping[str, Any] = {"status": 502, "body": {}}


def installed(*versions: str) -> dict[str, Any]:
    """One runner for each of *versions*."""
    runners = [{"id": number, "version": version} for number, version in enumerate(versions)]
    return {"total_count": len(runners), "runners": runners}


def schedule(version: str, date: str | None, base: str = RUNNERS) -> dict[str, Any]:
    """When *version* gets no more jobs."""
    return {f"{base}/deprecations/{version}": {"runner_version": version, "runtime_deprecates_at": date}}


def dates(harness: CollectorHarness) -> dict[str, float]:
    """What is exposed, by version."""
    return {series.partition('version="')[2].rstrip('"}'): value for series, value in harness.series.items()}


@pytest.fixture
def harness() -> CollectorHarness:
    """Two versions with a date each, read once."""
    recorded = {RUNNERS: installed(FIRST, SECOND), **schedule(FIRST, DATE), **schedule(SECOND, LATER)}
    harness = CollectorHarness(runner_versions.COLLECTOR, recorded)
    harness.run()
    assert dates(harness) == {FIRST: DATE_SECONDS, SECOND: LATER_SECONDS}
    return harness


def test_date_stays_while_its_version_cannot_be_read(harness: CollectorHarness) -> None:
    """An alert on it must not end because one of several requests fails."""
    harness.recorded[f"{RUNNERS}/deprecations/{FIRST}"] = BAD_GATEWAY
    harness.recorded |= schedule(SECOND, None)
    harness.run()
    assert dates(harness) == {FIRST: DATE_SECONDS}
    assert harness.status.reason is Reason.SERVER_ERROR


def test_date_vanishes_with_the_last_runner_of_its_version(harness: CollectorHarness) -> None:
    harness.recorded[RUNNERS] = installed(SECOND)
    harness.run()
    assert dates(harness) == {SECOND: LATER_SECONDS}
    assert harness.status.success


def test_version_that_github_no_longer_knows_loses_its_date(harness: CollectorHarness) -> None:
    del harness.recorded[f"{RUNNERS}/deprecations/{FIRST}"]
    harness.run()
    assert dates(harness) == {SECOND: LATER_SECONDS}
    assert harness.status.success


def test_last_good_dates_stay_when_every_version_fails(harness: CollectorHarness) -> None:
    for version in (FIRST, SECOND):
        harness.recorded[f"{RUNNERS}/deprecations/{version}"] = BAD_GATEWAY
    harness.run()
    assert dates(harness) == {FIRST: DATE_SECONDS, SECOND: LATER_SECONDS}
    assert not harness.status.success


def test_expired_credential_is_not_tried_for_every_version(harness: CollectorHarness) -> None:
    for version in (FIRST, SECOND):
        harness.recorded[f"{RUNNERS}/deprecations/{version}"] = {"status": 401, "body": {}}
    harness.asked.clear()
    harness.run()
    assert [path for path in harness.asked if "deprecations" in path] == [f"{RUNNERS}/deprecations/{FIRST}"]
    assert harness.status.reason is Reason.UNAUTHORIZED


def test_answer_is_revalidated(harness: CollectorHarness) -> None:
    """An unchanged date costs nothing of the rate limit."""
    harness.recorded[f"{RUNNERS}/deprecations/{FIRST}"] = {
        "headers": {"ETag": '"1"'},
        "body": {"runtime_deprecates_at": DATE},
    }
    harness.run()
    harness.conditions.clear()
    harness.run()
    assert '"1"' in harness.conditions


def test_levels_with_the_same_version_give_one_series() -> None:
    """An organization asks with its own credential; what both levels report is exposed once."""
    recorded = {RUNNERS: installed(FIRST), OWN_RUNNERS: installed(FIRST, SECOND), **schedule(FIRST, DATE)}
    recorded |= schedule(FIRST, DATE, OWN_RUNNERS) | schedule(SECOND, LATER, OWN_RUNNERS)
    harness = CollectorHarness(runner_versions.COLLECTOR, recorded, organizations=("octo-org",))
    harness.run()
    assert dates(harness) == {FIRST: DATE_SECONDS, SECOND: LATER_SECONDS}
    assert harness.text.count(f'version="{FIRST}"') == 1
    harness.recorded[RUNNERS] = installed()
    harness.run()
    assert dates(harness) == {FIRST: DATE_SECONDS, SECOND: LATER_SECONDS}


@given(st.lists(st.integers(0, 30).map(lambda minor: f"2.{minor}.0"), max_size=80))
def test_only_the_most_used_versions_are_asked_for_each_once(versions: list[str]) -> None:
    """Whatever the fleet: one request for each version, those with the most runners, at most 20."""
    recorded = {RUNNERS: installed(*versions)}
    for version in versions:
        recorded |= schedule(version, DATE)
    harness = CollectorHarness(runner_versions.COLLECTOR, recorded)
    harness.run()
    asked = Counter(path.rpartition("/")[2] for path in harness.asked if "deprecations" in path)
    counts = Counter(versions)
    assert len(asked) == min(MAX_VERSIONS, len(counts))
    assert set(asked.values()) <= {1}
    assert dates(harness).keys() == asked.keys()
    left_out = [counts[version] for version in counts if version not in asked]
    assert all(counts[version] >= max(left_out, default=0) for version in asked)
