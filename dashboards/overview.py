"""Is all well? The first look, for everyone."""

from alerts import thresholds as limit
from dashboards import alert_colors
from dashboards import queries as q
from dashboards.billing_queries import LEFT_OUT
from dashboards.frame import RUNBOOKS, Board, Panels, runbooks, to
from dashboards.panels import Column, lines, stat, table
from dashboards.parts import (
    ACCEPTED,
    COUNT,
    COUNTED_FROM_ZERO,
    CRITICAL,
    DISTURBED,
    MONEY,
    NEUTRAL,
    NONE,
    QUIET,
    RUNNER_STATES,
    SHARE,
    WARNING,
    Look,
    Query,
    override,
    thresholds,
)

MONEY_LOOK = Look(MONEY, 1, steps=[(None, NEUTRAL)])
LICENSES, BILLING, RUNNERS, EXPORTER = (
    to(f"ghe-{name.lower()}", name) for name in ("Licenses", "Billing", "Runners", "Exporter")
)


def _now() -> Panels:
    return [
        stat(
            "Fullest license",
            "Share of the purchased seats in use, of the fullest enterprise chosen. At 100% nobody can be added: "
            "buy seats or remove people who left. See Licenses.",
            f"max({q.SEATS_USED})",
            look=alert_colors.SEATS,
            filled=True,
            no_value="metered: nothing to run out of",
            links=[LICENSES, *runbooks("GitHubSeatsExhausted", "GitHubSeatsNearlyExhausted")],
        ),
        stat(
            "Minutes used",
            "Share of the included Actions minutes used this month, and used at its end at the pace so far, each of "
            "the enterprise with most. Beyond 100% every minute is billed, or jobs stop where a budget blocks. See "
            "Billing.",
            [Query(f"max({q.MINUTES_USED})", "used"), Query(f"max({q.MINUTES_PROJECTED})", "at this pace")],
            look=alert_colors.INCLUDED,
            overrides=[override("at this pace", {"thresholds": thresholds(alert_colors.PACE.steps)})],
            filled=True,
            no_value="allowance not configured",
            links=[BILLING, *runbooks("GitHubActionsIncludedExhausted", "GitHubActionsPaceHigh")],
        ),
        stat(
            "Spend this month",
            f"Cost after discounts since the first of the month (UTC), all chosen enterprises. {LEFT_OUT} See Billing "
            "for where it is heading.",
            f"sum({q.SPEND})",
            look=MONEY_LOOK,
            no_value="no billing data",
            links=[BILLING],
        ),
        stat(
            "Worst runner group",
            "The largest share of offline runners in a group, where the alerts would count it. 100%: a whole group "
            "is offline and pages, because its jobs wait for ever. Groups of ephemeral runners alone are left out. "
            "See Runners.",
            q.worst_group(),
            look=alert_colors.OFFLINE,
            filled=True,
            no_value="no self-hosted runner",
            links=[RUNNERS, *runbooks("GitHubRunnersAllOffline", "GitHubRunnersManyOffline")],
        ),
        stat(
            "Credentials",
            "Whether GitHub accepts every credential in use. Rejected means that nothing is collected any more: "
            "replace the token or the App's key. See Exporter.",
            f"min(min by (enterprise) (ghe_up{{{q.HERE}}}))",
            look=Look(NONE, steps=[(None, QUIET)], mappings=ACCEPTED),
            filled=True,
            no_value="not asked yet",
            links=[EXPORTER, *runbooks("GitHubCredentialRejected")],
        ),
        stat(
            "Oldest data",
            "Age of the stalest collector's data in units of its own interval; 1 is normal. From 3 on the other "
            "figures are frozen: see Exporter for the reason before believing them.",
            f"max({q.INTERVALS_OLD})",
            look=alert_colors.STALE,
            filled=True,
            no_value="nothing collected yet",
            links=[EXPORTER, *runbooks("GitHubCollectorStale")],
        ),
    ]


def _enterprises() -> Panels:
    by_enterprise = f"max by (enterprise) ({q.INTERVALS_OLD})"
    return [
        table(
            "Enterprises",
            "One line per enterprise. An empty cell means that GitHub does not report it, as with a metered license or "
            "a server without billing. Follow the colors to the dashboard of the subject.",
            {"enterprise": "Enterprise"},
            [
                Column("Seats used", q.SEATS_USED, alert_colors.SEATS, kind="gauge"),
                Column("Seats left", q.SEATS_LEFT, Look(COUNT)),
                Column("Minutes used", q.MINUTES_USED, alert_colors.INCLUDED, kind="gauge"),
                Column("At this pace", q.MINUTES_PROJECTED, alert_colors.PACE, 110, "color-text"),
                Column("Spend this month", q.SPEND, MONEY_LOOK),
                Column("Runners online", q.runners(q.ONLINE), Look(COUNT)),
                Column("Runners offline", q.runners("offline"), Look(COUNT)),
                Column("Oldest data", by_enterprise, alert_colors.STALE, kind="color-text"),
            ],
            size=(24, 6),
            sort=["Enterprise"],
            no_value="no enterprise is collected",
            links=runbooks("GitHubEnterpriseMissing", "GitHubExporterAbsent"),
        ),
    ]


