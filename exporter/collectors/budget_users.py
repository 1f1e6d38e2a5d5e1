"""People who have used up most or all of what a budget allows each of them, as counts only."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from exporter.collector import Collector, CollectorOptions, Target
from exporter.collectors.budgets import BUDGET_LIST, Budget
from exporter.collectors.common.counts import total_count
from exporter.collectors.common.separate_reads import read_each
from exporter.collectors.common.summary import BILLING_PERMISSION, BILLING_SCOPE
from exporter.github.endpoint import Endpoint
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# The one record of an answer is a person: it is not kept for its ETag.
USER_STATES = Endpoint(
    "/enterprises/{enterprise}/settings/billing/budgets/{budget_id}/user-states",
    BILLING_SCOPE,
    BILLING_PERMISSION,
    revalidate=False,
)

USERS = gauge(
    "ghe_budget_users",
    "People who have used at least so many percent of what the budget allows each of them.",
    "budget_id",
    "threshold",
)

ONE_PERSON_PREFIX = "multi_user_"
"""How the scopes begin in which the amount is the limit of one person."""
THRESHOLDS = (90, 100)

Users = Mapping[str, tuple[float, ...]]
"""Per budget one count for each threshold."""


class BudgetUsersOptions(CollectorOptions):
    """Settings of the collector `budget_users`."""

    max: int = Field(
        50,
        ge=0,
        description="For how many budgets at most people are counted, at two requests for each: budgets that stop "
        "usage first, then the largest.",
    )


def fetch(github: GitHub, target: Target) -> Users:
    """Read two totals for each budget that limits single people."""
    pages = github.pages(BUDGET_LIST, "budgets")
    budgets = {budget.id: budget for page in pages for budget in github.records(Budget, page.items)}
    ranked = sorted(
        (budget for budget in budgets.values() if budget.budget_scope.startswith(ONE_PERSON_PREFIX)),
        key=lambda budget: (not budget.prevent_further_usage, -(budget.budget_amount or 0), budget.id),
    )
    wanted = [budget.id for budget in ranked[: target.options.max]]
    return read_each(github, wanted, lambda budget_id: people(github, budget_id)).found


def people(github: GitHub, budget_id: str) -> tuple[float, ...]:
    """How many people have reached each threshold."""
    return tuple(
        total_count(github, USER_STATES, {"threshold_lower_bound": threshold}, budget_id=budget_id)
        for threshold in THRESHOLDS
    )


def samples(_target: Target, users: Users) -> Iterator[Sample]:
    """Map the counts."""
    for budget_id, counts in users.items():
        for threshold, count in zip(THRESHOLDS, counts, strict=True):
            yield USERS(count, budget_id, str(threshold))


COLLECTOR = Collector(
    name="budget_users",
    help="People who have used up most or all of what a budget allows each of them, as counts only.",
    metrics=(USERS,),
    endpoints=(BUDGET_LIST, USER_STATES),
    interval=3600,
    enabled=False,
    options=BudgetUsersOptions,
    fetch=fetch,
    samples=samples,
)
