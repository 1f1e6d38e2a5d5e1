"""For any budgets: unit, scope and covered rows decide what is compared, and nothing else is shown."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors.budgets import COLLECTOR
from tests.support.bills import BILLING, SUMMARY
from tests.support.harness import CollectorHarness
from tests.support.series import exposed

LICENSES = ("ghec", "ghas", "ghas_licenses", "ghec_licenses", "copilot_for_business", "copilot_enterprise")
OTHERS = ("actions", "actions_linux", "copilot", "ai_credits", "copilot_ai_credit", "premium_requests", "everything")
SCOPES = {
    "enterprise": "",
    "organization": "octo-org",
    "repository": "octo-org/site",
    "cost_center": "Web",
    "user": "",
    "multi_user_customer": "",
    "multi_user_cost_center": "Web",
    "team": "octo-team",
}
TYPES = ("SkuPricing", "ProductPricing", "BundlePricing", "TierPricing")
FAMILIES = ("amount_usd", "amount_licenses", "consumed_usd", "consumed_licenses")

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "product": st.sampled_from(["Actions", "Copilot", "GHEC", "GHAS", "Spark"]),
            "sku": st.sampled_from(["actions_linux", "ghas_licenses", "copilot_for_business", "copilot_ai_unit", "x"]),
            "unitType": st.sampled_from(["minutes", "user-months", "ai-units", "ai-credits", "requests"]),
            "netQuantity": st.integers(0, 1000),
            "netAmount": st.integers(0, 1000),
        }
    ),
    max_size=6,
)
BUDGETS = st.lists(
    st.fixed_dictionaries(
        {
            "budget_type": st.sampled_from(TYPES),
            "budget_scope": st.sampled_from(sorted(SCOPES)),
            "budget_product_skus": st.lists(st.sampled_from(LICENSES + OTHERS), min_size=1, max_size=2, unique=True),
            "budget_amount": st.integers(0, 500),
            "prevent_further_usage": st.booleans(),
            "consumed_amount": st.none() | st.integers(0, 5000),
            "exclude_cost_center_usage": st.booleans(),
        }
    ),
    max_size=6,
)


def are_covered_rows_known(budget: dict[str, Any]) -> bool:
    """Whether it is known which rows of a summary *budget* covers."""
    if budget["budget_type"] == "BundlePricing":
        return {"ai_credits", "premium_requests"} >= set(budget["budget_product_skus"])
    return bool(budget["budget_type"] != "TierPricing")


@settings(max_examples=120, deadline=None)
@given(BUDGETS, ROWS)
def test_a_budget_is_compared_in_its_own_unit_or_not_at_all(
    drawn: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    """Never both units; never the sum over all people with the limit of one; never an unknown scope, type or bundle."""
    listed = [
        budget | {"id": str(number), "budget_entity_name": SCOPES[budget["budget_scope"]]}
        for number, budget in enumerate(drawn)
    ]
    harness = CollectorHarness(
        COLLECTOR,
        {
            f"{BILLING}/budgets": {"budgets": listed},
            f"{BILLING}/cost-centers": {"costCenters": [{"id": "web", "name": "Web", "state": "active"}]},
            SUMMARY: {"usageItems": rows},
        },
    )
    harness.run()
    assert harness.status.success
    shown = {
        family: {labels[0]: value for labels, value in exposed(harness, f"ghe_budget_{family}").items()}
        for family in FAMILIES
    }
    assert not shown["amount_usd"].keys() & shown["amount_licenses"].keys()
    assert shown["consumed_usd"].keys() <= shown["amount_usd"].keys()
    assert shown["consumed_licenses"].keys() <= shown["amount_licenses"].keys()
    for budget in listed:
        number, products = budget["id"], budget["budget_product_skus"]
        kinds = {product in LICENSES for product in products}
        unit = None if len(kinds) > 1 else "licenses" if True in kinds else "usd"
        assert (number in shown["amount_usd"]) is (unit == "usd")
        assert (number in shown["amount_licenses"]) is (unit == "licenses")
        consumed = shown["consumed_usd"].get(number, shown["consumed_licenses"].get(number))
        if budget["budget_scope"] in {"team", "multi_user_customer", "multi_user_cost_center"} or unit is None:
            assert consumed is None
        elif unit == "usd" and budget["consumed_amount"] is not None:
            assert consumed == budget["consumed_amount"]
        elif budget["budget_scope"] == "user" or not are_covered_rows_known(budget):
            assert consumed is None
        elif consumed is not None:
            field = "netQuantity" if unit == "licenses" else "netAmount"
            assert 0 <= consumed <= sum(row[field] for row in rows)


def test_budget_that_rows_use_up_is_used_up_to_the_last_digit() -> None:
    """0.1 + 0.7 is 0.7999999999999999 in binary, by which an alert at the amount would wait for ever."""
    budget = {
        "id": "1",
        "budget_type": "ProductPricing",
        "budget_scope": "enterprise",
        "budget_product_skus": ["actions"],
        "budget_amount": 0.8,
    }
    rows = [
        {"product": "Actions", "sku": sku, "unitType": "minutes", "netQuantity": 1, "netAmount": amount}
        for sku, amount in (("actions_linux", 0.1), ("actions_windows", 0.7))
    ]
    harness = CollectorHarness(COLLECTOR, {f"{BILLING}/budgets": {"budgets": [budget]}, SUMMARY: {"usageItems": rows}})
    harness.run()
    assert list(exposed(harness, "ghe_budget_consumed_usd").values()) == [0.8]


def test_no_summary_is_read_for_an_unknown_bundle() -> None:
    """No row could be said to belong to it."""
    budget = {
        "id": "1",
        "budget_type": "BundlePricing",
        "budget_scope": "enterprise",
        "budget_product_skus": ["everything"],
        "budget_amount": 100,
    }
    harness = CollectorHarness(COLLECTOR, {f"{BILLING}/budgets": {"budgets": [budget]}, SUMMARY: {"usageItems": []}})
    harness.run()
    assert harness.status.success
    assert not any(SUMMARY in url for url in harness.asked)
