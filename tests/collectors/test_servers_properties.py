"""For any answer: each server has the numbers of its newest day, and each feature those of its field."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors import connected_servers, server_security
from exporter.collectors.server_management import server_management
from tests.support.harness import CollectorHarness
from tests.support.series import exposed, number_of

STATISTICS = "/enterprise-installation/octo-corp/server-statistics"
SECURITY = "/enterprise/stats/security-products"
EXAMPLES = settings(max_examples=60, deadline=None)
COUNTS: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 10**6), st.integers(0, 99).map(str), st.sampled_from([None, "", True, [], {}])
)


@st.composite
def days(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Statistics of a few servers, each day at most once a server, in any order."""
    keys = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 17)), unique=True, max_size=12))
    return [
        {
            "server_id": server,
            "host_name": draw(st.sampled_from(["one.example.com", "two.example.com"])),
            "collection_date": f"2026-11-{day:02}T23:59:59Z",
            "ghe_stats": {"users": {"total_users": draw(COUNTS)}},
            "dormant_users": {"total_dormant_users": draw(COUNTS)},
        }
        for server, day in draw(st.permutations(keys))
    ]


@EXAMPLES
@given(days())
def test_each_server_has_the_numbers_of_its_newest_day(sent: list[dict[str, Any]]) -> None:
    """Whatever the order of days and however often a server was renamed."""
    harness = CollectorHarness(connected_servers.COLLECTOR, {STATISTICS: sent})
    harness.run()
    assert harness.status.success
    newest = {day["server_id"]: day for day in sorted(sent, key=lambda day: day["collection_date"])}
    servers = [((day["server_id"], day["host_name"]), day) for day in newest.values()]
    assert exposed(harness, "ghe_connected_server_info") == {(*server, ""): 1 for server, _ in servers}
    assert exposed(harness, "ghe_connected_server_statistics_timestamp_seconds") == {
        server: datetime.fromisoformat(day["collection_date"]).astimezone(UTC).timestamp() for server, day in servers
    }
    dormant = {server: number_of(day["dormant_users"]["total_dormant_users"]) for server, day in servers}
    users = {(*server, "total"): number_of(day["ghe_stats"]["users"]["total_users"]) for server, day in servers}
    assert exposed(harness, "ghe_connected_server_dormant_users") == known(dormant)
    assert exposed(harness, "ghe_connected_server_users") == known(users)


FIELDS = st.from_regex(r"[a-z]{1,6}(_[a-z]{1,6})?(_enabled)?_repos", fullmatch=True)


@EXAMPLES
@given(st.dictionaries(FIELDS, COUNTS, max_size=10), st.dictionaries(st.sampled_from([*server_security.KINDS]), COUNTS))
def test_every_number_of_repositories_and_committers_is_exposed(
    repositories: dict[str, Any], committers: dict[str, Any]
) -> None:
    """Also of features nobody knows yet; only licenses that are not bought are absent."""
    harness = CollectorHarness(server_security.COLLECTOR, {SECURITY: repositories | committers}, platform="server")
    harness.run()
    assert harness.status.success
    expected: dict[tuple[str, ...], float] = {}
    for field, value in repositories.items():
        count = number_of(value)
        if count is not None:
            feature = (field.removesuffix("_repos").removesuffix("_enabled"),)
            expected[feature] = expected.get(feature, 0) + count
    assert exposed(harness, "ghe_server_security_repositories") == expected
    counts = {server_security.KINDS[field]: number_of(value) for field, value in committers.items()}
    assert exposed(harness, "ghe_server_security_committers") == {
        labels: count for labels, count in known(counts).items() if count or labels[1] != "purchased"
    }


def known(values: dict[Any, float | None]) -> dict[Any, float]:
    """Those that are numbers."""
    return {labels: value for labels, value in values.items() if value is not None}


STATUSES = ("OK", "ok", "Warning", "CRITICAL", "UNKNOWN", "RESYNCING", None)
SERVICES = st.lists(
    st.tuples(
        st.sampled_from(["a.example.com", "b.example.com"]),
        st.sampled_from(["git", "mysql", ""]),
        st.sampled_from(STATUSES),
    ),
    max_size=12,
)


@EXAMPLES
@given(SERVICES, st.sampled_from(["Ha", "Cluster", "SingleNode", None]))
def test_every_service_has_one_status_and_its_health_the_worst(
    services: list[tuple[str, str, str | None]], topology: str | None
) -> None:
    """However often it is listed; what is neither good nor bad has no health."""
    nodes: dict[str, list[dict[str, Any]]] = {}
    for hostname, name, status in services:
        nodes.setdefault(hostname, []).append({"name": name, "status": status, "details": "prose"})
    listed = {"nodes": [{"hostname": hostname, "services": found} for hostname, found in nodes.items()]}
    path = "cluster/status" if topology == "Cluster" else "replication/status"
    recorded = {"/manage/v1/config/nodes": {"topology": topology}, f"/manage/v1/{path}": listed}
    harness = CollectorHarness(server_management.COLLECTOR, recorded, platform="server")
    harness.run()
    assert harness.status.success
    assert "prose" not in harness.text
    shown = exposed(harness, "ghe_server_service_status")
    keys = {(hostname, name) for hostname, name, _ in services}
    assert sorted(labels[:2] for labels in shown) == sorted(keys)
    health = {}
    for key in keys:
        statuses = {(status or "unknown").lower() for *where, status in services if tuple(where) == key}
        bad = statuses & {"warning", "critical"}
        if bad or statuses == {"ok"}:
            health[key] = 0.0 if bad else 1.0
    assert exposed(harness, "ghe_server_service_healthy") == health
