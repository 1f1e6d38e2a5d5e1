"""Streams of the audit log, of which GitHub reports only so often."""

from exporter.collectors.audit_log_streams import COLLECTOR, MIN_INTERVAL
from tests.support.harness import CollectorHarness

PATH = "/enterprises/octo-corp/audit-log/streams"
ALLOWED_AN_HOUR = 15


def test_failing_runs_stay_within_what_github_allows_in_an_hour() -> None:
    """Every try counts: a failure is not tried again after a minute as elsewhere."""
    harness = CollectorHarness(COLLECTOR, {PATH: {"status": 502, "body": ""}})
    started, times = harness.clock.now, []
    while harness.clock.now < started + 4 * 3600:
        before = len(harness.asked)
        delay = harness.run()
        times += [harness.clock.now] * (len(harness.asked) - before)
        assert delay >= 0.9 * MIN_INTERVAL
        harness.clock.now += delay
    busiest = max(sum(at <= other < at + 3600 for other in times) for at in times)
    assert 3 < busiest <= ALLOWED_AN_HOUR


def test_details_of_a_stream_are_not_shown() -> None:
    """They may say where it leads to, and with what."""
    stream = {"id": 1, "stream_type": "Splunk", "stream_details": "https://splunk.acme.example", "enabled": True}
    harness = CollectorHarness(COLLECTOR, {PATH: [stream]})
    harness.run()
    assert harness.status.success
    assert "acme" not in harness.text
