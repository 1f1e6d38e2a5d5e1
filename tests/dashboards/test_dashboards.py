"""The dashboards: what is committed is what the generator writes, and every panel can be trusted."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

promql_parser = pytest.importorskip("promql_parser")
grafana = pytest.importorskip("grafana_foundation_sdk.models.dashboard")

from alerts import thresholds  # noqa: E402
from dashboards import generate  # noqa: E402
from exporter.collectors import COLLECTORS  # noqa: E402
from exporter.telemetry.declarations import OWN_METRICS  # noqa: E402
from tests.support.dashboards import BOARDS, expressions, panels, variables  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
UIDS = {
    "overview": "ghe-overview",
    "licenses": "ghe-licenses",
    "billing": "ghe-billing",
    "runners": "ghe-runners",
    "exporter": "ghe-exporter",
}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
TARGET = {"job", "instance"}  # Prometheus adds them
BUILT_IN = {
    "ALERTS": {"alertname", "alertstate", "severity", "enterprise"},
    "process_resident_memory_bytes": TARGET,
    "process_cpu_seconds_total": TARGET,
    "scrape_duration_seconds": TARGET,
}
METRICS = (*(metric for each in COLLECTORS for metric in each.metrics), *OWN_METRICS)
DECLARED = {metric.name: set(metric.labels) | TARGET for each in COLLECTORS for metric in each.metrics}
DECLARED |= {own.name: set(own.labels) | TARGET for own in OWN_METRICS}
DECLARED |= {
    f"{metric.name}_bucket": DECLARED[metric.name] | {"le"} for metric in METRICS if metric.type == "histogram"
}
COUNTERS = {metric.name for metric in METRICS if metric.type == "counter"}
GRAFANA = {"$__rate_interval": "5m", "$__range": "6h", "$__interval": "1m"}

every_board = pytest.mark.parametrize("name", sorted(BOARDS))


def substituted(expr: str) -> str:
    for name, value in GRAFANA.items():
        expr = expr.replace(name, value)
    return re.sub(r"\$\w+", "x", expr)


def inside(node: Any) -> Iterator[Any]:
    """*node* and everything below it."""
    yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        below = getattr(node, name, None)
        if below is not None and type(below).__module__ == type(node).__module__:
            yield from inside(below)
    for argument in getattr(node, "args", None) or ():
        yield from inside(argument)


def selectors(expr: str) -> list[tuple[str, list[str]]]:
    parsed = promql_parser.parse(substituted(expr))
    found = [node for node in inside(parsed) if isinstance(node, promql_parser.VectorSelector)]
    return [(node.name, [matcher.name for matcher in node.matchers.matchers]) for node in found]


def test_committed_files_are_what_the_generator_writes() -> None:
    run = subprocess.run(
        [sys.executable, "dashboards/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_check_reports_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path)
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    capsys.readouterr()
    (tmp_path / "runners.json").write_text("{}")
    (tmp_path / "stray.json").write_text("{}")
    assert generate.main(["--check"]) == 1
    complaints = capsys.readouterr().err
    assert "runners.json" in complaints
    assert "stray.json" in complaints
    assert "billing.json" not in complaints
    (tmp_path / "runners.json").unlink()


def test_there_are_five_with_the_uids_that_alerts_link_to() -> None:
    assert {name: board["uid"] for name, board in BOARDS.items()} == UIDS


@every_board
def test_dashboard_has_the_common_frame(name: str) -> None:
    board = BOARDS[name]
    assert board["editable"] is False
    assert board["schemaVersion"] == 42
    assert "id" not in board
    assert board["description"]
    assert [link["tags"] for link in board["links"]] == [["github-enterprise"]]
    assert board["tags"] == ["github-enterprise"]
    assert all(link["includeVars"] and link["keepTime"] for link in board["links"])
    assert "inControlsMenu" not in json.dumps(board)  # there nobody would see links and annotations


@every_board
def test_the_sdk_reads_it_back(name: str) -> None:
    board = BOARDS[name]
    assert grafana.Dashboard.from_json(board).uid == board["uid"]


@every_board
def test_ids_and_titles_are_unique(name: str) -> None:
    everything = BOARDS[name]["panels"]
    ids = [panel["id"] for panel in everything]
    titles = [panel["title"] for panel in panels(BOARDS[name])]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


@every_board
def test_every_panel_explains_itself(name: str) -> None:
    for panel in panels(BOARDS[name]):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert defaults["thresholds"]["steps"], panel["title"]  # without, Grafana turns red at 80
        assert panel["datasource"] == SOURCE
        assert panel["targets"]
        assert all(target["datasource"] == SOURCE for target in panel["targets"])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@every_board
def test_panels_stand_beside_each_other(name: str) -> None:
    places = {panel["title"]: panel["gridPos"] for panel in panels(BOARDS[name])}
    for title, place in places.items():
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, title
    for (one, a), (other, b) in combinations(places.items(), 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, f"{one} and {other} overlap"


@every_board
def test_every_query_parses_and_asks_for_what_is_declared(name: str) -> None:
    known = DECLARED | BUILT_IN
    for expr in expressions(BOARDS[name]):
        found = selectors(expr)
        assert found or expr.startswith("vector("), expr
        for metric, labels in found:
            assert metric in known, f"{metric} in {expr}"
            assert set(labels) <= known[metric], f"{labels} of {metric} in {expr}"


@every_board
def test_every_grouping_is_by_labels_that_are_declared(name: str) -> None:
    known = DECLARED | BUILT_IN
    for expr in expressions(BOARDS[name]):
        for node in inside(promql_parser.parse(substituted(expr))):
            below = getattr(node, "expr", None)
            if isinstance(node, promql_parser.AggregateExpr) and isinstance(below, promql_parser.VectorSelector):
                by = set(node.modifier.labels) if node.modifier else set()
                assert by <= known[below.name], f"{by} of {below.name} in {expr}"


@every_board
def test_two_replicas_read_as_one(name: str) -> None:
    """Gauges of the domain pass through max or min, which leave out job and instance, before anything else."""
    domain = DECLARED.keys() - {own.name for own in OWN_METRICS if own.type != "histogram"}
    domain -= {f"{own.name}_bucket" for own in OWN_METRICS}
    wrapped = re.compile(r"(?:max|min) by \([\w, ]+\) \((?:\w+\()*$")
    for expr in expressions(BOARDS[name]):
        for match in re.finditer(r"\bghe_\w+(?=\{)", expr):
            if match[0] in domain:
                assert wrapped.search(expr[: match.start()]), f"{match[0]} in {expr}"


@every_board
def test_counters_are_read_as_counters(name: str) -> None:
    for expr in expressions(BOARDS[name]):
        for match in re.finditer(r"\bghe_\w+_total(?=\{)", expr):
            assert match[0] in COUNTERS
            assert expr[: match.start()].endswith(("rate(", "increase(")), expr


@every_board
def test_variables_are_defined_and_used(name: str) -> None:
    board = BOARDS[name]
    defined = variables(board)
    text = json.dumps([board["panels"], board["annotations"]]) + json.dumps([v["query"] for v in defined.values()])
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))
    assert used == set(defined)
    for variable in defined.values():
        if variable["type"] == "query":
            assert (variable["multi"], variable["includeAll"], variable["refresh"]) == (True, True, 2)
            assert variable["datasource"] == SOURCE
            selector = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
            assert selector
            ((metric, labels),) = selectors(selector[1])
            assert {*labels, selector[2]} <= DECLARED[metric]


def test_dashboard_has_its_variables() -> None:
    common = ["datasource", "enterprise"]
    more = {
        "licenses": ["organization"],
        "billing": ["organization"],
        "runners": ["organization", "runner_group"],
        "exporter": ["job", "instance"],
    }
    assert {name: list(variables(board)) for name, board in BOARDS.items()} == {
        name: common + more.get(name, []) for name in UIDS
    }
    # The runners of the enterprise itself have no organization, and on old servers no group.
    everything = {
        variable["allValue"]
        for board in BOARDS.values()
        for name, variable in variables(board).items()
        if name in {"organization", "runner_group"}
    }
    assert everything == {".*"}


@every_board
def test_every_query_is_about_the_chosen_enterprises(name: str) -> None:
    for expr in expressions(BOARDS[name]):
        for metric, labels in selectors(expr):
            if "enterprise" in (DECLARED | BUILT_IN)[metric]:
                assert "enterprise" in labels, expr


def test_queries_of_the_exporter_are_about_the_chosen_targets() -> None:
    for panel in panels(BOARDS["exporter"]):
        for target in panel["targets"]:
            assert all(set(labels) >= TARGET for _, labels in selectors(target["expr"])), target["expr"]


@every_board
def test_tables_name_fields_that_their_queries_give(name: str) -> None:
    for panel in panels(BOARDS[name]):
        if panel["type"] != "table":
            continue
        renamed = panel["transformations"][1]["options"]["renameByName"].values()
        named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
        assert named <= set(renamed), panel["title"]


JUDGED = {"orange", "red"}
SEVERAL = {
    "Enterprises": ("GitHubSeatsNearlyExhausted", "GitHubActionsIncludedExhausted", "GitHubCollectorStale"),
}
"""Alerts behind a panel about too many of them to link to each."""


def judged_at(steps: list[dict[str, Any]]) -> set[float]:
    """Where a color begins or ends that judges."""
    pairs = zip([{"color": ""}, *steps], steps, strict=False)
    return {
        step["value"]
        for before, step in pairs
        if step["value"] is not None and step["value"] > -1e9 and JUDGED & {before["color"], step["color"]}
    }


@every_board
def test_colors_change_where_alerts_do(name: str) -> None:
    """Whatever turns orange or red does so at a number of an alert that the panel links to."""
    for panel in panels(BOARDS[name]):
        config = panel["fieldConfig"]
        every = [config["defaults"]["thresholds"]["steps"]]
        for override in config["overrides"]:
            every += [each["value"]["steps"] for each in override["properties"] if each["id"] == "thresholds"]
        found = set().union(*map(judged_at, every))
        links = [link["title"].removeprefix("Runbook ") for link in panel.get("links", [])]
        alerts = (*links, *SEVERAL.get(panel["title"], ()))
        allowed = {number for alert in alerts for number in thresholds.COMPARISONS.get(alert, ())}
        assert found <= allowed, f"{panel['title']}: {found - allowed}"


@pytest.mark.parametrize(
    ("name", "title", "values"),
    [
        ("overview", "Fullest license", {thresholds.SEATS_WARNING, thresholds.SEATS_EXHAUSTED}),
        ("licenses", "Committer licenses used", {thresholds.COMMITTERS_EXHAUSTED}),
        ("exporter", "Token expires in", {thresholds.TOKEN_CRITICAL_DAYS, thresholds.TOKEN_WARNING_DAYS}),
        ("exporter", "Lowest rate limit", {thresholds.RATE_LIMIT_LOW}),
    ],
)
def test_what_alerts_judge_is_colored(name: str, title: str, values: set[float]) -> None:
    (panel,) = (panel for panel in panels(BOARDS[name]) if panel["title"] == title)
    assert judged_at(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) == values


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a dashboard with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from texts(each, name if isinstance(name, str) else key)


@every_board
def test_no_text_has_an_unfilled_placeholder(name: str) -> None:
    """Braces are for Prometheus' labels, Grafana's variables, selectors of a query, and the source of a panel."""
    for key, text in texts(BOARDS[name]):
        rest = re.sub(r"\{\{\w+\}\}|\$\{\w+(:\w+)?\}|\$\{__\w+\.\w+\}", "", text)
        if key not in {"expr", "query", "definition"}:
            assert not set(rest) & set("{}"), text
        assert not re.search(r"\{[A-Z_]+\}", text), text
