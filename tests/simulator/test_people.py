"""Endpoints about people: Advanced Security committers, Copilot seats, SCIM."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import requests

from exporter.simulator import Simulator
from exporter.simulator.company.estate import Estate

Get = Callable[..., requests.Response]
SECURITY = "settings/billing/advanced-security"
STANDALONE = ["code_security", "secret_protection"]
COPILOT = "/enterprises/octo-corp/copilot/billing/seats"
SCIM = "/scim/v2/enterprises/octo-tenant"
DAY = 86_400


def listed(get: Get, path: str, key: str) -> list[dict[str, Any]]:
    """Return all records of a list that is announced by Link headers or by its total."""
    records: list[dict[str, Any]] = []
    page = 0
    while True:
        page += 1
        answer = get(f"{path}{'&' if '?' in path else '?'}per_page=100&page={page}")
        found = answer.json()[key]
        records += found
        if len(found) < 100:
            return records


@pytest.mark.parametrize("product", STANDALONE)
def test_standalone_products_must_be_named(get: Get, product: str) -> None:
    """Whoever has the standalone products names one; without it the answer is 422."""
    for slug in ("octo-corp", "octo-tenant"):
        base = f"/enterprises/{slug}/{SECURITY}"
        assert get(f"{base}?advanced_security_product={product}").status_code == 200
        assert get(base).status_code == 422
        assert get(f"{base}?advanced_security_product=octo").status_code == 422


@pytest.mark.parametrize("base", ["/enterprises/octo-legacy", "/api/v3/enterprises/octo-server"])
def test_the_bundle_must_not_be_named(get: Get, base: str) -> None:
    """Whoever has the old bundle names nothing."""
    assert get(f"{base}/{SECURITY}").status_code == 200
    assert get(f"{base}/{SECURITY}?advanced_security_product=code_security").status_code == 400


def test_committers_are_distinct_over_all_repositories(get: Get) -> None:
    """Pages have the keys of GitHub's example and repeat the totals; people are distinct over all repositories."""
    path = f"/enterprises/octo-corp/{SECURITY}?advanced_security_product=code_security"
    first = get(f"{path}&per_page=1").json()
    assert first.keys() == {
        "total_advanced_security_committers",
        "total_count",
        "maximum_advanced_security_committers",
        "purchased_advanced_security_committers",
        "repositories",
    }
    assert first["repositories"][0].keys() == {
        "name",
        "advanced_security_committers",
        "advanced_security_committers_breakdown",
    }
    repositories = listed(get, path, "repositories")
    people: Counter[str] = Counter()
    in_organization: Counter[tuple[str, str]] = Counter()
    for repository in repositories:
        breakdown = repository["advanced_security_committers_breakdown"]
        assert repository["name"].startswith("octo-org-")
        assert repository["advanced_security_committers"] == len(breakdown)
        assert breakdown[0].keys() == {"user_login", "last_pushed_date", "last_pushed_email"}
        organization = repository["name"].partition("/")[0]
        people.update(person["user_login"] for person in breakdown)
        in_organization.update((organization, person["user_login"]) for person in breakdown)
    assert len(repositories) == first["total_count"]
    assert len(people) == first["total_advanced_security_committers"] < people.total()
    assert max(people.values()) == max(in_organization.values()) == 2
    assert len(people) < len(in_organization) < people.total()
    assert 0.93 < len(people) / first["purchased_advanced_security_committers"] < 1
    assert first["maximum_advanced_security_committers"] > len(people)
    assert "Link" not in get(f"{path}&per_page=1").headers


def test_metered_product_has_no_purchased_committers(get: Get) -> None:
    """A number purchased of zero is left out."""
    answer = get(f"/enterprises/octo-tenant/{SECURITY}?advanced_security_product=secret_protection").json()
    assert "purchased_advanced_security_committers" not in answer


