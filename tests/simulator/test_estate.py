"""The simulated companies: believable, consistent, and a pure function of seed and time."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.simulator.company.activity import CYCLE, FIRST_MONDAY, load, progress
from exporter.simulator.company.estate import Enterprise, Estate
from exporter.simulator.company.licenses import Licenses
from exporter.simulator.company.runners import Fleet, newest_release

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NOON = (MONDAY + timedelta(days=1, hours=13)).timestamp()
NIGHT = (MONDAY + timedelta(days=1, hours=2)).timestamp()
HOURS = [MONDAY.timestamp() + hour * 3_600 for hour in range(0, 28 * 24, 5)]


def enterprise(estate: Estate, slug: str, *, on_server: bool = False) -> Enterprise:
    """Return an enterprise that must be there."""
    found = estate.enterprise(slug, on_server=on_server)
    assert found is not None
    return found


def licenses(estate: Estate, slug: str = "octo-corp") -> Licenses:
    """Return the licenses of an enterprise that must have some."""
    found = enterprise(estate, slug).licenses
    assert found is not None
    return found


def everyone(fleet: Fleet, at: float) -> list[dict[str, Any]]:
    """Return all runners at that time."""
    return fleet.runners(at, fleet.span(at))


@pytest.fixture(scope="module")
def estate() -> Estate:
    """The default estate."""
    return Estate()


def test_same_seed_and_time(estate: Estate) -> None:
    """Two estates of the same seed are equal at the same time, to the byte."""
    other = Estate()
    for slug in ("octo-corp", "octo-legacy", "octo-tenant"):
        users = [licenses(each, slug).users(NOON, 0, 1_000) for each in (estate, other)]
        runners = [everyone(enterprise(each, slug).fleet, NOON) for each in (estate, other)]
        assert json.dumps(users[0]) == json.dumps(users[1])
        assert json.dumps(runners[0]) == json.dumps(runners[1])


def test_another_seed_gives_other_people_and_runners(estate: Estate) -> None:
    """Another seed gives other people and other runners."""
    other = Estate(seed=2)
    assert licenses(estate).users(NOON, 0, 100) != licenses(other).users(NOON, 0, 100)
    assert everyone(enterprise(estate, "octo-corp").fleet, NOON) != everyone(enterprise(other, "octo-corp").fleet, NOON)


def test_jobs_start_and_end_within_minutes_and_people_come_within_weeks(estate: Estate) -> None:
    """Within minutes jobs start and end; within weeks people come."""
    fleet = enterprise(estate, "octo-corp").fleet
    busy = [[runner["busy"] for runner in everyone(fleet, NOON + minute * 60)] for minute in range(10)]
    assert len({tuple(row) for row in busy}) > 5
    week = NOON + 7 * 86_400
    assert licenses(estate).seats(week).consumed > licenses(estate).seats(NOON).consumed


@pytest.mark.parametrize("users", [1, 2, 20, 500, 5_000])
def test_large_enterprise_stays_just_below_its_limit(users: int) -> None:
    """The big enterprise is always close to its limit and never above what was asked for."""
    corp = licenses(Estate(users=users))
    for at in HOURS:
        seats = corp.seats(at)
        assert 0.98 * users - 1 <= seats.consumed <= users < seats.purchased
        assert users < 500 or 0.955 < seats.consumed / seats.purchased < 0.985


def test_legacy_enterprise_has_spare_seats_and_tenant_is_metered(estate: Estate) -> None:
    """The legacy enterprise is comfortable, the tenant metered."""
    legacy, tenant = (licenses(estate, slug).seats(NOON) for slug in ("octo-legacy", "octo-tenant"))
    assert legacy.consumed / legacy.purchased < 0.6
    assert (tenant.purchased, tenant.consumed > 0) == (0, True)


def test_growth_keeps_working_hours(estate: Estate) -> None:
    """Nobody joins at night or at the weekend, and a cycle only ever grows."""
    corp = licenses(estate)
    saturday = (MONDAY + timedelta(days=5)).timestamp()
    assert corp.seats(saturday) == corp.seats(saturday + 2 * 86_400 - 1)
    cycle_start = FIRST_MONDAY + progress(saturday).cycle * CYCLE
    consumed = [corp.seats(cycle_start + hour * 3_600).consumed for hour in range(28 * 24)]
    assert consumed == sorted(consumed)
    assert consumed[-1] > consumed[0]


def test_rows_add_up_to_the_consumed_seats(estate: Estate) -> None:
    """Rows add up to the consumed total, none twice, and neighboring times share most of them."""
    corp = licenses(estate)
    users = corp.users(NOON, 0, 10_000)
    later = corp.users(NOON + CYCLE, 0, 10_000)
    assert len(users) == corp.seats(NOON).consumed
    assert len({json.dumps(user) for user in users}) == len(users)
    keys = [user["github_com_login"] or tuple(user["enterprise_server_user_ids"]) or id(user) for user in users]
    assert len(set(keys)) == len(keys)
    assert sum(user in users for user in later) > 0.95 * len(later)


def test_pages_together_are_the_whole_list(estate: Estate) -> None:
    """Pages put together are the whole list, and nothing is beyond it."""
    corp = licenses(estate)
    total = corp.seats(NOON).consumed
    pages = [user for start in range(0, 600, 30) for user in corp.users(NOON, start, start + 30)]
    assert pages == corp.users(NOON, 0, total)
    assert corp.users(NOON, total, total + 30) == []


def test_every_kind_of_row_occurs() -> None:
    """Every kind of row that clients must distinguish occurs."""
    users = licenses(Estate(users=5_000)).users(NOON, 0, 5_000)
    kinds = {
        (user["github_com_user"], user["enterprise_server_user"], user["visual_studio_subscription_user"])
        for user in users
    }
    roles = {role.partition(":")[2] for user in users for role in user["github_com_member_roles"]}
    assert kinds == {
        (True, False, False),
        (True, True, False),
        (False, True, False),
        (True, False, True),
        (False, False, True),
    }
    assert roles == {"Owner", "Member", "Collaborator"}
    assert any("/repo-" in role for user in users for role in user["github_com_member_roles"])
    assert {user["license_type"] for user in users} == {"Enterprise", "Visual Studio subscription"}
    assert {str(user["github_com_two_factor_auth"]) for user in users} == {"True", "False", "None", ""}
    assert {role for user in users for role in user["github_com_enterprise_roles"]} == {
        "owner",
        "member",
        "billing_manager",
    }
    assert any(user["github_com_orgs_with_pending_invites"] for user in users)
    assert any(len(user["enterprise_server_user_ids"]) == 2 for user in users)


def test_accounts_of_a_row_add_up() -> None:
    """A row's accounts are its cloud account and its server accounts."""
    for user in licenses(Estate(users=2_000)).users(NOON, 0, 2_000):
        accounts = user["github_com_user"] + len(user["enterprise_server_user_ids"])
        assert user["total_user_accounts"] == accounts
        assert user["enterprise_server_user"] == bool(user["enterprise_server_user_ids"])
        assert bool(user["github_com_login"]) == user["github_com_user"]


