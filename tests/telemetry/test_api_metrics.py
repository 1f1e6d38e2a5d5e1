"""What is exposed of requests to GitHub: their counts, credentials, rate limits and announcements."""

import pytest
from structlog.testing import capture_logs

from exporter.github.rate_limit import MAX_RESOURCES, RateLimitWindow
from tests.support.telemetry_harness import (
    CREDENTIALS,
    LICENSES,
    RUNNER_LIST,
    RUNNERS,
    SEATS,
    USERS,
    Series,
    TelemetryHarness,
)

SUNSET = "ghe_exporter_api_sunset_timestamp_seconds"


def test_requests_are_counted_by_path_and_code(harness: TelemetryHarness) -> None:
    """Attempts count by endpoint and status, empty without an answer, and their durations add up."""
    for code, seconds in (("200", 0.3), ("200", 0.7), ("", 40.0)):
        harness.api.attempted(SEATS, code, seconds)
    requests = {("acme", SEATS.path, "200"): 2, ("acme", SEATS.path, ""): 1}
    assert harness.series("ghe_exporter_api_requests_total") == requests
    assert harness.series("ghe_exporter_api_request_duration_seconds_count") == {("acme", SEATS.path): 3}
    assert harness.series("ghe_exporter_api_request_duration_seconds_sum") == {("acme", SEATS.path): 41}
    buckets = harness.series("ghe_exporter_api_request_duration_seconds_bucket")
    assert [buckets["acme", SEATS.path, limit] for limit in ("0.25", "0.5", "30.0", "+Inf")] == [0, 1, 2, 3]


def test_rare_counters_start_at_zero(harness: TelemetryHarness) -> None:
    """The first retry or unchanged answer shows as an increase, where there can be one."""
    harness.api.attempted(SEATS, "200", 0.1)
    harness.api.attempted(USERS, "200", 0.1)
    assert harness.series("ghe_exporter_api_retries_total") == {("acme", SEATS.path): 0, ("acme", USERS.path): 0}
    assert harness.series("ghe_exporter_api_not_modified_total") == {("acme", SEATS.path): 0}
    harness.api.retried(SEATS)
    harness.api.not_modified(SEATS)
    assert harness.series("ghe_exporter_api_retries_total")["acme", SEATS.path] == 1
    assert harness.series("ghe_exporter_api_not_modified_total") == {("acme", SEATS.path): 1}


@pytest.mark.parametrize(
    ("answers", "up"),
    [
        ([], {}),
        ([("auth", True)], {("acme",): 1}),
        ([("auth", False)], {("acme",): 0}),
        ([("auth", False), ("auth", True)], {("acme",): 1}),
        ([("auth", True), ("auth", False)], {("acme",): 0}),
        ([("auth", True), ("runner_auth", False)], {("acme",): 0}),
        ([("organization:acme-web", False), ("auth", True)], {("acme",): 0}),
        ([("runner_auth", False), ("auth", True), ("runner_auth", True)], {("acme",): 1}),
    ],
)
def test_up_is_zero_while_any_credential_is_rejected(
    harness: TelemetryHarness, answers: list[tuple[str, bool]], up: Series
) -> None:
    """An enterprise is up unless the newest answer to one of its credentials was 401; absent before any."""
    for credential, accepted in answers:
        harness.api.authenticated(credential, accepted=accepted)
    assert harness.series("ghe_up") == up


def test_up_of_other_enterprises_is_unchanged(harness: TelemetryHarness) -> None:
    """A rejected credential of one enterprise says nothing of another, and no answer changes nothing."""
    globex = harness.telemetry.observer("globex")
    harness.api.authenticated("auth", accepted=False)
    globex.authenticated("auth", accepted=True)
    harness.api.attempted(SEATS, "", 5)
    assert harness.series("ghe_up") == {("acme",): 0, ("globex",): 1}


