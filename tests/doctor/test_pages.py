"""The pages on credentials and troubleshooting: complete, and nothing in them is made up."""

import ast
import contextlib
import os
import re
from pathlib import Path

import pytest

import exporter
from exporter.cli import parser
from exporter.collectors import COLLECTORS
from exporter.config import loading
from exporter.config.environment import own_environment
from exporter.doctor.advice import CredentialWarning, State
from exporter.errors import Cause, Reason
from exporter.telemetry.declarations import OWN_METRICS
from tests.support.app_keys import pem

ROOT = Path(__file__).parents[2]
CREDENTIALS = (ROOT / "docs" / "credentials.md").read_text("utf-8")
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
BOTH = CREDENTIALS + TROUBLESHOOTING
PACKAGE = Path(exporter.__file__).parent
LEVELS = frozenset({"warning", "error", "critical", "exception"})


def section(page: str, title: str) -> str:
    """What stands below a heading."""
    return page.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def first_cells(table: str) -> list[str]:
    """The code in the first column of every row of *table*."""
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def is_log(node: ast.AST) -> bool:
    """Whether *node* is a method of a logger for what went wrong."""
    return isinstance(node, ast.Attribute) and node.attr in LEVELS and "log" in ast.unparse(node.value)


def events() -> set[str]:
    """Every event of level warning and above that the code logs."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        chosen = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and any(map(is_log, ast.walk(node.value)))
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            if is_log(node.func) or (isinstance(node.func, ast.Name) and node.func.id in chosen):
                assert isinstance(node.args[0], ast.Constant), f"{path}: an event is a constant phrase"
                found.add(str(node.args[0].value))
    return found


def test_events_are_found() -> None:
    """The rule below is about all ways in which the code logs."""
    assert {"collector failed", "collector not available", "task failed", "simulator failed"} <= events()


def test_every_log_event_is_explained() -> None:
    """Every event of level warning and above is explained, and none that is not there."""
    explained = first_cells(section(TROUBLESHOOTING, "By log event"))
    assert sorted(explained) == sorted(events())


def test_every_reason_is_explained() -> None:
    """Every reason is explained, and none that is not there."""
    assert first_cells(section(TROUBLESHOOTING, "By reason")) == [
        *[reason.value for reason in Reason],
    ]


def test_every_cause_is_explained() -> None:
    """Everything that check may say is there."""
    assert set(first_cells(section(TROUBLESHOOTING, "What check says"))) == {
        *(cause.value for cause in Cause),
        *(warning.value for warning in CredentialWarning),
    }
    assert all(f"`{state}`" in CREDENTIALS for state in State)


def test_every_variable_named_can_be_set() -> None:
    """Every variable in the pages may be set."""
    named = set(re.findall(r"GHE_EXPORTER_\w+", BOTH))
    assert {"GHE_EXPORTER_TOKEN_FILE", "GHE_EXPORTER_APP_ID", "GHE_EXPORTER_PRIVATE_KEY_FILE"} <= named
    loading.refuse_unknown(dict.fromkeys(named, "x"))


def test_every_command_line_is_understood() -> None:
    """Every command line in the pages is understood."""
    lines = {" ".join(line.split()) for line in re.findall(r"ghe-exporter ((?:[a-z]+|--[a-z]+| )+)", BOTH)}
    lines = {line for line in lines if line}
    assert {"check", "check --json"} <= lines
    for line in lines:
        parser().parse(line.split())


def test_every_metric_named_exists() -> None:
    """Every metric in the pages exists."""
    known = {metric.name for collector in COLLECTORS for metric in collector.metrics}
    known |= {metric.name for metric in OWN_METRICS}
    assert set(re.findall(r"\bghe_\w+", BOTH)) <= known


def test_every_scope_and_permission_is_as_declared() -> None:
    """Each collector is named beside the scopes it needs, and permissions are with_level as they are declared."""
    table = CREDENTIALS.partition("### Scopes of a classic token")[2]
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", table, re.MULTILINE)
    for collector in COLLECTORS:
        shown = {scope for scope, names in rows if re.search(rf"`{collector.name}`(?!.* of organizations$)", names)}
        of_token = [endpoint for endpoint in collector.endpoints if not endpoint.is_management]
        declared = {endpoint.scope for endpoint in of_token if endpoint.level != "organization"} - {""}
        assert shown == declared, f"docs/credentials.md, scopes of {collector.name}: run make docs"
        if len(of_token) < len(collector.endpoints):
            assert f"`{collector.name}` needs no token, but [`manage_auth`]" in " ".join(CREDENTIALS.split())
    permissions = {endpoint.app_permission for collector in COLLECTORS for endpoint in collector.endpoints} - {""}
    for permission in permissions:
        spelled = permission if ":" in permission else f"{permission}: read"
        assert f"`{spelled}`" in CREDENTIALS, f"docs/credentials.md, GitHub App: name `{spelled}`"


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", CREDENTIALS, re.DOTALL))
def test_every_configuration_is_accepted(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every configuration in the page is accepted once its files are there."""
    for name in own_environment():
        monkeypatch.delenv(name)
    for path in re.findall(r"/(?:run|etc)/[\w./-]+", block):
        file = tmp_path / Path(path).name
        file.write_text(pem() if "/run/" in path and path.endswith(".pem") else "octo-token")
        block = block.replace(path, str(file))
    (tmp_path / "config.yaml").write_text(block)
    assert loading.load(tmp_path / "config.yaml").enterprises


@pytest.mark.parametrize("name", ["credentials", "troubleshooting"])
def test_every_link_leads_to_a_file(name: str) -> None:
    """Every link of the pages leads to a file, and README leads to the pages."""
    page = ROOT / "docs" / f"{name}.md"
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
    assert f"(docs/{name}.md)" in (ROOT / "README.md").read_text("utf-8")


def test_token_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """The lines that make the file of a token leave it readable by its owner alone."""
    (script,) = (block for block in re.findall(r"```sh\n(.*?)```", CREDENTIALS, re.DOTALL) if "install -m 600" in block)
    assert "cat > token" in script
    with contextlib.chdir(tmp_path):
        assert os.system("install -m 600 /dev/null token && echo octo > token") == 0
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
