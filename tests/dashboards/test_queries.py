"""Every query of every dashboard, asked of a real Prometheus over days of the demo."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("grafana_foundation_sdk.models.dashboard")

from dashboards import copilot
from dashboards import queries as q
from dashboards.products import COMMITTERS, COMMITTERS_BOUGHT
from dashboards.runners_queries import LABEL_ONLINE, LABEL_UTILIZATION, UTILIZATION
from dashboards.spending import PROJECTED
from tests.support.dashboards import BOARDS, Span, choices, filled, panels, variables
from tests.support.history import DAYS, END, RECENT, RECENT_STEP, RULES, STEP, Prometheus, blocks, prometheus, script
from tests.support.tools import eventually, running_demo, tool

DAY = 86_400
UNITS = {"m": 60, "h": 3600, "d": DAY}
ENTERPRISES = ("octo-corp", "octo-legacy", "octo-tenant", "octo-server")

HEALTHY = "nothing goes wrong in the simulated company"
EMPTY = {
    ("exporter", "Failed runs by reason", "A"): HEALTHY,
    ("exporter", "Malformed records left out", "A"): HEALTHY,
    ("exporter", "Series left out", "A"): HEALTHY,
    ("exporter", "Log lines lost", "A"): HEALTHY,
    ("licenses", "Services that are not ok", "A"): HEALTHY,
}
"""Queries that give nothing here, by dashboard, panel and letter, with the reason."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel."""

    board: str
    title: str
    letter: str
    expr: str
    instant: bool
    points: int

    @property
    def key(self) -> tuple[str, str, str]:
        return self.board, self.title, self.letter


QUERIES = [
    Asked(name, panel["title"], target["refId"], target["expr"], target["instant"], panel.get("maxDataPoints") or 1000)
    for name, board in sorted(BOARDS.items())
    for panel in panels(board)
    for target in panel["targets"]
]
every_query = pytest.mark.parametrize("asked", QUERIES, ids=lambda each: "-".join(each.key))
every_board = pytest.mark.parametrize("name", sorted(BOARDS))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Days of the demo as an OpenMetrics file."""
    tool("prometheus"), tool("promtool")
    backfill = script("backfill")
    file: Path = tmp_path_factory.mktemp("history") / "history"
    span = backfill.Span(END, DAYS * DAY, STEP, RECENT, RECENT_STEP)
    kept = backfill.history(span.instants(), users=500, runners=30)
    with file.open("wb") as opened:
        kept.write(opened)
    return file


@pytest.fixture(scope="module")
def server(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has them, and the demo as it is now."""
    folder = tmp_path_factory.mktemp("past")
    blocks(history, folder)
    with running_demo() as url, prometheus(folder, [url.removeprefix("http://")]) as running:
        firing = 'ALERTS{alertstate="firing", severity="warning"}'
        eventually(lambda: bool(running.ask("query", query=firing)["result"]), "rules are evaluated")
        yield running


