"""For any estate: what is exposed adds up to what GitHub reported; nothing is lost and nothing counts twice."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors import billing_usage, budgets, cost_centers, usage_reports
from exporter.collectors.billing import billing
from tests.support.bills import BILLING, SUMMARY, at
from tests.support.harness import CollectorHarness
from tests.support.series import Labels, exposed, number_of

Reported = tuple[Labels, float | None]

SPELLINGS = {
    "actions": ("actions", "Actions", "ACTIONS"),
    "packages": ("packages", "Packages"),
    "git_lfs": ("git_lfs", "Git LFS", "git-lfs"),
    "shared_storage": ("sharedStorage", "Shared Storage", "shared-storage"),
    "unknown": ("", None),
    "actions_linux": ("actions_linux", "Actions Linux", "actions-linux"),
    "actions_macos_xl": ("actions_macos_xl", "Actions macos XL"),
    "actions_windows_4_core": ("actions_windows_4_core", "Actions Windows 4-core"),
    "packages_bandwidth": ("packages_bandwidth", "Packages bandwidth"),
    "minutes": ("minutes", "Minutes"),
    "gigabyte_hours": ("gigabyte-hours", "GigabyteHours", "Gigabyte Hours", "gigabyte_hours"),
    "gigabyte_months": ("gigabyte-months", "GigabyteMonths"),
    "gigabytes": ("gigabytes", "Gigabytes"),
    "actions_self_hosted_linux": ("actions_self_hosted_linux", "Actions self-hosted Linux"),
    "actions_storage": ("actions_storage", "Actions storage"),
    "actions_cache_storage": ("actions_cache_storage", "Actions cache storage"),
}
PRODUCTS = ("actions", "packages", "git_lfs", "shared_storage", "unknown")
SKUS = (
    "actions_linux",
    "actions_macos_xl",
    "actions_windows_4_core",
    "actions_self_hosted_linux",
    "actions_storage",
    "actions_cache_storage",
    "packages_bandwidth",
    "unknown",
)
UNITS = ("minutes", "gigabyte_hours", "gigabyte_months", "gigabytes", "unknown")
SYSTEMS = {
    "actions_linux": "linux",
    "actions_macos_xl": "macos",
    "actions_windows_4_core": "windows",
    "actions_self_hosted_linux": "linux",
}
STANDARD = ("actions_linux", "actions_storage", "actions_cache_storage", "packages_bandwidth")
"""Of the names above those that the rule for standard runners lets through."""
HOURS = {"gigabyte_hours": 1, "gigabyte_months": 720}
FIELDS = ("grossQuantity", "discountQuantity", "netQuantity", "grossAmount", "discountAmount", "netAmount")

NOT_A_NUMBER: st.SearchStrategy[Any] = st.sampled_from([None, "", "n/a", True, [], "NaN"])
NUMBERS = st.one_of(st.floats(-1e9, 1e12), st.integers(-100, 10**9))
AMOUNTS = st.one_of(NUMBERS, NUMBERS.map(str), NOT_A_NUMBER)
EXAMPLES = settings(max_examples=60, deadline=None)


def spelled(*names: str) -> st.SearchStrategy[tuple[str, str | None]]:
    """A name and one of the ways GitHub writes it."""
    return st.sampled_from([(name, spelling) for name in names for spelling in SPELLINGS[name]])


def sums(rows: Iterable[Reported]) -> dict[Labels, float]:
    """The exact sums of what is reported."""
    values: dict[Labels, list[float]] = defaultdict(list)
    for labels, value in rows:
        if value is not None:
            values[labels].append(value)
    return {labels: math.fsum(each) for labels, each in values.items()}


@st.composite
def summary_rows(draw: st.DrawFn) -> tuple[Labels, dict[str, Any]]:
    """The labels a row should get, and the row."""
    chosen = [draw(spelled(*names)) for names in (PRODUCTS, SKUS, UNITS)]
    row = dict(zip(("product", "sku", "unitType"), (spelling for _, spelling in chosen), strict=True))
    amounts = draw(st.dictionaries(st.sampled_from(FIELDS), AMOUNTS))
    return tuple(name for name, _ in chosen), row | amounts


SUMMARIES = st.lists(summary_rows(), max_size=25)


@EXAMPLES
@given(SUMMARIES)
def test_the_bill_adds_up_to_the_summary(rows: list[tuple[Labels, dict[str, Any]]]) -> None:
    """Every series of every family is the exact sum of the rows it stands for, and every row is in one."""
    harness = CollectorHarness(
        billing.COLLECTOR, {SUMMARY: {"usageItems": [row for _, row in rows]}}, now=at("2026-11-11T00:00:00")
    )
    harness.run()
    assert harness.status.success
    values = [(labels, {field: number_of(row.get(field)) for field in FIELDS}) for labels, row in rows]

    for metric, field in (("usage", "grossQuantity"), ("discount", "discountQuantity"), ("net", "netQuantity")):
        expected = sums((labels, row[field]) for labels, row in values)
        assert exposed(harness, f"ghe_billing_{metric}_quantity") == expected
    for metric, field in (("gross", "grossAmount"), ("discount", "discountAmount"), ("net", "netAmount")):
        expected = sums((labels[:2], row[field]) for labels, row in values)
        assert exposed(harness, f"ghe_billing_{metric}_usd") == expected
        whole = math.fsum(row[field] or 0 for _, row in values)
        assert math.isclose(math.fsum(expected.values()), whole, rel_tol=1e-9, abs_tol=1e-3)

    paid = [(labels, row | {"netQuantity": 0 if is_free(row) else row["netQuantity"]}) for labels, row in values]
    for metric, field in (("used", "grossQuantity"), ("paid", "netQuantity")):
        minutes = sums(
            ((SYSTEMS.get(sku, ""), sku), row[field])
            for (product, sku, unit), row in paid
            if (product, unit) == ("actions", "minutes")
        )
        assert exposed(harness, f"ghe_actions_{metric}_seconds") == {key: value * 60 for key, value in minutes.items()}
    for metric, field in (("average", "grossQuantity"), ("paid_average", "netQuantity")):
        assert exposed(harness, f"ghe_storage_{metric}_bytes") == averages(paid, field)
    for metric, field in (("transfer", "grossQuantity"), ("transfer_paid", "netQuantity")):
        moved = sums(
            ((), row[field])
            for (product, sku, unit), row in paid
            if (product, unit) == ("packages", "gigabytes") and "storage" not in sku
        )
        assert exposed(harness, f"ghe_packages_{metric}_bytes") == {key: value * 1e9 for key, value in moved.items()}


@EXAMPLES
@given(SUMMARIES, st.sampled_from([None, 0.006, 0.008, "0.006"]))
def test_allowances_are_used_by_standard_runners_and_by_what_is_kept_of_builds(
    rows: list[tuple[Labels, dict[str, Any]]], price: Any
) -> None:
    """Whatever else is discounted or stored changes neither figure."""
    items = [row | {"pricePerUnit": price} for _, row in rows]
    harness = CollectorHarness(billing.COLLECTOR, {SUMMARY: {"usageItems": items}}, now=at("2026-11-11T00:00:00"))
    harness.run()
    values = [(labels, {field: number_of(row.get(field)) for field in FIELDS}) for labels, row in rows]
    jobs = [(labels, row) for labels, row in values if (labels[0], labels[2]) == ("actions", "minutes")]
    standard = [(labels, row) for labels, row in jobs if labels[1] in STANDARD]
    minute = float(price) if price and any(labels[1] == "actions_linux" for labels, _ in jobs) else 0.006
    used = {key: value / minute * 60 for key, value in sums(((), row["discountAmount"]) for _, row in standard).items()}
    assert exposed(harness, "ghe_actions_included_used_seconds") == (
        {(): 0} if jobs and not standard else pytest.approx(used, rel=1e-12)
    )
    stored = [(labels, row) for labels, row in values if labels[2] in HOURS]
    kept = [(labels, row) for labels, row in stored if labels[1] == "actions_storage"]
    expected = averages([(("", *labels[1:]), row) for labels, row in kept], "grossQuantity")
    assert exposed(harness, "ghe_storage_included_used_bytes") == (
        {(): 0} if stored and not kept else {key[1:]: value for key, value in expected.items()}
    )


def is_free(row: Mapping[str, float | None]) -> bool:
    """Whether a net quantity costs nothing."""
    return row["netQuantity"] is not None and row["netAmount"] is not None and row["netAmount"] <= 0


def averages(values: Iterable[tuple[Labels, Mapping[str, float | None]]], field: str) -> dict[Labels, float]:
    """Bytes per product that ten days of storage average to."""
    hours: dict[Labels, Fraction] = defaultdict(Fraction)
    for labels, row in values:
        quantity = row[field]
        if labels[2] in HOURS and quantity is not None:
            hours[(labels[0],)] += Fraction(quantity) * HOURS[labels[2]] * 10**9
    return {key: float(value) / 240 for key, value in hours.items()}


ORGANIZATIONS = ("octo-org", "octo-data")
REPOSITORIES = ("site", "app", "lib", "lake", "")
CENTERS = ("data", "web")


@st.composite
def usage_rows(draw: st.DrawFn) -> tuple[int, str, Labels, dict[str, Any]]:
    """Day, cost center, the labels a row should get, and the row."""
    product, spelling = draw(spelled("actions", "git_lfs", "shared_storage"))
    organization, repository = draw(st.sampled_from(ORGANIZATIONS)), draw(st.sampled_from(REPOSITORIES))
    row = {
        "product": spelling,
        "organizationName": organization,
        "repositoryName": f"{organization}/{repository}" if repository and draw(st.booleans()) else repository,
        "netAmount": draw(AMOUNTS),
        "grossAmount": draw(AMOUNTS),
    }
    day, center = draw(st.integers(1, 6)), draw(st.sampled_from(("", *CENTERS)))
    return day, center, (organization, repository, product), row


def usage_answers(rows: Iterable[tuple[int, str, Labels, dict[str, Any]]], *, by_day: bool) -> dict[str, Any]:
    """The answer for each month, or day, and cost center; `{}` where there is no usage."""
    listed: dict[str, Any] = {f"{BILLING}/cost-centers": {"costCenters": [{"id": center} for center in CENTERS]}}
    if by_day:
        listed[f"{BILLING}/usage"] = {"status": 503, "body": ""}
    for day in range(1, 7) if by_day else (0,):
        for center in ("", *CENTERS):
            found = [row for at_day, of_center, _, row in rows if of_center == center and day in {0, at_day}]
            query = (
                "year=2026&month=11" + (f"&day={day}" if day else "") + (f"&cost_center_id={center}" if center else "")
            )
            listed[f"{BILLING}/usage?{query}"] = {"usageItems": found} if found else {}
    return listed


@EXAMPLES
@given(rows=st.lists(usage_rows(), max_size=30), top=st.integers(0, 6), by_day=st.booleans())
def test_repositories_and_others_add_up_to_the_rows(
    rows: list[tuple[int, str, Labels, dict[str, Any]]], top: int, *, by_day: bool
) -> None:
    """Organizations and repositories add up; the top ones are the most expensive; a second run has the same."""
    harness = CollectorHarness(
        billing_usage.COLLECTOR,
        usage_answers(rows, by_day=by_day),
        options={"top_repositories": top},
        now=at("2026-11-06T12:00:00"),
    )
    harness.run()
    net = [(labels, number_of(row["netAmount"])) for _, _, labels, row in rows]
    gross = [(labels, number_of(row["grossAmount"])) for _, _, labels, row in rows]
    for metric, values in (("net", net), ("gross", gross)):
        expected = sums(((organization, product), value) for (organization, _, product), value in values)
        assert exposed(harness, f"ghe_billing_organization_{metric}_usd") == expected

    in_repositories = [(labels, value) for labels, value in net if labels[1]]
    costs = sums((labels[:2], value) for labels, value in in_repositories)
    most_expensive = sorted(costs, key=lambda repository: (-costs[repository], repository))[:top]
    expected = sums(
        (labels if labels[:2] in most_expensive else (labels[0], "(other)", labels[2]), value)
        for labels, value in in_repositories
    )
    assert exposed(harness, "ghe_billing_repository_net_usd") == expected

    first = harness.text
    harness.run()
    assert harness.text == first


@st.composite
def budget_rows(draw: st.DrawFn) -> tuple[str, list[str], float | None, dict[str, Any]]:
    """Type, what it is about, what is given as used, and the budget."""
    by = draw(st.sampled_from(["sku", "product"]))
    chosen = draw(st.lists(spelled(*(SKUS[:4] if by == "sku" else PRODUCTS[:4])), min_size=1, max_size=3))
    given_amount = draw(AMOUNTS)
    budget = {
        "budget_type": {"sku": "SkuPricing", "product": "ProductPricing"}[by],
        "budget_scope": "enterprise",
        "budget_product_skus" if draw(st.booleans()) else "budget_product_sku": [spelling for _, spelling in chosen],
        "budget_amount": draw(AMOUNTS),
        "consumed_amount": given_amount,
    }
    return by, [name for name, _ in chosen], number_of(given_amount), budget


@EXAMPLES
@given(st.lists(budget_rows(), max_size=8), SUMMARIES)
def test_what_is_used_of_a_budget_is_the_sum_of_its_rows(
    drawn: list[tuple[str, list[str], float | None, dict[str, Any]]], rows: list[tuple[Labels, dict[str, Any]]]
) -> None:
    """What GitHub gives is taken; what it does not is the sum, to 14 digits, over the rows of the budget."""
    listed = [{"id": str(number), **budget} for number, (*_, budget) in enumerate(drawn)]
    harness = CollectorHarness(
        budgets.COLLECTOR,
        {
            f"{BILLING}/budgets": {"budgets": [*listed, *listed], "has_next_page": False},
            SUMMARY: {"usageItems": [row for _, row in rows]},
        },
    )
    harness.run()
    assert harness.status.success
    used: dict[str, float] = {}
    for number, (by, names, given_amount, _) in enumerate(drawn):
        belonging = (number_of(row.get("netAmount")) for labels, row in rows if labels[by == "sku"] in names)
        summed = sums(((), value) for value in belonging).get(())
        value = given_amount if given_amount is not None or summed is None else float(f"{summed:.14g}")
        if value is not None:
            used[str(number)] = value
    assert {labels[0]: value for labels, value in exposed(harness, "ghe_budget_consumed_usd").items()} == used
    amounts = {str(number): number_of(budget["budget_amount"]) for number, (*_, budget) in enumerate(drawn)}
    shown = {labels[0]: value for labels, value in exposed(harness, "ghe_budget_amount_usd").items()}
    assert shown == {number: amount for number, amount in amounts.items() if amount is not None}


RESOURCES = st.lists(
    st.tuples(st.sampled_from(["User", "Org", "Repo", "Team"]), st.sampled_from(["a", "b", "c"])), max_size=8
)


@EXAMPLES
@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(RESOURCES, SUMMARIES), max_size=4))
def test_cost_centers_have_their_resources_once_and_all_their_cost(
    drawn: Mapping[str, tuple[list[tuple[str, str]], list[tuple[Labels, dict[str, Any]]]]],
) -> None:
    """A resource listed twice counts once; the cost per product is the exact sum of the cost center's rows."""
    listed = [
        {"id": name, "name": name, "resources": [{"type": kind, "name": who} for kind, who in resources]}
        for name, (resources, _) in drawn.items()
    ]
    usage = {
        f"{SUMMARY}?cost_center_id={name}": {"usageItems": [row for _, row in rows]}
        for name, (_, rows) in drawn.items()
    }
    recorded = {f"{BILLING}/cost-centers": {"costCenters": [*listed, *listed]}, **usage}
    harness = CollectorHarness(cost_centers.COLLECTOR, recorded, options={"spend": True})
    harness.run()
    assert harness.status.success
    assert exposed(harness, "ghe_cost_center_resources") == Counter(
        (name, kind.lower()) for name, (resources, _) in drawn.items() for kind, _ in set(resources)
    )
    assert exposed(harness, "ghe_cost_center_net_usd") == sums(
        ((name, labels[0]), number_of(row.get("netAmount")))
        for name, (_, rows) in drawn.items()
        for labels, row in rows
    )