def test_managed_people_have_no_two_factor_state(estate: Estate) -> None:
    """On the tenant an identity provider keeps accounts, so two-factor is not reported."""
    users = licenses(estate, "octo-tenant").users(NOON, 0, 100)
    assert {user["github_com_two_factor_auth"] for user in users} == {None}
    assert all(user["github_com_login"].endswith("_acme") for user in users)


def test_one_server_failed_one_is_stale_one_never_synchronized(estate: Estate) -> None:
    """One server failed, one is stale, one never synchronized, the others did within a week."""
    license_sync = enterprise(estate, "octo-corp").license_sync
    assert license_sync is not None
    for at in HOURS[:40]:
        ages: dict[str, list[float]] = {"success": [], "failed": []}
        instances = license_sync.instances(at)
        for instance in instances:
            if last := instance.get("last_sync"):
                ages[last["status"]].append(at - datetime.fromisoformat(last["date"]).timestamp())
                assert bool(last["error"]) is (last["status"] == "failed")
        assert len(instances) == 6
        assert len(ages["failed"]) == 1
        assert len(ages["success"]) == 4
        assert sum(age > 9 * 86_400 for age in ages["success"]) == 1
        assert sum(age <= 7 * 86_400 + 1 for age in ages["success"]) == 3


def test_runners_are_busy_at_noon_and_idle_at_night() -> None:
    """At noon many runners are busy, at night few, and there are more ephemeral ones at noon."""
    fleet = enterprise(Estate(runners=2_000), "octo-corp").fleet
    noon, night = (everyone(fleet, at) for at in (NOON, NIGHT))
    assert sum(runner["busy"] for runner in noon) > 2 * sum(runner["busy"] for runner in night)
    assert len(noon) > len(night)
    assert load(NOON) > load(NIGHT) > load((MONDAY + timedelta(days=6, hours=13)).timestamp())


