"""The rules of dashboard-linter (https://github.com/grafana/dashboard-linter), and why some are not followed."""

import re
from typing import Any

import pytest

from tests.support.dashboards import BOARDS, expressions, panels, variables

promql_parser = pytest.importorskip("promql_parser")

UNITS = {
    "none",
    "locale",
    "percentunit",
    "s",
    "decbytes",
    "currencyUSD",
    "reqpm",
    "bool",
    "suffix: days",
    "suffix: intervals",
}
FIXED_WINDOWS = {
    ("Slowest paths", "1h"): "collectors run hourly, so a shorter window would show those of the last minutes only",
    ("Wait until the first job", "30m"): "in a small company few runs start in a shorter window, and none for long",
    ("Jobs started by label", "30m"): "the same for jobs of a label",
    ("Malformed records left out", "$__range"): "they are to be none: how many there were in the time shown",
    ("Log lines lost", "$__range"): "they are to be none: how many there were in the time shown",
}
"""Counters that are not read over $__rate_interval, by panel and window, with the reason."""

DESCRIBED = {"stat", "bargauge", "timeseries", "table", "state-timeline", "status-history"}

every_board = pytest.mark.parametrize("name", sorted(BOARDS))


TARGETS = [
    (panel["title"], target["expr"])
    for board in BOARDS.values()
    for panel in panels(board)
    for target in panel["targets"]
]
every_target = pytest.mark.parametrize(("title", "expr"), TARGETS)


@every_board
def test_data_source_is_a_variable(name: str) -> None:
    """template-datasource-rule, panel-datasource-rule."""
    source = variables(BOARDS[name])["datasource"]
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")
    assert {panel["datasource"]["uid"] for panel in panels(BOARDS[name])} == {"${datasource}"}


@pytest.mark.parametrize("name", ["job", "instance"])
def test_exporter_board_has_job_and_instance(name: str) -> None:
    """template-job-rule, template-instance-rule; of Exporter alone, since the others show what all exporters expose."""
    variable = variables(BOARDS["exporter"])[name]
    assert variable["label"] == name.title()
    assert variable["multi"]
    assert variable["allValue"] == ".+"
    assert variable["datasource"]["uid"] == "${datasource}"


@every_board
def test_variables_reload_with_the_time(name: str) -> None:
    """template-label-promql-rule, template-on-time-change-reload-rule."""
    for variable in variables(BOARDS[name]).values():
        if variable["type"] == "query":
            assert variable["refresh"] == 2
            assert re.fullmatch(r"label_values\(\w+(\{.*\})?, \w+\)", variable["definition"])


@every_board
def test_panels_have_what_a_reader_needs(name: str) -> None:
    """panel-title-description-rule, panel-units-rule, panel-no-targets-rule."""
    for panel in panels(BOARDS[name]):
        assert panel["type"] in DESCRIBED
        assert panel["title"]
        assert len(panel["description"]) > len(panel["title"])
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["targets"]


@every_board
def test_dashboard_is_not_edited_in_the_browser(name: str) -> None:
    """uneditable-dashboard."""
    assert BOARDS[name]["editable"] is False


@every_target
def test_windows_follow_the_scrape_interval(title: str, expr: str) -> None:
    """target-rate-interval-rule: rates are over $__rate_interval, and nothing else is."""
    windows = re.findall(r"\b(?:rate|irate|increase)\([^\[]*\[([^\]]+)\]", expr)
    assert {window for window in windows if (title, window) not in FIXED_WINDOWS} <= {"$__rate_interval"}
    assert windows.count("$__rate_interval") == expr.count("$__rate_interval")


@every_target
def test_counters_are_only_seen_through_their_growth(title: str, expr: str) -> None:
    """target-counter-agg-rule."""
    counters = re.findall(r"(\w*\(?)(\b\w+_(?:total|bucket))\{", expr)
    assert all(before in {"rate(", "increase("} for before, _ in counters), title


def test_exceptions_are_needed() -> None:
    used = {(title, window) for title, expr in TARGETS for window in re.findall(r"\[([^\]]+)\]", expr)}
    assert used >= FIXED_WINDOWS.keys()


@every_board
def test_queries_parse(name: str) -> None:
    """target-promql-rule; tests/dashboards/test_queries.py asks them as well."""
    for expr in expressions(BOARDS[name]):
        assert promql_parser.parse(re.sub(r"\$__\w+", "5m", expr).replace("$", ""))


def test_no_number_is_hidden_from_those_who_look() -> None:
    """Empty is explained everywhere, and by a sentence of its own rather than Grafana's "No data"."""
    reasons: list[Any] = [
        panel["fieldConfig"]["defaults"]["noValue"] for board in BOARDS.values() for panel in panels(board)
    ]
    assert all(reason and reason.lower() not in {"no data", "n/a", "-"} for reason in reasons)
