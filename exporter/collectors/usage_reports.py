"""Exports of usage reports: how many, and when the last one was completed."""

from collections import Counter
from collections.abc import Iterator

from exporter.collector import Collector, Target
from exporter.collectors.common.labels import UNKNOWN
from exporter.collectors.common.summary import BILLING_PERMISSION, BILLING_SCOPE, Name
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Record, Text, Timestamp
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# The answer holds signed download URLs, which are secrets: it is not kept for its ETag.
REPORT_LIST = Endpoint(
    "/enterprises/{enterprise}/settings/billing/reports", BILLING_SCOPE, BILLING_PERMISSION, revalidate=False
)

EXPORTS = gauge("ghe_usage_report_exports", "Exports of usage reports that GitHub lists.", "report_type", "status")
LAST_COMPLETED = gauge(
    "ghe_usage_report_last_completed_timestamp_seconds",
    "When the newest completed export was made; where GitHub does not say, the last day it covers.",
    "report_type",
)


class Report(Record):
    """An export, without its download URLs and the person who asked for it."""

    id: Text = ""
    report_type: Name = UNKNOWN
    status: Name = UNKNOWN
    created_at: Timestamp = None
    end_date: Timestamp = None

    @property
    def made_at(self) -> float | None:
        """When it was made, or the next best that is known."""
        return self.end_date if self.created_at is None else self.created_at


def fetch(github: GitHub, _target: Target) -> tuple[Report, ...]:
    """Read the exports, each once; one without an id is an export of its own."""
    reports = github.get_object(REPORT_LIST).get("usage_report_exports")
    if not isinstance(reports, list):
        raise PayloadError(f"GET {REPORT_LIST.path}: no list usage_report_exports in the answer")
    distinct = {report.id or index: report for index, report in enumerate(github.records(Report, reports))}
    return tuple(distinct.values())


def samples(_target: Target, reports: tuple[Report, ...]) -> Iterator[Sample]:
    """Map the counts and, per type, the newest completed export."""
    for key, exports in Counter((report.report_type, report.status) for report in reports).items():
        yield EXPORTS(exports, *key)
    newest: dict[str, float] = {}
    for report in reports:
        if report.status == "completed" and report.made_at is not None:
            newest[report.report_type] = max(newest.get(report.report_type, 0), report.made_at)
    for report_type, made_at in newest.items():
        yield LAST_COMPLETED(made_at, report_type)


COLLECTOR = Collector(
    name="usage_reports",
    help="Exports of usage reports by type and status, and the newest completed one.",
    metrics=(EXPORTS, LAST_COMPLETED),
    endpoints=(REPORT_LIST,),
    interval=3600,
    fetch=fetch,
    samples=samples,
)
