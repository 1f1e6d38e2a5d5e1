"""Is all well? The first look, for everyone."""

from alerts import thresholds as limit
from dashboards import queries as q
from dashboards.frame import Board, Panels, to
from dashboards.panels import Column, lines, stat, table
from dashboards.parts import (
    ACCEPTED,
    COUNT,
    CRITICAL,
    LIMIT,
    MONEY,
    NEUTRAL,
    NONE,
    QUIET,
    SHARE,
    WARNING,
    Look,
    Query,
    fixed,
    judged,
    override,
)

SEATS = Look(SHARE, 1, 0, 1, steps=judged(warning=limit.SEATS_WARNING, critical=limit.SEATS_EXHAUSTED))
MINUTES = Look(SHARE, 1, 0, 1, steps=judged(warning=limit.INCLUDED_EXHAUSTED))
OFFLINE = Look(SHARE, 0, 0, 1, steps=judged(warning=limit.RUNNERS_OFFLINE_SHARE, critical=1))
OLD = Look(NONE, 1, 0, steps=judged(warning=limit.STALE_INTERVALS))
MONEY_LOOK = Look(MONEY, 1, steps=[(None, NEUTRAL)])
LICENCES, BILLING, RUNNERS, EXPORTER = (
    to(f"ghe-{name.lower()}", name) for name in ("Licences", "Billing", "Runners", "Exporter")
)


def _now() -> Panels:
    return [
        stat(
            "Fullest licence",
            "Share of the purchased seats in use, of the fullest enterprise chosen. At 100% nobody can be added: "
            "buy seats or remove people who left. See Licences.",
            f"max({q.SEATS_USED})",
            look=SEATS,
            filled=True,
            no_value="metered: nothing to run out of",
            link=LICENCES,
        ),
        stat(
            "Included minutes used",
            "Share of the plan's Actions minutes used this month, of the enterprise that used most. Beyond 100% every "
            "minute is billed, or jobs stop where a budget blocks. See Billing.",
            f"max({q.MINUTES_USED})",
            look=MINUTES,
            filled=True,
            no_value="allowance not configured",
            link=BILLING,
        ),
        stat(
            "Spend this month",
            "Cost after discounts since the first of the month (UTC), all chosen enterprises. See Billing for what "
            "it is and where it is heading.",
            f"sum({q.SPEND})",
            look=MONEY_LOOK,
            no_value="no billing data",
            link=BILLING,
        ),
        stat(
            "Runners offline",
            "Share of the registered self-hosted runners that are not connected. A whole group offline pages, because "
            "its jobs wait for ever. See Runners for which ones.",
            f"sum({q.runners('offline')}) / (sum({q.runners('')}) > 0)",
            look=OFFLINE,
            filled=True,
            no_value="no self-hosted runner",
            link=RUNNERS,
        ),
        stat(
            "Credentials",
            "Whether GitHub accepts every credential in use. Rejected means that nothing is collected any more: "
            "replace the token or the App's key. See Exporter.",
            f"min(min by (enterprise) (ghe_up{{{q.HERE}}}))",
            look=Look(NONE, steps=[(None, QUIET)], mappings=ACCEPTED),
            filled=True,
            no_value="not asked yet",
            link=EXPORTER,
        ),
        stat(
            "Oldest data, in intervals",
            "Age of the stalest collector's data in units of its own interval; 1 is normal. From 3 on the other "
            "figures are frozen: see Exporter for the reason before believing them.",
            f"max({q.INTERVALS_OLD})",
            look=OLD,
            filled=True,
            no_value="nothing collected yet",
            link=EXPORTER,
        ),
    ]


