"""The demonstration as a whole: every collector against the simulated companies, and the sums in between."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from math import fsum
from typing import Any

import pytest

from exporter.collector import Platform
from exporter.collectors import COLLECTORS
from exporter.commands.demo import CLOUD, SERVER
from exporter.runtime.status import Key
from exporter.simulator.company.estate import CORP
from exporter.simulator.company.ledger import Account
from tests.support.demonstration import NOW, NOW_AND_THEN, Shown, billed, demonstration

NOT_OFFERED = {
    Key("octo-corp", "scim"),
    Key("octo-legacy", "billing_usage"),
    Key("octo-legacy", "ai_credits"),
    Key("octo-legacy", "budget_users"),
    Key("octo-tenant", "visual_studio"),
    Key("octo-legacy", "cost_centers"),
    Key("octo-legacy", "budgets"),
    Key("octo-legacy", "usage_reports"),
    Key("octo-legacy", "copilot"),
    Key("octo-legacy", "copilot_usage"),
    Key("octo-legacy", "scim"),
    Key("octo-server", "scim"),
}
IMPOSSIBLE = {
    Key(slug, collector.name)
    for collector in COLLECTORS
    for slug in (*CLOUD, SERVER)
    if not collector.for_process and (Platform.SERVER if slug == SERVER else Platform.CLOUD) not in collector.platforms
}
EVERYTHING = {
    Key("" if collector.for_process else slug, collector.name) for collector in COLLECTORS for slug in (*CLOUD, SERVER)
}


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    with demonstration() as found:
        yield found


def test_every_collector_runs(shown: Shown) -> None:
    assert shown.statuses.keys() == EVERYTHING
    expected = NOT_OFFERED | IMPOSSIBLE
    odd = {key for key, status in shown.statuses.items() if (status.available is False) != (key in expected)}
    odd |= {key for key, status in shown.statuses.items() if status.success == (key in expected)}
    assert not odd, (
        "no route of exporter/simulator/api/routes/__init__.py answers these on their platform,"
        f" or they belong to NOT_OFFERED in this file: { {key: shown.statuses[key].problem for key in odd} }"
    )


@pytest.mark.parametrize(
    "metric", [metric for collector in COLLECTORS for metric in collector.metrics], ids=lambda metric: metric.name
)
def test_every_metric_has_a_sample(shown: Shown, metric: Any) -> None:
    name = f"{metric.name}_count" if metric.type == "histogram" else metric.name
    assert metric.name in NOW_AND_THEN or any(each.name == name for each in shown.series)


@pytest.mark.parametrize("slug", ["octo-corp", "octo-tenant"])
def test_cost_is_the_same_however_it_is_added_up(shown: Shown, slug: str) -> None:
    """Summary, rows of all days and cost centers, organizations and cost centers: one ledger."""
    expected = billed(shown.enterprise(slug))
    assert len(expected) >= 4
    by_sku = shown.sums("ghe_billing_net_usd", slug, "product")
    by_organization = shown.sums("ghe_billing_organization_net_usd", slug, "product")
    assert by_sku == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert by_organization == pytest.approx(expected, rel=1e-9, abs=1e-9)
    gross = shown.sums("ghe_billing_organization_gross_usd", slug, "product")
    assert gross == pytest.approx(shown.sums("ghe_billing_gross_usd", slug, "product"), rel=1e-9)


def test_costs_of_top_repositories_and_others_add_up(shown: Shown) -> None:
    """The most expensive repositories and the others together are what is billed by repository."""
    expected = billed(shown.enterprise(), lambda account: account.repository is not None)
    found = shown.sums("ghe_billing_repository_net_usd", CORP, "product")
    repositories = {
        (each.labels["organization"], each.labels["repository"]) for each in shown.of("ghe_billing_repository_net_usd")
    }
    assert found == pytest.approx({product: expected[product] for product in found}, abs=1e-9)
    assert expected["actions"] > 0
    assert len([name for _, name in repositories if name != "(other)"]) == 20
    assert "(other)" in {name for _, name in repositories}


@pytest.mark.parametrize("slug", ["octo-corp", "octo-tenant"])
def test_costs_of_cost_centers_and_the_rest_add_up(shown: Shown, slug: str) -> None:
    """What each cost center costs is what its accounts cost; with the rest it is everything."""
    enterprise = shown.enterprise(slug)
    assert enterprise.billing is not None
    centers = enterprise.billing.cost_centers.named("active")
    assert {each.labels["cost_center_id"] for each in shown.of("ghe_cost_center_info", slug)} == {
        center.id for center in centers
    }
    found = shown.sums("ghe_cost_center_net_usd", slug, "cost_center_id")
    for center in centers:

        def charged(account: Account, identifier: str = center.id) -> bool:
            return account.cost_center == identifier

        assert found.get(center.id, 0) == pytest.approx(fsum(billed(enterprise, charged).values()))
    rest = fsum(billed(enterprise, lambda account: not account.cost_center).values())
    assert rest > 0
    assert fsum((*found.values(), rest)) == pytest.approx(shown.sum("ghe_billing_net_usd", slug))


def test_actions_minutes_are_ahead_of_pace(shown: Shown) -> None:
    """What is used of the allowance fits, what will be used at this pace does not; most minutes never touch it."""
    used, included = shown.sum("ghe_actions_included_used_seconds"), shown.sum("ghe_actions_included_seconds")
    start = shown.sum("ghe_billing_period_start_timestamp_seconds")
    end = shown.sum("ghe_billing_period_end_timestamp_seconds")
    assert used < included < used * (end - start) / (NOW - start)
    assert shown.sum("ghe_actions_used_seconds") > included
    own, larger = (
        ("actions_self_hosted_linux", "actions_self_hosted_windows"),
        ("actions_linux_4_core", "actions_macos_xl"),
    )
    for sku in own:
        assert shown.sum("ghe_actions_paid_seconds", sku=sku) == 0 < shown.sum("ghe_actions_used_seconds", sku=sku)
    for sku in larger:
        assert shown.sum("ghe_actions_paid_seconds", sku=sku) == shown.sum("ghe_actions_used_seconds", sku=sku) > 0
    legacy = "octo-legacy"
    assert (
        shown.sum("ghe_actions_included_used_seconds", legacy) < shown.sum("ghe_actions_included_seconds", legacy) / 2
    )


def test_storage_is_close_to_what_is_included_and_transfer_is_not(shown: Shown) -> None:
    """Storage is close to what is included, which caches do not use; transfer is not."""
    included = shown.sum("ghe_storage_included_bytes")
    assert 0.9 < shown.sum("ghe_storage_included_used_bytes") / included < 1
    assert shown.sum("ghe_storage_average_bytes", product="actions") > 2 * included
    assert 0.2 < shown.sum("ghe_packages_transfer_bytes") / shown.sum("ghe_packages_transfer_included_bytes") < 0.5


def test_each_enterprise_has_its_billing_platform(shown: Shown) -> None:
    platforms = {
        each.labels["enterprise"]: each.labels["platform"] for each in shown.series if "platform_info" in each.name
    }
    assert platforms == {"octo-corp": "enhanced", "octo-legacy": "legacy", "octo-tenant": "enhanced"}


def test_one_budget_is_close_to_its_limit_and_none_that_blocks(shown: Shown) -> None:
    """One budget is close to its limit; those that block are not; there are more than a page of them."""
    used: dict[str, float] = {}
    for unit in ("usd", "licenses"):
        amounts = {each.labels["budget_id"]: each.value for each in shown.of(f"ghe_budget_amount_{unit}")}
        used |= {
            each.labels["budget_id"]: each.value / amounts[each.labels["budget_id"]]
            for each in shown.of(f"ghe_budget_consumed_{unit}")
        }
        assert amounts
    blocking = {each.labels["budget_id"] for each in shown.of("ghe_budget_blocks_usage") if each.value}
    assert len(shown.of("ghe_budget_blocks_usage")) > 10
    assert [share for share in used.values() if share >= 0.9] == [pytest.approx(0.95, abs=0.03)]
    assert used.keys() & blocking
    assert all(used[budget] < 0.6 for budget in used.keys() & blocking)
    assert {each.labels["entity"] for each in shown.of("ghe_budget_amount_usd", scope="user")} == {""}


def test_budgets_of_every_scope_have_the_consumption_they_cover(shown: Shown) -> None:
    """Each has the consumption of what it covers, but where the amount is the limit of one person."""
    consumed = {each.labels["scope"]: each.labels for each in shown.of("ghe_budget_consumed_usd")}
    assert consumed.keys() == {"enterprise", "organization", "repository", "cost_center", "user"}
    assert {each.labels["scope"] for each in shown.of("ghe_budget_amount_usd")} - consumed.keys() == {
        "multi_user_customer",
        "multi_user_cost_center",
    }
    for each in shown.of("ghe_budget_consumed_usd", scope="organization", product="actions_linux"):

        def of_organization(account: Account, name: str = each.labels["entity"]) -> bool:
            return account.organization == name and account.sku.id == "actions_linux"

        assert each.value == pytest.approx(billed(shown.enterprise(), of_organization)["actions"], abs=1e-9)
    rest, whole = sorted(
        each.value for each in shown.of("ghe_budget_consumed_usd", scope="enterprise", product="actions")
    )
    outside = billed(shown.enterprise(), lambda account: not account.cost_center)["actions"]
    assert whole == pytest.approx(shown.sum("ghe_billing_net_usd", product="actions"))
    assert pytest.approx(outside) == rest < whole
    licenses = shown.sum("ghe_budget_consumed_licenses", product="copilot_for_business")
    assert licenses == pytest.approx(shown.sum("ghe_billing_net_quantity", sku="copilot_for_business"))
    assert shown.sum("ghe_budget_expiry_timestamp_seconds") > NOW


def test_included_credits_last_in_one_enterprise_and_are_used_up_in_another(shown: Shown) -> None:
    for slug, is_used_up in ((CORP, False), ("octo-tenant", True)):
        used, paid = shown.sum("ghe_ai_credits_used", slug), shown.sum("ghe_ai_credits_paid", slug)
        assert used == pytest.approx(shown.sum("ghe_ai_credits_discounted", slug) + paid)
        assert (used >= shown.sum("ghe_ai_credits_included", slug)) == is_used_up
        assert len(shown.sums("ghe_ai_credits_used", slug, "model")) > 5
        assert shown.sum("ghe_ai_credits_net_usd", slug) < shown.sum("ghe_ai_credits_gross_usd", slug)


def test_some_people_are_at_their_limit_and_some_subscriptions_unmatched(shown: Shown) -> None:
    people = shown.sums("ghe_budget_users", CORP, "threshold")
    assert 0 < people["100"] < people["90"] < shown.sum("ghe_copilot_seats") / 5
    limits = {each.labels["budget_id"] for each in shown.of("ghe_budget_amount_usd") if "multi" in each.labels["scope"]}
    assert {each.labels["budget_id"] for each in shown.of("ghe_budget_users")} == limits
    subscriptions = shown.sums("ghe_visual_studio_subscriptions", CORP, "matched")
    assert 0 < subscriptions["false"] < subscriptions["true"]


def test_only_pinned_runners_of_one_enterprise_have_lost_support(shown: Shown) -> None:
    lost = {
        (slug, each.labels["version"])
        for slug in CLOUD
        for each in shown.of("ghe_runner_version_deprecation_timestamp_seconds", slug)
        if each.value < NOW
    }
    assert {slug for slug, _ in lost} == {"octo-legacy"}
    in_use = {each.labels["version"] for each in shown.of("ghe_runners_by_version", "octo-legacy")}
    assert {version for _, version in lost} <= in_use


def test_exports_of_every_status_are_recent(shown: Shown) -> None:
    assert {each.labels["status"] for each in shown.of("ghe_usage_report_exports")} == {
        "completed",
        "processing",
        "failed",
    }
    newest = {
        each.labels["report_type"]: each.value for each in shown.of("ghe_usage_report_last_completed_timestamp_seconds")
    }
    assert all(0 < NOW - made_at < 15 * 86_400 for made_at in newest.values())


@pytest.mark.parametrize("slug", ["octo-corp", "octo-tenant", "octo-legacy", "octo-server"])
def test_committers_are_distinct_people(shown: Shown, slug: str) -> None:
    """Per product the committers are the people in any repository; per organization those in its own."""
    security = shown.enterprise(slug).advanced_security
    for product in security.products:
        label = product or "advanced_security"
        totals = security.committers(product, NOW)
        everybody: set[str] = set()
        people: dict[str, set[str]] = defaultdict(set)
        for repository in security.repositories(product, NOW, range(totals.repositories)):
            logins = {one["user_login"] for one in repository["advanced_security_committers_breakdown"]}
            people[repository["name"].partition("/")[0]] |= logins
            everybody |= logins
        assert shown.sum("ghe_advanced_security_committers", slug, product=label) == len(everybody)
        found = {
            each.labels["organization"]: each.value
            for each in shown.of("ghe_advanced_security_organization_committers", slug, product=label)
        }
        assert found == {organization: len(logins) for organization, logins in people.items()}
        assert shown.sum("ghe_advanced_security_repositories", slug, product=label) == totals.repositories


def test_committers_are_near_the_limit(shown: Shown) -> None:
    for product in ("code_security", "secret_protection"):
        purchased = shown.sum("ghe_advanced_security_committers_purchased", product=product)
        assert 0.93 < shown.sum("ghe_advanced_security_committers", product=product) / purchased < 1
    assert not shown.of("ghe_advanced_security_committers_purchased", "octo-tenant")


def test_copilot_counts_people_once_under_their_most_expensive_plan(shown: Shown) -> None:
    """A person with two seats is one person, under their most expensive plan."""
    copilot = shown.enterprise().copilot
    assert copilot is not None
    plans: dict[int, set[str]] = defaultdict(set)
    pending = set()
    places = copilot.places(NOW)
    for seat in copilot.seats(NOW, places):
        plans[seat["assignee"]["id"]].add(seat["plan_type"])
        if seat["pending_cancellation_date"]:
            pending.add(seat["assignee"]["id"])
    assert len(plans) == copilot.people(NOW) < len(places)
    expected = Counter("enterprise" if "enterprise" in names else "business" for names in plans.values())
    assert shown.sums("ghe_copilot_seats", CORP, "plan") == expected
    assert shown.sum("ghe_copilot_seats_pending_cancellation") == len(pending) > 0
    week, month = (shown.sum("ghe_copilot_active_users", window=window) for window in ("7d", "28d"))
    assert 0 < week < month < len(plans)


def test_seats_are_nearly_exhausted_and_people_add_up_to_them(shown: Shown) -> None:
    """Seats are nearly exhausted, and the people add up to them."""
    for slug in CLOUD:
        consumed = shown.sum("ghe_license_seats_consumed", slug)
        assert shown.sum("ghe_license_users", slug) == consumed
        assert shown.sum("ghe_license_two_factor_users", slug) == consumed
    assert 0.95 < shown.sum("ghe_license_seats_consumed") / shown.sum("ghe_license_seats_purchased") < 1


def test_one_server_failed_one_is_late_one_never_synchronized(shown: Shown) -> None:
    """One server has failed, one is late, one never came."""
    synced = shown.of("ghe_license_sync_success")
    ages = [NOW - each.value for each in shown.of("ghe_license_sync_last_timestamp_seconds")]
    assert [each.value for each in synced].count(0) == 1
    assert sum(age > 8 * 86_400 for age in ages) == 1
    assert len(synced) == shown.sum("ghe_license_sync_servers") - 1


def test_every_runner_is_counted_once_and_one_group_is_saturated(shown: Shown) -> None:
    """Every registered runner is counted once, and one group is saturated."""
    for slug in (*CLOUD, SERVER):
        fleet = shown.enterprise(slug).fleet
        assert shown.sum("ghe_runners", slug, organization="") == len(fleet.span(NOW))
    for organization in ("octo-org-1", "octo-org-2"):
        found = shown.estate.organization(organization)
        assert found is not None
        assert shown.sum("ghe_runners", organization=organization) == len(found.fleet.span(NOW))
    states = shown.sums("ghe_runners", CORP, "state")
    assert states["idle"] > 0
    assert shown.sum("ghe_runners", runner_group="deploy", state="busy") > 0
    assert shown.sum("ghe_runners", runner_group="deploy", state="idle") == 0


def test_hosted_runners_of_enterprise_and_organization_add_up(shown: Shown) -> None:
    hosted = shown.enterprise().hosted_runners
    assert hosted is not None
    runners = hosted.runners(NOW, hosted.places)
    assert shown.sum("ghe_hosted_runners", organization="") == len(runners)
    ready = sum(runner["maximum_runners"] for runner in runners if runner["status"] == "Ready")
    assert 0 < shown.sum("ghe_hosted_runners_maximum", organization="") == ready
    own = shown.estate.organization("octo-org-1")
    assert own is not None
    assert own.hosted_runners is not None
    assert shown.sum("ghe_hosted_runners", organization="octo-org-1") == len(own.hosted_runners.places) > 0
    groups = {each.labels["runner_group_id"] for each in shown.of("ghe_runner_group_info", organization="")}
    assert {each.labels["runner_group_id"] for each in shown.of("ghe_hosted_runners")} <= groups
    assert 0 < shown.sum("ghe_hosted_runner_public_ips") < shown.sum("ghe_hosted_runner_public_ips_maximum")


def test_active_people_are_those_with_a_license(shown: Shown) -> None:
    """Active people are those with a license; the suspended ones have none."""
    directory = shown.enterprise("octo-tenant").directory
    assert directory is not None
    active = shown.sum("ghe_scim_users", "octo-tenant", active="true")
    assert active == shown.sum("ghe_license_seats_consumed", "octo-tenant")
    assert shown.sum("ghe_scim_users", "octo-tenant") == len(directory.people(NOW)) > active
    assert shown.sum("ghe_scim_groups", "octo-tenant") == len(directory.groups)


def test_license_and_statistics_of_the_server_are_exposed(shown: Shown) -> None:
    appliance = shown.enterprise(SERVER).appliance
    assert appliance is not None
    statistics = appliance.statistics(NOW)
    assert shown.sum("ghe_server_license_seats_used", SERVER) < shown.sum("ghe_server_license_seats", SERVER)
    assert shown.sum("ghe_server_license_expiry_timestamp_seconds", SERVER) > NOW + 50 * 86_400
    assert shown.sum("ghe_server_stats", SERVER) == sum(sum(items.values()) for items in statistics.values())


def test_nothing_personal_is_exposed(shown: Shown) -> None:
    """No login, no address and no signed URL gets into the exposition."""
    licenses = shown.enterprise().licenses
    assert licenses is not None
    assert not [secret for secret in ("@", "sig=", "://", "octo-billing") if secret in shown.text]
    assert not any(f'"{licenses.login(person)}"' in shown.text for person in range(600))


@pytest.mark.parametrize(
    ("now", "users", "runners", "organizations"),
    [
        (datetime(2026, 12, 1, tzinfo=UTC).timestamp(), 500, 60, 5),
        (datetime(2028, 2, 29, 23, 59, 50, tzinfo=UTC).timestamp(), 1, 0, 1),
        (NOW, 3_000, 400, 40),
    ],
)
def test_any_time_and_size(now: float, users: int, runners: int, organizations: int) -> None:
    """Every collector also works at the turn of a month, for the smallest company, and for a large one."""
    with demonstration(now=now, users=users, runners=runners, organizations=organizations) as shown:
        assert {key for key, status in shown.statuses.items() if not status.success} == NOT_OFFERED | IMPOSSIBLE
        for slug in CLOUD:
            people = fsum(each.value for each in shown.of("ghe_license_users", slug))
            assert people == shown.sum("ghe_license_seats_consumed", slug)
