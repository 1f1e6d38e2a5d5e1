"""What the documents contain: commands, variables, files, links and metrics exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from exporter.cli import parser
from exporter.collectors import COLLECTORS
from exporter.config import loading
from exporter.config.settings import Settings
from exporter.telemetry.declarations import OWN_METRICS
from tests.support.app_keys import pem
from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "alerts/**/*.md", "dashboards/*.md", "benchmarks/*.md", "helm/**/*.md")
    for page in ROOT.glob(pattern)
    if not page.is_relative_to(ROOT / "docs/adr")
)
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
VARIABLE = re.compile(r"GHE_EXPORTER_[A-Z0-9_]*[A-Z0-9]")
SET_BY_KUBERNETES = {"GHE_EXPORTER_PORT", "GHE_EXPORTER_SERVICE_HOST"}
PATH = re.compile(r"`((?:alerts|benchmarks|dashboards|deploy|docs|exporter|helm|scripts|tests)/[\w./*-]+)`")
EXAMPLES = {
    "exporter/collectors/teams.py",
    "exporter/simulator/api/routes/teams.py",
    "tests/collectors/teams/github-example/responses.json",
}
"""What CONTRIBUTING shows how to make."""
METRIC = re.compile(r"\bghe_[a-z0-9_]+\b(?!\*|…|\()")
PROCESS_SUFFIXES = ("_bucket", "_sum", "_count", "_created")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    text: str


def names(value: Any) -> str:
    """A readable name for a parameter."""
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else value.page.name


def blocks(language: str) -> Iterator[Block]:
    """Every fenced block in *language*."""
    for page in PAGES:
        for indent, kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if kind == language:
                yield Block(page, kind, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))


def commands(page: Path) -> Iterator[list[str]]:
    """Every call of the program on *page*: lines of shell blocks, and code within sentences."""
    text = page.read_text(encoding="utf-8")
    shell = "\n".join(block.text for block in blocks("sh") if block.page == page)
    lines = shell.replace("\\\n", " ").split("\n")
    lines += re.findall(r"`(ghe-exporter [^`]+)`", BLOCK.sub("", text))
    for line in lines:
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        for part in re.split(r"\s(?:\||&&|;|>)\s", " ".join(map(shlex.quote, words))):
            call = list(dropwhile(lambda word: not word.endswith("ghe-exporter"), shlex.split(part)))
            if len(call) > 1 and re.fullmatch(r"[a-z-]+", call[1]):
                yield [word for word in call[1:] if not re.match(r"^\d?[<>]", word)]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_documented_commands_are_valid(page: Path) -> None:
    """Every call of the program that a page shows is one that it takes."""
    for call in commands(page):
        parser().parse(re.sub(r"\[[^\]]*\]|…", "", " ".join(map(shlex.quote, call))).split())


def test_commands_are_extracted() -> None:
    """The search finds calls at all, in blocks as in sentences."""
    assert ["serve"] in list(commands(ROOT / "README.md"))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_documented_variables_are_settings(page: Path) -> None:
    """Every variable that a page names is read, but for those that Kubernetes sets."""
    for name in set(VARIABLE.findall(page.read_text(encoding="utf-8"))) - SET_BY_KUBERNETES:
        loading.refuse_unknown({name: "some value"})


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_documented_metrics_exist(page: Path) -> None:
    """Every metric that a page names is one of ours."""
    known = {metric.name for collector in COLLECTORS for metric in collector.metrics}
    known |= {metric.name for metric in OWN_METRICS}
    text = re.sub(r"[\w]+:ghe_\w+:\w+", "", page.read_text(encoding="utf-8"))
    if page.name in {"CONTRIBUTING.md", "CHANGELOG.md"}:
        return
    found = {name for name in METRIC.findall(text) if not name.endswith("_")}
    stripped = {re.sub("|".join(f"{suffix}$" for suffix in PROCESS_SUFFIXES), "", name) for name in found - known}
    assert stripped - known == set()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_have_a_target(page: Path) -> None:
    """Every link within the repository has a target, and so has its anchor."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for path, anchor in LINK.findall(text):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor and target.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_documented_files_exist(page: Path) -> None:
    """Every file and folder of the repository that a page names is there."""
    for path in set(PATH.findall(page.read_text(encoding="utf-8"))) - EXAMPLES:
        assert list(ROOT.glob(path)) or list(page.parent.glob(path)), path


def settings_blocks() -> list[Block]:
    """The blocks that are a configuration of the program."""
    return [block for block in blocks("yaml") if re.search("^enterprises:", block.text, re.MULTILINE)]


@pytest.mark.parametrize("block", settings_blocks(), ids=names)
def test_documented_configurations_are_valid(block: Block, tmp_path: Path) -> None:
    """Every configuration that a page shows is valid, once the files it names are there."""
    text = block.text
    for number, path in enumerate(dict.fromkeys(re.findall(r"(?:_file|_dir): *([^\s,}]+)", text))):
        secret = tmp_path / f"file-{number}"
        secret.write_text(pem() if re.search(rf"(private_key|ca)_file: *{re.escape(path)}", text) else "token")
        text = text.replace(path, str(secret))
    file = tmp_path / "config.yaml"
    file.write_text(text)
    document = yaml.safe_load(text)
    assert set(document) <= set(Settings.model_fields)
    if re.search(r"state_dir|config_file", text):
        document = {key: value for key, value in document.items() if key not in {"state_dir", "web"}}
        file.write_text(yaml.safe_dump(document))
    assert loading.load(file).enterprises


def scrape_blocks() -> list[Block]:
    """The blocks that are a part of Prometheus' configuration."""
    return [block for block in blocks("yaml") if re.search("^scrape_configs:", block.text, re.MULTILINE)]


@pytest.mark.parametrize("block", scrape_blocks(), ids=names)
def test_prometheus_accepts_documented_configurations(block: Block, tmp_path: Path) -> None:
    """The Prometheus configuration of a page is valid."""
    file = tmp_path / "prometheus.yml"
    file.write_text(block.text)
    checked = subprocess.run(
        [tool("promtool"), "check", "config", "--syntax-only", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_documented_make_targets_exist(page: Path) -> None:
    """Every `make` that a page names is a target."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)", text) + re.findall(r"^make ([a-z-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_readme_starts_with_the_quick_start() -> None:
    """README begins with the two commands and nothing before them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = BLOCK.search(text)
    assert found is not None
    assert found[3] == "make demo\nmake test\n"
