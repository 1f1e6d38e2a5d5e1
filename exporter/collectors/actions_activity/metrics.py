"""Metrics of the collector `actions_activity`."""

from exporter.metrics.metric import counter, gauge, histogram

RUNS_WAITING = gauge(
    "ghe_actions_runs_waiting",
    "Workflow runs none of whose jobs has started for at least this long; concurrency groups and approvals count too.",
    "organization",
    "age",
)
RUN_WAIT = histogram(
    "ghe_actions_run_wait_seconds",
    "Time from the creation of a workflow run to its first started job, concurrency groups and approvals included.",
    "organization",
    buckets=(5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600),
)
JOBS_STARTED = counter(
    "ghe_actions_jobs_started_total",
    "Jobs started, each under all custom labels it asks for, empty for none; labels beyond the limit are (other).",
    "organization",
    "hosted",
    "label",
)
AUDIT_LAG = gauge(
    "ghe_actions_audit_lag_seconds",
    "Age of the newest event when it was read; 0 where a reading found nothing new, which also a late log looks like.",
)
AUDIT_SKIPPED = counter(
    "ghe_actions_audit_skipped_seconds_total",
    "Stretches of the audit log that were not read, to keep to half of its rate limit.",
)

METRICS = (RUNS_WAITING, RUN_WAIT, JOBS_STARTED, AUDIT_LAG, AUDIT_SKIPPED)
AGES = {"5m": 300, "15m": 900, "60m": 3600}
"""Each counts what waits at least so long."""
