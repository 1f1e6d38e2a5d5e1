"""Rules and dashboards in the chart: the very same as beside it, with what the values change."""

import re
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import HelmError

from tests.alerts.test_rules import run
from tests.support.chart import CHART, ROOT, of_kind, rendered, the

RULES = ROOT / "alerts" / "rules"
DASHBOARDS = sorted((ROOT / "dashboards").glob("*.json"))


def groups_of(*folders: Path) -> list[dict[str, Any]]:
    """The groups in rule files, in the order of the files."""
    paths = [path for folder in folders for path in sorted(folder.glob("*.yaml"))]
    return [group for path in paths for group in yaml.safe_load(path.read_text())["groups"]]


def rule_values(**prometheus_rule: Any) -> dict[str, Any]:
    return {"prometheusRule": {"enabled": True, **prometheus_rule}}


def spec(**prometheus_rule: Any) -> list[dict[str, Any]]:
    """The groups of the rendered PrometheusRule."""
    groups: list[dict[str, Any]] = the(rule_values(**prometheus_rule), "PrometheusRule")["spec"]["groups"]
    return groups


def alerts(**prometheus_rule: Any) -> dict[str, dict[str, Any]]:
    """The rendered alerts by name."""
    return {rule["alert"]: rule for group in spec(**prometheus_rule) for rule in group["rules"] if "alert" in rule}


def test_nothing_by_default() -> None:
    assert of_kind({}, "PrometheusRule") == []
    assert "grafana_dashboard" not in "".join(rendered({}).values())


def test_rules_are_the_very_same() -> None:
    """Nothing is lost on the way, templates of Prometheus least of all."""
    assert spec() == groups_of(RULES)
    with_spend = groups_of(RULES, RULES / "optional")
    assert sorted(spec(spend=True), key=itemgetter("name")) == sorted(with_spend, key=itemgetter("name"))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"spend": True, "labels": {"team": "platform"}},
        {"disabled": [rule["alert"] for group in groups_of(RULES) for rule in group["rules"] if "alert" in rule][:9]},
    ],
)
def test_prometheus_accepts_them(values: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": spec(**values)}))
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(path))


def test_disabled_alert_is_left_out() -> None:
    """A named alert is left out, and no other; a group without any rule left is no group."""
    every = alerts(spend=True)
    assert alerts(spend=True, disabled=["GitHubSeatsForecast"]).keys() == every.keys() - {"GitHubSeatsForecast"}
    names = [group["name"] for group in spec(spend=True, disabled=["GitHubSpendUnusual"])]
    assert names == [group["name"] for group in spec()]
    assert [group for group in spec(disabled=sorted(every)) if not group["rules"]] == []


def test_changed_severity_changes_nothing_else() -> None:
    """One alert changes its severity and nothing else."""
    before, after = alerts(), alerts(severities={"GitHubRunnersSaturated": "critical"})
    assert before.pop("GitHubRunnersSaturated")["labels"]["severity"] == "warning"
    assert after.pop("GitHubRunnersSaturated")["labels"]["severity"] == "critical"
    assert before == after


def test_labels_reach_the_object_and_every_alert() -> None:
    """The object and every alert have them; what is no name of a label in Prometheus only the object."""
    given = {"release": "prometheus", "app.kubernetes.io/part-of": "monitoring"}
    assert given.items() <= the(rule_values(labels=given), "PrometheusRule")["metadata"]["labels"].items()
    before, after = alerts(), alerts(labels=given)
    assert after.keys() == before.keys()
    for name, rule in after.items():
        assert rule["labels"] == {"release": "prometheus"} | before[name]["labels"]


def test_recording_rules_keep_their_labels() -> None:
    recorded = [rule for group in spec(labels={"release": "x"}) for rule in group["rules"] if "record" in rule]
    assert recorded == [rule for group in groups_of(RULES) for rule in group["rules"] if "record" in rule]


def test_links_lead_to_the_given_addresses() -> None:
    """Links lead to the places that are named, with or without a slash at the end."""
    rules = alerts(runbookUrl="https://wiki.acme.example.com/r/", grafanaUrl="https://grafana.acme.example.com")
    for name, rule in rules.items():
        assert rule["annotations"]["runbook_url"] == f"https://wiki.acme.example.com/r/{name}"
        assert re.match(r"https://grafana\.acme\.example\.com/d/ghe-", rule["annotations"]["dashboard_url"])


@pytest.mark.parametrize(
    "values",
    [
        {"disabled": ["GitHubSeatsForcast"]},
        {"severities": {"GitHubNothing": "info"}},
        {"severities": {"GitHubSeatsForecast": ""}},
    ],
)
def test_unknown_alerts_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(HelmError, match=r"prometheusRule"):
        rendered(rule_values(**values))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_are_the_very_same(path: Path) -> None:
    """A ConfigMap each, byte for byte, found by Grafana's sidecar."""
    found = {
        manifest["metadata"]["name"]: manifest
        for manifest in of_kind({"dashboards": {"enabled": True}}, "ConfigMap")
        if manifest["metadata"]["labels"].get("grafana_dashboard") == "1"
    }
    assert len(found) == len(DASHBOARDS)
    assert list(found[f"acme-ghe-exporter-dashboard-{path.stem}"]["data"].values()) == [path.read_text()]
    assert (CHART / "files" / "dashboards" / path.name).read_bytes() == path.read_bytes()


def test_dashboards_where_they_are_wanted() -> None:
    """Labels and annotations say which Grafana and which folder."""
    values = {
        "enabled": True,
        "labels": {"grafana_dashboard": None, "grafana": "main"},
        "annotations": {"grafana_folder": "GitHub"},
        "namespace": "grafana",
    }
    found = [item for item in of_kind({"dashboards": values}, "ConfigMap") if "annotations" in item["metadata"]]
    assert len(found) == len(DASHBOARDS)
    for manifest in found:
        metadata = manifest["metadata"]
        assert metadata["namespace"] == "grafana"
        assert metadata["labels"]["grafana"] == "main"
        assert "grafana_dashboard" not in metadata["labels"]
        assert metadata["annotations"] == {"grafana_folder": "GitHub"}
        assert len(yaml.safe_dump(manifest)) < 1_000_000  # the most that Kubernetes keeps in one
