"""AI credits, people at their limits, Visual Studio subscriptions, and how long runner versions are supported."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import fsum
from typing import Any

import pytest
import requests

from exporter.simulator.company.activity import DAY
from exporter.simulator.company.billing import ALLOWANCES, MODEST_CREDITS_INCLUDED
from exporter.simulator.company.estate import Estate
from exporter.simulator.company.periods import Month
from exporter.simulator.company.runners import SUPPORT_DAYS, UPDATE_DAYS, end_of_support, newest_release
from exporter.simulator.company.skus import Pool

Get = Callable[..., requests.Response]
CORP, TENANT = "/enterprises/octo-corp", "/enterprises/octo-tenant"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
KEYS = {
    "product",
    "sku",
    "model",
    "unitType",
    "pricePerUnit",
    "grossQuantity",
    "grossAmount",
    "discountQuantity",
    "discountAmount",
    "netQuantity",
    "netAmount",
}


def credits_used(get: Get, base: str = CORP, query: str = "year=2026&month=11") -> list[dict[str, Any]]:
    """The rows by model."""
    rows: list[dict[str, Any]] = get(f"{base}/settings/billing/ai_credit/usage?{query}").json()["usageItems"]
    return rows


def total(rows: list[dict[str, Any]], key: str) -> float:
    """The sum over *rows*, some of whose numbers are text."""
    return fsum(float(row[key]) for row in rows)


@pytest.mark.parametrize("base", [CORP, TENANT])
def test_models_add_up_to_the_summary(get: Get, base: str) -> None:
    """What the models used is what the summary has of the SKUs in credits."""
    rows = credits_used(get, base)
    assert all(row.keys() == KEYS for row in rows)
    assert len({row["model"] for row in rows}) > 5
    summary = [
        row
        for row in get(f"{base}/settings/billing/usage/summary").json()["usageItems"]
        if row["unitType"] == "ai-credits"
    ]
    for key in ("grossQuantity", "discountQuantity", "netAmount"):
        assert total(rows, key) == pytest.approx(total(summary, key))


def test_filters_narrow_the_credits_down(get: Get) -> None:
    rows = credits_used(get)
    assert credits_used(get, query="model=GPT-5") == [row for row in rows if row["model"] == "GPT-5"]
    first, others = (credits_used(get, query=f"organization={name}") for name in ("octo-org-1", "octo-org-9"))
    assert 0 < total(first, "grossQuantity") < total(rows, "grossQuantity")
    assert others == []


@pytest.mark.parametrize("day", range(4, 28, 4))
def test_big_enterprise_stays_within_its_credits_and_small_one_does_not(
    get: Get, moments: list[float], day: int
) -> None:
    """At no time will the credits of octo-corp run out at its pace; those of octo-tenant will, or have."""
    start = Month.of(NOON).start
    moments[0] = start + day * DAY + 12 * 3600
    elapsed = (moments[0] - start) / (Month.of(NOON).stop - start)
    used = total(credits_used(get), "grossQuantity")
    assert 0.3 * elapsed < used / ALLOWANCES[Pool.CREDITS] < elapsed
    small = credits_used(get, TENANT)
    assert total(small, "grossQuantity") / MODEST_CREDITS_INCLUDED > elapsed
    assert (total(small, "netQuantity") > 1_000) == (day >= 12)


def test_some_people_reach_the_limit_of_a_budget_as_the_month_goes_by(get: Get, moments: list[float]) -> None:
    budgets = get(f"{CORP}/settings/billing/budgets?per_page=100").json()["budgets"]
    each = {budget["budget_scope"]: budget["id"] for budget in budgets}
    start = Month.of(NOON).start

    def people(scope: str, threshold: int) -> int:
        path = f"{CORP}/settings/billing/budgets/{each[scope]}/user-states?threshold_lower_bound={threshold}&per_page=1"
        answer = get(path).json()
        assert len(answer["user_states"]) == min(1, answer["total_count"])
        for state in answer["user_states"]:
            assert state["consumed_amount"] >= threshold / 100 * state["target_amount"]
        assert answer["has_next_page"] == (answer["total_count"] > 1)
        return int(answer["total_count"])

    counts = []
    for day in (1, 10, 20, 29):
        moments[0] = start + day * DAY
        counts.append((people("multi_user_customer", 90), people("multi_user_customer", 100)))
    assert counts == sorted(counts)
    assert counts[0] == (0, 0)
    assert counts[1][0] > counts[1][1] > 0
    assert counts[3][0] < 60
    assert get(f"{CORP}/settings/billing/budgets/{each['enterprise']}/user-states").status_code == 404
    path = f"{CORP}/settings/billing/budgets/{each['multi_user_customer']}/user-states"
    assert get(f"{path}?threshold_lower_bound=x").status_code == 400


def test_few_visual_studio_subscriptions_have_no_account(get: Get) -> None:
    path = f"{CORP}/visual-studio-subscriptions"
    every, unmatched = (get(f"{path}?per_page=100&{query}").json() for query in ("", "is_unmatched_only=true"))
    assert 0 < unmatched["total_count"] < every["total_count"] / 3
    records = every["visual_studio_subscriptions"]
    assert sum(record["username"] is None for record in records) == unmatched["total_count"]
    assert all(record["username"] is None for record in unmatched["visual_studio_subscriptions"])
    assert get(f"{TENANT}/visual-studio-subscriptions").status_code == 404


def test_newest_release_has_no_date_and_unknown_ones_are_not_found(get: Get) -> None:
    newest = get(f"{CORP}/actions/runners/downloads").json()[0]["filename"].removesuffix(".tar.gz").rpartition("-")[2]
    path = f"{CORP}/actions/runners/deprecations"
    assert get(f"{path}/{newest}").json() == {"runner_version": newest, "runtime_deprecates_at": None}
    answer = get(f"/orgs/octo-org-1/actions/runners/deprecations/{newest[:-3]}{1}.0").json()
    assert answer.keys() <= {"runner_version", "runtime_deprecates_at", "message", "documentation_url", "status"}
    for unknown in ("2.1.0", "2.999999.0", "latest", "2.320.1"):
        assert get(f"{path}/{unknown}").status_code == 404


@pytest.mark.parametrize("day", range(0, 28, 3))
def test_only_pinned_runners_lose_support(day: int) -> None:
    """Runners that update themselves are in time; some of the enterprise on the former billing platform never do."""
    at, estate = NOON + day * DAY, Estate()
    assert max(UPDATE_DAYS) < SUPPORT_DAYS
    for slug, expected in (("octo-corp", 0), ("octo-legacy", 2)):
        enterprise = estate.enterprise(slug)
        assert enterprise is not None
        runners = enterprise.fleet.runners(at, enterprise.fleet.span(at))
        ends = [(runner, end_of_support(runner["version"], at)) for runner in runners]
        lost = [runner for runner, end in ends if end is not None and end < at]
        assert len(lost) == expected
        assert not any(runner["busy"] for runner in lost)
        assert any(runner["version"] == newest_release(at) for runner in runners)
