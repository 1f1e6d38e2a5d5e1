"""What the pages about deploying, releasing and upgrading say: links lead somewhere, commands are what they claim."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import promql_parser
import pytest
import yaml

from exporter.cli import parser
from exporter.collectors import COLLECTORS
from exporter.simulator.server import Simulator
from exporter.telemetry.declarations import OWN_METRICS
from tests.support.deployment import load, read
from tests.support.programs import ROOT, environment, serving
from tests.support.secret_marker import TOKEN
from tests.support.tools import eventually, tool

PAGES = ("deploy/README.md", "docs/releasing.md", "docs/upgrading.md", "SECURITY.md")
TARGETS = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
METRICS = {metric.name for collector in COLLECTORS for metric in collector.metrics} | {own.name for own in OWN_METRICS}


def blocks(page: str) -> list[str]:
    """The shell blocks of a page, without their indentation."""
    found = re.findall(r"^( *)```sh\n(.*?)^ *```$", read(page), re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indentation}", "", text, flags=re.MULTILINE) for indentation, text in found]


@pytest.mark.parametrize("page", PAGES)
def test_links_into_the_repository_lead_to_files(page: str) -> None:
    """A link into the repository leads to something."""
    links = [link for link in re.findall(r"\]\(([^)#]+)", read(page)) if not link.startswith("https://")]
    assert links
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_commands_name_exist(page: str) -> None:
    """Files of the repository that commands name exist."""
    words = [word for block in blocks(page) for word in block.split()]
    files = [word for word in words if word.startswith(("deploy/", "scripts/", "requirements"))]
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_make_targets_that_pages_name_exist() -> None:
    """`make` is called with targets that it has."""
    lines = [line for page in PAGES for block in blocks(page) for line in block.splitlines()]
    asked = {target for line in lines if line.startswith("make ") for target in line.split()[1:]}
    asked |= {target for page in PAGES for target in re.findall(r"`make ([a-z]+)`", read(page))}
    assert {"check", "test", "build", "monitor"} <= asked <= TARGETS


@pytest.mark.parametrize("name", ["ghe-exporter.service", "ghe-exporter-textfile"])
def test_units_are_installed_before_they_start(name: str) -> None:
    """The blocks install each unit that they enable, and reload systemd between."""
    (block,) = (block for block in blocks("deploy/README.md") if f"install -m 0644 deploy/systemd/{name}" in block)
    unit = name.partition(".")[0]
    installed = block.index(f"deploy/systemd/{unit}")
    assert installed < block.index("systemctl daemon-reload") < block.index(f"systemctl enable --now {unit}")


def test_program_is_where_the_units_expect_it() -> None:
    """The environment is made where the units start the program."""
    service = read("deploy/systemd/ghe-exporter.service")
    assert "python3 -m venv /opt/ghe-exporter\n" in blocks("deploy/README.md")[0]
    assert "\nExecStart=/opt/ghe-exporter/bin/ghe-exporter serve" in service


def test_comparison_of_the_upgrade_page_finds_the_same_metrics(tmp_path: Path) -> None:
    """The comparison of upgrading.md works: the new version's pass and the running exporter have the same metrics."""
    collect, compare = blocks("docs/upgrading.md")
    parser().parse(shlex.split(collect)[1:])
    with Simulator(users=30, runners=8, organizations=2) as simulator:
        enterprise = {"slug": "octo-corp", "api_url": simulator.url, "auth": {"token": TOKEN}}
        config = tmp_path / "config.yaml"
        config.write_text(yaml.safe_dump({"enterprises": [enterprise]}), "utf-8")
        with serving("--config", str(config)) as program:
            eventually(lambda: program.answers("/-/ready"), "every collector has run")
            script = collect.replace("ghe-exporter", f"'{sys.executable}' -m exporter", 1)
            script += compare.replace("http://localhost:10204", program.url)
            done = subprocess.run(
                [tool("bash"), "-e", "-o", "pipefail", "-c", script],
                cwd=tmp_path,
                env=environment()
                | {"PYTHONPATH": str(ROOT), "PATH": f"{Path(tool('curl')).parent}:{os.environ['PATH']}"},
                capture_output=True,
                text=True,
                check=False,
            )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (tmp_path / "before").read_text("utf-8").count("# TYPE ghe_") > 40


def test_queries_of_the_upgrade_page_name_metrics_that_exist() -> None:
    """The queries of upgrading.md are queries, about metrics that exist."""
    table = read("docs/upgrading.md").partition("## Afterwards")[2].partition("## Downgrading")[0]
    queries = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(queries) == 6
    for query in queries:
        promql_parser.parse(query)
    named = set(re.findall(r"\bghe_\w+", table))
    assert named
    assert named <= METRICS


def test_signing_identity_is_that_of_the_release_workflow() -> None:
    """The identity in releasing.md is that of the workflow that signs."""
    identity = re.search(r"--certificate-identity (\S+)", read("docs/releasing.md"))
    assert identity is not None
    file, _, ref = identity[1].partition("OWNER/REPOSITORY/")[2].partition("@")
    assert "cosign sign" in read(file)
    assert re.fullmatch(r"refs/tags/v\d+\.\d+\.\d+", ref)
    assert load(file)[True]["push"]["tags"] == ["v[0-9]+.[0-9]+.[0-9]+"]


def test_scopes_in_the_security_policy_are_asked_for_by_collectors() -> None:
    """SECURITY.md names scopes that collectors ask for."""
    known = {scope for collector in COLLECTORS for endpoint in collector.endpoints for scope in scopes(endpoint)}
    named = set(re.findall(r"`((?:\w+):(?:enterprise|org))`", read("SECURITY.md")))
    assert len(named) > 3
    assert named <= known


def scopes(endpoint: object) -> set[str]:
    """The scopes that an endpoint mentions."""
    return set(re.findall(r"\w+:(?:enterprise|org)\b", repr(endpoint)))
