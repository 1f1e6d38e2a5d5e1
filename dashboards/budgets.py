"""The row of the billing dashboard about budgets."""

from dashboards import alert_colors
from dashboards import queries as q
from dashboards.frame import Panels, runbooks
from dashboards.panels import Column, table
from dashboards.parts import COUNT, YES_NO, Look

ALERTS = ("GitHubBudgetExhausted", "GitHubBudgetNearlyExhausted", "GitHubBudgetPaceHigh")
NUMBER = Look(COUNT, 2)


def _in_units(part: str) -> str:
    """An amount of each budget with the unit it is in."""
    units = {"USD": "usd", "licenses": "licenses"}
    amounts = (q.named(q.one(f"ghe_budget_{part}_{unit}", *q.BUDGET), "unit", name) for name, unit in units.items())
    return " or ".join(amounts)


def _people(threshold: int) -> str:
    """How many people have used so many percent of what each budget allows each of them."""
    people = q.one("ghe_budget_users", "budget_id", where=f'threshold="{threshold}"')
    budgets = q.one("ghe_budget_amount_usd", *q.BUDGET)
    return f"{people} * on (enterprise, budget_id) group_right () ({budgets} >= bool 0)"


def budgets() -> Panels:
    """The panels of this row."""
    name = {"enterprise": "Enterprise", "scope": "Scope", "entity": "Entity", "product": "Product", "unit": "Unit"}
    return [
        table(
            "Budgets",
            "Every budget, the fullest first, in USD or in licenses. Where usage stops, 100% means that jobs no longer "
            "start: raise it in time. Used is empty where the exporter cannot know what a budget covers, and for "
            "multi_user scopes, whose amount is the limit of each single person. At limit is how many people have used "
            "that up and are stopped.",
            name,
            [
                Column("Used", q.BUDGET_USED, alert_colors.BUDGET, 150, "gauge"),
                Column("At this pace", q.BUDGET_PROJECTED, alert_colors.PACE, 115, "color-text"),
                Column("Consumed", _in_units("consumed"), NUMBER, 110),
                Column("Amount", _in_units("amount"), NUMBER, 110),
                Column(
                    "Stops usage", q.one("ghe_budget_blocks_usage", *q.BUDGET), Look(mappings=YES_NO), 125, "color-text"
                ),
                Column("At limit", _people(100), Look(COUNT, 0), 95),
            ],
            no_value="no budget is set",
            size=(24, 9),
            sort=["-Used"],
            widths={"Enterprise": 120, "Scope": 150, "Unit": 90},
            hidden=["budget_id"],
            links=runbooks(*ALERTS),
        ),
    ]