REPORTS = st.dictionaries(
    st.uuids().map(str),
    st.fixed_dictionaries(
        {
            "report_type": st.sampled_from(["detailed", "summarized"]),
            "status": st.sampled_from(["processing", "completed", "failed"]),
            "created_at": st.sampled_from(["2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z", None, "soon"]),
            "end_date": st.sampled_from(["2026-09-30", None]),
        }
    ),
    max_size=12,
)


@EXAMPLES
@given(REPORTS)
def test_every_report_counts_once(drawn: Mapping[str, dict[str, str | None]]) -> None:
    """Counts add up to the distinct exports, and the newest completed one is the maximum of what is reported."""
    listed = [{"id": identity, **report} for identity, report in drawn.items()]
    harness = CollectorHarness(
        usage_reports.COLLECTOR, {f"{BILLING}/reports": {"usage_report_exports": [*listed, *listed]}}
    )
    harness.run()
    counts = Counter((report["report_type"], report["status"]) for report in drawn.values())
    assert exposed(harness, "ghe_usage_report_exports") == counts
    newest: dict[tuple[str | None], float] = {}
    for report in drawn.values():
        moment = report["created_at"] if report["created_at"] not in {None, "soon"} else report["end_date"]
        if report["status"] == "completed" and moment is not None:
            key = (report["report_type"],)
            newest[key] = max(newest.get(key, 0), at(moment.removesuffix("Z")))
    assert exposed(harness, "ghe_usage_report_last_completed_timestamp_seconds") == newest
