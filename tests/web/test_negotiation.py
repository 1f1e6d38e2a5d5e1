"""Which format and coding a client of /metrics gets."""

import pytest

from exporter.web.negotiation import OPENMETRICS, TEXT, accepts_gzip, content_type

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_30 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_NATIVE_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    + PROMETHEUS_3.replace("q=0.6", "q=0.5", 1)
)
PROMETHEUS_3_TEXT_ONLY = "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.2"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (FIREFOX, TEXT),
        (PROMETHEUS_2_30, TEXT),
        (PROMETHEUS_2_42, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_NATIVE_HISTOGRAMS, OPENMETRICS),
        (PROMETHEUS_3_TEXT_ONLY, TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0.0,text/plain;q=0", TEXT),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.9", TEXT),
        ("application/openmetrics-text;q=0.5,text/*;q=0.9", TEXT),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.5", OPENMETRICS),
        ("application/openmetrics-text;q=much,text/plain", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        (" , ;; ,=,q=1,;q=0.1", TEXT),
        ("application/openmetrics-text;;version=1.0.0", OPENMETRICS),
    ],
)
def test_openmetrics_is_chosen_unless_text_is_preferred(accept: str, kind: str) -> None:
    """Every other header gets text."""
    assert content_type(accept) == kind


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; q=0.001", True),
        ("gzip, deflate, br", True),
        ("deflate, br", False),
        ("identity", False),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0, gzip", True),
        ("*, gzip;q=0", False),
        ("gzip;q=x", False),
        ("gzipped", False),
    ],
)
def test_gzip_is_accepted_unless_refused(accept_encoding: str, *, accepted: bool) -> None:
    """By name or by `*`."""
    assert accepts_gzip(accept_encoding) is accepted
