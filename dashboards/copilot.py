"""The row of the license dashboard about Copilot: seats, who uses them, what those cost that nobody does."""

from alerts import thresholds as limit
from dashboards import alert_colors
from dashboards import queries as q
from dashboards.frame import Panels, runbooks
from dashboards.panels import Column, bars, lines, stat, table
from dashboards.parts import COUNTED, COUNTED_FROM_ZERO, DAYS, DOLLARS, SHARE, Look, Query

DAY = 86_400
GRANT = ("organization", "plan")
NO_COPILOT = "no Copilot, or no data"
NO_REPORT = "no usage report is read"
IDLE_60 = q.one("ghe_copilot_idle_seats", *GRANT, where='idle="60d"')
SEATS = q.total("ghe_copilot_seats", of=("plan",))
GRANTED = q.total("ghe_copilot_organization_seats", of=GRANT)
IDLE_SHARE = f"sum by (enterprise) ({IDLE_60}) / ({GRANTED} > 0 or {SEATS} > 0)"
SKUS = {"business": "copilot_for_business", "enterprise": "copilot_enterprise"}


def _idle_cost() -> str:
    """Idle seats at the price of their plan."""
    price = q.one("ghe_billing_unit_price_usd", "sku", where='product="copilot", unit="user_months"')
    idle = f"sum by (enterprise, plan) ({IDLE_60})"
    for plan, sku in SKUS.items():
        idle = f'label_replace({idle}, "sku", "{sku}", "plan", "{plan}")'
    return f"sum({idle} * on (enterprise, sku) group_left () {price})"


def copilot() -> Panels:
    """The panels of this row."""
    activity = q.one("ghe_copilot_last_activity_timestamp_seconds")
    active = q.one("ghe_copilot_active_users", "window")
    by_grant = q.named(q.one("ghe_copilot_organization_seats", *GRANT), "organization", "(enterprise teams)")
    return [
        [
            stat(
                "Idle for 60 days",
                "Share of the Copilot seats that nobody used for 60 days. The table shows where they are; names are on "
                "GitHub's own page. Activity depends on the editor's telemetry: ask before you withdraw a seat.",
                IDLE_SHARE,
                look=alert_colors.IDLE_SEATS,
                legend="{{enterprise}}",
                filled=True,
                size=(6, 4),
                no_value=NO_COPILOT,
                links=runbooks("GitHubCopilotSeatsIdle"),
            ),
            stat(
                "Idle seats cost",
                "What the seats that nobody used for 60 days cost a month, at the list price of their plan.",
                _idle_cost(),
                look=DOLLARS,
                size=(6, 4),
                no_value="no price reported",
            ),
        ],
        [
            stat(
                "Newest activity",
                "Days since the newest activity in any seat. While GitHub stops reporting it, active people fall to "
                f"zero and everybody seems idle: do not trust either beyond {limit.COPILOT_SILENT_DAYS} days.",
                f"(time() - {activity}) / {DAY}",
                look=Look(DAYS, 1),
                legend="{{enterprise}}",
                size=(5, 4),
                no_value="no activity reported",
            ),
            stat(
                f"Copilot seats in {limit.PREDICTION_DAYS} days",
                f"Seats in {limit.PREDICTION_DAYS} days at the growth of the last {limit.FORECAST_WINDOW_DAYS} days.",
                "sum by (enterprise) (max by (enterprise, plan) (predict_linear("
                f"ghe_copilot_seats{{{q.HERE}}}[{limit.FORECAST_WINDOW_DAYS}d], {limit.PREDICTION_DAYS} * {DAY})))",
                look=COUNTED,
                legend="{{enterprise}}",
                size=(5, 4),
                no_value="no history yet",
            ),
        ],
        lines(
            "Copilot seats and active people",
            "People with a seat, and how many used it in the last days. A wide gap: seats to withdraw. If all active "
            "people vanish together, GitHub's reporting stands still.",
            [
                Query(f"sum({SEATS})", "seats"),
                Query(f"sum by (window) ({active})", "active in {{window}}"),
                Query(f"sum({q.one('ghe_copilot_seats_pending_cancellation')})", "canceled, end with the cycle"),
            ],
            look=COUNTED_FROM_ZERO,
            size=(13, 8),
            no_value=NO_COPILOT,
        ),
        table(
            "Copilot seats by organization",
            "Seats that each organization grants, and how many of them have been idle for at least so long. A person "
            "in two organizations counts in each but is paid once.",
            {"enterprise": "Enterprise", "organization": "Organization", "plan": "Plan"},
            [
                Column("Seats", by_grant, COUNTED, 90),
                *(
                    Column(f"Idle {label}", _idle(idle), COUNTED, 150)
                    for idle, label in {"30d": "30 d", "60d": "60 d", "90d_or_never": "90 d or never"}.items()
                ),
            ],
            no_value=NO_COPILOT,
            size=(16, 8),
            sort=["-Idle 60 d", "-Seats"],
            widths={"Enterprise": 120, "Plan": 100},
        ),
        lines(
            "Copilot adoption",
            "People who used Copilot, by window and kind, in GitHub's usage report, which is about two days old. Chat "
            "and agent far below the rest: people who may need training. Needs the collector `copilot_usage`.",
            [
                Query(
                    f"sum by (window, kind) ({q.one('ghe_copilot_usage_active_users', 'window', 'kind')})",
                    "{{window}} {{kind}}",
                )
            ],
            look=COUNTED_FROM_ZERO,
            size=(8, 8),
            no_value=NO_REPORT,
        ),
        lines(
            "Suggestions accepted",
            "Share of Copilot's suggestions of code that were accepted on the newest day of the report, by feature.",
            [Query(f"{_suggestions('acceptances')} / ({_suggestions('generations')} > 0)", "{{feature}}")],
            look=Look(SHARE, 0, 0),
            size=(8, 8),
            no_value=NO_REPORT,
        ),
        lines(
            "Pull requests and Copilot",
            "Pull requests of the newest day of the report: all, and those that Copilot made or reviewed.",
            [
                Query(
                    f"sum by (state, by) ({q.one('ghe_copilot_usage_pull_requests', 'state', 'by')})",
                    "{{state}} by {{by}}",
                )
            ],
            look=COUNTED_FROM_ZERO,
            size=(8, 8),
            no_value=NO_REPORT,
        ),
        bars(
            "Copilot seats by plan",
            "People with a seat, each once, under their most expensive plan.",
            [Query(f"sort_desc(sum by (plan) ({q.one('ghe_copilot_seats', 'plan')}))", "{{plan}}")],
            look=COUNTED,
            size=(8, 8),
            no_value=NO_COPILOT,
        ),
    ]


def _suggestions(what: str) -> str:
    return f"sum by (feature) ({q.one(f'ghe_copilot_usage_code_{what}', 'feature')})"


def _idle(idle: str) -> str:
    seats = q.one("ghe_copilot_idle_seats", *GRANT, where=f'idle="{idle}"')
    return q.named(seats, "organization", "(enterprise teams)")
