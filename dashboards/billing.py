"""What the month costs and where it is heading: for those who pay."""

from alerts import thresholds as limit
from dashboards import queries as q
from dashboards import spending
from dashboards.billing_queries import AMOUNT, BUDGET, BUDGET_LOOK, BUDGET_USED, CONSUMED, NO_BILLING, NO_COST, SKU
from dashboards.frame import Board, Panels, choice, runbooks
from dashboards.panels import Column, bars, lines, stat, table
from dashboards.parts import (
    COUNTED,
    COUNTED_FROM_ZERO,
    DAYS,
    DOLLARS,
    INCLUDED_DASHED,
    NEUTRAL,
    SHARE,
    SHARED,
    YES_NO,
    Look,
    Query,
    dashed,
    judged,
    override,
)

USED_LOOK = Look(SHARE, 1, 0, 1, steps=judged(warning=limit.INCLUDED_EXHAUSTED))
PACE_LOOK = Look(SHARE, 0, 0, steps=judged(warning=limit.PACE_WARNING))
TOO_EARLY = "too early, or not told"
NO_ALLOWANCE = "allowance not configured"
ALL_KINDS = "all (legacy)"


def _month() -> Panels:
    gross = q.total("ghe_billing_gross_usd", of=SKU)
    return [
        stat(
            "Spend this month",
            "Cost after discounts since the first of the month (UTC), all chosen enterprises.",
            f"sum({q.SPEND})",
            look=DOLLARS,
            no_value=NO_COST,
        ),
        stat(
            "Projected spend",
            "Cost at the month's end if it goes on at the even pace of the month so far; shown after the first tenth "
            "of the month. Subscriptions that are charged at once make it too high early in the month.",
            f"sum({q.SPEND_PROJECTED})",
            look=DOLLARS,
            no_value=TOO_EARLY,
        ),
        stat(
            "Discounts",
            "What allowances and discounts took off the cost this month.",
            f"sum({gross}) - sum({q.SPEND})",
            look=DOLLARS,
            no_value=NO_COST,
        ),
        stat(
            "Month elapsed",
            "How much of the billing month, which is the calendar month in UTC, has passed. Compare with the shares "
            "used of allowances and budgets.",
            f"max({q.ELAPSED})",
            look=SHARED,
            no_value=NO_BILLING,
        ),
        stat(
            "Fullest budget",
            "Share used of the fullest budget. One that stops usage stops jobs at 100%: raise it or reduce usage. "
            "The list of budgets is below.",
            f"max({BUDGET_USED})",
            look=BUDGET_LOOK,
            filled=True,
            no_value="no budget, or use not told",
            links=runbooks("GitHubBudgetExhausted", "GitHubBudgetNearlyExhausted"),
        ),
        stat(
            "Usage report age",
            "Days since the newest completed export of a usage report. If finance expects one each month, export it "
            "in the enterprise's billing settings.",
            f"(time() - max({q.one('ghe_usage_report_last_completed_timestamp_seconds', 'report_type')})) / 86400",
            look=Look(DAYS, 1),
            no_value="no export listed",
        ),
    ]


def _actions() -> Panels:
    pace = f"{q.INCLUDED} * {q.ELAPSED} / 60"
    by_os = q.one("ghe_actions_used_seconds", "os", "sku")
    paid = q.one("ghe_actions_paid_seconds", "os", "sku")
    return [
        [
            stat(
                "Included minutes used",
                "Minutes of Actions used this month as a share of those included. From 100% on each minute is billed.",
                q.MINUTES_USED,
                look=USED_LOOK,
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
                look=PACE_LOOK,
                legend="{{enterprise}}",
                filled=True,
                size=(6, 5),
                no_value=TOO_EARLY,
                links=runbooks("GitHubActionsPaceHigh"),
            ),
        ],
        lines(
            "Minutes used, even pace and included",
            "Minutes of Actions this month. Dotted is the even pace, dashed what is included. Above the pace: the "
            "allowance will not last. All begin anew on the first (UTC).",
            [
                Query(f"{q.ACTIONS} / 60", "{{enterprise}}"),
                Query(pace, "{{enterprise}} even pace"),
                Query(f"{q.INCLUDED} / 60", "{{enterprise}} included"),
            ],
            look=COUNTED_FROM_ZERO,
            overrides=[
                *INCLUDED_DASHED,
                override(
                    "/ even pace$/",
                    dashed(NEUTRAL) | {"custom.lineStyle": {"fill": "dot", "dash": [2, 6]}},
                    regexp=True,
                ),
            ],
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
            size=(12, 8),
        ),
        bars(
            "Minutes paid for",
            "Minutes this month beyond the allowance, or of larger runners, to which no allowance applies.",
            [Query(f"sort_desc({q.named(f'sum by (os, sku) ({paid}) / 60', 'sku', ALL_KINDS)} > 0)", "{{sku}}")],
            look=COUNTED,
            no_value="none, or not told",
            size=(12, 8),
        ),
    ]


def _budgets() -> Panels:
    name = {"enterprise": "Enterprise", "scope": "Scope", "entity": "Entity", "product": "Product"}
    blocks = q.one("ghe_budget_blocks_usage", *BUDGET)
    return [
        table(
            "Budgets",
            "Every budget, the fullest first. An empty cell: GitHub does not tell what of it is used. Where usage "
            "stops, 100% means that jobs no longer start: raise it in time.",
            name,
            [
                Column("Used", BUDGET_USED, BUDGET_LOOK, 180, "gauge"),
                Column("Consumed", CONSUMED, DOLLARS, 130),
                Column("Amount", AMOUNT, DOLLARS, 130),
                Column("Stops usage", blocks, Look(mappings=YES_NO), 110, "color-text"),
            ],
            no_value="no budget is set",
            size=(24, 9),
            sort=["-Used"],
            widths={"Enterprise": 120, "Scope": 180, "Product": 180},
            hidden=["budget_id"],
            links=runbooks("GitHubBudgetExhausted", "GitHubBudgetNearlyExhausted"),
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
            ("Spend", spending.spend()),
            ("Budgets", _budgets()),
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
