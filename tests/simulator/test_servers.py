"""Servers: what connected ones send, and the management API of the one that is simulated."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from exporter.simulator import Simulator

Get = Callable[..., requests.Response]
STATISTICS = "/enterprise-installation/octo-corp/server-statistics"
MANAGE = "/manage/v1"
DAY = 86_400.0


@pytest.fixture
def manage(simulator: Simulator) -> Callable[[str], Any]:
    """Ask the management API."""

    def ask(path: str) -> Any:
        answer = requests.get(f"{simulator.manage_url}{MANAGE}/{path}", auth=("octo", "secret"), timeout=10)
        assert answer.status_code == 200
        return answer.json()

    return ask


def test_statistics_are_of_whole_days_since_the_start(get: Get) -> None:
    """A server that never synchronized sends none; the others send one for each day, under the same identity."""
    sent = get(STATISTICS, params={"date_start": "2026-11-18"}).json()
    assert {day["collection_date"] for day in sent} == {"2026-11-18T23:59:59Z", "2026-11-19T23:59:59Z"}
    instances = get("/enterprises/octo-corp/license-sync-status").json()["server_instances"]
    synchronized = {(each["server_id"], each["hostname"]) for each in instances if "last_sync" in each}
    assert {(day["server_id"], day["host_name"]) for day in sent} == synchronized
    assert len(sent) == 2 * len(synchronized)
    for day in sent:
        users = day["ghe_stats"]["users"]
        assert 0 <= day["dormant_users"]["total_dormant_users"] < users["total_users"]
        assert users["admin_users"] + users["suspended_users"] <= users["total_users"]
    assert get(STATISTICS, params={"date_start": "soon"}).status_code == 422
    assert get(STATISTICS.replace("octo-corp", "octo-tenant")).json() == []


def test_security_products_have_githubs_keys_and_add_up(get: Get) -> None:
    found = get("/api/v3/enterprise/stats/security-products").json()
    assert len(found) == 19
    assert all(isinstance(number, int) for number in found.values())
    assert all(number <= found["total_repos"] for field, number in found.items() if field.endswith("_repos"))
    assert 0 < found["active_committers"] <= found["purchased_committers"]


@pytest.mark.parametrize("header", ["", "Bearer octo-token", "Basic !", "Basic b2N0bw==", "Basic b2N0bzpiYWQ="])
def test_management_api_takes_a_user_with_a_password_only(simulator: Simulator, header: str) -> None:
    """A token is none, nor is a password that begins with `bad`."""
    answer = requests.get(f"{simulator.manage_url}{MANAGE}/version", headers={"Authorization": header}, timeout=10)
    assert answer.status_code == 401
    assert "x-oauth-scopes" not in answer.headers


def test_management_api_is_not_below_the_other_one(get: Get) -> None:
    assert get(f"/api/v3{MANAGE}/version").status_code == 404


def test_nodes_are_the_same_everywhere(manage: Callable[[str], Any]) -> None:
    nodes = {node["hostname"] for node in manage("config/nodes")["nodes"]}
    assert len(nodes) == 2
    assert {node["hostname"] for node in manage("version")} == nodes
    assert {node["hostname"] for node in manage("maintenance")} == nodes
    assert {node["hostname"] for node in manage("replication/status")["nodes"]} == nodes
    assert manage("config/license/check") == {"status": "valid"}
    assert manage("config/license")["seats"] > 0


def test_healthy_pair_is_in_sync_but_for_minutes_of_the_night(
    manage: Callable[[str], Any], moments: list[float]
) -> None:
    """Never so long that an alert fires."""
    midnight = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
    worse = []
    for minute in range(24 * 60):
        if 110 < minute < 150 or minute % 60 == 0:
            moments.append(midnight + 60 * minute)
            if manage("replication/status")["status"] != "OK":
                worse.append(minute)
    assert worse == [*range(120, 126)]


def test_faults_break_replication_and_switch_maintenance_on(manage: Callable[[str], Any], simulator: Simulator) -> None:
    simulator.faults.set("replication-broken=0.5", "server-maintenance=0.5")
    replica = manage("replication/status")["nodes"][1]
    assert [service["status"] for service in replica["services"]].count("CRITICAL") == 4
    assert replica["status"] == "CRITICAL"
    assert [node["status"] for node in manage("maintenance")] == ["on", "off"]
    simulator.faults.set("server-maintenance=1")
    assert [node["status"] for node in manage("maintenance")] == ["on", "on"]
