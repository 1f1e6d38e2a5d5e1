"""The exporter's metrics about itself."""

import threading
from collections.abc import Callable

import prometheus_client
import pytest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.errors import Reason
from exporter.github.endpoint import Endpoint
from exporter.github.rate_limit import MAX_RESOURCES, RateLimitWindow
from exporter.metrics.metric import Metric
from exporter.runtime.discovery import Chosen
from exporter.runtime.status import Key, LevelStatus, StatusBoard, Watch
from exporter.telemetry.declarations import OWN_METRICS
from exporter.telemetry.telemetry import EnterpriseApi, Telemetry

LICENSES, RUNNERS = Key("acme", "licenses"), Key("acme", "runners")
SEATS = Endpoint("/enterprises/{enterprise}/consumed-licenses", "read:enterprise")
RUNNER_LIST = Endpoint("/enterprises/{enterprise}/actions/runners", "manage_runners:enterprise")
USERS = Endpoint("/enterprises/{enterprise}/users", "read:enterprise", revalidate=False)

# The part of the contract that is about the exporter: name, type, labels.
CONTRACT = """
ghe_up gauge enterprise
ghe_exporter_collector_success gauge enterprise,collector
ghe_exporter_collector_last_success_timestamp_seconds gauge enterprise,collector
ghe_exporter_collector_duration_seconds gauge enterprise,collector
ghe_exporter_collector_interval_seconds gauge enterprise,collector
ghe_exporter_collector_configured_interval_seconds gauge enterprise,collector
ghe_exporter_collector_requests gauge enterprise,collector
ghe_exporter_collector_available gauge enterprise,collector
ghe_exporter_collector_failures_total counter enterprise,collector,reason
ghe_exporter_api_requests_total counter enterprise,path,code
ghe_exporter_api_request_duration_seconds histogram enterprise,path
ghe_exporter_api_retries_total counter enterprise,path
ghe_exporter_api_not_modified_total counter enterprise,path
ghe_rate_limit_limit gauge enterprise,credential,resource
ghe_rate_limit_remaining gauge enterprise,credential,resource
ghe_rate_limit_reset_timestamp_seconds gauge enterprise,credential,resource
ghe_token_expiration_timestamp_seconds gauge enterprise,credential
ghe_exporter_api_sunset_timestamp_seconds gauge enterprise,path
ghe_exporter_series_dropped gauge enterprise,metric
ghe_exporter_organizations gauge enterprise,state
ghe_exporter_payload_skipped_total counter enterprise,collector
ghe_exporter_config_last_reload_successful gauge
ghe_exporter_config_last_reload_success_timestamp_seconds gauge
ghe_exporter_state_last_write_successful gauge
ghe_exporter_log_errors_total counter
ghe_exporter_build_info gauge version,revision,python_version
"""

CREDENTIALS = frozenset({"auth", "runner_auth", "organization:acme-web"})
Series = dict[tuple[str, ...], float]
SUNSET = "ghe_exporter_api_sunset_timestamp_seconds"


