"""The exporter itself: for whoever operates it; the target of its alerts."""

from alerts import thresholds as limit
from dashboards import alert_colors
from dashboards.frame import Board, Panels, choice, runbooks
from dashboards.itself_api import api, process
from dashboards.itself_queries import (
    AGE,
    ALL,
    AVAILABLE,
    EXPIRY,
    INTERVALS,
    LEFT,
    NOTHING,
    RATE_WINDOW,
    TARGET,
    organizations,
    run,
)
from dashboards.panels import Column, lines, stat, table, timeline
from dashboards.parts import (
    ACCEPTED,
    COUNT,
    COUNTED,
    NONE,
    QUIET,
    SECONDS,
    SUCCEEDED,
    VERDICT,
    YES_NO,
    Look,
    Query,
)


def _health() -> Panels:
    return [
        stat(
            "Credentials accepted",
            "Whether GitHub accepts the credentials of each enterprise. Rejected: nothing is collected any more; "
            "replace the token, or the key of the App, in its file. No restart is needed.",
            f"min by (enterprise) (ghe_up{{{ALL}}})",
            look=Look(NONE, steps=[(None, QUIET)], mappings=ACCEPTED),
            legend="{{enterprise}}",
            filled=True,
            size=(8, 5),
            no_value="not asked yet",
            links=runbooks("GitHubCredentialRejected"),
        ),
        stat(
            "Failing collectors",
            "Collectors that are offered here and whose last run failed. One for a moment is a blip; the table below "
            "names it, and `ghe-exporter check` says what to do.",
            f"count(({run('success')} == 0) and {AVAILABLE}) or vector(0) and on () count({AVAILABLE})",
            look=COUNTED,
            no_value=NOTHING,
            links=runbooks("GitHubCollectorNeverSucceeded"),
            size=(4, 5),
        ),
        stat(
            "Oldest data",
            "Age of the stalest collector's data in units of its own interval. Up to 1 is normal; from 3 on the alert "
            "warns that figures are frozen.",
            f"max({INTERVALS})",
            look=alert_colors.STALE,
            filled=True,
            no_value=NOTHING,
            links=runbooks("GitHubCollectorStale"),
            size=(4, 5),
        ),
        stat(
            "Token expires in",
            "Days until the first of the tokens in use expires. Make a new one before that and write it to the same "
            "file. Apps and tokens without an end are not counted.",
            f"min({EXPIRY})",
            look=alert_colors.TOKEN,
            filled=True,
            no_value="no token expires",
            links=runbooks("GitHubTokenExpiringSoon", "GitHubTokenExpiring"),
            size=(4, 5),
        ),
        stat(
            "Lowest rate limit",
            "Share left of the rate limit of the credential that has least. Near zero: other users of the same "
            "credential starve it; give the exporter one of its own.",
            f"min({LEFT})",
            look=alert_colors.RATE_LIMIT,
            filled=True,
            no_value="no limit reported",
            links=runbooks("GitHubRateLimitLow"),
            size=(4, 5),
        ),
    ]


def _freshness() -> Panels:
    return [
        lines(
            "Data age in units of intervals",
            "Age of each collector's data in units of its own interval: a saw-tooth up to 1 is healthy, whatever the "
            "interval. The dashed line is where the alert warns.",
            [Query(f"max by (collector) ({INTERVALS})", "{{collector}}")],
            look=alert_colors.STALE,
            threshold=True,
            links=runbooks("GitHubCollectorStale"),
            custom={"lineInterpolation": "linear", "axisSoftMax": limit.STALE_INTERVALS + 1},
            no_value=NOTHING,
            size=(12, 15),
            calcs=("lastNotNull", "max"),
        ),
        timeline(
            "Results of runs",
            "Result of the newest run of each collector over time; red where it failed for any of the enterprises "
            "that offer it.",
            Query(f"min by (collector) ({run('success')} and {AVAILABLE})", "{{collector}}"),
            look=Look("bool", mappings=SUCCEEDED),
            no_value=NOTHING,
            size=(12, 15),
        ),
        table(
            "Collectors",
            "Every collector that is offered, those that failed first, then the stalest. Age is how old its "
            "figures are on all dashboards. A run as long as the interval: the collector cannot keep up.",
            {"enterprise": "Enterprise", "collector": "Collector"},
            [
                Column("Age in intervals", INTERVALS, alert_colors.STALE, 170, "color-text"),
                Column("Age", f"{AGE} and {AVAILABLE}", Look(SECONDS, 0), 90),
                Column("Interval", f"{run('interval_seconds')} and {AVAILABLE}", Look(SECONDS, 0), 90),
                Column("Requests", f"{run('requests')} and {AVAILABLE}", COUNTED, 90),
                Column("Run took", f"{run('duration_seconds')} and {AVAILABLE}", Look(SECONDS, 2), 105),
                Column(
                    *("Last run", f"{run('success')} and {AVAILABLE}", VERDICT, 100),
                    "color-background",
                ),
            ],
            no_value=NOTHING,
            size=(16, 11),
            sort=["Last run", "-Age in intervals"],
            links=runbooks("GitHubCollectorStale"),
        ),
        table(
            "Not offered here",
            "Collectors that this platform, plan or credential does not offer. They are asked again once a day. "
            "Unexpected ones: run `ghe-exporter check` for the scope that is missing, else switch them off.",
            {"enterprise": "Enterprise", "collector": "Collector"},
            [Column("Offered", f"{run('available')} == 0", Look(mappings=YES_NO), kind="hidden")],
            no_value="Every collector is offered",
            size=(8, 11),
            sort=["Enterprise"],
        ),
    ]


