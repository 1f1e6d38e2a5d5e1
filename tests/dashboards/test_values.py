"""What panels show of situations that the demo is never in, computed by promtool from series made by hand."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.dashboards import BOARDS, choices, filled, panels
from tests.support.tools import promtools, tool

STEPS = 12 * 24 * 7  # a week in steps of five minutes
ACME = '{enterprise="acme"}'
RUNNERS = '{enterprise="acme",collector="runners",job="ghe-exporter",instance="a"}'
NEWEST = {
    'ghe_runner_application_info{enterprise="acme",os="linux",architecture="x64",version="2.330.0"}': f"1x{STEPS}"
}


class Case(NamedTuple):
    """A panel, series made by hand, and what the panel's first query gives at their end."""

    board: str
    title: str
    series: dict[str, str]
    expected: dict[str, float]


def seats(consumed: str, purchased: int) -> dict[str, str]:
    return {
        f"ghe_license_seats_consumed{ACME}": f"{consumed}x{STEPS}",
        f"ghe_license_seats_purchased{ACME}": f"{purchased}x{STEPS}",
    }


def group(name: str, *, idle: int, offline: int, organization: str = "") -> dict[str, str]:
    labels = f'enterprise="acme",organization="{organization}",runner_group="{name}",os="linux"'
    states = {"busy": 0, "idle": idle, "offline": offline}
    return {f'ghe_runners{{{labels},state="{state}"}}': f"{number}x{STEPS}" for state, number in states.items()}


def label(
    name: str, *, idle: int = 0, busy: int = 0, offline: int = 0, ephemeral: int = 0, organization: str = ""
) -> dict[str, str]:
    labels = f'enterprise="acme",organization="{organization}",label="{name}"'
    states = {"busy": busy, "idle": idle, "offline": offline}
    found = {f'ghe_runner_label_runners{{{labels},state="{state}"}}': number for state, number in states.items()}
    found[f"ghe_runner_label_ephemeral_runners{{{labels}}}"] = ephemeral
    return {series: f"{number}x{STEPS}" for series, number in found.items()}


def expected(name: str, value: int = 1) -> dict[str, str]:
    return {f'ghe_runner_label_expected{{enterprise="acme",label="{name}"}}': f"{value}x{STEPS}"}


def versions(runners: dict[str, int]) -> dict[str, str]:
    labels = 'enterprise="acme",organization="",os="linux"'
    return {
        f'ghe_runners_by_version{{{labels},version="{version}"}}': f"{number}x{STEPS}"
        for version, number in runners.items()
    }


def ephemeral(name: str, number: int) -> dict[str, str]:
    labels = f'enterprise="acme",organization="",runner_group="{name}"'
    return {f"ghe_runner_group_ephemeral_runners{{{labels}}}": f"{number}x{STEPS}"}


def budget(number: int, unit: str, consumed: float, amount: float, scope: str = "enterprise") -> dict[str, str]:
    labels = f'enterprise="acme",budget_id="{number}",scope="{scope}",entity="acme",product="ghec"'
    amounts = {"consumed": consumed, "amount": amount}
    return {f"ghe_budget_{part}_{unit}{{{labels}}}": f"{value}x{STEPS}" for part, value in amounts.items()}


def idle(plan: str, idle: str, number: int) -> dict[str, str]:
    labels = f'enterprise="acme",organization="a",plan="{plan}",idle="{idle}"'
    return {f"ghe_copilot_idle_seats{{{labels}}}": f"{number}x{STEPS}"}


def priced(sku: str, usd: int) -> dict[str, str]:
    labels = f'enterprise="acme",product="copilot",sku="{sku}",unit="user_months"'
    return {f"ghe_billing_unit_price_usd{{{labels}}}": f"{usd}x{STEPS}"}


def days(consumed: str, purchased: int, expected: dict[str, float]) -> Case:
    return Case("licenses", "Days until exhausted", seats(consumed, purchased), expected)


def worst(series: dict[str, str], expected: float) -> Case:
    return Case("overview", "Worst runner group", series, {"{}": expected})


def outdated(series: dict[str, str], expected: dict[str, float]) -> Case:
    return Case("runners", "Outdated", series, expected)


