"""The billing endpoints: GitHub's two platforms, vocabularies, filters and defaults."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import fsum
from typing import Any

import pytest
import requests

from exporter.collectors.common.labels import snake_case

Get = Callable[..., requests.Response]
CORP = "/enterprises/octo-corp/settings/billing"
TENANT = "/enterprises/octo-tenant/settings/billing"
LEGACY = "/enterprises/octo-legacy/settings/billing"
MONTH = "year=2026&month=11"
SUMMARY_KEYS = {
    "product",
    "sku",
    "unitType",
    "pricePerUnit",
    "grossQuantity",
    "grossAmount",
    "discountQuantity",
    "discountAmount",
    "netQuantity",
    "netAmount",
}
ROW_KEYS = {
    "date",
    "product",
    "sku",
    "quantity",
    "unitType",
    "pricePerUnit",
    "grossAmount",
    "discountAmount",
    "netAmount",
    "organizationName",
    "repositoryName",
}


def items(get: Get, query: str = MONTH, base: str = CORP) -> list[dict[str, Any]]:
    """Return the rows of a summary."""
    rows: list[dict[str, Any]] = get(f"{base}/usage/summary?{query}").json()["usageItems"]
    return rows


def rows(get: Get, query: str = f"{MONTH}&day=18", base: str = CORP) -> list[dict[str, Any]]:
    """Return the detailed rows."""
    found: list[dict[str, Any]] = get(f"{base}/usage?{query}").json().get("usageItems", [])
    return found


def net(found: list[dict[str, Any]]) -> dict[str, float]:
    """Return the net cost by product, in one vocabulary."""
    products = {snake_case(row["product"]) for row in found}
    return {
        product: fsum(float(row["netAmount"]) for row in found if snake_case(row["product"]) == product)
        for product in products
    }


def centers(get: Get, base: str = CORP) -> list[str]:
    """Return the ids of the cost centers."""
    answer = get(f"{base}/cost-centers").json()
    return [center["id"] for center in (answer[0] if isinstance(answer, list) else answer)["costCenters"]]


def test_summary_has_one_row_per_sku(get: Get) -> None:
    """The summary has the keys of GitHub's example and one row for each SKU."""
    answer = get(f"{CORP}/usage/summary").json()
    assert answer.keys() == {"timePeriod", "enterprise", "usageItems"}
    assert answer["timePeriod"] == {"year": 2026, "month": 11}
    assert answer["enterprise"] == "octo-corp"
    assert all(item.keys() == SUMMARY_KEYS for item in answer["usageItems"])
    skus = [item["sku"] for item in answer["usageItems"]]
    assert len(set(skus)) == len(skus) > 10
    assert {"actions_linux", "packages_bandwidth", "copilot_for_business"} <= set(skus)
    assert {item["unitType"] for item in answer["usageItems"]} == {
        "minutes",
        "gigabyte-hours",
        "gigabytes",
        "user-months",
        "ai-credits",
    }
    for item in answer["usageItems"]:
        assert item["grossQuantity"] == pytest.approx(item["discountQuantity"] + item["netQuantity"])
        assert item["grossAmount"] == pytest.approx(item["grossQuantity"] * item["pricePerUnit"])
        assert item["netAmount"] == pytest.approx(item["netQuantity"] * item["pricePerUnit"], abs=1e-9)
    assert any(item["grossQuantity"] % 1 for item in answer["usageItems"])


def test_rows_have_the_other_vocabulary(get: Get) -> None:
    """Detailed rows have the keys of GitHub's example, in the other vocabulary, and add up to their quantity."""
    found = rows(get)
    assert all(row.keys() == ROW_KEYS for row in found)
    assert {row["date"] for row in found} == {"2026-11-18"}
    assert {"actions", "packages", "copilot", "git_lfs"} <= {row["product"] for row in found}
    assert {"Actions Linux", "Packages data transfer"} <= {row["sku"] for row in found}
    assert {"Minutes", "GigabyteHours", "UserMonths"} <= {row["unitType"] for row in found}
    by_person = [row for row in found if row["unitType"] == "UserMonths"]
    assert {row["repositoryName"] for row in by_person} == {""}
    keys = [(row["sku"], row["organizationName"], row["repositoryName"]) for row in found]
    assert len(set(keys)) == len(keys)
    assert "Link" not in get(f"{CORP}/usage?{MONTH}&day=18").headers