def test_groups_add_up_to_the_whole_list(estate: Estate) -> None:
    """Every runner belongs to one group, ids are unique, and the whole list is the groups' lists."""
    for slug, on_server in (("octo-corp", False), ("octo-server", True)):
        fleet = enterprise(estate, slug, on_server=on_server).fleet
        members = [runner for group in fleet.groups for runner in fleet.runners(NOON, fleet.span(NOON, group.id))]
        assert members == everyone(fleet, NOON)
        assert len({runner["id"] for runner in members}) == len(members)
        assert len({runner["name"] for runner in members}) == len(members)


def test_one_group_is_busy_all_the_time(estate: Estate) -> None:
    """One group is busy all the time, also at night."""
    fleet = enterprise(estate, "octo-corp").fleet
    for at in (NOON, NIGHT):
        deploy = [runner for runner in everyone(fleet, at) if runner["name"].startswith("octo-deploy-")]
        assert deploy
        assert all(runner["busy"] and runner["status"] == "online" for runner in deploy)


@pytest.mark.parametrize("slug", ["octo-corp", "octo-legacy"])
def test_other_groups_have_idle_runners(estate: Estate, slug: str) -> None:
    """Within any half hour of a working day every other group has a runner idle, and one online."""
    fleet = enterprise(estate, slug).fleet
    for group in fleet.groups[:5]:
        for start in range(0, 8 * 3_600, 1_800):
            states = [
                fleet.runners(NOON - 4 * 3_600 + start + second, fleet.span(NOON, group.id))
                for second in range(0, 1_800, 60)
            ]
            assert any(runner["status"] == "online" and not runner["busy"] for runners in states for runner in runners)


def test_runners_drop_and_come_back(estate: Estate) -> None:
    """Some runners drop and come back; most are online at any time; an offline one is not busy."""
    fleet = enterprise(estate, "octo-corp").fleet
    states: dict[int, set[str]] = {}
    for minute in range(0, 24 * 60, 2):
        runners = everyone(fleet, NOON + minute * 60)
        assert sum(runner["status"] == "online" for runner in runners) > 0.8 * len(runners)
        for runner in runners:
            states.setdefault(runner["id"], set()).add(runner["status"])
            assert runner["status"] == "online" or not runner["busy"]
    assert sum(len(seen) == 2 for seen in states.values()) > 10
    assert {"offline"} in states.values()


def test_ephemeral_runners_come_and_go(estate: Estate) -> None:
    """Ephemeral runners are replaced within minutes, the others stay, and so do dead registrations."""
    fleet = enterprise(estate, "octo-corp").fleet
    now, later = ({runner["id"]: runner for runner in everyone(fleet, at)} for at in (NOON, NOON + 1_800))
    assert all(runner["ephemeral"] for identifier, runner in now.items() if identifier not in later)
    staying = [runner for identifier, runner in now.items() if runner["ephemeral"] and identifier in later]
    assert {runner["status"] for runner in staying} == {"offline"}


