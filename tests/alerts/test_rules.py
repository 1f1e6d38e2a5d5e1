"""The alert rules: linted, tested by promtool, complete, and routed as meant."""

import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import thresholds
from exporter.collectors import COLLECTORS
from exporter.collectors.common.labels import snake_case
from exporter.simulator.company import status_page
from exporter.telemetry.declarations import OWN_METRICS
from tests.support.tools import promtools, tool

ALERTS = Path(__file__).resolve().parents[2] / "alerts"
RULE_FILES = sorted(ALERTS.glob("rules/**/*.yaml"))
TEST_FILES = sorted(ALERTS.glob("tests/*.yaml"))
ALWAYS_TESTED = {
    *("boundaries", "thresholds", "texts", "company", "replicas", "fleets"),
    *("activity", "allowances", "audit_log", "forecasts", "labels"),
}
"""Both sides of every bound, what people read, and what is quick; the others are slow."""
RULES: tuple[dict[str, Any], ...] = tuple(
    rule for file in RULE_FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
)
ALERTING = tuple(rule for rule in RULES if "alert" in rule)
RECORDED = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
NAMES = [rule["alert"] for rule in ALERTING]
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
DASHBOARDS = {"ghe-overview", "ghe-licenses", "ghe-billing", "ghe-runners", "ghe-exporter"}

# Other numbers in expressions are seconds of a day, zeros and ones.
NUMBER = re.compile(r"(?<![\w.:\"])\d+(?:\.\d+)?(?![\w.:\"])")

COMPONENTS = [snake_case(name) for name in status_page.COMPONENTS]
ROUTES = [
    ({"severity": "critical"}, "on-call"),
    ({"severity": "critical", "team": "licensing"}, "on-call,licensing"),
    ({"severity": "critical", "team": "finops"}, "on-call,finops"),
    ({"severity": "critical", "team": "ci"}, "on-call,ci"),
    ({"severity": "warning"}, "platform"),
    ({"severity": "warning", "team": "licensing"}, "licensing"),
    ({"severity": "warning", "team": "finops"}, "finops"),
    ({"severity": "warning", "team": "ci"}, "ci"),
    ({"severity": "info"}, "quiet"),
    ({"severity": "info", "team": "finops"}, "quiet"),
    ({"severity": "info", "team": "licensing"}, "quiet"),
]


# Which collector's figures an alert rests on: while they are old, it notifies nobody.
RESTS_ON = {
    "licenses": "Seats",
    "license_sync": "LicenseSync",
    "advanced_security": "AdvancedSecurity",
    "server": "ServerLicenseExpiring",
    "billing": "Actions|Storage|Packages|Spend",
    "ai_credits": "AiCredits",
    "budgets": "Budget",
    "copilot": "Copilot",
    "runners": "Runners|RunnerLabel",
    "actions_activity": "RunsWaiting",
    "audit_log_streams": "AuditLogStream",
}


NEVER_OLD = ("GitHubServerReplicationUnhealthy", "GitHubServerInMaintenance", "GitHubServerLicenseInvalid")
"""Alerts whose figures vanish after a quarter of an hour; a part of them may be fresh while their collector fails."""


# What an outage of a component of GitHub explains, whoever the runners and the exporter serve.
EXPLAINED = {
    "actions": {
        *("GitHubRunnersAllOffline", "GitHubRunnersManyOffline", "GitHubRunnersSaturated"),
        *("GitHubRunnerLabelSaturated", "GitHubRunnerLabelUnserved", "GitHubRunsWaiting"),
    },
    "api_requests": {"GitHubCollectorStale", "GitHubCollectorNeverSucceeded"},
}


def run(program: str, *arguments: str) -> str:
    """What *program* prints; it must succeed."""
    done = subprocess.run([tool(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def name_of(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


every_promtool = pytest.mark.parametrize("promtool", promtools())


@every_promtool
def test_rules_pass_the_lint_of_promtool(promtool: str) -> None:
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULE_FILES))


@every_promtool
@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=() if file.stem in ALWAYS_TESTED else pytest.mark.slow) for file in TEST_FILES],
    ids=lambda file: file.stem,
)
def test_rules_pass_their_promtool_tests(file: Path, promtool: str) -> None:
    run(promtool, "test", "rules", str(file))


def test_every_alert_fires_in_a_test() -> None:
    expected = "".join(file.read_text() for file in TEST_FILES)
    assert [name for name in NAMES if f'alertname="{name}"' not in expected] == []


