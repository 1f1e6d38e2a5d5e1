"""scripts/release.py: one version everywhere, or no release."""

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import __version__
from scripts import release
from tests.support.programs import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-21

### Added

- Teams.

### Metrics

- Added: `ghe_teams`.

## [1.2.2] - 2026-10-01

### Metrics

- None.
"""
RIGHT = {
    "exporter/__init__.py": '__version__ = "1.2.3"\n',
    "compose.yaml": "    image: ${EXPORTER_IMAGE:-ghe-exporter:1.2.3}\n",
    "helm/ghe-exporter/Chart.yaml": 'version: 3.0.0\nappVersion: "1.2.3"\n',
    "docs/kubernetes.md": "docker build --tag x/ghe-exporter:1.2.3 .\ndocker push x/ghe-exporter:1.2.3\n",
    "CHANGELOG.md": CHANGELOG,
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is ready for the release 1.2.3."""
    for name, text in RIGHT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_every_version_of_this_repository_is_the_same() -> None:
    """Everything that names the version names the same one."""
    assert list(release.problems(ROOT, None)) == []
    assert release.version(ROOT) == __version__


def test_checkout_that_is_ready_passes_without_output(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkout that is ready passes in silence."""
    assert release.main(["check", "v1.2.3"], checkout) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "exporter/__init__.py",
            "1.2.3",
            "1.2.4",
            "the tag is 'v1.2.3', but must be 'v1.2.4', after exporter/__init__.py",
        ),
        ("exporter/__init__.py", "1.2.3", "1.2", "exporter/__init__.py: the version '1.2' is not of the form 1.2.3"),
        ("compose.yaml", "1.2.3", "1.2.2", "compose.yaml: says '1.2.2', but exporter/__init__.py '1.2.3'"),
        (
            "helm/ghe-exporter/Chart.yaml",
            "appVersion",
            "#",
            "helm/ghe-exporter/Chart.yaml: says '', but exporter/__init__.py '1.2.3'",
        ),
        (
            "docs/kubernetes.md",
            "1.2.3 .",
            "1.2.2 .",
            "docs/kubernetes.md: says '1.2.2' and '1.2.3', but exporter/__init__.py '1.2.3'",
        ),
        ("CHANGELOG.md", "2026-11-21", "soon", "CHANGELOG.md: has no heading '## [1.2.3] - YYYY-MM-DD'"),
        (
            "CHANGELOG.md",
            "### Metrics\n\n- Added",
            "- Added",
            "CHANGELOG.md: the section 1.2.3 does not say what became of the metrics ('### Metrics')",
        ),
        (
            "CHANGELOG.md",
            "## [Unreleased]\n",
            "## [Unreleased]\n\n- More.\n",
            "CHANGELOG.md: there is something left under [Unreleased]",
        ),
    ],
)
def test_each_difference_is_reported_in_one_line(
    file: str, old: str, new: str, problem: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each thing that differs is named, in one line."""
    (checkout / file).write_text(RIGHT[file].replace(old, new, 1), "utf-8")
    assert release.main(["check", "v1.2.3"], checkout) == 1
    assert f"release: {problem}\n" in capsys.readouterr().err


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.3-rc1", "v1.2.30", ""])
def test_tag_that_is_not_v_and_the_version_is_refused(tag: str, checkout: Path) -> None:
    """A tag is the version after a v, nothing else."""
    assert list(release.problems(checkout, tag)) == [
        f"the tag is {tag!r}, but must be 'v1.2.3', after exporter/__init__.py"
    ]


def test_missing_file_is_reported(checkout: Path) -> None:
    """A file that should hold the version has to be there."""
    (checkout / "compose.yaml").unlink()
    assert list(release.problems(checkout, "v1.2.3")) == ["compose.yaml: is missing"]


def test_notes_are_the_section_of_the_version(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The notes are the section of the version and no other."""
    assert release.main(["notes"], checkout) == 0
    assert capsys.readouterr().out == "### Added\n\n- Teams.\n\n### Metrics\n\n- Added: `ghe_teams`.\n"
    (checkout / "CHANGELOG.md").write_text("# Changelog\n", "utf-8")
    assert release.main(["notes"], checkout) == 1
    assert capsys.readouterr().err == "release: CHANGELOG.md: has no section 1.2.3\n"


def test_stamp_writes_the_commit_and_refuses_anything_else(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commit gets into the module that the exporter takes it from; anything else does not."""
    shutil.copy(ROOT / "exporter" / "revision.py", checkout / "exporter" / "revision.py")
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert release.main(["stamp", '"; import os'], checkout) == 1
    assert "is not the hash of a commit" in capsys.readouterr().err
    assert runpy.run_path(str(checkout / "exporter" / "revision.py"))["REVISION"] == "unknown"
    assert release.main(["stamp", commit], checkout) == 0
    assert runpy.run_path(str(checkout / "exporter" / "revision.py"))["REVISION"] == commit


def test_program_runs_with_the_standard_library_alone() -> None:
    """It runs with the standard library alone, as the workflow has it before anything is installed."""
    command = [sys.executable, "-I", "scripts/release.py", "check", "v0.0.0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"release: the tag is 'v0.0.0', but must be 'v{__version__}', after exporter/__init__.py\n" in done.stderr