def test_invented_rate_limits_add_no_series(harness: TelemetryHarness) -> None:
    """A header that names ever new limits adds no series without end; those that are known stay true."""
    for number in range(100):
        harness.api.rate_limit("auth", RateLimitWindow(f"octo_{number}", 5000, 4000, 100))
    harness.api.rate_limit("auth", RateLimitWindow("octo_0", 5000, 17, 100))
    harness.api.rate_limit("runner_auth", RateLimitWindow("core", 5000, 16, 100))
    left = harness.series("ghe_rate_limit_remaining")
    assert len(left) == MAX_RESOURCES + 1
    assert {16, 17} < set(left.values())


def test_rate_limit_gauges_show_the_last_window(harness: TelemetryHarness) -> None:
    """The newest budget of each credential and resource is exposed."""
    harness.api.rate_limit("auth", RateLimitWindow("core", 5000, 4000, 100))
    harness.api.rate_limit("auth", RateLimitWindow("core", 5000, 3999, 100))
    harness.api.rate_limit("runner_auth", RateLimitWindow("scim", 60, 0, 200))
    core, scim = ("acme", "auth", "core"), ("acme", "runner_auth", "scim")
    assert harness.series("ghe_rate_limit_limit") == {core: 5000, scim: 60}
    assert harness.series("ghe_rate_limit_remaining") == {core: 3999, scim: 0}
    assert harness.series("ghe_rate_limit_reset_timestamp_seconds") == {core: 100, scim: 200}


def test_token_expiration_is_absent_without_one(harness: TelemetryHarness) -> None:
    """When a token expires is exposed until one follows that never does."""
    harness.api.token_expires("auth", None)
    harness.api.token_expires("auth", 500)
    harness.api.token_expires("runner_auth", 600)
    name = "ghe_token_expiration_timestamp_seconds"
    assert harness.series(name) == {("acme", "auth"): 500, ("acme", "runner_auth"): 600}
    harness.api.token_expires("auth", None)
    assert harness.series(name) == {("acme", "runner_auth"): 600}


def test_sunset_is_exposed_until_the_endpoint_stops_announcing_it(harness: TelemetryHarness) -> None:
    """Each enterprise and path has its own; the newest date counts."""
    harness.reconcile(LICENSES, RUNNERS)
    harness.api.sunset(SEATS, 500)
    harness.api.sunset(SEATS, 600)
    harness.api.sunset(RUNNER_LIST, 700)
    assert harness.series(SUNSET) == {("acme", SEATS.path): 600, ("acme", RUNNER_LIST.path): 700}
    harness.api.sunset(SEATS, None)
    assert harness.series(SUNSET) == {("acme", RUNNER_LIST.path): 700}


def test_sunset_vanishes_with_the_last_collector_that_reads_the_path(harness: TelemetryHarness) -> None:
    """What is switched off is not in use, and a late answer changes nothing."""
    harness.reconcile(LICENSES, RUNNERS)
    harness.api.sunset(SEATS, 500)
    harness.api.sunset(RUNNER_LIST, 700)
    harness.reconcile(RUNNERS)
    harness.api.sunset(SEATS, 500)
    assert harness.series(SUNSET) == {("acme", RUNNER_LIST.path): 700}
    harness.reconcile(globex=CREDENTIALS)
    assert harness.series(SUNSET) == {}


def test_deprecation_is_logged_once_per_path(harness: TelemetryHarness) -> None:
    """However often it is announced."""
    with capture_logs() as logs:
        harness.reconcile(LICENSES, RUNNERS)
        for endpoint in (SEATS, RUNNER_LIST, SEATS, SEATS):
            harness.api.deprecated(endpoint)
        harness.reconcile(LICENSES, RUNNERS)  # a reload
        harness.api.deprecated(SEATS)
    logged = [(line["event"], line["path"]) for line in logs]
    assert logged == [("endpoint deprecated", SEATS.path), ("endpoint deprecated", RUNNER_LIST.path)]