def test_every_text_is_tested() -> None:
    """Labels and annotations of every alert stand in a test as people read them, with no number only machines like."""
    cases = [case for file in TEST_FILES for case in yaml.safe_load(file.read_text())["tests"]]
    checks = [check for case in cases for check in case.get("alert_rule_test", []) if check["exp_alerts"]]
    assert {check["alertname"] for check in checks} == set(NAMES)
    for notes in (alert["exp_annotations"] for check in checks for alert in check["exp_alerts"]):
        assert not re.search(r"\d\.\d{3}|e[+-]\d|NaN|Inf|%!|error|  ", notes["description"]), notes["description"]


def test_rule_names_are_unique() -> None:
    names = [name_of(rule) for rule in RULES]
    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_few_alerts_are_critical() -> None:
    """Who may wake somebody; another needs a reason."""
    critical = {rule["alert"] for rule in ALERTING if rule["labels"]["severity"] == "critical"}
    assert critical == {
        "GitHubExporterAbsent",
        "GitHubCredentialRejected",
        "GitHubTokenExpiringSoon",
        "GitHubSeatsExhausted",
        "GitHubBudgetExhausted",
        "GitHubRunnersAllOffline",
        "GitHubServerReplicationUnhealthy",
        "GitHubRunnersLostSupport",
        "GitHubRunnerLabelUnserved",
    }


@pytest.mark.parametrize("rule", ALERTING, ids=name_of)
def test_alert_has_labels_texts_and_links(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert rule["for"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["labels"].get("team") in {None, "licensing", "finops", "ci"}
    assert "{{" not in notes["summary"]
    assert "{{" in notes["description"] or rule["expr"].startswith("absent(")
    assert not re.match(r"(The \w+ )?\{\{ \$labels\.\w+_id", notes["description"]), (
        "a reader knows names, not identifiers"
    )
    assert notes["runbook_url"].endswith(f"/{rule['alert']}")
    dashboard = re.search(r"/d/([a-z-]+)(?:\?|$)", notes["dashboard_url"])
    assert dashboard is not None
    assert dashboard[1] in DASHBOARDS


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_rule_reads_declared_metrics(rule: dict[str, Any]) -> None:
    declared = {metric.name for collector in COLLECTORS for metric in collector.metrics}
    declared |= {metric.name for metric in OWN_METRICS} | set(RECORDED)
    used = set(
        re.findall(r"(?:[a-z_]+:)?ghe_[a-z_:]+", rule["expr"] + str(rule.get("annotations", {}).get("description")))
    )
    assert used
    assert used <= declared


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_rule_compares_with_its_thresholds(rule: dict[str, Any]) -> None:
    expression = re.sub(r"\* 24 \* 3600|\[[^]]*\]|offset \w+|> 0(?![.\d])|== [01]\b|/ 6\b", "", rule["expr"])
    found = {float(number) for number in NUMBER.findall(expression)}
    assert found == {float(number) for number in thresholds.COMPARISONS.get(name_of(rule), ())}


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("GitHubRunnersManyOffline", thresholds.RUNNERS_OFFLINE_SHARE),
        ("GitHubRunnersSaturated", thresholds.RUNNERS_SATURATED),
    ],
)
def test_text_names_the_share(name: str, share: float) -> None:
    """A text that names the bound names the one of the rule."""
    (rule,) = (rule for rule in ALERTING if rule["alert"] == name)
    assert f"at least {share:.0%} of" in rule["annotations"]["description"]


def test_every_threshold_is_used() -> None:
    """Each constant is compared with a rule, here or where the window of the forecast is."""
    _, _, compared = Path(thresholds.__file__).read_text().partition("COMPARISONS")
    constants = {name for name in vars(thresholds) if name.isupper()} - {"COMPARISONS", "FORECAST_WINDOW_DAYS"}
    assert {name for name in constants if not re.search(rf"\b{name}\b", compared)} == set()


def test_comparisons_are_of_rules() -> None:
    assert thresholds.COMPARISONS.keys() <= {name_of(rule) for rule in RULES}


