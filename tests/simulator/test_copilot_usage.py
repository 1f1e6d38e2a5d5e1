"""The usage report of Copilot of the simulated GitHub."""

import json
from datetime import date

import requests

from exporter.simulator import Simulator

REPORT = "/enterprises/octo-corp/copilot/metrics/reports/enterprise-28-day/latest"


def test_file_is_for_whoever_has_the_link(simulator: Simulator) -> None:
    """The answer of the API has it; without its signature, or without a credential for the API, there is nothing."""
    assert requests.get(f"{simulator.url}{REPORT}", timeout=10).status_code == 401
    report = requests.get(f"{simulator.url}{REPORT}", headers={"Authorization": "Bearer x"}, timeout=10).json()
    (link,) = report["download_links"]
    assert requests.get(link.partition("?")[0], timeout=10).status_code == 403
    answer = requests.get(link, timeout=10)
    assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]
    (record,) = (json.loads(line) for line in answer.text.splitlines())
    days = [date.fromisoformat(day["day"]) for day in record["day_totals"]]
    assert [str(days[0]), str(days[-1])] == [report["report_start_day"], report["report_end_day"]]
    assert len({*days}) == 28 == (days[-1] - days[0]).days + 1


def test_parts_fit_their_whole(simulator: Simulator) -> None:
    """No more suggestions are accepted than made, and the features add up."""
    headers = {"Authorization": "Bearer x"}
    (link,) = requests.get(f"{simulator.url}{REPORT}", headers=headers, timeout=10).json()["download_links"]
    for day in requests.get(link, timeout=10).json()["day_totals"]:
        assert day["daily_active_users"] <= day["weekly_active_users"] <= day["monthly_active_users"]
        for count in ("code_generation_activity_count", "code_acceptance_activity_count"):
            assert day[count] == sum(feature[count] for feature in day["totals_by_feature"])
        assert day["code_acceptance_activity_count"] <= day["code_generation_activity_count"]
        assert day["pull_requests"]["total_merged"] <= day["pull_requests"]["total_created"]