class TelemetryHarness:
    """A telemetry and what it exposes."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # as the exporter does
        self.statuses = StatusBoard()
        paths = {"licenses": frozenset({SEATS.path}), "runners": frozenset({RUNNER_LIST.path})}
        self.telemetry = Telemetry(self.statuses, version="1.2.3", revision="abc", process_metrics=False, paths=paths)
        self.api = self.telemetry.observer("acme")
        self.reconcile()

    def reconcile(self, *keys: Key, **credentials: frozenset[str]) -> None:
        """Count for these *keys* and *credentials*, by default for all credentials of two enterprises."""
        self.telemetry.reconcile(set(keys), credentials or {"acme": CREDENTIALS, "globex": CREDENTIALS})

    def show(self, key: Key, status: LevelStatus) -> None:
        """Begin to watch *key*, whose only level has this *status*."""
        self.reconcile(key)
        self.statuses.reconcile({key: Watch("f", 60)})
        self.statuses.put(key.level(), status)

    def families(self) -> dict[str, Family]:
        """What the text format says, by name of the family as it is written there."""
        return {family.name: family for family in parse_text(self.telemetry.render(openmetrics=False).decode())}

    def series(self, name: str) -> Series:
        """Values of one metric by the values of its labels, in the order of the declaration."""
        [declared] = [metric for metric in OWN_METRICS if name.startswith(metric.name)]
        labels = (*declared.labels, "le") if name.endswith("_bucket") else declared.labels
        samples = [sample for family in self.families().values() for sample in family.samples]
        return {
            tuple(sample.labels[label] for label in labels): sample.value for sample in samples if sample.name == name
        }

    def fill(self) -> None:
        """Let everything happen that makes a series."""
        self.show(LICENSES, LevelStatus(succeeded_at=5, duration=0.5, success=True, available=True, requests=1))
        self.telemetry.dropped(LICENSES, {"ghe_seats": 7})
        self.telemetry.set_organizations({"acme": Chosen(("acme-web",), excluded=2, left_out=3)})
        self.telemetry.reloaded(9)
        self.telemetry.state_written(True)
        self.api.attempted(SEATS, "200", 0.3)
        self.api.authenticated("auth", accepted=True)
        self.api.rate_limit("auth", RateLimitWindow("core", 5000, 4000, 99))
        self.api.token_expires("auth", 77)
        self.api.sunset(SEATS, 88)


@pytest.fixture
def harness() -> TelemetryHarness:
    """A telemetry without any report yet."""
    return TelemetryHarness()


def test_declared_metrics_are_those_of_the_contract() -> None:
    """The declarations are the metrics, types and labels that dashboards and alerts rely on."""
    declared = {(metric.name, metric.type, metric.labels) for metric in OWN_METRICS}
    lines = [line.split(" ") for line in CONTRACT.strip().splitlines()]
    assert declared == {
        (name, kind, tuple("".join(labels).split(",")) if labels else ()) for name, kind, *labels in lines
    }
    assert len(OWN_METRICS) == len(declared)


@pytest.mark.parametrize("declared", OWN_METRICS, ids=lambda declared: declared.name)
def test_exposed_as_declared(harness: TelemetryHarness, declared: Metric) -> None:
    """Each declaration is exposed with its type, help and labels."""
    harness.fill()
    family = harness.families()[declared.name.removesuffix("_total")]
    assert (family.type, family.documentation) == (declared.type, declared.help)
    assert family.samples
    for sample in family.samples:
        assert set(sample.labels) - {"le"} == set(declared.labels)


def test_only_declared_metrics_are_exposed(harness: TelemetryHarness) -> None:
    """Every own metric is a declared one, and families are visible before they have series."""
    assert set(harness.families()) == {declared.name.removesuffix("_total") for declared in OWN_METRICS}


def test_process_metrics_are_exposed() -> None:
    """The process and its interpreter are exposed unless another exporter does it."""
    text = Telemetry(StatusBoard(), version="1", revision="r").render(openmetrics=False)
    for name in (b"process_cpu_seconds_total ", b"process_open_fds ", b"python_info{", b"python_gc_collections_total{"):
        assert b"\n" + name in text


@pytest.mark.parametrize("parse", [parse_text, parse_openmetrics])
def test_output_is_valid_in_both_formats(harness: TelemetryHarness, parse: Callable[[str], list[Family]]) -> None:
    """Both formats are valid, hold each family once, and end as they should."""
    harness.fill()
    text = harness.telemetry.render(openmetrics=parse is parse_openmetrics).decode()
    names = [family.name for family in parse(text)]
    assert len(names) == len(set(names)) == len(OWN_METRICS)
    assert text.endswith("\n# EOF\n") is (parse is parse_openmetrics)


def test_no_created_series() -> None:
    """A running exporter has no `_created` series, which would double those of every counter."""
    prometheus_client.enable_created_metrics()  # type: ignore[no-untyped-call]
    exporter = Exporter()
    exporter.telemetry.reconcile({LICENSES}, {})
    exporter.telemetry.observer("acme").attempted(SEATS, "200", 0.3)
    for openmetrics in (False, True):
        text = exporter.telemetry.render(openmetrics=openmetrics)
        assert b"ghe_exporter_collector_failures_total{" in text
        assert b"_created" not in text


def test_build_info_names_the_version_and_python(harness: TelemetryHarness) -> None:
    """Version and revision of what runs are labels."""
    [(labels, value)] = harness.series("ghe_exporter_build_info").items()
    assert labels[:2] == ("1.2.3", "abc")
    assert value == 1


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
    """A reload does not reset counters of what goes on."""
    harness.reconcile(LICENSES)
    harness.telemetry.failed(LICENSES, Reason.BUG)
    harness.reconcile(LICENSES, RUNNERS)
    assert harness.series("ghe_exporter_collector_failures_total")[(*LICENSES, "bug")] == 1


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


def test_failed_reload_keeps_the_time_of_the_last_success(harness: TelemetryHarness) -> None:
    """A failed reload shows, and leaves the time of the last good one."""
    harness.telemetry.reloaded(100)
    assert harness.series("ghe_exporter_config_last_reload_successful") == {(): 1}
    harness.telemetry.reloaded(None)
    assert harness.series("ghe_exporter_config_last_reload_successful") == {(): 0}
    assert harness.series("ghe_exporter_config_last_reload_success_timestamp_seconds") == {(): 100}


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


def test_counting_during_scrapes_loses_nothing(harness: TelemetryHarness) -> None:
    """Threads that count while others scrape and forget lose nothing and break nothing."""
    harness.reconcile(LICENSES)
    together = threading.Barrier(5)
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            together.wait()
            for turn in range(100):
                harness.api.attempted(SEATS, "200", 0.1)
                harness.telemetry.failed(LICENSES, Reason.TIMEOUT)
                harness.reconcile(LICENSES, Key(f"octo-{number}", f"c{turn}"))
                harness.telemetry.render(openmetrics=bool(number % 2)) if turn % 20 == 0 else None
                harness.reconcile(LICENSES)
        except BaseException as error:  # noqa: BLE001 - whatever goes wrong in a thread fails the test
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert harness.series("ghe_exporter_api_requests_total") == {("acme", SEATS.path, "200"): 500}
    assert harness.series("ghe_exporter_collector_failures_total") == {
        (*LICENSES, reason.value): 500 * (reason is Reason.TIMEOUT) for reason in Reason
    }


def test_log_errors_are_counted_where_they_happen() -> None:
    """Lines that could not be written show at the next scrape: the log itself cannot report them."""
    errors = 0
    telemetry = Telemetry(StatusBoard(), version="1", revision="r", process_metrics=False, log_errors=lambda: errors)
    assert b"\nghe_exporter_log_errors_total 0\n" in telemetry.render(openmetrics=False)
    errors = 7
    assert b"\nghe_exporter_log_errors_total 7\n" in telemetry.render(openmetrics=True)


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
