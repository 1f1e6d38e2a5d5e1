"""The status page of the simulated GitHub."""

import requests

from exporter.simulator import Simulator
from exporter.simulator.company.status_page import COMPONENTS, INCIDENT_SECONDS, PERIOD, StatusPage


def test_summary_needs_no_credential_and_costs_no_quota(simulator: Simulator) -> None:
    """Another host would answer it."""
    answer = requests.get(f"{simulator.url}/api/v2/summary.json", timeout=10)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith(("x-ratelimit", "x-oauth"))]
    assert len(answer.json()["components"]) == len(COMPONENTS) + 1
    assert requests.post(f"{simulator.url}/api/v2/summary.json", timeout=10).status_code == 401


def test_incidents_come_and_go() -> None:
    """Each period has one that lasts a while; all is well in between."""
    page = StatusPage(seed=1)
    minutes = [page.summary(minute * 60.0) for minute in range(4 * PERIOD // 60)]
    disturbed = [summary for summary in minutes if summary["incidents"]]
    assert len(disturbed) == 4 * INCIDENT_SECONDS // 60
    for summary in disturbed:
        statuses = {component["status"] for component in summary["components"]}
        assert len(statuses) == 2
        assert summary["status"]["indicator"] == summary["incidents"][0]["impact"] != "none"
    well = next(summary for summary in minutes if not summary["incidents"])
    assert {component["status"] for component in well["components"]} == {"operational"}