def test_every_alert_has_a_runbook() -> None:
    assert sorted(page.stem for page in ALERTS.glob("runbooks/*.md")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_runbook_has_the_four_sections(name: str) -> None:
    page = (ALERTS / "runbooks" / f"{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS


def test_alertmanager_example_loads() -> None:
    run("amtool", "check-config", str(ALERTS / "alertmanager.example.yaml"))


@pytest.mark.parametrize(("labels", "receivers"), ROUTES)
def test_labels_lead_to_receivers(labels: dict[str, str], receivers: str) -> None:
    given = [f"{name}={value}" for name, value in labels.items()]
    config = f"--config.file={ALERTS / 'alertmanager.example.yaml'}"
    run("amtool", "config", "routes", "test", config, f"--verify.receivers={receivers}", *given)


def test_routes_of_all_that_occurs() -> None:
    """Every pair of severity and team that a rule has is among the routes tested above, and no other is."""
    occurring = {frozenset((name, value) for name, value in rule["labels"].items()) for rule in ALERTING}
    assert occurring <= {frozenset(labels.items()) for labels, _ in ROUTES}


@pytest.mark.parametrize("stale", RESTS_ON)
def test_stale_figures_are_silent(stale: str) -> None:
    """A stale collector silences the alerts that rest on it, in its enterprise, and no others."""
    document = yaml.safe_load((ALERTS / "alertmanager.example.yaml").read_text())
    source = ['alertname="GitHubCollectorStale"', f'collector="{stale}"']
    (rule,) = (rule for rule in document["inhibit_rules"] if rule["source_matchers"] == source)
    assert rule["equal"] == ["enterprise"]
    pattern = rule["target_matchers"][0].removeprefix('alertname=~"').removesuffix('"')
    silenced = {name for name in NAMES if re.fullmatch(pattern, name)}
    assert silenced == {name for name in NAMES if re.match(f"GitHub({RESTS_ON[stale]})", name)}


@pytest.mark.parametrize("component", EXPLAINED)
def test_outage_of_github_silences_what_it_explains(component: str) -> None:
    """Of every enterprise, and nothing else; an alert that GitHub cannot explain still reaches somebody."""
    document = yaml.safe_load((ALERTS / "alertmanager.example.yaml").read_text())
    source = ['alertname="GitHubComponentOutage"', f'component="{component}"']
    (rule,) = (rule for rule in document["inhibit_rules"] if rule["source_matchers"] == source)
    assert "equal" not in rule
    (target,) = rule["target_matchers"]
    pattern = target.removeprefix('alertname=~"').removesuffix('"')
    assert {name for name in NAMES if re.fullmatch(pattern, name)} == EXPLAINED[component]


def test_every_alert_is_silenced_or_about_the_exporter() -> None:
    """No alert about GitHub is left without a collector that it rests on."""
    covered = {name for name in NAMES for subject in RESTS_ON.values() if re.match(f"GitHub({subject})", name)}
    own = yaml.safe_load((ALERTS / "rules" / "exporter.yaml").read_text())["groups"][0]["rules"]
    assert covered | {rule["alert"] for rule in own} | set(NEVER_OLD) == set(NAMES)


def test_maintenance_silences_the_server_and_no_other() -> None:
    """Every alert that is about an enterprise, and only in the enterprise of the server."""
    document = yaml.safe_load((ALERTS / "alertmanager.example.yaml").read_text())
    source = ['alertname="GitHubServerInMaintenance"']
    (rule,) = (rule for rule in document["inhibit_rules"] if rule["source_matchers"] == source)
    assert rule["equal"] == ["enterprise"]
    pattern = rule["target_matchers"][0].removeprefix('alertname=~"').removesuffix('"')
    assert all(re.fullmatch(pattern, name) for name in NAMES)


def test_inhibitions_name_alerts() -> None:
    """Every matcher on alerts finds one; a renamed alert would otherwise escape without notice."""
    collectors = {collector.name for collector in COLLECTORS}
    for rule in yaml.safe_load((ALERTS / "alertmanager.example.yaml").read_text())["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, value = re.sub(r"[~\"]", "", matcher).partition("=")
            known = {"alertname": NAMES, "collector": collectors, "component": COMPONENTS}[label]
            assert any(re.fullmatch(value, name) for name in known), matcher


def test_every_page_names_one_folder_for_rules() -> None:
    """Whoever follows two pages puts the rules into one place."""
    root = ALERTS.parent
    pages = [*root.glob("*.md"), *root.glob("docs/*.md"), *ALERTS.glob("*.md"), root / "compose.yaml"]
    pages += [each for each in root.glob("deploy/**/*") if each.suffix in {".md", ".yaml"}]
    folders = {
        folder for page in pages for folder in re.findall(r"/etc/prometheus/[\w/-]*rules[\w/-]*", page.read_text())
    }
    assert {folder.rstrip("/") for folder in folders} == {"/etc/prometheus/rules/ghe-exporter"}
