"""Workflow runs that wait and jobs that start, in the whole enterprise, from its audit log.

The log is read as it grows, each time with some of what was read before: GitHub adds events late and out of order. How
much is read again depends on the queries that half of the log's rate limit leaves. Where much was missed, the newest
events are read first, and what cannot be read is skipped and said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import Field

from exporter.collector import Collector, CollectorOptions, Persisted, Platform, Target
from exporter.collectors.actions_activity.events import Event
from exporter.collectors.actions_activity.ledger import Job
from exporter.collectors.actions_activity.metrics import (
    AUDIT_LAG,
    AUDIT_SKIPPED,
    JOBS_STARTED,
    METRICS,
    RUN_WAIT,
    RUNS_WAITING,
)
from exporter.collectors.actions_activity.position import Activity, Reading
from exporter.github.endpoint import Endpoint
from exporter.github.reader import GitHub
from exporter.metrics.metric import Distribution, Sample

# Never kept for their ETags: events name people.
AUDIT_LOG = Endpoint("/enterprises/{enterprise}/audit-log", "read:audit_log", revalidate=False)
SERVER_AUDIT_LOG = Endpoint(AUDIT_LOG.path, "admin:enterprise", revalidate=False)

ACTIVITY = "activity"
"""The name of what is kept."""


class ActionsActivityOptions(CollectorOptions):
    """Settings of the collector `actions_activity`."""

    max_labels: int = Field(
        100, ge=0, description="How many labels of jobs have series of their own; the others are summed as `(other)`."
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What is exposed after a reading."""

    waiting: Mapping[tuple[str, str], int]
    waits: Mapping[str, Distribution]
    jobs: Mapping[Job, int]
    lag: float
    skipped: float


def fetch(github: GitHub, target: Target) -> Report:
    """Read the log from where the last reading ended.

    What is counted stays counted when a page fails: the next reading begins at the same place and counts the rest.
    """
    now = target.now
    activity: Activity = target.memory.recall(ACTIVITY, float("inf")) or Activity.begin(now)
    target.memory.remember(ACTIVITY, activity)
    reading = activity.next_reading(now)
    read(github, target, activity, reading)
    skipped = activity.advance(reading, now)
    if skipped:
        github.note("audit log skipped", seconds=round(skipped))
    waits, jobs = activity.ledger.exposed()
    nothing_new = reading.reaches_now and not reading.new_events
    return Report(
        waiting=activity.ledger.waiting(now if reading.reaches_now else activity.through),
        waits=waits,
        jobs=jobs,
        lag=0.0 if nothing_new else round(max(0.0, now - reading.newest), 3),
        skipped=activity.ledger.skipped,
    )


def read(github: GitHub, target: Target, activity: Activity, reading: Reading) -> None:
    """Count the events of *reading*, page by page, as far as the allowance goes."""
    if not activity.allowance.allows_more():
        reading.complete = False
        return
    endpoint = SERVER_AUDIT_LOG if target.platform is Platform.SERVER else AUDIT_LOG
    for page in github.pages(endpoint, "", query(reading), may_ignore_page=True):
        activity.allowance.take()
        for event in github.records(Event, page.items):
            reading.note(event, is_new=activity.ledger.add(event, target.options.max_labels))
        if not page.items:  # a next link may lead to what is not there yet
            return
        if not activity.allowance.allows_more():
            reading.complete = False
            return


def query(reading: Reading) -> dict[str, str | int]:
    """How GitHub is asked for the events of *reading*: all of the category, which holds few others."""
    since = datetime.fromtimestamp(int(reading.start), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "phrase": f"action:workflows created:>={since}",
        "include": "web",
        "order": "desc" if reading.newest_first else "asc",
    }


def samples(_target: Target, report: Report) -> Iterator[Sample]:
    """Map the report."""
    for (organization, age), runs in report.waiting.items():
        yield RUNS_WAITING(runs, organization, age)
    for organization, waits in report.waits.items():
        yield RUN_WAIT(waits, organization)
    for job, started in report.jobs.items():
        yield JOBS_STARTED(started, *job)
    yield AUDIT_LAG(report.lag)
    yield AUDIT_SKIPPED(report.skipped)


COLLECTOR = Collector(
    name="actions_activity",
    help="Workflow runs that wait and jobs that start, in the whole enterprise, from its audit log; experimental.",
    metrics=METRICS,
    endpoints=(AUDIT_LOG, SERVER_AUDIT_LOG),
    interval=60,
    enabled=False,
    platforms=frozenset(Platform),
    options=ActionsActivityOptions,
    persisted={ACTIVITY: Persisted(Activity.dump, Activity.load, counts=True)},
    fetch=fetch,
    samples=samples,
)