def test_one_enterprise_has_numbers_as_text_and_bare_names(get: Get) -> None:
    """One enterprise has numbers as text, bare names of repositories, and dates with a time."""
    summary, found = items(get, base=TENANT), rows(get, base=TENANT)
    assert isinstance(summary[0]["grossQuantity"], str)
    assert isinstance(found[0]["quantity"], str)
    assert found[0]["date"] == "2026-11-18T00:00:00Z"
    assert not any("/" in row["repositoryName"] for row in found)
    assert any(row["repositoryName"] for row in found)
    unused = [center for center in centers(get, TENANT) if not rows(get, f"{MONTH}&cost_center_id={center}", TENANT)]
    assert get(f"{TENANT}/usage?{MONTH}&cost_center_id={unused[0]}").json() == {}


@pytest.mark.parametrize("base", [CORP, TENANT])
def test_rows_add_up_to_the_summary(get: Get, base: str) -> None:
    """Rows without cost center and those of every cost center are what the summary says."""
    found = rows(get, MONTH, base)
    for center in centers(get, base):
        found += rows(get, f"{MONTH}&cost_center_id={center}", base)
    assert net(found) == pytest.approx(net(items(get, base=base)), rel=1e-9, abs=1e-9)


def test_days_add_up_to_the_month(get: Get) -> None:
    """The month is its days; those to come have no rows."""
    days = [row for day in range(1, 31) for row in rows(get, f"{MONTH}&day={day}")]
    assert days == sorted(rows(get, MONTH), key=lambda row: str(row["date"]))
    assert rows(get, f"{MONTH}&day=21") == []
    by_day = [net(items(get, f"{MONTH}&day={day}")).get("copilot", 0.0) for day in range(1, 31)]
    assert fsum(by_day) == pytest.approx(net(items(get))["copilot"])


def test_summary_defaults_to_month_and_rows_to_year(get: Get) -> None:
    """Without a word the summary is of this month, the rows of this year, which makes a long answer."""
    year = rows(get, "", TENANT)
    assert items(get, "") == items(get)
    assert year == rows(get, "year=2026", TENANT)
    assert {row["date"][:7] for row in year} == {f"2026-{month:02}" for month in range(1, 12)}
    assert len(year) > 30 * len(rows(get, base=TENANT))


@pytest.mark.parametrize("query", ["month=13", "year=x", f"{MONTH}&day=31", "cost_center_id=octo"])
@pytest.mark.parametrize("path", ["usage", "usage/summary"])
def test_impossible_period_or_cost_center_is_refused(get: Get, path: str, query: str) -> None:
    """What names no day, month or cost center is refused."""
    assert get(f"{CORP}/{path}?{query}").status_code == 400


def test_filters_are_repeated_and_parts_add_up(get: Get) -> None:
    """Each filter is repeated in the answer and leaves what it names; its parts add up to the whole."""
    whole = net(items(get))["actions"]
    answer = get(f"{CORP}/usage/summary?{MONTH}&product=ACTIONS&organization=octo-org-2").json()
    assert (answer["product"], answer["organization"]) == ("ACTIONS", "octo-org-2")
    assert {item["product"] for item in answer["usageItems"]} == {"Actions"}
    by_organization = [net(items(get, f"{MONTH}&organization=Octo-Org-{number}"))["actions"] for number in range(1, 6)]
    assert fsum(by_organization) == pytest.approx(whole)
    assert [item["sku"] for item in items(get, f"{MONTH}&sku=actions_linux")] == ["actions_linux"]
    repository = items(get, f"{MONTH}&repository=octo-org-1/repo-1&sku=actions_linux")
    detailed = [
        row
        for center in ("", *(f"&cost_center_id={center}" for center in centers(get)))
        for row in rows(get, f"{MONTH}{center}")
        if (row["repositoryName"], row["sku"]) == ("octo-org-1/repo-1", "Actions Linux")
    ]
    assert repository[0]["grossQuantity"] == pytest.approx(fsum(row["quantity"] for row in detailed))
    assert items(get, f"{MONTH}&organization=acme") == []