def _alerts() -> Panels:
    expr = (
        'max by (severity, alertname, enterprise) (ALERTS{alertname=~"GitHub.+", alertstate="firing", '
        'enterprise=~"$enterprise|"})'
    )
    runbook = {"title": "Runbook", "url": f"{RUNBOOKS}/${{__value.text}}", "targetBlank": True}
    severity = {
        "custom.cellOptions": {"type": "color-background", "mode": "basic"},
        "mappings": [
            {
                "type": "value",
                "options": {
                    "critical": {"text": "critical", "color": CRITICAL, "index": 0},
                    "warning": {"text": "warning", "color": WARNING, "index": 1},
                    "info": {"text": "info", "color": NEUTRAL, "index": 2},
                },
            }
        ],
    }
    fires = table(
        "Firing alerts",
        "What the shipped alert rules complain about now. Click an alert for its runbook, which says what to do. "
        "Empty is good, provided that Prometheus has the rules loaded.",
        {"severity": "Severity", "alertname": "Alert", "enterprise": "Enterprise"},
        [Column("Firing", expr, kind="hidden")],
        no_value="No alert fires",
        size=(12, 8),
        sort=["Severity"],
        widths={"Severity": 100, "Enterprise": 160},
        shown={"Severity": severity, "Alert": {"links": [runbook]}},
    )
    trouble = 'max by (component) (ghe_github_component_status{status!~"operational|under_maintenance"})'
    return [
        fires,
        lines(
            "Data age in intervals, by enterprise",
            "Age of each enterprise's stalest data in units of the collector's interval, in the last hours: up to 1 "
            "is healthy. A line that climbs past 3 is a collector that fails; see Exporter.",
            [Query(f"max by (enterprise) ({q.INTERVALS_OLD})", "{{enterprise}}")],
            look=alert_colors.STALE,
            threshold=True,
            no_value="nothing collected yet",
            links=[EXPORTER, *runbooks("GitHubCollectorStale")],
            custom={"axisSoftMax": limit.STALE_INTERVALS + 1, "lineInterpolation": "linear"},
            since="6h",
            size=(8, 8),
        ),
        stat(
            "GitHub itself",
            "Whether GitHub's own status page reports no component as degraded or out. Where it does, it may be "
            "GitHub, not you: see githubstatus.com. Needs the collector `github_status`.",
            f"clamp_max(count({trouble}), 1) or 0 * count(ghe_github_component_status)",
            look=Look(NONE, steps=[(None, QUIET)], mappings=DISTURBED),
            filled=True,
            size=(4, 8),
            no_value="not read",
            links=runbooks("GitHubComponentOutage"),
        ),
    ]


def _trends() -> Panels:
    return [
        lines(
            "Seats used",
            "Share of the purchased seats in use. The dashed line is where the alert begins to warn. Metered licenses "
            "are not shown. Growth towards the line: order seats in time.",
            [Query(q.SEATS_USED, "{{enterprise}}")],
            look=Look(SHARE, 0, 0, 1, steps=alert_colors.SEATS.steps),
            threshold=True,
            no_value="metered license, or no data",
            size=(8, 8),
            links=[LICENSES, *runbooks("GitHubSeatsExhausted", "GitHubSeatsNearlyExhausted", "GitHubSeatsForecast")],
        ),
        lines(
            "Spend, month to date",
            "Cost after discounts since the first of the month; it begins at zero with every month. A step is a new "
            "subscription, a steeper slope new usage: see Billing for which product.",
            [Query(q.SPEND, "{{enterprise}}")],
            look=Look(MONEY, minimum=0),
            no_value="no billing data",
            size=(8, 8),
            links=[BILLING],
        ),
        lines(
            "Self-hosted runners by state",
            "Runners of the chosen enterprises. Busy near the top edge for long means that jobs queue; a growing "
            "offline band means machines that fail. See Runners for the groups.",
            [Query(f"sum by (state) ({q.runners('', 'state')})", "{{state}}")],
            look=COUNTED_FROM_ZERO,
            overrides=RUNNER_STATES,
            stacked=True,
            no_value="no self-hosted runner",
            size=(8, 8),
            links=[RUNNERS],
        ),
    ]


def board() -> Board:
    """The dashboard."""
    return Board(
        uid="ghe-overview",
        title="Overview",
        description="Is all well? Licenses, billing, runners and the exporter at a glance.",
        rows=[
            ("Now", _now()),
            ("Alerts and freshness", _alerts()),
            ("By enterprise", _enterprises()),
            ("Trends", _trends()),
        ],
        since="now-7d",
        refresh="5m",
    )
