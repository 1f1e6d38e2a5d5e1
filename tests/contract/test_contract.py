"""Rules that every metric and every module keeps, whoever adds one."""

import ast
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import exporter
from exporter import collectors
from exporter.collector import Collector
from exporter.collectors import COLLECTORS
from exporter.github.endpoint import ACCESS_TOKENS, INSTALLATION, INSTALLATIONS, ORGANIZATION_INSTALLATION
from exporter.metrics.metric import Metric
from exporter.telemetry.declarations import OWN_METRICS

PACKAGE = Path(exporter.__file__).parent
MAX_LINES = 400

# The part of the contract about the metrics of collectors: name and labels after `enterprise`; all are gauges.
CONTRACT = """
ghe_license_seats_consumed
ghe_license_seats_purchased
ghe_license_users license_type,account
ghe_license_two_factor_users state
ghe_license_organization_users organization,role
ghe_license_enterprise_role_users role
ghe_license_server_users hostname
ghe_license_visual_studio_users
ghe_license_pending_invitation_users
ghe_license_user_accounts
ghe_license_sync_servers
ghe_license_sync_success server_id,hostname
ghe_license_sync_last_timestamp_seconds server_id,hostname
ghe_license_sync_status server_id,hostname,status
ghe_runners organization,runner_group,os,state
ghe_runner_online organization,runner_group,runner_id,runner
ghe_runner_busy organization,runner_group,runner_id,runner
ghe_runner_info organization,runner_group,runner_id,runner,os,version,ephemeral
ghe_runners_by_version organization,os,version
ghe_runner_group_info organization,runner_group_id,runner_group,visibility,default
ghe_runner_group_organizations organization,runner_group_id,runner_group
ghe_runner_application_info os,architecture,version
ghe_github_component_status component,status
ghe_github_incidents impact
"""

DOMAIN = tuple(metric for collector in COLLECTORS for metric in collector.metrics)
METRICS = (*DOMAIN, *OWN_METRICS)

# The layers of the exporter, the lowest first. The simulator imports nothing of it; see below.
LAYERS = (
    "clock duration redaction regular_file revision simulator url",
    "errors logs",
    "github metrics state",
    "collector",
    "collectors",
    "config",
    "runtime",
    "doctor telemetry web",
    "app reference",
    "commands",
    "cli",
    "__main__",
)

# What promlint, the linter behind `promtool check metrics`, objects to, and what the naming guide says beyond it.
WRONG_UNITS = re.compile(
    r"(milli|micro|nano|kilo|mega|giga|tera|kibi|mebi|gibi)?(minutes?|hours?|days?|weeks?|months?|bits?|kilobytes?|"
    r"megabytes?|gigabytes?|milliseconds?|percents?|percentage)|ms|us|ns|sec|secs|s|m|h|d|b|kb|mb|gb|tb|pb|kib|mib|gib"
)
PERIODS = re.compile(r"(?<=_)(previous_month|day)_")
"""What a figure is about, where that is no unit of it."""
RESERVED_SUFFIXES = ("_count", "_sum", "_bucket", "_created", "_gauge", "_counter", "_histogram", "_summary")
TARGET_LABELS = frozenset(
    {"job", "instance", "namespace", "pod", "service", "container", "endpoint", "node", "cluster"}
)
"""Attached to every series by Prometheus or its operator; one of ours would become `exported_...`."""
FORBIDDEN_LABELS = frozenset(
    {
        *("user", "users", "login", "email", "mail", "token", "url", "uri", "password", "secret", "message", "error"),
        *("le", "quantile", "env", "environment", "region", "zone"),
    }
)
NAME = re.compile(r"ghe_[a-z0-9]+(_[a-z0-9]+)*")
SENTENCE = re.compile(r"[A-Z][^.!?\n\"\\]*\.")
LABEL = re.compile(r"[a-z]+(_[a-z]+)*")


def by_name(metric: Metric) -> str:
    """Name of a test's case."""
    return metric.name


def test_metrics_and_labels_are_those_of_the_contract() -> None:
    """Collectors expose what dashboards and alerts rely on."""
    lines = [line.split(" ") for line in CONTRACT.strip().splitlines()]
    promised = {(name, tuple("".join(labels).split(",")) if labels else ()) for name, *labels in lines}
    declared = {(metric.name, metric.own_labels) for metric in DOMAIN}
    assert promised <= declared


@pytest.mark.parametrize("metric", METRICS, ids=by_name)
def test_name_follows_the_naming_guide(metric: Metric) -> None:
    """A name is snake case with the prefix, without units other than base units, types or reserved endings."""
    assert NAME.fullmatch(metric.name)
    assert not [part for part in PERIODS.sub("", metric.name).split("_") if WRONG_UNITS.fullmatch(part)]
    assert not metric.name.endswith(RESERVED_SUFFIXES)
    assert not set(metric.name.split("_")) & {"gauge", "counter", "histogram", "summary"}