@pytest.fixture(scope="module")
def pair(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has read two replicas of the exporter all the time."""
    folder = tmp_path_factory.mktemp("pair")
    second = history.with_name("second")
    second.write_bytes(history.read_bytes().replace(b'instance="localhost:10204"', b'instance="localhost:10205"'))
    blocks(history, folder)
    blocks(second, folder)
    with prometheus(folder) as running:
        yield running


def span_of(name: str, end: float = END) -> Span:
    """The time that a dashboard shows when it is opened."""
    match = re.fullmatch(r"now-(\d+)([mhd])", BOARDS[name]["time"]["from"])
    assert match
    return Span(end - int(match[1]) * UNITS[match[2]], end, RECENT_STEP)


def present(server: Prometheus) -> float:
    """The time of the server."""
    return float(server.ask("query", query="time()")["result"][0])


def result(server: Prometheus, asked: Asked, **chosen: str) -> list[dict[str, Any]]:
    """What Grafana would get, as series with `values`."""
    board = BOARDS[asked.board]
    # Rules are evaluated at present, so alerts are there and not in the past.
    end = present(server) if "ALERTS" in asked.expr else END
    span = span_of(asked.board, end)
    step = span.step(asked.points)
    expr = filled(asked.expr, choices(board, **chosen) | span.variables(step))
    if asked.instant:
        return [{**series, "values": [series["value"]]} for series in server.instant(expr, span.end)]
    return server.range(expr, span.start, span.end, step)


def assert_finite(found: list[dict[str, Any]]) -> None:
    for series in found:
        odd = {value for _, value in series["values"] if not math.isfinite(float(value))}
        assert not odd, series["metric"]


@every_query
def test_every_query_gives_finite_numbers(server: Prometheus, asked: Asked) -> None:
    """It does not fail, gives numbers, and gives something unless there is a reason."""
    found = result(server, asked)
    assert_finite(found)
    if asked.key in EMPTY:  # what is not offered here is asked for once a day, perhaps in the time shown
        unexpected = [series for series in found if series["metric"].get("reason") != "unavailable"]
        assert not unexpected, "take it off the list: it gives something"
    else:
        assert found


@every_board
@pytest.mark.parametrize("enterprise", ENTERPRISES)
def test_one_enterprise_alone(server: Prometheus, name: str, enterprise: str) -> None:
    """Metered licenses, no billing, no groups: what is missing is absent and never NaN, nor is another's shown."""
    for asked in QUERIES:
        if asked.board == name:
            found = result(server, asked, enterprise=enterprise)
            assert_finite(found)
            reported = {series["metric"].get("enterprise", enterprise) for series in found}
            assert reported <= {enterprise}, asked.key


@every_board
def test_variables_offer_values(server: Prometheus, name: str) -> None:
    """Each asks for the values of a label and gets some."""
    span = span_of(name)
    for variable in variables(BOARDS[name]).values():
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
            assert match
            selector = filled(match[1], choices(BOARDS[name]))
            values = server.ask(f"label/{match[2]}/values", **{"match[]": selector}, start=span.start, end=span.end)
            assert values, variable["name"]


@every_board
def test_annotations_mark_new_months_and_critical_alerts(server: Prometheus, name: str) -> None:
    """The month that begins is marked, once for each enterprise that has one, and so are alerts that fire."""
    critical, month = BOARDS[name]["annotations"]["list"]
    values = choices(BOARDS[name])
    span = Span(END - DAYS * DAY, END, 60)
    found = server.range(filled(month["target"]["expr"], values), span.start, span.end, span.step(11_000))
    assert {series["metric"]["enterprise"] for series in found} == {"octo-corp", "octo-legacy", "octo-tenant"}
    for series in found:
        seconds = float(series["values"][-1][0]) - float(series["values"][0][0])
        assert seconds < 3600
    # No critical alert fires in the demo, so the same is asked of warnings.
    assert "critical" in critical["target"]["expr"]
    loosened = filled(critical["target"]["expr"], values).replace('severity="critical"', 'severity="warning"')
    assert server.instant(loosened, present(server))


@pytest.mark.parametrize("name", ["overview", "licenses", "billing", "runners"])
def test_two_replicas_read_as_one(server: Prometheus, pair: Prometheus, name: str) -> None:
    """Whoever looks at the domain sees the same numbers, however many exporters are scraped."""
    for asked in QUERIES:
        if asked.board == name and "ALERTS" not in asked.expr:
            assert_same(
                result(pair, asked), result(server, asked), ranked="topk(" in asked.expr or "bottomk(" in asked.expr
            )


def by_labels(found: list[dict[str, Any]]) -> dict[frozenset[tuple[str, str]], list[float]]:
    return {
        frozenset(series["metric"].items()): [float(number) for pair in series["values"] for number in pair]
        for series in found
    }


def assert_same(one: list[dict[str, Any]], other: list[dict[str, Any]], *, ranked: bool = False) -> None:
    """The same series with the same values, but for the order in which Prometheus adds them.

    Of two that are equal, topk and bottomk take either: with *ranked*, series may differ and not their number.
    """
    first, second = by_labels(one), by_labels(other)
    assert len(first) == len(second)
    assert ranked or first.keys() == second.keys()
    for labels, values in ((labels, values) for labels, values in first.items() if labels in second):
        assert values == pytest.approx(second[labels], rel=1e-9), labels


RECORDED = {
    "enterprise:ghe_license_seats_consumed_per_purchased:ratio": q.SEATS_USED,
    "enterprise_product:ghe_advanced_security_committers_per_purchased:ratio": q.ratio(COMMITTERS, COMMITTERS_BOUGHT),
    "enterprise:ghe_billing_period_elapsed:ratio": q.ELAPSED,
    "enterprise:ghe_billing_net_usd:sum": q.SPEND,
    "enterprise:ghe_billing_net_usd:projected_sum": q.SPEND_PROJECTED,
    "enterprise_product:ghe_billing_net_usd:projected_sum": PROJECTED,
    "enterprise:ghe_copilot_idle_seats_per_seats:ratio": copilot.IDLE_SHARE,
    "enterprise:ghe_actions_included_used_per_included:ratio": q.MINUTES_USED,
    "enterprise:ghe_actions_included_used_per_included:projected_ratio": q.MINUTES_PROJECTED,
    "enterprise:ghe_storage_included_used_per_included:ratio": q.ratio(q.STORED, q.STORAGE_INCLUDED),
    "enterprise:ghe_packages_transfer_per_included:ratio": q.ratio(q.TRANSFER, q.TRANSFER_INCLUDED),
    "enterprise_budget:ghe_budget_consumed_per_amount:ratio": q.BUDGET_USED,
    "enterprise_budget:ghe_budget_consumed_per_amount:projected_ratio": q.BUDGET_PROJECTED,
    "enterprise_organization_runner_group:ghe_runners:sum": q.runners("", *q.GROUP),
    "enterprise_organization_runner_group:ghe_runners_online:sum": q.runners(q.ONLINE, *q.GROUP),
    "enterprise_organization_runner_group:ghe_runners_busy_per_online:ratio": UTILIZATION,
    "enterprise_organization_runner_group:ghe_runners_offline_per_registered:ratio": q.lost(),
    "enterprise_organization_label:ghe_runner_label_runners_online:sum": LABEL_ONLINE,
    "enterprise_organization_label:ghe_runner_label_runners_busy_per_online:ratio": LABEL_UTILIZATION,
}
"""What panels compute themselves, since they do without recording rules, by the rule that computes the same."""


def rules() -> dict[str, str]:
    """Recording rules with those they build on written out."""
    found: dict[str, str] = {}
    for group in yaml.safe_load((RULES / "recording.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            expr = re.sub(r"\b\w+:\w+:\w+\b", lambda name: f"({found[name[0]]})", rule["expr"])
            found[rule["record"]] = expr
    return found


@pytest.mark.parametrize("record", RECORDED)
def test_panels_agree_with_recording_rules(server: Prometheus, record: str) -> None:
    """The page that wakes somebody and the panel it links to show the same number."""
    shown = filled(RECORDED[record], {"enterprise": ".+", "organization": ".*", "runner_group": ".*"})
    recorded = server.range(rules()[record], END - DAYS * DAY, END, STEP)
    assert recorded
    assert_same(server.range(shown, END - DAYS * DAY, END, STEP), recorded)


def test_reasons_are_about_queries_that_exist() -> None:
    assert EMPTY.keys() <= {asked.key for asked in QUERIES}
