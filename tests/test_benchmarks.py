"""The benchmarks run, at sizes that measure nothing, and print what they promise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.nginx import program
from tests.tools import tool

ROOT = Path(__file__).resolve().parent.parent

TINY = {
    "scrape": ("--series", "24", "--rounds", "1", "--requests", "3", "--reference-requests", "1"),
    "publish_under_scrape": ("--series", "24", "--rounds", "1", "--requests", "3"),
    "license_users": ("--users", "300", "--latency", "0.001"),
    "memory": ("--users", "100", "--runners", "20", "--times", "2"),
    "idle": ("--seconds", "1"),
    "growth": ("--users", "100", "--runners", "20"),
    "restart": ("--series", "60", "--rounds", "1"),
}


def test_all_are_tried() -> None:
    """Every benchmark is in the list: a file is one if it can report."""
    found = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "measure.report(" in path.read_text("utf-8")}
    assert found == set(TINY)


@pytest.mark.parametrize("name", TINY)
def test_runs(name: str) -> None:
    """Each prints a line of JSON with its name, its checks and its figures, whatever these say."""
    if name == "scrape" and program() is None:
        tool("nginx")
    command = [sys.executable, "-m", f"benchmarks.{name}", *TINY[name]]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    told = json.loads(last)
    assert told["benchmark"] == name
    assert len(told["checks"]) == len(lines) > 0
    for check in told["checks"]:
        assert isinstance(check["met"], bool)
        assert check["value"] >= 0
        assert check["met"] or "counted wrong" not in check["name"]
    assert told["figures"]