def _enterprises() -> Panels:
    by_enterprise = f"max by (enterprise) ({q.INTERVALS_OLD})"
    return [
        table(
            "Enterprises",
            "One line per enterprise. An empty cell means that GitHub does not tell, as with a metered licence or a "
            "server without billing. Follow the colours to the dashboard of the subject.",
            {"enterprise": "Enterprise"},
            [
                Column("Seats used", q.SEATS_USED, SEATS, kind="gauge"),
                Column("Seats left", q.SEATS_LEFT, Look(COUNT)),
                Column("Minutes used", q.MINUTES_USED, MINUTES, kind="gauge"),
                Column("Spend this month", q.SPEND, MONEY_LOOK),
                Column("Runners online", q.runners(q.ONLINE), Look(COUNT)),
                Column("Runners offline", q.runners("offline"), Look(COUNT)),
                Column("Oldest data, intervals", by_enterprise, OLD, kind="color-text"),
            ],
            size=(24, 6),
            sort="Enterprise",
            descending=False,
            no_value="no enterprise is collected",
        ),
    ]


def _alerts() -> Panels:
    expr = (
        'max by (severity, alertname, enterprise) (ALERTS{alertname=~"GitHub.+", alertstate="firing", '
        'enterprise=~"$enterprise|"})'
    )
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
    firing = table(
        "Firing alerts",
        "What the shipped alert rules complain about now. Each alert carries a link to its runbook. Empty is good, "
        "provided that Prometheus has the rules loaded.",
        {"severity": "Severity", "alertname": "Alert", "enterprise": "Enterprise"},
        [Column("Firing", expr, kind="hidden")],
        no_value="No alert fires",
        size=(12, 8),
        sort="Severity",
        descending=False,
        widths={"Severity": 100, "Enterprise": 160},
    )
    if firing.field_config and firing.field_config.overrides:
        firing.field_config.overrides.append(override("Severity", severity))
    return [
        firing,
        lines(
            "Data age in intervals, by enterprise",
            "Age of each enterprise's stalest data in units of the collector's interval: a saw-tooth up to 1 is "
            "healthy. A line that climbs past 3 is a collector that fails; see Exporter.",
            [Query(f"max by (enterprise) ({q.INTERVALS_OLD})", "{{enterprise}}")],
            look=OLD,
            threshold=True,
            no_value="nothing collected yet",
            link=EXPORTER,
            custom={"axisSoftMax": 4, "lineInterpolation": "linear"},
        ),
    ]


def _trends() -> Panels:
    return [
        lines(
            "Seats used",
            "Share of the purchased seats in use. The dashed line is where the alert begins to warn. Metered licences "
            "are not shown. Growth towards the line: order seats in time.",
            [Query(q.SEATS_USED, "{{enterprise}}")],
            look=Look(SHARE, 0, 0, 1, steps=SEATS.steps),
            threshold=True,
            no_value="metered licence, or no data",
            size=(8, 8),
            link=LICENCES,
        ),
        lines(
            "Spend, month to date",
            "Cost after discounts since the first of the month; it begins at zero with every month. A step is a new "
            "subscription, a steeper slope new usage: Billing tells which product.",
            [Query(q.SPEND, "{{enterprise}}")],
            look=Look(MONEY, 0, 0),
            no_value="no billing data",
            size=(8, 8),
            link=BILLING,
        ),
        lines(
            "Self-hosted runners by state",
            "Runners of the chosen enterprises. Busy near the top edge for long means that jobs queue; a growing "
            "offline band means machines that fail. See Runners for the groups.",
            [
                Query(f"sum by (state) ({q.runners('', 'state')})", "{{state}}"),
            ],
            look=Look(COUNT, 0, 0),
            overrides=[
                override("busy", {"color": fixed(NEUTRAL)}),
                override("idle", {"color": fixed(LIMIT)}),
                override("offline", {"color": fixed(CRITICAL)}),
            ],
            stacked=True,
            no_value="no self-hosted runner",
            size=(8, 8),
            link=RUNNERS,
        ),
    ]


def board() -> Board:
    """The dashboard."""
    return Board(
        uid="ghe-overview",
        title="Overview",
        description="Is all well? Licences, billing, runners and the exporter at a glance.",
        rows=[
            ("Now", _now()),
            ("By enterprise", _enterprises()),
            ("Alerts and freshness", _alerts()),
            ("Trends", _trends()),
        ],
        since="now-7d",
        refresh="5m",
    )
