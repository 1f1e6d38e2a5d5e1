"""What the tests of compose.yaml, of deploy/ and of the workflows share."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.support.programs import ROOT
from tests.support.tools import tool

# As Prettier writes it, beside what is allowed: inline lists and maps, settings as comments, `on:` of a workflow.
STYLE = {
    "extends": "default",
    "rules": {
        "document-start": "disable",
        "comments": {"min-spaces-from-content": 1, "require-starting-space": False},
        "comments-indentation": "disable",
        "line-length": {"max": 120},
        "braces": {"max-spaces-inside": 1},
        "truthy": {"check-keys": False},
    },
}


def load(path: str | Path) -> Any:
    """A YAML file of the repository."""
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def read(path: str | Path) -> str:
    """A text file of the repository."""
    return (ROOT / path).read_text("utf-8")


def with_options(path: str | Path) -> str:
    """A YAML file with the settings that it has as comments: those without a blank after the #."""
    whole = re.sub(r"^( *)#(?=[^ #\n])", r"\1", read(path), flags=re.MULTILINE)
    assert whole != read(path)
    return whole


def complaints(module: str, *arguments: str) -> str:
    """What a checker that is a Python module objects to; nothing if it succeeds."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def style_complaints(files: Iterable[Path]) -> str:
    """What yamllint objects to."""
    return complaints("yamllint", "--strict", "--config-data", json.dumps(STYLE), *map(str, files))


def schema_complaints(schema: str, *files: Path) -> str:
    """What the published *schema*, a copy that comes with check-jsonschema, objects to."""
    return complaints("check_jsonschema", "--builtin-schema", schema, *map(str, files))


def check(program: str, *arguments: str, **environment: str) -> str:
    """Run another program; it must succeed; return what it prints."""
    done = subprocess.run(
        [tool(program), *arguments], cwd=ROOT, env=environment or None, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def flags(program: str) -> set[str]:
    """The options a program of the Prometheus family knows."""
    return set(re.findall(r"--(?:\[no-\])?([a-z][\w.-]+)", check(program, "--help")))