def _failures() -> Panels:
    skipped = f"sum by (collector) (increase(ghe_exporter_payload_skipped_total{{{ALL}}}[$__range]))"
    unwritten = f"sum by (instance) (increase(ghe_exporter_log_errors_total{{{TARGET}}}[$__range]))"
    failures = f"sum by (reason) (increase(ghe_exporter_collector_failures_total{{{ALL}}}{RATE_WINDOW})) > 0"
    return [
        lines(
            "Failed runs by reason",
            "Runs that failed. unauthorized, forbidden: the credential. rate_limited: too many requests. timeout, "
            "unreachable, server_error: the network or GitHub. payload, bug: report it.",
            [Query(failures, "{{reason}}")],
            look=Look(COUNT, 1, 0),
            custom={"drawStyle": "bars", "fillOpacity": 70, "lineWidth": 0, "stacking": {"mode": "normal"}},
            no_value="No run failed",
            size=(6, 8),
            calcs=("sum",),
        ),
        table(
            "Malformed records left out",
            "Records that GitHub sent in the time shown and the exporter could not read. The figures lack them: the "
            "log names what is wrong; report it.",
            {"collector": "Collector"},
            [Column("Records", f"ceil({skipped}) > 0", COUNTED)],
            no_value="No record was left out",
            size=(6, 8),
            sort=["-Records"],
        ),
        table(
            "Series left out",
            "Series beyond the limit per metric, which are not exported. Raise limits.max_series_per_metric or switch "
            "off single runners.",
            {"enterprise": "Enterprise", "metric": "Metric"},
            [Column("Series", f"max by (enterprise, metric) (ghe_exporter_series_dropped{{{ALL}}}) > 0")],
            no_value="Nothing is left out",
            links=runbooks("GitHubSeriesDropped"),
            size=(6, 8),
            sort=["-Series"],
        ),
        table(
            "Log lines lost",
            "Lines that could not be written in the time shown: a full disk, or whoever reads the log is gone. The "
            "exporter continues; only what it would have said is missing.",
            {"instance": "Instance"},
            [Column("Lines", f"ceil({unwritten}) > 0", COUNTED)],
            no_value="Every line was written",
            size=(6, 8),
            sort=["-Lines"],
        ),
    ]


def _organizations() -> Panels:
    return [
        table(
            "Organizations read",
            "How many organizations each enterprise has, of how many the runners are read, and why the others are "
            "not: GitHub refuses the credential, patterns exclude them, or they are more than organizations.max.",
            {"enterprise": "Enterprise"},
            [
                Column("Known", f"max by (enterprise) (ghe_enterprise_organizations{{{ALL}}})", Look(COUNT), 90),
                Column("Read", organizations("read"), Look(COUNT), 90),
                Column("Refused", organizations("refused"), COUNTED, 90, "color-text"),
                Column("Excluded", organizations("excluded"), Look(COUNT), 90),
                Column("Left out", organizations("left_out"), COUNTED, 90, "color-text"),
            ],
            no_value="no organization is known",
            size=(8, 7),
            sort=["Enterprise"],
        ),
        table(
            "Organizations not read",
            "Organizations that exist and whose runner groups are not read: unknown to the settings, excluded, or "
            "refused. With `organizations: auto` new ones are read without a change of settings.",
            {"enterprise": "Enterprise", "organization": "Organization"},
            [
                Column(
                    "Exists",
                    f"max by (enterprise, organization) (ghe_organization_info{{{ALL}}}) "
                    f"unless max by (enterprise, organization) (ghe_runner_group_info{{{ALL}}})",
                    kind="hidden",
                )
            ],
            no_value="Every organization is read",
            size=(8, 7),
            sort=["Enterprise", "Organization"],
        ),
    ]


def _streams() -> Panels:
    stream = "max by (enterprise, stream_id, type)"
    return [
        table(
            "Streams of the audit log",
            "Destinations of each enterprise's audit log. Not enabled, or paused for an hour: the alert warns, because "
            "GitHub keeps undelivered events for some days only.",
            {"enterprise": "Enterprise", "stream_id": "Stream", "type": "Destination"},
            [
                Column("Enabled", f"{stream} (ghe_audit_log_stream_enabled{{{ALL}}})", VERDICT, 100),
                Column(
                    "Paused for",
                    f"time() - {stream} (ghe_audit_log_stream_paused_timestamp_seconds{{{ALL}}})",
                    Look(SECONDS, 0),
                    110,
                ),
            ],
            no_value="no stream, or not offered",
            size=(8, 7),
            sort=["Enabled", "Enterprise"],
            links=runbooks("GitHubAuditLogStreamPaused"),
        ),
    ]


def board() -> Board:
    """The dashboard."""
    return Board(
        uid="ghe-exporter",
        title="Exporter",
        description="Does collecting work? Freshness, failures, GitHub's API, credentials, the process.",
        rows=[
            ("Health", _health()),
            ("Freshness", _freshness()),
            ("Failures", _failures()),
            ("Organizations and audit log", [*_organizations(), *_streams()]),
            ("GitHub's API", api()),
            ("Process", process()),
        ],
        since="now-6h",
        refresh="1m",
        variables=[
            choice("job", "Job", "label_values(ghe_exporter_build_info, job)"),
            choice("instance", "Instance", 'label_values(ghe_exporter_build_info{job=~"$job"}, instance)'),
        ],
    )
