"""The benchmarks run, at sizes that measure nothing, and print what they promise."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import nginx
from benchmarks.peer import BUILD
from benchmarks.peers import calls_per_hour
from tests.support.tools import tool

ROOT = Path(__file__).resolve().parents[2]

TINY = {
    "scrape": ("--series", "24", "--rounds", "1", "--requests", "3", "--reference-requests", "1"),
    "publish_under_scrape": ("--series", "24", "--rounds", "1", "--requests", "3"),
    "license_users": ("--users", "300", "--latency", "0.001"),
    "memory": ("--users", "100", "--runners", "20", "--times", "2"),
    "idle": ("--seconds", "1"),
    "growth": ("--users", "100", "--runners", "20"),
    "largest": ("--users", "100", "--runners", "20", "--scrapes", "1", "--rounds", "1"),
    "pacing": ("--runners", "20", "--hours", "1"),
    "restart": ("--series", "60", "--rounds", "1"),
    "watching": ("--divisor", "1000"),
    "peers": ("--users", "20", "--runners", "20", "--latency", "0.001", "--rounds", "1", "--requests", "2"),
}


def test_all_are_tried() -> None:
    """Every benchmark is in the list: a file is one if it can report."""
    found = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "measure.report(" in path.read_text("utf-8")}
    assert found == set(TINY)


@pytest.mark.parametrize("name", TINY)
def test_runs(name: str) -> None:
    """Each prints a line of JSON with its name, its checks and its figures, whatever these say."""
    if name == "scrape" and nginx.program() is None:
        tool("nginx")
    if name == "largest":
        tool("prometheus")
    command = [sys.executable, "-m", f"benchmarks.{name}", *TINY[name]]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    report = json.loads(last)
    assert report["benchmark"] == name
    assert len(report["checks"]) == len(lines) > 0
    for check in report["checks"]:
        assert isinstance(check["met"], bool)
        assert check["value"] >= 0
        assert check["met"] or "counted wrong" not in check["name"]
    assert report["figures"]


STAND_IN_SOURCE = """package main

import (
	"os"
	"syscall"
)

func main() {
	environment := append(os.Environ(), "PYTHONPATH=%(root)s")
	arguments := []string{"python", "-m", "tests.support.stand_in_peer"}
	if err := syscall.Exec("%(python)s", arguments, environment); err != nil {
		panic(err)
	}
}
"""
"""A program in Go whose place another takes."""


def peers(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The comparison with another exporter."""
    command = [sys.executable, "-m", "benchmarks.peers", *TINY["peers"], *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120)


def test_peer_is_measured_beside_this_exporter(tmp_path: Path) -> None:
    """What a program does that reads GitHub at every scrape, and takes runners of one name for one."""
    stand_in = tmp_path / "stand-in"
    stand_in.write_text(f"#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.support.stand_in_peer\n", "utf-8")
    stand_in.chmod(0o755)
    done = peers("--runners", "120", "--pairs", "4", "--peer", str(stand_in))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    ours, theirs = report["figures"]["exporter"], report["figures"]["peer"]
    assert ours["runners_reported"] == theirs["runners_reported"] == ours["runners_shown"] > 100
    assert theirs["names_reported"] == theirs["runners_shown"] == ours["runners_reported"] - 4
    assert ours["names_shown"] == theirs["names_shown"] == theirs["names_reported"]
    assert (ours["calls_per_scrape"], theirs["calls_per_scrape"]) == (0, 3)
    # Two pages of runners a minute and, for this exporter, the groups four times an hour and billing once, whose first
    # run reads this month, yesterday and the month before.
    assert (ours["calls_per_hour"], theirs["calls_per_hour"]) == (2 * 60 + 4 + 3, 3 * 60)
    usage, count = "/enterprises/octo-corp/settings/billing/usage 200", 1 + 2 + 1
    assert theirs["billing_answers"] == {usage: count}
    assert ours["net_usd_shown"] == pytest.approx(ours["net_usd_reported"]) == pytest.approx(theirs["net_usd_reported"])
    assert theirs["net_usd_shown"] == 0
    assert theirs["failures"] == 3
    assert theirs["build"] == {"version": "stand-in"}
    assert len(report["checks"]) == 5


@pytest.mark.skipif(shutil.which("go") is None, reason="needs go")
def test_peer_is_built_from_source(tmp_path: Path) -> None:
    """A checkout is built and then measured; here one whose program runs the stand-in."""
    package = tmp_path / "cmd" / "github_exporter"
    package.mkdir(parents=True)
    (tmp_path / "go.mod").write_text("module example.com/stand_in\n\ngo 1.20\n", "utf-8")
    (package / "main.go").write_text(STAND_IN_SOURCE % {"root": ROOT, "python": sys.executable}, "utf-8")
    done = peers("--peer-source", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["figures"]["peer"]["build"] == {"version": "stand-in"}


def test_source_that_is_none_is_one_line(tmp_path: Path) -> None:
    """Nothing is measured without what was asked for."""
    done = peers("--peer-source", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"--peer-source {tmp_path}: no cmd/github_exporter there")


@pytest.mark.skipif(shutil.which("go") is None, reason="needs go")
def test_source_that_does_not_build_names_the_error(tmp_path: Path) -> None:
    """What go says is in the error."""
    package = tmp_path / "cmd" / "github_exporter"
    package.mkdir(parents=True)
    (tmp_path / "go.mod").write_text("module example.com/stand_in\n\ngo 1.20\n", "utf-8")
    (package / "main.go").write_text("package main\n\nfunc main() { broken() }\n", "utf-8")
    done = peers("--peer-source", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "undefined: broken" in done.stderr


def test_peer_that_is_missing_is_report_how_to_build(tmp_path: Path) -> None:
    """One line, and nothing is measured."""
    done = peers("--peer", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"--peer {tmp_path / 'none'}: no such program. To build it: {BUILD}"]


def test_peer_that_ends_is_report_with_its_last_words(tmp_path: Path) -> None:
    """A peer that does not take its settings does not leave the benchmark waiting."""
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such flag\nexit 3\n", "utf-8")
    broken.chmod(0o755)
    done = peers("--peer", str(broken))
    assert done.returncode == 1
    assert "the peer ended with 3: no such flag" in done.stderr


def test_calls_per_hour_follow_the_intervals() -> None:
    """Each path as often as its collector runs, the groups of runners as long as they are kept."""
    first_runs = {
        ("/e/actions/runners", 200): 5,
        ("/e/actions/runner-groups", 200): 1,
        ("/e/settings/billing/a", 404): 2,
    }
    assert calls_per_hour(first_runs, {"runners": 30, "billing": 1800}) == 5 * 120 + 4 + 2 * 2
