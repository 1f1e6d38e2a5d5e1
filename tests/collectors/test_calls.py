"""The number of requests that a collector declares, and its documentation shows, is the number it sends."""

from typing import Any

import pytest

from exporter.collector import Calls, Collector, Size
from exporter.collectors import (
    actions_cache,
    advanced_security,
    connected_servers,
    copilot,
    hosted_runners,
    license_sync,
    license_users,
    licenses,
    runner_groups,
    runner_versions,
    runners,
    scim,
    server,
    server_security,
    visual_studio,
)
from exporter.collectors.server_management import server_management
from tests.support.harness import API, CollectorHarness

ENTERPRISE = "/enterprises/octo-corp"
SIZES = (Size(250, 230, 3, 4), Size(99, 99, 1, 1), Size(0, 0, 0, 0))
SEATS = {"total_seats_consumed": 1, "total_seats_purchased": 2}
REFUSED = {"status": 422, "body": {"message": "Validation Failed"}}
COLLECTORS: tuple[Collector[Any], ...] = (
    actions_cache.COLLECTOR,
    advanced_security.COLLECTOR,
    connected_servers.COLLECTOR,
    copilot.COLLECTOR,
    hosted_runners.COLLECTOR,
    license_sync.COLLECTOR,
    license_users.COLLECTOR,
    licenses.COLLECTOR,
    runner_groups.COLLECTOR,
    runner_versions.COLLECTOR,
    runners.COLLECTOR,
    scim.COLLECTOR,
    server.COLLECTOR,
    server_security.COLLECTOR,
    visual_studio.COLLECTOR,
    server_management.COLLECTOR,
)


def paged(path: str, key: str, rows: list[Any], **totals: Any) -> dict[str, Any]:
    """*rows* in pages of 100 with links, also none of them."""
    last = max(1, -(-len(rows) // 100))
    links = f'<{API}{path}?per_page=100&page={{}}>; rel="next", <{API}{path}?per_page=100&page={last}>; rel="last"'
    return {
        f"{path}?page={page}": {
            "headers": {"Link": links.format(page + 1)} if page < last else {},
            "body": {**totals, key: rows[100 * (page - 1) : 100 * page]},
        }
        for page in range(1, last + 1)
    }


def company(size: Size) -> dict[str, Any]:
    """Recorded answers of an enterprise of that size."""
    people = [{"github_com_login": f"user-{number}"} for number in range(size.users)]
    crew = [
        {"id": number, "runner_group_id": 1, "status": "online", "version": f"2.{number % size.runner_versions}.0"}
        for number in range(size.runners)
    ]
    groups = [{"id": 1, "name": "Default", "visibility": "all"}] + [
        {"id": 2 + number, "name": f"group-{number}", "visibility": "selected"}
        for number in range(size.selected_groups)
    ]
    groups_path = f"{ENTERPRISE}/actions/runner-groups"
    directory = f"/scim/v2{ENTERPRISE}"
    return {
        f"{ENTERPRISE}/consumed-licenses?per_page=1": {**SEATS, "users": []},
        **paged(f"{ENTERPRISE}/consumed-licenses", "users", people, **SEATS),
        f"{ENTERPRISE}/license-sync-status": {"server_instances": []},
        "/enterprise-installation/octo-corp/server-statistics": [],
        f"{ENTERPRISE}/settings/billing/advanced-security": REFUSED,
        f"{ENTERPRISE}/settings/billing/advanced-security?advanced_security_product=code_security": {
            "repositories": []
        },
        f"{ENTERPRISE}/settings/billing/advanced-security?advanced_security_product=secret_protection": {
            "repositories": []
        },
        **paged(f"{ENTERPRISE}/actions/runners", "runners", crew, total_count=len(crew)),
        **{f"{ENTERPRISE}/actions/runners/deprecations/2.{minor}.0": {} for minor in range(size.runner_versions)},
        f"{ENTERPRISE}/visual-studio-subscriptions": {"total_count": 3},
        **paged(groups_path, "runner_groups", groups),
        **{f"{groups_path}/{group['id']}/organizations": {"total_count": 4} for group in groups},
        f"{ENTERPRISE}/actions/runners/downloads": [],
        f"{ENTERPRISE}/actions/hosted-runners": {"runners": []},
        f"{ENTERPRISE}/actions/hosted-runners/limits": {},
        f"{ENTERPRISE}/actions/cache/usage": {"total_active_caches_count": 0},
        f"{ENTERPRISE}/actions/cache/storage-limit": {},
        f"{ENTERPRISE}/actions/cache/retention-limit": {},
        **{
            f"{directory}/Users?startIndex={start}": {
                "totalResults": size.users,
                "Resources": [{"id": str(number)} for number in range(start, min(start + 100, size.users + 1))],
            }
            for start in range(1, size.users + 2, 100)
        },
        f"{directory}/Groups": {"totalResults": 0},
        **paged(f"{ENTERPRISE}/copilot/billing/seats", "seats", [{"assignee": {"id": n}} for n in range(size.users)]),
        "/enterprise/settings/license": {},
        "/enterprise/stats/all": {},
        "/enterprise/stats/security-products": {},
        "/manage/v1/config/nodes": {"topology": "Ha", "nodes": []},
        "/manage/v1/replication/status": {"nodes": []},
        "/manage/v1/maintenance": [],
        "/manage/v1/config/license": {},
        "/manage/v1/config/license/check": {"status": "valid"},
        "/manage/v1/version": [],
        "/meta": {},
    }


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.users} users")
@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda collector: collector.name)
def test_an_hour_costs_as_many_requests_as_declared(collector: Collector[Any], size: Size) -> None:
    """Once a collector knows what it remembers, its runs send what the declaration says."""
    harness = CollectorHarness(collector, company(size), platform=min(collector.platforms))
    harness.run()
    harness.clock.now += 3600
    harness.asked.clear()
    runs = max(1, round(3600 / collector.interval))
    for _ in range(runs):
        harness.run()
        assert harness.status.success
        harness.clock.now += collector.interval
    calls = collector.calls
    if calls.hourly and not size.runners:
        calls = Calls(runner_pages=calls.runner_pages)
    assert len(harness.asked) == runs * calls.per_run(size) + calls.hourly


def test_calls_of_an_hour() -> None:
    """A run every 15 minutes is four runs an hour; a run every six hours is a sixth."""
    size = Size(users=5_000, runners=500, selected_groups=10)
    assert Calls(fixed=2, runner_pages=1).per_hour(size, 900) == 28
    assert Calls(user_pages=1).per_hour(size, 6 * 3600) == pytest.approx(50 / 6)
    assert Calls(runner_pages=1, hourly=4).per_hour(size, 60) == 304
    assert Calls(fixed=2, selected_groups=1).per_hour(size, 3600) == 12
    assert Calls(runner_pages=1, runner_versions=1).per_hour(Size(0, 500, runner_versions=7), 6 * 3600) == 2