@pytest.mark.parametrize("metric", METRICS, ids=by_name)
def test_name_ends_as_its_type_and_unit_require(metric: Metric) -> None:
    """Counters, and only they, end in `_total`; times are gauges in seconds since 1970; units come last."""
    assert metric.name.endswith("_total") is (metric.type == "counter")
    assert metric.type == "gauge" or not metric.name.endswith("_info")
    if "timestamp" in metric.name:
        assert metric.name.endswith("_timestamp_seconds")
        assert metric.type == "gauge"
    for unit in ("seconds", "bytes", "ratio", "usd"):
        if unit in metric.name.split("_"):
            assert metric.name.removesuffix("_total").endswith(f"_{unit}")


@pytest.mark.parametrize("metric", METRICS, ids=by_name)
def test_help_is_one_sentence(metric: Metric) -> None:
    """A help text is one sentence with a capital and a full stop, short enough for a tooltip, and not the name."""
    assert SENTENCE.fullmatch(metric.help)
    assert len(metric.help) <= 150
    assert metric.help.rstrip(".").lower().replace(" ", "_") != metric.name


@pytest.mark.parametrize("metric", METRICS, ids=by_name)
def test_labels_are_unique_and_enterprise_is_first(metric: Metric) -> None:
    """Labels are snake case, differ, begin with the enterprise where there is one, and name no person or secret."""
    assert all(LABEL.fullmatch(label) for label in metric.labels)
    assert len(set(metric.labels)) == len(metric.labels)
    assert not FORBIDDEN_LABELS & set(metric.labels)
    assert "enterprise" not in metric.labels[1:]


@pytest.mark.parametrize("metric", METRICS, ids=by_name)
def test_no_label_is_one_that_targets_carry(metric: Metric) -> None:
    """A ServiceMonitor attaches `endpoint` to its target; ours of that name would be shown as `exported_endpoint`."""
    assert not TARGET_LABELS & set(metric.labels)


@pytest.mark.parametrize("metric", DOMAIN, ids=by_name)
def test_collector_metrics_do_not_use_the_exporter_prefix(metric: Metric) -> None:
    """Metrics of collectors do not look like a metric of the exporter itself."""
    assert not metric.name.startswith("ghe_exporter_")


def test_metric_names_are_unique() -> None:
    """Every metric belongs to exactly one collector or to the exporter, also with what a histogram adds."""
    names = Counter(metric.name for metric in METRICS)
    for metric in METRICS:
        if metric.type == "histogram":
            names.update(f"{metric.name}{suffix}" for suffix in ("_count", "_sum", "_bucket"))
        if metric.type == "counter":
            # The name of its family in OpenMetrics.
            names.update([metric.name.removesuffix("_total")])
    assert [name for name, times in names.items() if times > 1] == []


def test_every_collector_is_registered() -> None:
    """Each module or package of the folder holds one collector of its own name, and all of them are registered."""
    modules = {
        module.name: f"{module.name}.{module.name}" if module.ispkg else module.name
        for module in pkgutil.iter_modules(collectors.__path__)
        if module.name != "common"
    }
    found = {name: import_module(f"exporter.collectors.{module}").COLLECTOR for name, module in modules.items()}
    assert {name: collector.name for name, collector in found.items()} == {name: name for name in modules}
    assert sorted(modules) == sorted(collector.name for collector in COLLECTORS)
    assert all(any(collector is registered for registered in COLLECTORS) for collector in found.values())


@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda collector: collector.name)
def test_collector_is_declared_completely(collector: Collector[object]) -> None:
    """A collector has a help text, metrics and endpoints, and drops together only what it has."""
    assert SENTENCE.fullmatch(collector.help)
    assert collector.metrics
    assert collector.endpoints
    assert collector.platforms
    companions = Counter(metric.dropped_with for metric in collector.metrics if metric.dropped_with)
    assert all(times > 1 for times in companions.values())


# Architecture, read off the source.

