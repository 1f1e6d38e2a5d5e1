"""The queries of docs/showback.md give the numbers that the page shows, for the demo at a time that stands still."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.demonstration import demonstration
from tests.support.tools import promtools, tool

PAGE = Path(__file__).resolve().parents[2] / "docs" / "showback.md"
EXAMPLE = re.compile(r"^## ([^\n]+)$|```promql\n(.*?)```\n\n```text\n(.*?)```\n", re.MULTILINE | re.DOTALL)
CENT = 0.01


class Example(NamedTuple):
    """A query of the page, and the lines that the page says it gives."""

    heading: str
    query: str
    result: tuple[str, ...]


def examples() -> Iterator[Example]:
    """What the page works through, in its order."""
    heading = ""
    for found in EXAMPLE.finditer(PAGE.read_text()):
        heading = found[1] or heading
        if found[2]:
            yield Example(heading, found[2], tuple(found[3].splitlines()))


EXAMPLES = tuple(examples())


@pytest.fixture(scope="module")
def series() -> Iterator[list[dict[str, str]]]:
    """What the demo exposes and the page reads."""
    read = set(re.findall(r"\bghe_\w+", "".join(example.query for example in EXAMPLES)))
    with demonstration() as shown:
        yield [
            {"series": f"{each.name}{{{labels}}}", "values": repr(each.value)}
            for each in shown.series
            if each.name in read
            for labels in [",".join(f"{name}={json.dumps(value)}" for name, value in each.labels.items())]
        ]


def sample(line: str) -> dict[str, object]:
    """A line of the page as promtool wants it: labels, and the value in whole cents."""
    labels, value = line.rsplit(" ", 1)
    return {"labels": labels, "value": float(value)}


@pytest.mark.parametrize("promtool", promtools())
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.heading)
def test_query_gives_what_the_page_shows(
    example: Example, promtool: str, series: list[dict[str, str]], tmp_path: Path
) -> None:
    asked = {
        "expr": f"round({example.query}, {CENT})",
        "eval_time": "0s",
        "exp_samples": [sample(line) for line in example.result],
    }
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": [asked]}]
    file = tmp_path / "test.json"  # JSON is YAML
    file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run([tool(promtool), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_query_of_the_page_has_a_result() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```promql\n")


def test_recording_rules_of_the_page_exist() -> None:
    rules = (PAGE.parents[1] / "alerts" / "rules" / "recording.yaml").read_text()
    named = set(re.findall(r"`(\w+:\w+:\w+)`", PAGE.read_text()))
    assert named
    assert {name for name in named if f"record: {name}\n" not in rules} == set()
