"""Cost centers, budgets and exports of usage."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import fsum
from typing import Any

import pytest
import requests

Get = Callable[..., requests.Response]
CORP = "/enterprises/octo-corp/settings/billing"
TENANT = "/enterprises/octo-tenant/settings/billing"
BUDGET_KEYS = {"id", "budget_type", "budget_scope", "budget_amount", "prevent_further_usage", "budget_alerting"}


def budgets(get: Get, query: str = "per_page=100") -> list[dict[str, Any]]:
    """Return a page of budgets."""
    found: list[dict[str, Any]] = get(f"{CORP}/budgets?{query}").json()["budgets"]
    return found


def test_cost_centers_have_every_type_of_resource(get: Get) -> None:
    """Cost centers have the keys of GitHub's example, and every type of resource."""
    centers = get(f"{CORP}/cost-centers").json()["costCenters"]
    for center in centers:
        assert {"id", "name", "state", "azure_subscription", "resources", "ai_credit_pool_enabled"} <= center.keys()
    pool = centers[0]["ai_credit_pool_state"]
    assert 0 < pool["current_amount"] < pool["target_amount"]
    assert {one["type"] for center in centers for one in center["resources"]} == {"User", "Org", "Repo", "Team"}
    states = [center["state"] for center in centers]
    assert states.count("deleted") == 1
    for state in ("active", "deleted"):
        found = get(f"{CORP}/cost-centers?state={state}").json()["costCenters"]
        assert found == [center for center in centers if center["state"] == state]


def test_one_enterprise_wraps_its_cost_centers_in_a_list(get: Get) -> None:
    """One enterprise answers a list of one object."""
    (answer,) = get(f"{TENANT}/cost-centers").json()
    assert answer.keys() == {"costCenters"}


def test_one_cost_center_pages_its_resources(get: Get) -> None:
    """A cost center has its resources in pages, announced by a flag."""
    consulting = get(f"{CORP}/cost-centers").json()["costCenters"][3]
    whole = get(f"{CORP}/cost-centers/{consulting['id']}").json()
    assert whole == consulting | {"has_next_page": False}
    first, last = (get(f"{CORP}/cost-centers/{consulting['id']}?per_page=2&page={page}") for page in (1, 2))
    assert (first.json()["has_next_page"], last.json()["has_next_page"]) == (True, False)
    assert first.json()["resources"] + last.json()["resources"] == consulting["resources"]
    assert "Link" not in first.headers
    assert get(f"{CORP}/cost-centers/octo").status_code == 404


def test_budgets_come_in_pages_of_ten(get: Get) -> None:
    """Ten is the default; there is no Link header, only a flag and a total."""
    first, second = (get(f"{CORP}/budgets?page={page}") for page in (1, 2))
    assert (len(first.json()["budgets"]), first.json()["has_next_page"]) == (10, True)
    assert second.json()["has_next_page"] is False
    assert first.json()["budgets"] + second.json()["budgets"] == budgets(get)
    assert first.json()["total_count"] == len(budgets(get)) > 10
    assert "Link" not in first.headers
    assert budgets(get, "page=9") == []


def test_budgets_in_every_form(get: Get) -> None:
    """Both spellings of what they are for, all types and scopes; amounts are whole."""
    found = budgets(get)
    assert len({budget["id"] for budget in found}) == len(found)
    for budget in found:
        assert budget.keys() >= BUDGET_KEYS
        assert ("budget_product_sku" in budget) != ("budget_product_skus" in budget)
        assert isinstance(budget["budget_amount"], int)
        assert ("consumed_amount" in budget) == ("user" in budget["budget_scope"])
        assert ("user" in budget) == (budget["budget_scope"] == "user")
    assert any("budget_product_sku" in budget for budget in found)
    assert {budget["budget_type"] for budget in found} == {"SkuPricing", "ProductPricing", "BundlePricing"}
    scopes = {budget["budget_scope"] for budget in found}
    assert scopes == {
        "enterprise",
        "organization",
        "repository",
        "cost_center",
        "multi_user_customer",
        "multi_user_cost_center",
        "user",
    }
    for scope in scopes:
        wanted = [budget for budget in found if budget["budget_scope"] == scope]
        assert budgets(get, f"per_page=100&scope={scope}") == wanted
    skus = [budget.get("budget_product_skus", []) for budget in get(f"{TENANT}/budgets").json()["budgets"]]
    assert ["actions_linux", "actions_windows"] in skus


def spent(get: Get, product: str) -> float:
    """Return what is paid for a product or SKU this month."""
    items = get(f"{CORP}/usage/summary").json()["usageItems"]
    return fsum(item["netAmount"] for item in items if product in {item["product"].lower(), item["sku"]})


@pytest.mark.parametrize("day", [8, 15, 22, 30])
def test_one_budget_is_close_to_its_limit(get: Get, moments: list[float], day: int) -> None:
    """Most of the month one is, and never above; the blocking one is far from it."""
    moments.append(datetime(2026, 11, day, 18, tzinfo=UTC).timestamp())
    credit, actions = budgets(get)[:2]
    assert credit["budget_product_skus"] == ["spark_ai_credits"]
    assert 0.9 <= spent(get, "spark_ai_credits") / credit["budget_amount"] < 0.99
    assert actions["prevent_further_usage"]
    assert spent(get, "actions") / actions["budget_amount"] < 0.5


def test_budgets_start_from_zero_each_month(get: Get, moments: list[float]) -> None:
    """What is consumed grows and is nothing on the 1st."""

    def consumed() -> float:
        return fsum(budget.get("consumed_amount", 0) for budget in budgets(get))

    before = consumed()
    moments.append(moments[-1] + 3_600)
    assert consumed() > before
    moments.append(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    assert consumed() == 0


def test_only_completed_exports_can_be_downloaded(get: Get) -> None:
    """Exports have the keys of GitHub's example; only completed ones can be downloaded."""
    reports = get(f"{CORP}/reports").json()["usage_report_exports"]
    keys = {"id", "report_type", "start_date", "end_date", "status", "created_at", "actor"}
    assert len({report["id"] for report in reports}) == len(reports)
    assert {report["status"] for report in reports} == {"completed", "processing", "failed"}
    assert {report["report_type"] for report in reports} == {"detailed", "summarized", "premium_request", "ai_credit"}
    for report in reports:
        assert report.keys() - {"download_urls"} == keys
        assert ("download_urls" in report) == (report["status"] == "completed")


def test_export_in_progress_is_complete_an_hour_later(get: Get, moments: list[float]) -> None:
    """What is being processed is complete an hour later, and others have come."""

    def by_status(status: str) -> set[str]:
        reports = get(f"{CORP}/reports").json()["usage_report_exports"]
        return {report["id"] for report in reports if report["status"] == status}

    waiting = by_status("processing")
    assert waiting
    moments.append(moments[-1] + 3_600)
    assert waiting <= by_status("completed")
    assert by_status("processing").isdisjoint(waiting)
