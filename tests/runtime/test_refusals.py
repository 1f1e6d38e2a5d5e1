"""What GitHub refuses: when a collector counts as unavailable, and when it is probed."""

import pytest

from exporter.collectors.licenses import COLLECTOR as LICENSES
from exporter.runtime.availability import Availability
from tests.support.harness import CollectorHarness
from tests.support.runs import CONSUMED, DAY, GOOD, PATH, failing


def test_refusals_after_success_count_only_from_the_third() -> None:
    """A collector that worked is unavailable only after three refusals in a row, and works again when it is read."""
    harness = CollectorHarness(LICENSES, {PATH: GOOD})
    harness.run()
    harness.recorded[PATH] = failing(404)
    available = []
    for _ in range(3):
        harness.run()
        available.append(harness.status.available)
    assert available == [True, True, False]
    assert harness.series == {CONSUMED: 7}
    harness.recorded[PATH] = GOOD
    harness.run()
    assert harness.status.available is True


@pytest.mark.parametrize("status", [403, 404])
def test_a_web_page_switches_nothing_off(status: int) -> None:
    """A filter's or gateway's page is a failure, however often, where the collector worked before."""
    page = {"status": status, "body": "<html>Blocked"}
    harness = CollectorHarness(LICENSES, {PATH: GOOD})
    harness.run()
    harness.recorded[PATH] = page
    for _ in range(4):
        assert harness.run() <= 900 * 1.05
        assert (harness.status.available, harness.status.success) == (True, False)
    harness = CollectorHarness(LICENSES, {PATH: page})
    harness.run()
    assert harness.status.available is False


def test_refusals_after_success_are_probed_at_growing_intervals() -> None:
    """An outage that answers 404 does not cost a day; what stays refused is asked for daily in the end."""
    harness = CollectorHarness(LICENSES, {PATH: {"total_seats_consumed": 7}})
    harness.run()
    harness.recorded[PATH] = failing(404)
    delays = [harness.run() for _ in range(11)]
    assert harness.status.available is False
    expected = (900, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, DAY, DAY, DAY)
    for delay, seconds in zip(delays, expected, strict=True):
        assert seconds * 0.95 <= delay <= seconds * 1.05


def test_unavailable_stays_so_while_probes_fail_otherwise() -> None:
    """A server error at a daily probe does not make an unavailable collector look broken."""
    harness = CollectorHarness(LICENSES, {PATH: failing(404)})
    harness.run()
    harness.recorded[PATH] = failing(500)
    assert harness.run() <= 900 * 1.05, "a probe that failed otherwise is repeated soon, not tomorrow"
    assert harness.status.available is False


def test_another_failure_breaks_a_row_of_refusals() -> None:
    """Only refusals in a row make a collector unavailable."""
    state = Availability()
    state.worked()
    for step in (state.refused, state.refused, state.failed, state.refused, state.refused):
        step()
        assert state.offered


def test_collector_that_worked_before_a_reload_survives_one_refusal() -> None:
    """Success before the configuration was loaded anew counts: one refusal is a failure, not a verdict."""
    harness = CollectorHarness(LICENSES, {PATH: failing(404)})
    harness.collection.levels[""].remember_success()
    harness.run()
    assert harness.status.available is True
