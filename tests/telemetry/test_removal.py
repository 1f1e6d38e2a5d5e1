"""What is not configured any more leaves no series, also when a report of it comes later."""

from exporter.errors import Reason
from exporter.github.rate_limit import RateLimitWindow
from exporter.telemetry.declarations import OWN_METRICS
from exporter.telemetry.telemetry import EnterpriseApi
from tests.support.telemetry_harness import CREDENTIALS, LICENSES, RUNNERS, SEATS, USERS, TelemetryHarness


def test_forgotten_collector_has_no_series(harness: TelemetryHarness) -> None:
    """Nothing of a removed collector stays, also when a run of it ends later; others stay."""
    harness.reconcile(LICENSES, RUNNERS)
    for key in (LICENSES, RUNNERS):
        harness.telemetry.dropped(key, {f"ghe_{key.collector}": 1})
    harness.reconcile(RUNNERS)
    harness.telemetry.failed(LICENSES, Reason.TIMEOUT)
    harness.telemetry.skipped(LICENSES, 1)
    text = harness.telemetry.render(openmetrics=False)
    assert b"licenses" not in text
    assert harness.series("ghe_exporter_series_dropped") == {("acme", "ghe_runners"): 1}
    assert len(harness.series("ghe_exporter_collector_failures_total")) == len(Reason)


def everything(api: EnterpriseApi, credential: str) -> None:
    """Report everything there is about requests."""
    api.attempted(SEATS, "200", 0.1)
    api.retried(SEATS)
    api.not_modified(SEATS)
    api.authenticated(credential, accepted=False)
    api.rate_limit(credential, RateLimitWindow("core", 5000, 4000, 100))
    api.token_expires(credential, 500)
    api.sunset(USERS, 600)


def test_forgotten_enterprise_has_no_series(harness: TelemetryHarness) -> None:
    """Nothing of a removed enterprise stays, also when an answer comes later; others stay."""
    globex = harness.telemetry.observer("globex")
    everything(harness.api, "auth")
    everything(globex, "auth")
    harness.reconcile(globex=CREDENTIALS)
    everything(harness.api, "auth")
    text = harness.telemetry.render(openmetrics=False)
    assert b"acme" not in text
    for declared in OWN_METRICS:
        if "path" in declared.labels or "credential" in declared.labels:
            suffix = "_count" if declared.type == "histogram" else ""
            assert [labels[0] for labels in harness.series(declared.name + suffix)] == ["globex"]


def test_enterprise_added_again_counts_again(harness: TelemetryHarness) -> None:
    """A removed enterprise that is configured again begins anew."""
    everything(harness.api, "auth")
    harness.reconcile(globex=CREDENTIALS)
    harness.reconcile(acme=CREDENTIALS)
    everything(harness.telemetry.observer("acme"), "auth")
    assert harness.series("ghe_exporter_api_requests_total") == {("acme", SEATS.path, "200"): 1}
    assert harness.series("ghe_up") == {("acme",): 0}


def test_removed_credential_has_no_series(harness: TelemetryHarness) -> None:
    """A credential that is used no more holds nothing down, also when an answer to it comes later."""
    globex = harness.telemetry.observer("globex")
    for api in (harness.api, globex):
        everything(api, "runner_auth")
    harness.api.authenticated("auth", accepted=True)
    harness.reconcile(acme=frozenset({"auth"}), globex=CREDENTIALS)
    everything(harness.api, "runner_auth")
    assert harness.series("ghe_up") == {("acme",): 1, ("globex",): 0}
    for name in ("ghe_rate_limit_limit", "ghe_token_expiration_timestamp_seconds"):
        assert {labels[:2] for labels in harness.series(name)} == {("globex", "runner_auth")}
    assert harness.series("ghe_exporter_api_requests_total")["acme", SEATS.path, "200"] == 2