CASES = {
    "no seat left, not growing": days("100", 100, {ACME: 0}),
    "more than was bought": days("112", 100, {ACME: 0}),
    "five days' growth left": days("0+1", STEPS + 12 * 24 * 5, {ACME: 5}),
    "seats left, not growing": days("50", 100, {}),
    "some outdated, some of unknown version": outdated(
        versions({"2.330.0": 5, "2.329.0": 3, "": 7}) | NEWEST, {"{}": 3}
    ),
    "all up to date": outdated(versions({"2.330.0": 5}) | NEWEST, {"{}": 0}),
    "newest version not known": outdated(versions({"2.330.0": 5}), {}),
    "no version known": outdated(versions({"": 5}) | NEWEST, {}),
    "one of two offline": worst(group("a", idle=1, offline=1), 0),
    "one of four offline": worst(group("a", idle=3, offline=1), 0.25),
    "the only one offline": worst(group("a", idle=0, offline=1) | group("b", idle=9, offline=1), 1),
    "two groups of one name": Case(
        *("runners", "Groups", group("a", idle=2, offline=0) | group("a", idle=0, offline=1, organization="web")),
        {
            '{enterprise="acme",organization="(enterprise)",runner_group="a"}': 2,
            '{enterprise="acme",organization="web",runner_group="a"}': 0,
        },
    ),
    "no group": Case(
        *("runners", "Groups", group("", idle=2, offline=0)),
        {'{enterprise="acme",organization="(enterprise)",runner_group="(no group)"}': 2},
    ),
    "all of an ephemeral fleet offline": worst(
        group("a", idle=0, offline=7) | ephemeral("a", 7) | group("b", idle=3, offline=1), 0.25
    ),
    "all of a mixed group offline": worst(group("a", idle=0, offline=7) | ephemeral("a", 6), 1),
    "expected labels, one of them offline and one served by an organization": Case(
        *("runners", "Unserved labels"),
        label("gpu", offline=2)
        | label("arm")
        | label("arm", idle=1, organization="web")
        | label("old", offline=2)
        | expected("gpu")
        | expected("arm")
        | expected("old", 0),
        {"{}": 1},
    ),
    "expected labels that are all served": Case(
        "runners", "Unserved labels", label("gpu", busy=2) | expected("gpu"), {"{}": 0}
    ),
    "no label expected": Case("runners", "Unserved labels", label("old", offline=2) | expected("old", 0), {}),
    "an expected label in two organizations": Case(
        *("runners", "Labels"),
        label("gpu", offline=2) | label("gpu", busy=1, organization="web") | label("old", idle=1) | expected("gpu"),
        {
            '{enterprise="acme",organization="(enterprise)",label="gpu"}': 1,
            '{enterprise="acme",organization="web",label="gpu"}': 1,
            '{enterprise="acme",organization="(enterprise)",label="old"}': 2,
        },
    ),
    "labels that are full, nearly full, ephemeral, offline and many in one": Case(
        *("runners", "Saturated labels"),
        label("gpu", busy=2)
        | label("web", busy=9, idle=1)
        | label("fleet", busy=5, ephemeral=5)
        | label("mixed", busy=5, ephemeral=4)
        | label("old", offline=2)
        | label("(other)", busy=2),
        {"{}": 2},
    ),
    "budgets in licenses and in USD, and one per person": Case(
        *("billing", "Budgets"),
        budget(1, "licenses", 95, 100) | budget(2, "usd", 3600, 30, "multi_user_customer") | budget(3, "usd", 50, 100),
        {
            '{enterprise="acme",budget_id="1",scope="enterprise",entity="acme",product="ghec"}': 0.95,
            '{enterprise="acme",budget_id="3",scope="enterprise",entity="acme",product="ghec"}': 0.5,
        },
    ),
    "idle Copilot seats at the price of their plan": Case(
        *("licenses", "Idle seats cost"),
        idle("business", "60d", 3)
        | idle("enterprise", "60d", 2)
        | idle("enterprise", "30d", 9)
        | priced("copilot_for_business", 19)
        | priced("copilot_enterprise", 39),
        {"{}": 3 * 19 + 2 * 39},
    ),
    "a counter that a restart reset": Case(
        *("exporter", "Malformed records left out"),
        {f"ghe_exporter_payload_skipped_total{RUNNERS}": f"100x{STEPS // 2} 0x{STEPS // 2}"},
        {},
    ),
}


@pytest.mark.parametrize("promtool", promtools())
@pytest.mark.parametrize("name", CASES)
def test_panel_shows_what_the_series_mean(name: str, promtool: str, tmp_path: Path) -> None:
    case = CASES[name]
    board = BOARDS[case.board]
    (panel,) = (panel for panel in panels(board) if panel["title"] == case.title)
    asked = {
        "expr": filled(panel["targets"][0]["expr"], choices(board) | {"__range": "6h"}),
        "eval_time": f"{STEPS * 5}m",
        "exp_samples": [{"labels": labels, "value": value} for labels, value in case.expected.items()],
    }
    series = [{"series": each, "values": values} for each, values in case.series.items()]
    test = {"interval": "5m", "input_series": series, "promql_expr_test": [asked]}
    file = tmp_path / "test.json"  # JSON is YAML
    file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "5m", "tests": [test]}), encoding="utf-8")
    done = subprocess.run([tool(promtool), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
