"""Where the dashboards lead: to one another, and to what the alerts ask to be done."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.dashboards import BOARDS, panels, variables

ROOT = Path(__file__).resolve().parents[2]
UIDS = {board["uid"] for board in BOARDS.values()}
RUNBOOKS = "https://runbooks.example.com/ghe-exporter/"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for file in sorted((ROOT / "alerts" / "rules").rglob("*.yaml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}

every_board = pytest.mark.parametrize("name", sorted(BOARDS))


@every_board
def test_links_lead_to_dashboards_and_runbooks_that_exist(name: str) -> None:
    for panel in panels(BOARDS[name]):
        for link in panel.get("links") or []:
            if link["url"].startswith(RUNBOOKS):
                assert link["url"].removeprefix(RUNBOOKS) in ALERTS, panel["title"]
                assert link["targetBlank"]
                continue
            match = re.match(r"/d/([\w-]+)\?", link["url"])
            assert match, link
            assert match[1] in UIDS
            assert match[1] != BOARDS[name]["uid"]
            assert set(re.findall(r"\$\{([a-z]\w*):", link["url"])) <= set(variables(BOARDS[name]))


def test_every_runbook_is_a_click_away() -> None:
    links = {link["url"] for board in BOARDS.values() for panel in panels(board) for link in panel.get("links") or []}
    assert {url.removeprefix(RUNBOOKS) for url in links if url.startswith(RUNBOOKS)} == set(ALERTS)
    (alerts,) = (panel for panel in panels(BOARDS["overview"]) if panel["title"] == "Firing alerts")
    urls = re.findall(r'"url": "([^"]+)"', json.dumps(alerts["fieldConfig"]))
    assert urls == [RUNBOOKS + "${__value.text}"]


def test_runbooks_are_where_the_rules_say() -> None:
    said = {rule["annotations"]["runbook_url"] for rule in ALERTS.values()}
    assert said == {RUNBOOKS + name for name in ALERTS}


def test_overview_leads_to_all_others() -> None:
    urls = {link["url"] for panel in panels(BOARDS["overview"]) for link in panel.get("links") or []}
    assert {re.split(r"[/?]", url)[2] for url in urls if url.startswith("/d/")} == UIDS - {"ghe-overview"}
