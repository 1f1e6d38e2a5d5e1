"""Endpoints about machines: hosted runners, caches, and the server's own."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import requests

from exporter.simulator.company.estate import Estate
from exporter.simulator.company.server_instance import Appliance

Get = Callable[..., requests.Response]
HOSTED = "/enterprises/octo-corp/actions/hosted-runners"
CACHE = "actions/cache"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


def test_hosted_runners_have_githubs_keys_and_existing_groups(get: Get) -> None:
    """Hosted runners have the keys of GitHub's schema or of its example, and are in groups there are."""
    answer = get(HOSTED).json()
    runners = answer["runners"]
    assert answer["total_count"] == len(runners) == 10
    for runner in runners:
        assert runner.keys() - {"image", "image_details"} == {
            "id",
            "name",
            "runner_group_id",
            "platform",
            "machine_size_details",
            "status",
            "maximum_runners",
            "public_ip_enabled",
            "public_ips",
            "last_active_on",
        }
        assert ("image" in runner) != ("image_details" in runner)
        assert runner["machine_size_details"].keys() == {"id", "cpu_cores", "memory_gb", "storage_gb"}
        assert bool(runner["public_ips"]) is runner["public_ip_enabled"]
    groups = get("/enterprises/octo-corp/actions/runner-groups").json()["runner_groups"]
    assert {runner["runner_group_id"] for runner in runners} <= {group["id"] for group in groups}
    assert {"Ready", "Stuck"} <= {runner["status"] for runner in runners}
    assert len({runner["platform"] for runner in runners}) >= 4
    assert get(f"{HOSTED}?per_page=3").links["next"]["url"].endswith("page=2")


def test_hosted_runner_is_provisioned_now_and_then(get: Get, moments: list[float]) -> None:
    """Now and then one is being made ready."""
    seen = set()
    for _ in range(12):
        seen |= {runner["status"] for runner in get(HOSTED).json()["runners"]}
        moments.append(moments[-1] + 900)
    assert seen == {"Ready", "Stuck", "Provisioning"}


def test_hosted_runners_of_organizations(get: Get) -> None:
    """The first organization has some of its own, in a group it has; the others have none."""
    answer = get("/orgs/octo-org-1/actions/hosted-runners").json()
    groups = get("/orgs/octo-org-1/actions/runner-groups").json()["runner_groups"]
    assert answer["total_count"] == len(answer["runners"]) == 2
    assert {one["runner_group_id"] for one in answer["runners"]} <= {group["id"] for group in groups}
    assert {one["status"] for one in answer["runners"]} == {"Ready"}
    assert get("/orgs/octo-org-2/actions/hosted-runners").json() == {"total_count": 0, "runners": []}


def test_public_addresses_add_up_to_the_runners(get: Get) -> None:
    """Public addresses in use are those of the runners, two for each."""
    runners = get(HOSTED).json()["runners"]
    limits = get(f"{HOSTED}/limits").json()
    assert limits == {
        "public_ips": {"maximum": 50, "current_usage": 2 * sum(bool(one["public_ips"]) for one in runners)}
    }
    assert get("/enterprises/octo-legacy/actions/hosted-runners").json() == {"total_count": 0, "runners": []}
    for path in ("", "/limits"):
        assert get(f"/api/v3/enterprises/octo-server/actions/hosted-runners{path}").status_code == 404


@pytest.mark.parametrize("runners", [0, 60, 10_000])
def test_public_addresses_are_limited(runners: int) -> None:
    enterprise = Estate(runners=runners).enterprise("octo-corp")
    assert enterprise is not None
    assert enterprise.hosted_runners is not None
    assert 0 < enterprise.hosted_runners.public_ips <= 50


def test_caches_change_and_limits_stay(get: Get, moments: list[float]) -> None:
    """Caches come and go; the limits stay."""
    base = f"/enterprises/octo-corp/{CACHE}"
    usage = get(f"{base}/usage").json()
    assert usage.keys() == {"total_active_caches_size_in_bytes", "total_active_caches_count"}
    assert usage["total_active_caches_size_in_bytes"] > 10**9
    assert get(f"{base}/storage-limit").json() == {"max_cache_size_gb": 150}
    assert get(f"{base}/retention-limit").json() == {"max_cache_retention_days": 14}
    moments.append(moments[-1] + 12 * 3_600)
    night = get(f"{base}/usage").json()
    assert night["total_active_caches_count"] < usage["total_active_caches_count"]


