"""The exporter's metrics about itself are exposed as they are declared, in both formats."""

from collections.abc import Callable

import prometheus_client
import pytest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.app import Exporter
from exporter.metrics.metric import Metric
from exporter.telemetry.declarations import OWN_METRICS
from tests.support.telemetry_harness import LICENSES, SEATS, TelemetryHarness

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
