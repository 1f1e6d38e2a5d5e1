"""Whatever people there are, however often and in whatever order GitHub lists them: each counts exactly once."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors import advanced_security, copilot, license_users, scim
from tests.support.harness import API, NOW, CollectorHarness

PLANS = ["enterprise", "copilot_enterprise", "business", "Copilot Business", "unknown", None, "pro", "Individual-Max"]
PLANS_BY_PRICE = ["enterprise", "business", "individual_max", "pro", "unknown"]
IDLE = {"30d": 30, "60d": 60, "90d_or_never": 90}
EXAMPLES = settings(max_examples=60, deadline=None)


def paged(path: str, key: str, rows: Sequence[Any], cuts: Sequence[int], **totals: Any) -> dict[str, Any]:
    """*rows* on as many pages as *cuts* make, each with a link to the next."""
    bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(rows)}), len(rows)]
    pages = [list(rows[start:end]) for start, end in pairwise(bounds)]
    recorded = {}
    for number, page in enumerate(pages, start=1):
        link = f'<{API}{path}?per_page=100&page={number + 1}>; rel="next"' if number < len(pages) else ""
        recorded[f"{path}?page={number}"] = {"headers": {"Link": link} if link else {}, "body": {**totals, key: page}}
    return recorded


def values(harness: CollectorHarness, metric: str) -> dict[str, float]:
    """Values of *metric* by its labels as text."""
    prefix = metric + '{enterprise="octo-corp"'
    return {name[len(prefix) :].strip(",}"): value for name, value in harness.series.items() if name.startswith(prefix)}


def shuffled(draw: st.DrawFn, rows: list[Any]) -> tuple[list[Any], list[int]]:
    """*rows* with some listed twice, in any order, and where the pages are cut."""
    twice = draw(st.lists(st.sampled_from(rows), max_size=5)) if rows else []
    return draw(st.permutations(rows + twice)), draw(st.lists(st.integers(1, 30), max_size=4))


@st.composite
def copilot_estates(draw: st.DrawFn) -> tuple[dict[int, list[dict[str, Any]]], list[dict[str, Any]], list[int]]:
    """People with their assignments, the rows that GitHub lists, and where pages are cut."""
    assignment: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {
            "plan_type": st.sampled_from(PLANS),
            "pending_cancellation_date": st.sampled_from([None, "", "2026-12-01"]),
            "days": st.sampled_from([None, 0, 6, 8, 27, 29, 30, 61, 89, 90, 400]),
            "organization": st.sampled_from(["octo-org", "octo-data", ""]),
            "age": st.sampled_from([0, 29, 30, 300]),
        }
    )
    people = draw(st.dictionaries(st.integers(1, 50), st.lists(assignment, min_size=1, max_size=4), max_size=12))
    rows = [
        {
            "assignee": {"id": draw(st.sampled_from([number, str(number)])), "login": f"user-{number}"},
            "plan_type": seat["plan_type"],
            "pending_cancellation_date": seat["pending_cancellation_date"],
            "last_activity_at": None if seat["days"] is None else activity(seat["days"]),
            "created_at": activity(seat["age"]),
            "organization": {"login": seat["organization"]} if seat["organization"] else None,
        }
        for number, seats in people.items()
        for seat in seats
    ]
    return people, *shuffled(draw, rows)


def activity(days: int) -> str:
    """The moment *days* before now as GitHub writes one."""
    return (datetime.fromtimestamp(NOW, UTC) - timedelta(days=days)).isoformat()


def plan_of(seats: list[dict[str, Any]]) -> str:
    """The most expensive plan of *seats*."""
    names = [(seat["plan_type"] or "unknown").lower().replace("-", "_").replace("copilot", "") for seat in seats]
    return min((name.strip(" _") for name in names), key=PLANS_BY_PRICE.index)


@EXAMPLES
@given(copilot_estates(), st.integers(0, 3))
def test_copilot_counts_each_person_once_under_their_most_expensive_plan(estate: Any, without: int) -> None:
    """Plans sum up to the people; pending if any seat is; active and idle by the newest activity."""
    people, rows, cuts = estate
    path = "/enterprises/octo-corp/copilot/billing/seats"
    nobody = [{"assignee": None, "plan_type": "business", "last_activity_at": activity(0)}] * without
    harness = CollectorHarness(copilot.COLLECTOR, paged(path, "seats", rows + nobody, cuts, total_seats=len(people)))
    harness.run()
    assert harness.status.success
    plans = Counter(f'plan="{plan_of(seats)}"' for seats in people.values())
    assert values(harness, "ghe_copilot_seats") == plans + Counter({'plan="business"': without})
    pending = sum(any(seat["pending_cancellation_date"] for seat in seats) for seats in people.values())
    assert values(harness, "ghe_copilot_seats_pending_cancellation") == {"": pending}
    newest = {
        number: min((seat["days"] for seat in seats if seat["days"] is not None), default=999)
        for number, seats in people.items()
    }
    assert values(harness, "ghe_copilot_active_users") == {
        'window="7d"': sum(days <= 7 for days in newest.values()),
        'window="28d"': sum(days <= 28 for days in newest.values()),
    }
    used = min(newest.values(), default=999)
    assert values(harness, "ghe_copilot_last_activity_timestamp_seconds") == (
        {} if used == 999 else {"": NOW - used * 86_400}
    )
    granted: Counter[str] = Counter()
    idle: Counter[str] = Counter()
    for number, seats in people.items():
        for organization in {seat["organization"] for seat in seats}:
            own = [seat for seat in seats if seat["organization"] == organization]
            labels = f'organization="{organization}",plan="{plan_of(own)}"'
            granted[labels] += 1
            for name, days in IDLE.items():
                idle[f'{labels},idle="{name}"'] += newest[number] >= days and any(seat["age"] >= 30 for seat in own)
    assert values(harness, "ghe_copilot_organization_seats") == granted
    assert values(harness, "ghe_copilot_idle_seats") == idle


@st.composite
def committer_estates(draw: st.DrawFn) -> tuple[dict[str, dict[str, set[int]]], list[dict[str, Any]], list[int]]:
    """Committers by organization and repository, the rows that GitHub lists, and where pages are cut."""
    repositories = st.dictionaries(st.sampled_from("abcde"), st.sets(st.integers(1, 8), max_size=5), max_size=4)
    estate = draw(st.dictionaries(st.sampled_from(["acme", "globex", "octo"]), repositories, max_size=3))
    rows = [
        {
            "name": f"{organization}/{repository}",
            "advanced_security_committers": len(people),
            "advanced_security_committers_breakdown": [
                {"user_login": draw(st.sampled_from([f"user-{number}", f"User-{number}"]))} for number in sorted(people)
            ],
        }
        for organization, repositories_of in estate.items()
        for repository, people in repositories_of.items()
    ]
    return estate, *shuffled(draw, rows)


@EXAMPLES
@given(committer_estates())
def test_advanced_security_counts_each_person_once_per_organization(estate: Any) -> None:
    """An organization has its distinct people, however many repositories they commit to."""
    organizations, rows, cuts = estate
    path = "/enterprises/octo-corp/settings/billing/advanced-security"
    everybody = {
        number for repositories in organizations.values() for people in repositories.values() for number in people
    }
    totals = {"total_advanced_security_committers": len(everybody), "total_count": len(rows)}
    recorded = paged(path, "repositories", rows, cuts, **totals)
    harness = CollectorHarness(advanced_security.COLLECTOR, recorded, options={"organizations_breakdown": True})
    harness.run()
    assert harness.status.success
    product = 'product="advanced_security"'
    assert values(harness, "ghe_advanced_security_organization_committers") == {
        f'{product},organization="{organization}"': len(set().union(*repositories.values()))
        for organization, repositories in organizations.items()
        if repositories
    }
    assert values(harness, "ghe_advanced_security_committers") == {product: len(everybody)}


@st.composite
def license_estates(draw: st.DrawFn) -> tuple[dict[str, bool], list[dict[str, Any]], list[int]]:
    """People with and without a login, the rows that GitHub lists, and where pages are cut."""
    people = draw(st.dictionaries(st.sampled_from([f"user-{number}" for number in range(20)]), st.booleans()))
    rows = [
        {
            "github_com_login": draw(st.sampled_from([name, name.upper()])) if cloud else "",
            "enterprise_server_user_ids": [] if cloud else [f"ghes.acme.example.com:{name}"],
            "github_com_user": cloud,
            "enterprise_server_user": not cloud,
            "license_type": "enterprise",
        }
        for name, cloud in people.items()
    ]
    return people, *shuffled(draw, rows)


@EXAMPLES
@given(license_estates())
def test_license_users_counts_each_person_once(estate: Any) -> None:
    """Every breakdown that covers everybody sums up to the people."""
    people, rows, cuts = estate
    path = "/enterprises/octo-corp/consumed-licenses"
    harness = CollectorHarness(
        license_users.COLLECTOR, paged(path, "users", rows, cuts, total_seats_consumed=len(people))
    )
    harness.run()
    assert harness.status.success
    kinds = Counter("cloud" if cloud else "server" for cloud in people.values())
    assert values(harness, "ghe_license_users") == {
        f'license_type="enterprise",account="{kind}"': number for kind, number in kinds.items()
    }
    assert sum(values(harness, "ghe_license_two_factor_users").values()) == len(people)


@EXAMPLES
@given(
    people=st.lists(st.sampled_from([True, False, None]), max_size=40),
    largest=st.integers(2, 12),
    slips=st.booleans(),
)
def test_scim_counts_each_person_once(people: list[bool | None], largest: int, *, slips: bool) -> None:
    """People by flag are the people there are, whatever page size the server allows and if the list slips by one."""
    path = "/scim/v2/enterprises/octo-corp/Users"
    rows = [{"id": f"id-{number}", "active": active} for number, active in enumerate(people)]
    listed = [row for index, row in enumerate(rows) for row in [row] * (1 + (slips and index % largest == 1))]
    recorded = {
        f"{path}?startIndex={start + 1}": {"totalResults": len(listed), "Resources": listed[start : start + largest]}
        for start in range(0, len(listed) or 1, largest)
    }
    harness = CollectorHarness(scim.COLLECTOR, recorded)
    harness.run()
    assert harness.status.success
    names = {True: "true", False: "false", None: ""}
    assert values(harness, "ghe_scim_users") == Counter(f'active="{names[active]}"' for active in people)
