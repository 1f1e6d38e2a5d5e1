"""What the month costs and where it is heading: for those who pay."""

from dashboards import alert_colors, spending
from dashboards import queries as q
from dashboards.ai_credits import ai_credits
from dashboards.billing_queries import LEFT_OUT, NO_BILLING, NO_COST, SKU, TOO_EARLY
from dashboards.budgets import ALERTS, budgets
from dashboards.frame import Board, Panels, choice, runbooks
from dashboards.panels import bars, lines, stat
from dashboards.parts import (
    COUNTED,
    COUNTED_FROM_ZERO,
    DAYS,
    DOLLARS,
    INCLUDED_DASHED,
    MONEY,
    PACE_DOTTED,
    SHARED,
    Look,
    Query,
    override,
    thresholds,
)

NO_ALLOWANCE = "allowance not configured"
ALL_KINDS = "all (legacy)"
COUNTS = (
    "Counted are standard runners hosted by GitHub, in minutes of the Linux one: a minute of Windows or macOS draws "
    "more, self-hosted and larger runners nothing. Public repositories are included, so it is an upper bound."
)


def _month() -> Panels:
    gross = q.total("ghe_billing_gross_usd", of=SKU)
    return [
        stat(
            "Spend this month",
            f"Cost after discounts since the first of the month (UTC), all chosen enterprises. {LEFT_OUT}",
            f"sum({q.SPEND})",
            look=DOLLARS,
            size=(6, 3),
            no_value=NO_COST,
        ),
        stat(
            "Projected spend",
            "Cost at the month's end at the even pace of the month so far; shown after the first tenth of the month. "
            "Subscriptions that are charged as a whole make it too high early in the month.",
            f"sum({q.SPEND_PROJECTED})",
            look=DOLLARS,
            size=(6, 3),
            no_value=TOO_EARLY,
        ),
        stat(
            "Yesterday",
            "Cost after discounts of the last whole day (UTC), and of the average day of this month. GitHub's figures "
            "arrive with a delay of up to a day.",
            [
                Query(f"sum({q.one('ghe_billing_day_net_usd', 'product')})", "day"),
                Query(f"sum({q.SPEND_A_DAY})", "average"),
            ],
            look=Look(MONEY, 0),
            size=(6, 3),
            no_value=NO_COST,
        ),
        stat(
            "Last month",
            "Cost after discounts of the month before. Its last figures arrive up to three days after its end.",
            f"sum({q.one('ghe_billing_previous_month_net_usd', 'product')})",
            look=DOLLARS,
            size=(6, 3),
            no_value=NO_COST,
        ),
        stat(
            "Discounts",
            "What allowances and discounts took off the cost this month.",
            f"sum({gross}) - sum({q.SPEND})",
            look=DOLLARS,
            size=(6, 3),
            no_value=NO_COST,
        ),
        stat(
            "Month elapsed",
            "How much of the billing month, which is the calendar month in UTC, has passed. Compare with the shares "
            "used of allowances and budgets.",
            f"max({q.ELAPSED})",
            look=SHARED,
            size=(6, 3),
            no_value=NO_BILLING,
        ),
        stat(
            "Fullest budget",
            "Share used of the fullest budget, and what the fullest will have used at the month's end. One that stops "
            "usage stops jobs at 100%: raise it or reduce usage. The list of budgets is below.",
            [Query(f"max({q.BUDGET_USED})", "used"), Query(f"max({q.BUDGET_PROJECTED})", "at this pace")],
            look=alert_colors.BUDGET,
            overrides=[override("at this pace", {"thresholds": thresholds(alert_colors.PACE.steps)})],
            filled=True,
            size=(6, 3),
            no_value="no budget, or use not reported",
            links=runbooks(*ALERTS),
        ),
        stat(
            "Usage report age",
            "Days since the newest completed export of a usage report. If finance expects one each month, export it "
            "in the enterprise's billing settings.",
            f"(time() - max({q.one('ghe_usage_report_last_completed_timestamp_seconds', 'report_type')})) / 86400",
            look=Look(DAYS, 1),
            size=(6, 3),
            no_value="no export listed",
        ),
    ]