def test_caches_of_a_server(get: Get) -> None:
    """A server reports usage and a policy instead of limits."""
    base = f"/api/v3/enterprises/octo-server/{CACHE}"
    assert get(f"{base}/usage").json()["total_active_caches_count"] > 0
    assert get(f"{base}/usage-policy").json().keys() == {
        "repo_cache_size_limit_in_gb",
        "max_repo_cache_size_limit_in_gb",
    }
    for path in ("storage-limit", "retention-limit"):
        assert get(f"{base}/{path}").status_code == 404
    assert get(f"/enterprises/octo-corp/{CACHE}/usage-policy").status_code == 404


def test_license_of_a_server(get: Get) -> None:
    """The license has the keys of GitHub's example, numbers that add up, and a date that is not ISO."""
    answer = get("/api/v3/enterprise/settings/license").json()
    assert answer.keys() == {"seats", "seats_used", "seats_available", "kind", "days_until_expiration", "expire_at"}
    assert answer["seats"] == answer["seats_used"] + answer["seats_available"]
    assert 0.85 < answer["seats_used"] / answer["seats"] < 1
    assert answer["expire_at"] == "2027/02/06 06:41:52 -0600"
    assert answer["days_until_expiration"] == 78
    assert get("/enterprise/settings/license").status_code == 404


def test_license_that_would_end_soon_is_renewed() -> None:
    """A license that would end soon has been renewed."""
    appliance = Appliance(100, 5)
    for day in range(800):
        answer = appliance.license(NOON + day * 86_400)
        assert 59 <= answer["days_until_expiration"] <= 430


def test_statistics_of_a_server(get: Get, moments: list[float]) -> None:
    """All groups of GitHub's example, numbers only, and more of them as time goes on."""
    answer = get("/api/v3/enterprise/stats/all").json()
    assert {group: len(items) for group, items in answer.items()} == {
        "repos": 6,
        "hooks": 3,
        "pages": 1,
        "orgs": 4,
        "users": 3,
        "pulls": 4,
        "issues": 3,
        "milestones": 3,
        "gists": 3,
        "comments": 4,
    }
    assert all(isinstance(value, int) for items in answer.values() for value in items.values())
    assert answer["orgs"]["total_orgs"] == 5
    moments.append(moments[-1] + 60 * 86_400)
    assert get("/api/v3/enterprise/stats/all").json()["repos"]["total_pushes"] > answer["repos"]["total_pushes"]
    assert get("/enterprise/stats/all").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "actions/runners",
        "actions/runners/downloads",
        "actions/runner-groups",
        "actions/runner-groups/2/organizations",
        "actions/runner-groups/2/runners",
        "actions/hosted-runners",
        "actions/hosted-runners/limits",
        "copilot/billing/seats",
    ],
)
def test_what_an_app_cannot_read(get: Get, path: str) -> None:
    """A GitHub App on the enterprise is refused in GitHub's words."""
    answer = get(f"/enterprises/octo-corp/{path}", headers={"Authorization": "Bearer ghs_octo"})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"
    assert "X-OAuth-Scopes" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/enterprises/octo-corp/consumed-licenses",
        "/enterprises/octo-corp/settings/billing/usage/summary",
        "/enterprises/octo-corp/settings/billing/budgets",
        "/enterprises/octo-corp/actions/cache/usage",
        "/scim/v2/enterprises/octo-tenant/Users",
        "/orgs/octo-org-1/actions/runners",
        "/rate_limit",
    ],
)
def test_what_an_app_can_read(get: Get, path: str) -> None:
    assert get(path, headers={"Authorization": "Bearer ghs_octo"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/enterprises/octo-corp/settings/billing/usage/summary", "manage_billing:enterprise"),
        ("/enterprises/octo-corp/actions/hosted-runners", "manage_runners:enterprise"),
        ("/enterprises/octo-corp/actions/cache/usage", "admin:enterprise"),
        ("/enterprises/octo-corp/copilot/billing/seats", "manage_billing:copilot, read:enterprise"),
        ("/scim/v2/enterprises/octo-tenant/Users", "scim:enterprise"),
        ("/api/v3/enterprise/stats/all", "site_admin"),
    ],
)
def test_every_endpoint_names_its_scopes(get: Get, path: str, scope: str) -> None:
    """Every endpoint names the scopes it accepts."""
    assert get(path).headers["X-Accepted-OAuth-Scopes"] == scope
