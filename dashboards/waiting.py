"""The row of the runners' dashboard about waiting, from the audit log."""

from dashboards import alert_colors
from dashboards import queries as q
from dashboards.frame import Panels, runbooks
from dashboards.panels import bars, lines
from dashboards.parts import COUNTED_FROM_ZERO, SECONDS, Look, Query

CHOSEN = 'organization=~"$organization"'
NO_ACTIVITY = "actions_activity is not enabled"


def _rate(metric: str, *labels: str) -> str:
    """The rate of each series of *metric*, as if there were one exporter."""
    by = ", ".join(("enterprise", "organization", *labels))
    return f"max by ({by}) (rate({metric}{{{q.HERE}, {CHOSEN}}}[30m]))"


def _wait(quantile: float) -> str:
    return f"histogram_quantile({quantile}, sum by (le) ({_rate('ghe_actions_run_wait_seconds_bucket', 'le')})) >= 0"


def waiting() -> Panels:
    """The panels of this row."""
    waits = q.one("ghe_actions_runs_waiting", "organization", "age", where=CHOSEN)
    jobs = f"sum by (hosted, label) ({_rate('ghe_actions_jobs_started_total', 'hosted', 'label')})"
    return [
        lines(
            "Runs waiting",
            "Workflow runs none of whose jobs has started, by how long they have waited at least: for a runner, a "
            "concurrency group or an approval. Idle runners beside them: it is one of the last two. Not filtered by "
            "group.",
            [Query(f"sum by (age) ({waits})", "{{age}} or longer")],
            look=COUNTED_FROM_ZERO,
            no_value=NO_ACTIVITY,
            calcs=("lastNotNull", "max"),
            links=runbooks("GitHubRunsWaiting"),
        ),
        lines(
            "Wait until the first job",
            "Time from the creation of a run to its first started job, of the runs that started in the half hour "
            "before: half of them waited at most as long as the lower line, 95% as the upper one. Never above 1 h.",
            [Query(_wait(0.95), "95%"), Query(_wait(0.5), "50%")],
            look=Look(SECONDS, 1, 0),
            no_value=NO_ACTIVITY,
            calcs=("lastNotNull", "max"),
        ),
        bars(
            "Jobs started by label",
            "Jobs an hour in the half hour before, under every label that they ask for; GitHub's own runners have "
            "their image as label. A label that nobody asks for: its runners are idle for nothing.",
            [
                Query(
                    f"sort_desc(3600 * topk(12, {q.named(jobs, 'label', '(no label)')}))",
                    "{{label}}",
                )
            ],
            look=Look(minimum=0, decimals=0),
            no_value=NO_ACTIVITY,
            size=(12, 8),
        ),
        lines(
            "Delay of the audit log",
            "How old the newest event was when it was read. Above the dashed line the alert does not judge: what seems "
            "to wait may have started. 0: nothing new was to be read.",
            [Query(q.one("ghe_actions_audit_lag_seconds"), "{{enterprise}}")],
            look=alert_colors.AUDIT_LAG,
            threshold=True,
            no_value=NO_ACTIVITY,
            links=runbooks("GitHubRunsWaiting"),
        ),
    ]