def test_cost_centers_of_the_summary(get: Get) -> None:
    """All cost centers are the default; one can be named, or none."""
    whole = fsum(net(items(get)).values())
    parts = [fsum(net(items(get, f"{MONTH}&cost_center_id={center}")).values()) for center in (*centers(get), "none")]
    assert fsum(parts) == pytest.approx(whole)
    assert parts[-1] > 0
    assert sum(part > 0 for part in parts) == 4
    named = get(f"{CORP}/usage/summary?cost_center_id={centers(get)[0]}").json()["costCenter"]
    assert named == {"id": centers(get)[0], "name": "Platform engineering"}


def test_usage_grows_and_starts_from_zero_each_month(get: Get, moments: list[float]) -> None:
    """Usage grows, and starts from zero on the 1st; the month before stays as it was."""
    before = items(get)
    moments.append(moments[-1] + 3_600)
    after = items(get)
    assert all(late["grossQuantity"] > early["grossQuantity"] for early, late in zip(before, after, strict=True))
    moments.append(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    assert items(get, "") == []
    november = items(get)
    moments.append(moments[-1] + 600)
    assert 0 < items(get, "")[0]["grossQuantity"] < 100
    assert items(get) == november
    assert get(f"{CORP}/usage/summary").json()["timePeriod"] == {"year": 2026, "month": 12}


@pytest.mark.parametrize("part", ["actions", "packages", "shared-storage"])
def test_legacy_endpoints_are_410_on_the_enhanced_platform(get: Get, part: str) -> None:
    """On the enhanced platform the old endpoints are gone, in GitHub's words."""
    for base in (CORP, TENANT):
        answer = get(f"{base}/{part}")
        assert answer.status_code == 410
        assert answer.json() == {
            "message": "This endpoint has been moved.",
            "documentation_url": "https://gh.io/billing-api-updates-org",
            "status": "410",
        }
    assert get(f"/api/v3/enterprises/octo-server/settings/billing/{part}").status_code == 404


@pytest.mark.parametrize("part", ["usage", "usage/summary", "budgets", "cost-centers", "reports", "cost-centers/x"])
def test_not_on_the_enhanced_platform(get: Get, part: str) -> None:
    """An enterprise on the old platform, and a server, have nothing of the new one."""
    assert get(f"{LEGACY}/{part}").status_code == 404
    assert get(f"/api/v3/enterprises/octo-server/settings/billing/{part}").status_code == 404


def test_legacy_platform_answers_in_its_old_shapes(get: Get, moments: list[float]) -> None:
    """The old platform answers in its old shapes; values reset on the 1st."""
    actions = get(f"{LEGACY}/actions").json()
    assert actions.keys() == {
        "total_minutes_used",
        "total_paid_minutes_used",
        "included_minutes",
        "minutes_used_breakdown",
    }
    assert (
        sum(actions["minutes_used_breakdown"].values()) == actions["total_minutes_used"] < actions["included_minutes"]
    )
    assert get(f"{LEGACY}/packages").json().keys() == {
        "total_gigabytes_bandwidth_used",
        "total_paid_gigabytes_bandwidth_used",
        "included_gigabytes_bandwidth",
    }
    assert get(f"{LEGACY}/shared-storage").json() == {
        "days_left_in_billing_cycle": 10,
        "estimated_paid_storage_for_month": 0,
        "estimated_storage_for_month": 34,
    }
    moments.append(datetime(2026, 11, 30, 23, 59, 50, tzinfo=UTC).timestamp())
    assert get(f"{LEGACY}/packages").json()["total_paid_gigabytes_bandwidth_used"] > 0
    assert get(f"{LEGACY}/shared-storage").json()["days_left_in_billing_cycle"] == 0
    moments.append(moments[-1] + 10)
    assert get(f"{LEGACY}/actions").json()["total_minutes_used"] == 0