def _actions() -> Panels:
    pace = f"{q.INCLUDED} * {q.ELAPSED} / 60"
    by_os = q.one("ghe_actions_used_seconds", "os", "sku")
    paid = q.one("ghe_actions_paid_seconds", "os", "sku")
    by_sku = q.total("ghe_billing_net_usd", "sku", of=("product",), where='product="actions"')
    by_cost = f"group by (enterprise, os, sku) ({by_os}) * on (enterprise, sku) group_left () {by_sku}"
    return [
        [
            stat(
                "Included minutes used",
                f"Share of the included minutes used this month. From 100% on each minute is billed. {COUNTS}",
                q.MINUTES_USED,
                look=alert_colors.INCLUDED,
                legend="{{enterprise}}",
                filled=True,
                size=(6, 5),
                no_value=NO_ALLOWANCE,
                links=runbooks("GitHubActionsIncludedExhausted"),
            ),
            stat(
                "Projected at the month's end",
                "Share of the included minutes that will be used at the month's end at the pace so far; shown "
                "after the first tenth of the month. Above 100% an alert warns: find the largest users below, or plan "
                "the cost.",
                q.MINUTES_PROJECTED,
                look=alert_colors.PACE,
                legend="{{enterprise}}",
                filled=True,
                size=(6, 5),
                no_value=TOO_EARLY,
                links=runbooks("GitHubActionsPaceHigh"),
            ),
        ],
        lines(
            "Minutes used, even pace and included",
            "Minutes drawn from the allowance this month. Dotted is the even pace, dashed what is included. Above "
            "the pace: the allowance will not last. All begin at zero on the first (UTC).",
            [
                Query(f"{q.MINUTES} / 60", "{{enterprise}}"),
                Query(pace, "{{enterprise}} even pace"),
                Query(f"{q.INCLUDED} / 60", "{{enterprise}} included"),
            ],
            look=COUNTED_FROM_ZERO,
            overrides=[*INCLUDED_DASHED, PACE_DOTTED],
            custom={"axisLabel": "minutes"},
            no_value=NO_BILLING,
            size=(18, 10),
        ),
        bars(
            "Minutes by kind of runner",
            "Minutes used this month by the kind of runner they are billed as. Windows and macOS cost more per minute "
            "than Linux: move what can be moved.",
            [Query(f"sort_desc({q.named(f'sum by (os, sku) ({by_os}) / 60', 'sku', ALL_KINDS)})", "{{sku}}")],
            look=COUNTED,
            no_value=NO_BILLING,
            size=(8, 8),
        ),
        bars(
            "Minutes paid for",
            "Minutes this month beyond the allowance, or of larger runners, to which no allowance applies.",
            [Query(f"sort_desc({q.named(f'sum by (os, sku) ({paid}) / 60', 'sku', ALL_KINDS)} > 0)", "{{sku}}")],
            look=COUNTED,
            no_value="none, or not reported",
            size=(8, 8),
        ),
        bars(
            "Cost by system",
            "What Actions minutes cost this month after discounts, by operating system, self-hosted and larger runners "
            "among them.",
            [Query(f"sort_desc(sum by (os) ({by_cost}) > 0)", "{{os}}")],
            look=DOLLARS,
            no_value="no cost, or not reported",
            size=(8, 8),
        ),
    ]


def board() -> Board:
    """The dashboard."""
    return Board(
        uid="ghe-billing",
        title="Billing",
        description="What this month costs, what is left of allowances and budgets, and where it is heading.",
        rows=[
            ("This month", _month()),
            ("Actions minutes", _actions()),
            ("AI credits", ai_credits()),
            ("Spend", spending.spend()),
            ("Budgets", budgets()),
            ("Who spends", spending.who()),
            ("Storage and transfer", spending.storage()),
        ],
        since="now-30d",
        refresh="15m",
        variables=[
            choice(
                *("organization", "Organization"),
                f"label_values(ghe_billing_organization_net_usd{{{q.HERE}}}, organization)",
                everything=".*",
            )
        ],
        timezone="utc",
    )