@pytest.mark.parametrize("users", [1, 2, 7, 500, 5_000])
@pytest.mark.parametrize("organizations", [1, 5])
def test_every_committer_is_in_some_repository(users: int, organizations: int) -> None:
    """The people in all repositories are as many as the total says, whatever the size."""
    enterprise = Estate(users=users, organizations=organizations).enterprise("octo-corp")
    assert enterprise is not None
    for product in STANDALONE:
        security, at = enterprise.advanced_security, 1_795_000_000.0
        totals = security.committers(product, at)
        people = {
            person["user_login"]
            for repository in security.repositories(product, at, range(totals.repositories))
            for person in repository["advanced_security_committers_breakdown"]
        }
        assert len(people) == totals.active < totals.purchased
        assert totals.active == pytest.approx(0.32 * users, rel=0.15, abs=1)


def test_copilot_total_counts_people_with_two_seats_once(get: Get) -> None:
    """Fifty on a page by default, with Link; the total counts people, of whom some have two seats."""
    answer = get(COPILOT)
    assert len(answer.json()["seats"]) == 50
    assert answer.links["next"]["url"].endswith("page=2")
    seats = listed(get, COPILOT, "seats")
    assert seats[0].keys() >= {
        "created_at",
        "updated_at",
        "pending_cancellation_date",
        "last_activity_at",
        "last_activity_editor",
        "last_authenticated_at",
        "plan_type",
        "assignee",
    }
    plans: dict[int, set[str]] = defaultdict(set)
    places: dict[int, list[int]] = defaultdict(list)
    logins: dict[int, set[str]] = defaultdict(set)
    for place, seat in enumerate(seats):
        plans[seat["assignee"]["id"]].add(seat["plan_type"])
        places[seat["assignee"]["id"]].append(place)
        logins[seat["assignee"]["id"]].add(seat["assignee"]["login"])
    assert len(plans) == answer.json()["total_seats"] < len(seats)
    assert {1, 2} == {len(found) for found in places.values()}
    assert {"business"} in plans.values()
    assert {"business", "enterprise"} in plans.values()
    assert all(len(names) == 1 for names in logins.values())
    # A person's seats are at least a page apart.
    assert min(found[1] - found[0] for found in places.values() if len(found) == 2) > 50
    assert any("assigning_team" in seat for seat in seats)
    consumed = get("/enterprises/octo-corp/consumed-licenses").json()["total_seats_consumed"]
    assert len(plans) == pytest.approx(0.6 * consumed, rel=0.02)


def test_most_people_are_active_and_some_never_were(get: Get, moments: list[float]) -> None:
    """Most people are active, some seldom, some never; nobody in the future; time moves it."""
    now = moments[-1]
    seats = listed(get, COPILOT, "seats")
    ages = [
        now - datetime.fromisoformat(seat["last_activity_at"]).timestamp() for seat in seats if seat["last_activity_at"]
    ]
    assert min(ages) >= 0
    assert 0.5 * len(seats) < sum(age < 7 * DAY for age in ages) < sum(age < 28 * DAY for age in ages) < len(ages)
    assert len(ages) < len(seats)
    assert {seat["pending_cancellation_date"] for seat in seats} == {None, "2026-12-01"}
    moments.append(now + 6 * 3_600)
    assert listed(get, COPILOT, "seats") != seats


@pytest.mark.parametrize("people", [0, 1, 4, 5, 19, 20, 21, 300])
def test_plans_are_counted_without_a_list_as_with_one(people: int) -> None:
    """Plans are counted without a list as they are with one."""
    enterprise = Estate(users=1_000).enterprise("octo-corp")
    assert enterprise is not None
    assert enterprise.copilot is not None
    dear = sum(person % 4 == 0 or person % 5 == 0 for person in range(people))
    assert enterprise.copilot.plans(people) == (people - dear, dear)


@pytest.mark.parametrize("base", ["/enterprises/octo-legacy", "/api/v3/enterprises/octo-server"])
def test_legacy_enterprise_has_no_copilot(get: Get, base: str) -> None:
    assert get(f"{base}/copilot/billing/seats").status_code == 404