SOURCES = {
    ".".join(["exporter", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}
PURE = frozenset(
    {
        *(
            "abc",
            "array",
            "collections",
            "collections.abc",
            "contextlib",
            "dataclasses",
            "datetime",
            "enum",
            "functools",
        ),
        *("hashlib", "heapq", "itertools", "math", "operator", "re", "statistics", "string", "types", "typing"),
        *("calendar", "decimal", "fractions", "bisect", "unicodedata"),
    }
)
FOR_COLLECTORS = re.compile(
    r"exporter\.(collector|collectors(\..*)?|metrics\.metric|errors|duration|redaction|url)"
    r"|exporter\.github\.(endpoint|models|reader)|pydantic(\..*)?"
)


@cache
def imports(tree: ast.AST) -> tuple[str, ...]:
    """Every module that *tree* imports from anywhere in it, submodules as such."""
    return tuple(found_imports(tree))


def found_imports(tree: ast.AST) -> Iterator[str]:
    """The same, found now."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in SOURCES else node.module


def importers(module: str) -> set[str]:
    """Who imports *module* or a part of it."""
    return {
        name
        for name, tree in TREES.items()
        if any(imported == module or imported.startswith(f"{module}.") for imported in imports(tree))
    }


def test_all_modules_were_read() -> None:
    """The rules below are about the whole package."""
    assert {
        "exporter",
        "exporter.collectors",
        "exporter.github.client",
        "exporter.web.http.server",
    } <= SOURCES.keys()
    assert "exporter.app" in importers("exporter.runtime.collection")


def test_no_import_cycles() -> None:
    """Modules depend on each other in one direction."""
    graph = {name: {found for found in imports(tree) if found in SOURCES} - {name} for name, tree in TREES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(SOURCES)


def test_imports_never_lead_to_a_higher_layer() -> None:
    """A module or package at the top of the exporter imports only what is in a lower layer than its own."""
    layer = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
    parts = {name.split(".")[1] for name in SOURCES if "." in name}
    assert parts == layer.keys(), "name each module and package at the top of exporter/ in LAYERS"
    wrong = {
        (name, found)
        for name, tree in TREES.items()
        for found in imports(tree)
        if "." in name and found.startswith("exporter.") and found.split(".")[1] != name.split(".")[1]
        if layer[found.split(".")[1]] >= layer[name.split(".")[1]]
    }
    assert wrong == set()


def test_only_the_transport_speaks_http() -> None:
    """`requests` has one importer that sends, and no other HTTP library is used to reach GitHub."""
    assert importers("requests") == {"exporter.github.certificates", "exporter.github.transport"}
    assert importers("urllib.request") | importers("http.client") <= {"exporter.commands.healthcheck"}
    assert importers("urllib3") <= importers("requests")
    for library in ("httpx", "aiohttp"):
        assert importers(library) == set()


def test_one_path_takes_a_post() -> None:
    """An endpoint is read unless its path is that of the access tokens, and nobody declares another one like it."""
    assert ACCESS_TOKENS.path == "/app/installations/{installation}/access_tokens"
    assert ACCESS_TOKENS.method == "POST"
    declared = {endpoint for collector in COLLECTORS for endpoint in collector.endpoints}
    others = {*declared, INSTALLATION, INSTALLATIONS, ORGANIZATION_INSTALLATION}
    assert {endpoint.method for endpoint in others} == {"GET"}
    template = [name for name, path in SOURCES.items() if "access_tokens" in path.read_text(encoding="utf-8")]
    assert [name for name in template if not name.startswith("exporter.simulator.")] == ["exporter.github.endpoint"]
    assert importers("exporter.github.app_credential") == {"exporter.runtime.clients"}


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith("exporter.collectors")])
def test_collectors_are_pure(name: str) -> None:
    """A collector reaches GitHub through its reader only, and knows no settings, threads, clock or log."""
    found = set(imports(TREES[name]))
    assert [module for module in found if module not in PURE and not FOR_COLLECTORS.fullmatch(module)] == []
    calls = {ast.unparse(node.func) for node in ast.walk(TREES[name]) if isinstance(node, ast.Call)}
    assert not calls & {"open", "print", "eval", "exec", "datetime.now", "datetime.utcnow", "date.today"}


def test_settings_stay_at_the_edge() -> None:
    """Only the composition root, the commands and what describes settings know them."""
    allowed = {
        "exporter.runtime.assignment",
        "exporter.runtime.clients",
        "exporter.app",
        "exporter.config.loading",
        "exporter.config.names",
        "exporter.reference.pages",
        "exporter.config.settings",
    }
    found = importers("exporter.config.settings")
    assert {name for name in found if not name.startswith("exporter.commands.")} <= allowed


def test_one_reader_of_the_environment() -> None:
    """Environment variables are read in one place."""
    readers = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    assert readers <= {"exporter.config.environment"}


def test_the_product_does_not_need_the_simulator() -> None:
    """The simulated GitHub is only used by the commands that are about it."""
    outside = {name for name in importers("exporter.simulator") if not name.startswith("exporter.simulator")}
    assert outside <= {"exporter.commands.demo", "exporter.commands.simulate"}


def test_the_simulator_imports_nothing_of_the_exporter() -> None:
    """The simulated GitHub is a test double: what it shares with the exporter it could not show to be wrong."""
    simulator = [name for name in SOURCES if name.startswith("exporter.simulator")]
    found = {imported for name in simulator for imported in imports(TREES[name]) if imported in SOURCES}
    assert {name for name in found if not name.startswith("exporter.simulator")} == set()


def test_no_module_sleeps() -> None:
    """Waiting ends when the process ends: on an event, never by sleeping."""
    sleepers = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}
    }
    assert sleepers == set()


@pytest.mark.parametrize("name", SOURCES)
def test_module_is_not_too_long(name: str) -> None:
    """No file is longer than can be read in one go."""
    assert len(SOURCES[name].read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("name", SOURCES)
def test_module_has_a_docstring(name: str) -> None:
    """Every module says what it is for."""
    assert ast.get_docstring(TREES[name]) or not TREES[name].body


def test_listed_modules_exist() -> None:
    """The list of harmless modules names real ones, so that a typing error there hides nothing."""
    assert {name.partition(".")[0] for name in PURE} <= sys.stdlib_module_names
