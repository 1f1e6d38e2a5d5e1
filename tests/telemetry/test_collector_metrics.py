"""What is exposed of collectors and organizations: their failures, their status, what they drop."""

import pytest

from exporter.errors import Reason
from exporter.runtime.discovery import Chosen
from exporter.runtime.status import LevelStatus, Watch
from tests.support.telemetry_harness import LICENSES, RUNNERS, TelemetryHarness


def test_failure_counters_start_at_zero(harness: TelemetryHarness) -> None:
    """Every reason is there with zero before anything failed, and a failure counts under its own."""
    harness.reconcile(LICENSES)
    begun = harness.series("ghe_exporter_collector_failures_total")
    assert begun == {(*LICENSES, reason.value): 0 for reason in Reason}
    assert harness.series("ghe_exporter_payload_skipped_total") == {LICENSES: 0}
    harness.telemetry.failed(LICENSES, Reason.TIMEOUT)
    harness.telemetry.failed(LICENSES, Reason.TIMEOUT)
    harness.telemetry.skipped(LICENSES, 3)
    assert harness.series("ghe_exporter_collector_failures_total") == begun | {(*LICENSES, "timeout"): 2}
    assert harness.series("ghe_exporter_payload_skipped_total") == {LICENSES: 3}


def test_watching_a_collector_again_keeps_its_counts(harness: TelemetryHarness) -> None:
    """A reload does not reset counters of what continues."""
    harness.reconcile(LICENSES)
    harness.telemetry.failed(LICENSES, Reason.BUG)
    harness.reconcile(LICENSES, RUNNERS)
    assert harness.series("ghe_exporter_collector_failures_total")[(*LICENSES, "bug")] == 1


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (
            LevelStatus(),
            {"last_success_timestamp_seconds": 0, "interval_seconds": 60, "configured_interval_seconds": 60},
        ),
        (
            LevelStatus(succeeded_at=5, duration=0.5, success=True, available=True, requests=12),
            {
                "requests": 12,
                "success": 1,
                "last_success_timestamp_seconds": 5,
                "duration_seconds": 0.5,
                "interval_seconds": 60,
                "configured_interval_seconds": 60,
                "available": 1,
            },
        ),
        (
            LevelStatus(succeeded_at=5, duration=0.0, success=False, available=False, reason=Reason.UNAVAILABLE),
            {
                "success": 0,
                "last_success_timestamp_seconds": 5,
                "duration_seconds": 0,
                "interval_seconds": 60,
                "configured_interval_seconds": 60,
                "available": 0,
            },
        ),
    ],
)
def test_collector_gauges_show_the_status(
    harness: TelemetryHarness, status: LevelStatus, shown: dict[str, float]
) -> None:
    """What is known of a collector is exposed, and what is not known yet is absent, but for the last success."""
    harness.show(RUNNERS, status)
    times = ("last_success_timestamp_seconds", "duration_seconds", "interval_seconds", "configured_interval_seconds")
    names = ("success", "available", "requests", *times)
    found = {name: harness.series(f"ghe_exporter_collector_{name}").get(RUNNERS) for name in names}
    assert {name: value for name, value in found.items() if value is not None} == shown


def test_dropped_series_are_shown_until_none_is_dropped(harness: TelemetryHarness) -> None:
    """Dropped series are exposed while they are dropped."""
    harness.telemetry.dropped(LICENSES, {"ghe_a": 7, "ghe_b": 8})
    assert harness.series("ghe_exporter_series_dropped") == {("acme", "ghe_a"): 7, ("acme", "ghe_b"): 8}
    harness.telemetry.dropped(LICENSES, {})
    assert harness.series("ghe_exporter_series_dropped") == {}


def test_organizations_by_what_becomes_of_them(harness: TelemetryHarness) -> None:
    """What is refused is not counted as read, and what is set replaces everything."""
    harness.telemetry.set_organizations({"acme": Chosen(("a", "b"), excluded=2, left_out=3), "globex": Chosen(())})
    harness.statuses.reconcile({RUNNERS: Watch("f", 60, ("", "a", "b"))})
    harness.statuses.put(RUNNERS.level("b"), LevelStatus(success=False, available=False, refused=True))
    assert harness.series("ghe_exporter_organizations") == {
        ("acme", "read"): 1,
        ("acme", "refused"): 1,
        ("acme", "excluded"): 2,
        ("acme", "left_out"): 3,
        ("globex", "read"): 0,
        ("globex", "refused"): 0,
        ("globex", "excluded"): 0,
        ("globex", "left_out"): 0,
    }
    harness.telemetry.set_organizations({})
    assert harness.series("ghe_exporter_organizations") == {}
