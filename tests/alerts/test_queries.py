"""Every query in rules, texts and runbooks: it parses, reads what exists, and has the labels it is used with."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import thresholds
from exporter.cli import parser
from tests.support.promql import (
    COUNTERS,
    DECLARED,
    PER_SECOND,
    SETS,
    inside,
    labels,
    matchers,
    parse,
    promql_parser,
    read_through,
    selectors,
)

ALERTS = Path(__file__).resolve().parents[2] / "alerts"
RULES: tuple[dict[str, Any], ...] = tuple(
    rule
    for file in sorted(ALERTS.glob("rules/**/*.yaml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
)
ALERTING = tuple(rule for rule in RULES if "alert" in rule)
RUNBOOKS = sorted(ALERTS.glob("runbooks/*.md"))
TITLES = {"Overview", "Licenses", "Billing", "Runners", "Exporter"}
QUERY = re.compile(r"""(?:printf|query) "((?:[^"\\]|\\.)*)"(?= \$| \}\})""")
FENCED = re.compile(r"^ *```promql\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
DAY = timedelta(days=1)


def known() -> Mapping[str, set[str]]:
    """The labels of every metric and of every recorded series; rules are recorded in the order of the file."""
    found = dict(DECLARED)
    for rule in RULES:
        if "record" in rule:
            result = labels(parse(rule["expr"]), found)
            assert result is not None
            found[rule["record"]] = result
    return found


KNOWN = known()


def in_texts(rule: Mapping[str, Any]) -> Iterator[str]:
    """The queries inside the texts of an alert, with a value where the template puts one."""
    for text in rule.get("annotations", {}).values():
        for query in QUERY.findall(text):
            if "ghe_" in query:
                yield query.replace("%q", '"x"')


ALL = (
    *(pytest.param(rule["expr"], id=rule.get("alert") or rule["record"]) for rule in RULES),
    *(
        pytest.param(query, id=f"{rule['alert']} text {number}")
        for rule in ALERTING
        for number, query in enumerate(in_texts(rule))
    ),
    *(
        pytest.param(query, id=f"{page.stem} runbook {number}")
        for page in RUNBOOKS
        for number, query in enumerate(FENCED.findall(page.read_text()))
    ),
)


def name_of(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


@pytest.mark.parametrize("query", ALL)
def test_reads_what_exists(query: str) -> None:
    """Only declared metrics and recorded series, with labels that they have."""
    read = selectors(query)
    assert read
    for selector in read:
        assert selector.name in KNOWN
        assert matchers(selector) <= KNOWN[selector.name], selector.name


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_counters_are_rates(rule: dict[str, Any]) -> None:
    """A counter restarts with the exporter, so its level says nothing; a runbook may ask whether it ever counted."""
    for query in (rule["expr"], *in_texts(rule)):
        for name, function in read_through(parse(query)):
            assert name not in COUNTERS or function in PER_SECOND, name


def test_a_raw_counter_is_seen() -> None:
    """The check above would notice one."""
    raw = "sum(rate(ghe_exporter_api_retries_total[5m])) + ghe_exporter_api_retries_total"
    name = "ghe_exporter_api_retries_total"
    assert list(read_through(parse(raw))) == [(name, "rate"), (name, "")]


@pytest.mark.parametrize("query", ALL)
def test_labels_exist(query: str) -> None:
    """What is summed or matched by a label has it; a misspelt one would silently match everything."""
    for node in inside(parse(query)):
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            assert set(node.modifier.labels) <= (labels(node.expr, KNOWN) or set())
        if isinstance(node, promql_parser.BinaryExpr):
            sides = [side for side in (labels(node.lhs, KNOWN), labels(node.rhs, KNOWN)) if side is not None]
            matching = node.modifier and node.modifier.matching
            if matching:
                assert all(set(matching.labels) <= side for side in sides)
            elif len(sides) > 1 and str(node.op) not in SETS:
                assert sides[0] == sides[1]


@pytest.mark.parametrize("rule", ALERTING, ids=name_of)
def test_labels_of_texts_survive(rule: dict[str, Any]) -> None:
    """The texts use no label that the expression has taken away, and none of the target: replicas are one."""
    result = labels(parse(rule["expr"]), KNOWN)
    assert result is not None
    used = {label for text in rule["annotations"].values() for label in re.findall(r"\$labels\.(\w+)", text)}
    assert used <= result
    assert not result & {"job", "instance"}
    assert "$value" not in str(rule["labels"])


@pytest.mark.parametrize("rule", [rule for rule in RULES if "record" in rule], ids=name_of)
def test_recorded_names(rule: dict[str, Any]) -> None:
    """The first part of a recorded name lists the labels of its series."""
    assert set(re.findall(r"runner_group|cost_center|[a-z]+", rule["record"].split(":")[0])) - {"id"} == {
        label.removesuffix("_id") for label in KNOWN[rule["record"]] - {"scope", "entity"}
    } - ({"product"} if "budget" in rule["record"] else set())


def test_forecast_window() -> None:
    """The rule looks back as far as the dashboards say it does."""
    (rule,) = (rule for rule in ALERTING if rule["alert"] == "GitHubSeatsForecast")
    windows = [node.range for node in inside(parse(rule["expr"])) if isinstance(node, promql_parser.SubqueryExpr)]
    assert windows == [thresholds.FORECAST_WINDOW_DAYS * DAY, (thresholds.FORECAST_WINDOW_DAYS - 1) * DAY]
    assert f"last {thresholds.FORECAST_WINDOW_DAYS} days" in rule["annotations"]["description"]
    assert f"within {thresholds.FORECAST_DAYS} days" in " ".join(rule["annotations"]["description"].split())


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_runbook_names_what_exists(page: Path) -> None:
    """Commands, dashboards and other runbooks that a runbook sends people to."""
    text = page.read_text()
    commands = {*re.findall(r"^    ([a-z]+) ", parser().format_help(), re.MULTILINE), "check"}
    assert set(re.findall(r"`ghe-exporter ([a-z]+)", text)) <= commands
    assert set(re.findall(r"\*\*(\w+)\*\*", text)) <= TITLES
    for name in re.findall(r"\]\((\w+)\.md\)", text):
        assert (page.parent / f"{name}.md").exists()
    for name in re.findall(r"`(ghe_\w+)`", text):
        assert name in KNOWN
    assert FENCED.findall(text) or page.stem == "GitHubExporterAbsent"


@pytest.mark.parametrize("rule", ALERTING, ids=name_of)
def test_dashboard_takes_what_is_passed(rule: dict[str, Any]) -> None:
    """The dashboard that an alert links to has the variables that the link sets."""
    address = rule["annotations"]["dashboard_url"]
    found = re.search(r"/d/(ghe-[a-z]+)", address)
    assert found
    boards = (json.loads(file.read_text()) for file in (ALERTS.parent / "dashboards").glob("*.json"))
    (board,) = (board for board in boards if board["uid"] == found[1])
    variables = {variable["name"] for variable in board["templating"]["list"]}
    assert set(re.findall(r"[?&]var-(\w+)=", address)) <= variables


def test_all_links_begin_alike() -> None:
    """All links begin alike, so that one replacement makes them one's own."""
    starts = {
        re.sub(r"(?<=/)(GitHub\w+|d/.*)$", "", rule["annotations"][key])
        for rule in ALERTING
        for key in ("runbook_url", "dashboard_url")
    }
    assert starts == {"https://runbooks.example.com/ghe-exporter/", "https://grafana.example.com/"}