def scim(get: Get, query: str = "", kind: str = "Users") -> Any:
    """Ask for people or groups."""
    return get(f"{SCIM}/{kind}?{query}", headers={"Accept": "application/scim+json"}).json()


def test_scim_walk_meets_everybody_once(get: Get) -> None:
    """A list has the keys and the type of GitHub's example; a walk meets everybody once."""
    assert get(f"{SCIM}/Users").headers["Content-Type"] == "application/scim+json"
    answer = scim(get, "count=1")
    total = answer["totalResults"]
    assert answer.keys() == {"schemas", "totalResults", "Resources", "startIndex", "itemsPerPage"}
    assert (answer["startIndex"], answer["itemsPerPage"], len(answer["Resources"])) == (1, 1, 1)
    assert answer["Resources"][0].keys() >= {
        "schemas",
        "externalId",
        "id",
        "active",
        "userName",
        "name",
        "displayName",
        "emails",
        "roles",
    }
    people = [
        person for start in range(1, total + 1, 7) for person in scim(get, f"startIndex={start}&count=7")["Resources"]
    ]
    assert len({person["id"] for person in people}) == len(people) == total
    consumed = get("/enterprises/octo-tenant/consumed-licenses").json()["total_seats_consumed"]
    assert sum(person["active"] for person in people) == consumed < total
    assert {role["value"] for person in people for role in person["roles"]} > {"user", "enterprise_owner"}


@pytest.mark.parametrize(
    ("query", "start", "items"),
    [
        ("", 1, 26),
        ("count=0", 1, 0),
        ("count=-1", 1, 0),
        ("startIndex=0&count=2", 1, 2),
        ("startIndex=26&count=5", 26, 1),
        ("startIndex=27", 27, 0),
        ("startIndex=octo&count=octo", 1, 26),
    ],
)
def test_scim_counts_from_one_and_ends_empty(get: Get, query: str, start: int, items: int) -> None:
    """Counting is from 1; nonsense is the default; beyond the end there is nothing."""
    answer = scim(get, query)
    assert (answer["startIndex"], answer["itemsPerPage"], len(answer["Resources"])) == (start, items, items)
    assert answer["totalResults"] == 26


def test_scim_caps_the_count(session: requests.Session) -> None:
    """However many are asked for, there are a hundred at most."""
    with Simulator(users=4_000) as simulator:
        answer = session.get(f"{simulator.url}{SCIM}/Users?count=1000", timeout=10).json()
    assert answer["totalResults"] > 200
    assert answer["itemsPerPage"] == len(answer["Resources"]) == 100


def test_groups_have_members_unless_excluded(get: Get) -> None:
    """Groups have members, who are people of the directory, unless these are excluded."""
    people = {person["id"] for person in scim(get, "count=100")["Resources"]}
    groups = scim(get, kind="Groups")
    assert groups["totalResults"] == len(groups["Resources"]) == 3
    assert {member["value"] for group in groups["Resources"] for member in group["members"]} <= people
    assert "members" not in scim(get, "excludedAttributes=members", "Groups")["Resources"][0]


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.github+json", "text/html"])
def test_scim_is_not_json(get: Get, accept: str) -> None:
    """SCIM is strict about its type; every other endpoint is not."""
    assert get(f"{SCIM}/Users", headers={"Accept": accept}).status_code == 406
    assert get(COPILOT, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json, application/scim+json;q=0.9"])
def test_scim_by_other_words(get: Get, accept: str) -> None:
    assert get(f"{SCIM}/Users", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("slug", ["octo-corp", "octo-legacy"])
@pytest.mark.parametrize("kind", ["Users", "Groups", "users"])
def test_only_managed_users_are_provisioned(get: Get, slug: str, kind: str) -> None:
    """Only managed users are provisioned, and the path has capitals."""
    assert get(f"/scim/v2/enterprises/{slug}/{kind}").status_code == 404
    assert get(f"/api/v3/scim/v2/enterprises/octo-server/{kind}").status_code == 404