def test_a_fleet_scaled_to_zero_leaves_dead_registrations(estate: Estate) -> None:
    """At night the group has nothing but those; in working hours it has runners as well."""
    fleet = enterprise(estate, "octo-corp").fleet
    (group,) = (group for group in fleet.groups if group.scaled_to_zero)
    night, noon = (fleet.runners(at, fleet.span(at, group.id)) for at in (NOON + 12 * 3_600, NOON))
    assert [runner["status"] for runner in night] == ["offline", "offline"]
    assert len(noon) > len(night)
    assert {runner["status"] for runner in noon} == {"offline", "online"}
    assert {runner["runner_group_id"] for runner in night} == {group.id}


def test_ids_of_runners_are_unique_at_any_time(estate: Estate) -> None:
    """Also those of two ephemeral groups."""
    fleet = enterprise(estate, "octo-corp").fleet
    for hour in range(24):
        runners = everyone(fleet, NOON + hour * 3_600)
        assert len({runner["id"] for runner in runners}) == len(runners) == len(fleet.span(NOON + hour * 3_600))


def test_runners_are_spread_over_the_last_releases() -> None:
    """Runners are spread over the last three or four releases, and releases move on."""
    runners = everyone(enterprise(Estate(runners=1_000), "octo-corp").fleet, NOON)
    versions = Counter(runner["version"] for runner in runners)
    assert 3 <= len(versions) <= 4
    assert max(versions, key=lambda version: int(version.split(".")[1])) == newest_release(NOON)
    assert newest_release(NOON + CYCLE) != newest_release(NOON)


def test_operating_systems_are_mixed_and_spelled_as_the_platform_does(estate: Estate) -> None:
    """Operating systems are mixed and spelled as each platform spells them."""
    cloud = {runner["os"] for runner in everyone(enterprise(estate, "octo-corp").fleet, NOON)}
    server = {runner["os"] for runner in everyone(enterprise(estate, "octo-server", on_server=True).fleet, NOON)}
    assert cloud == {"linux", "windows", "macos"}
    assert server == {"linux", "win", "macos"}


@pytest.mark.parametrize("runners", [0, 1, 5, 7, 60, 1_000])
def test_any_number_of_runners(runners: int) -> None:
    """The permanent and the most ephemeral runners are as many as asked for."""
    fleet = enterprise(Estate(runners=runners), "octo-corp").fleet
    assert 0.9 * runners - 1 <= len(fleet.span(NOON)) <= runners
    assert len(everyone(fleet, NOON)) == len(fleet.span(NOON))


def test_organizations_have_runners_of_their_own_on_both_platforms() -> None:
    """Organizations are numbered, have runners of their own, and exist on both platforms."""
    estate = Estate(organizations=12)
    for number in range(1, 13):
        for on_server in (False, True):
            organization = estate.organization(f"octo-org-{number}", on_server=on_server)
            assert organization is not None
            assert everyone(organization.fleet, NOON)
    assert estate.organization("octo-org-13") is None
    assert estate.organization("octo-tenant-org-1") is not None


def test_any_page_of_a_million_users_is_drawn_alone() -> None:
    """Any page of a million users is drawn without the pages before it."""
    corp = licenses(Estate(users=1_000_000))
    consumed = corp.seats(NOON).consumed
    assert consumed > 980_000
    assert len(corp.users(NOON, consumed - 100, consumed)) == 100


def test_the_past_can_be_asked_for(estate: Estate) -> None:
    """Years before and after today answer as well."""
    for year in (2001, 2035):
        at = datetime(year, 6, 1, 12, tzinfo=UTC).timestamp()
        assert len(licenses(estate).users(at, 0, 100)) == 100
        assert everyone(enterprise(estate, "octo-corp").fleet, at)


@pytest.mark.parametrize("wrong", [{"users": 0}, {"organizations": 0}, {"runners": -1}])
def test_companies_without_people_or_organizations_are_refused(wrong: dict[str, Any]) -> None:
    """Companies without people or organizations are refused."""
    with pytest.raises(ValueError, match="at least"):
        Estate(**wrong)
