"""The simulated audit log: what happens, how late it appears, and its pages."""

from typing import Any

import pytest

from exporter.simulator.company.audit_log import STUCK_SECONDS, AuditLog
from tests.simulator.conftest import Get

PATH = "/enterprises/octo-corp/audit-log"
HOUR = 3600
NOW = 1_795_000_000.0


@pytest.fixture(scope="module")
def log() -> AuditLog:
    """The audit log of a company with four hundred people."""
    return AuditLog(1, "octo-corp", ("octo-org-1", "octo-org-2"), 400)


def events(log: AuditLog, since: float, at: float) -> list[dict[str, Any]]:
    return [entry.record for entry in log.entries(since, at, at, newest_first=False)]


def test_events_are_in_order_both_ways(log: AuditLog) -> None:
    found = list(log.entries(NOW - HOUR, NOW, NOW, newest_first=False))
    assert len(found) > 100
    assert [entry.at for entry in found] == sorted(entry.at for entry in found)
    backwards = [*log.entries(NOW - HOUR, NOW, NOW, newest_first=True)]
    assert backwards == found[::-1]


def test_events_appear_late_out_of_order_and_some_twice(log: AuditLog) -> None:
    found = [*log.entries(NOW - HOUR, NOW, NOW, newest_first=False)]
    assert all(entry.appears >= entry.at for entry in found)
    appears = [entry.appears for entry in found]
    assert appears != sorted(appears)
    later = {entry.document for entry in log.entries(NOW - HOUR, NOW, NOW + HOUR, newest_first=False)}
    assert later > {entry.document for entry in found}
    documents = [entry.document for entry in found]
    assert 0 < len(documents) - len(set(documents)) < len(documents) / 10


def test_every_run_has_its_jobs_between_its_beginning_and_its_end(log: AuditLog) -> None:
    of_run: dict[int, list[tuple[float, str]]] = {}
    for record in events(log, NOW - 3 * HOUR, NOW):
        of_run.setdefault(record["workflow_run_id"], []).append((record["@timestamp"], record["action"]))
    whole = [
        [action for _, action in sorted(set(found))]
        for found in of_run.values()
        if {"workflows.created_workflow_run", "workflows.completed_workflow_run"} <= {action for _, action in found}
    ]
    assert len(whole) > 50
    for actions in whole:
        assert actions[0] == "workflows.created_workflow_run"
        assert actions[-1] == "workflows.completed_workflow_run"


def test_one_run_in_four_hours_waits_for_longer_than_an_hour(log: AuditLog) -> None:
    found = events(log, NOW - 12 * HOUR, NOW)
    with_jobs = {each["workflow_run_id"] for each in found if each["action"] == "workflows.prepared_workflow_job"}
    created = {each["workflow_run_id"]: each["@timestamp"] for each in found if "created" in each["action"]}
    ended = {each["workflow_run_id"]: each["@timestamp"] for each in found if "completed" in each["action"]}
    stuck = {ended[run] - created[run] for run in created.keys() & ended.keys() - with_jobs}
    assert len(stuck) >= 1
    assert stuck == {STUCK_SECONDS * 1000}


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_cursors_lead_through_every_event(get: Get, order: str) -> None:
    query = {"phrase": "action:workflows created:>=2026-11-20T10:00:00Z", "order": order, "per_page": "7"}
    answer = get(PATH, params=query)
    found = answer.json()
    while "next" in answer.links:
        assert len(answer.json()) == 7
        answer = get(answer.links["next"]["url"].partition("/enterprises")[2].join(["/enterprises", ""]))
        found += answer.json()
    whole = get(PATH, params={**query, "per_page": "100"})
    times = [each["@timestamp"] for each in found]
    assert times == sorted(times, reverse=order == "desc")
    assert len(found) > 14
    assert {each["_document_id"] for each in found} >= {each["_document_id"] for each in whole.json()}


def test_audit_log_has_a_rate_limit_of_its_own(get: Get) -> None:
    first, second = (get(PATH).headers for _ in range(2))
    assert first["X-RateLimit-Resource"] == "audit_log"
    assert first["X-RateLimit-Limit"] == "1750"
    assert (first["X-RateLimit-Remaining"], second["X-RateLimit-Remaining"]) == ("1749", "1748")
    assert get("/meta").headers["X-RateLimit-Remaining"] == "4999"


def test_other_events_are_not_there(get: Get) -> None:
    assert get(PATH, params={"phrase": "action:team.add_member"}).json() == []
    assert get(PATH, params={"phrase": "created:>=yesterday"}).status_code == 422


def test_token_needs_the_scope_of_the_platform(get: Get) -> None:
    for path, scope in ((PATH, "read:audit_log"), ("/api/v3/enterprises/octo-server/audit-log", "admin:enterprise")):
        for granted, status in ((scope, 200), ("read:enterprise", 404)):
            answer = get(path, headers={"Authorization": f"Bearer scopes={granted}"})
            assert answer.status_code == status, (path, granted)
            assert answer.headers["X-Accepted-OAuth-Scopes"] == scope
