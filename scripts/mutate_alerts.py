"""Change the alert rules one thing at a time and count the changes that the promtool tests notice.

`python scripts/mutate_alerts.py [--sample N] [--only TEXT] [--least SHARE]`: exit 1 if fewer than SHARE were noticed.
A sample is random but always the same.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

ALERTS = Path(__file__).resolve().parents[1] / "alerts"
SEED = 1
TENTH = 0.1

COMPARISONS = {">=": (">", "<"), ">": (">=", "<"), "<=": ("<", ">"), "<": ("<=", ">"), "==": ("!=",)}
MATCHERS = {"=~": "!~", "!=": "=", "=": "!="}
OPERATORS = {"and": "unless", "unless": "and"}
AGGREGATIONS = {"max": "sum", "min": "max", "sum": "max"}
COMPARISON = re.compile(r"(?<= )(>=|<=|==|>|<)(?= )")
THRESHOLD = re.compile(r"(?<=[<>=*] )\d+(?:\.\d+)?(?= |$|\))(?! \* 3600)")
MATCHER = re.compile(r"(?<=\w)(=~|!=|=)(?=\")")
DURATION = re.compile(r"^ +for: (\d+)([mhd])$")
OPERATOR = re.compile(r"(?<= )(and|unless)(?= )")
AGGREGATION = re.compile(r"\b(max|min|sum)(?= by |\()")
NAME = re.compile(r"^ +- (?:alert|record): (\S+)$")
IGNORED = re.compile(r"^ +(severity|team|summary|runbook_url|dashboard_url):|^#|^ *#")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One line of one file of rules, changed."""

    file: Path
    rule: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line + 1}: {self.rule}: {self.text.strip()}"


def changes(text: str) -> Iterator[str]:
    """Every way to change one thing in a line of a rule."""
    duration = DURATION.match(text)
    if duration:
        minutes = int(duration[1]) * {"m": 1, "h": 60, "d": 1440}[duration[2]]
        for factor in (0.5, 2):
            yield text.replace(duration[1] + duration[2], f"{int(minutes * factor)}m")
        return
    for found in COMPARISON.finditer(text):
        for other in COMPARISONS[found[0]]:
            yield text[: found.start()] + other + text[found.end() :]
    for found in THRESHOLD.finditer(text):
        number = float(found[0])
        if found[0] in {"24", "3600"}:
            continue
        for other_number in (number * (1 - TENTH), number * (1 + TENTH)) if number else (1,):
            yield f"{text[: found.start()]}{other_number:.6g}{text[found.end() :]}"
    for pattern, others in ((MATCHER, MATCHERS), (OPERATOR, OPERATORS), (AGGREGATION, AGGREGATIONS)):
        for found in pattern.finditer(text):
            yield text[: found.start()] + others[found[0]] + text[found.end() :]


def mutants() -> Iterator[Mutant]:
    """All changed lines of all rules; texts for people stay as they are."""
    for file in sorted(ALERTS.glob("rules/**/*.yaml")):
        described, rule = False, ""
        for number, text in enumerate(file.read_text().splitlines()):
            named = NAME.match(text)
            rule = named[1] if named else rule
            described = not named and (described or "annotations:" in text)
            if not described and not IGNORED.match(text):
                for changed in changes(text):
                    yield Mutant(file.relative_to(ALERTS), rule, number, changed)


class Tests:
    """The promtool tests, taken apart: those that name an alert are tried first when its rule changes."""

    def __init__(self) -> None:
        files = sorted(ALERTS.glob("tests/*.yaml"), key=lambda file: (file.name.startswith("long"), file.name))
        self._files = [yaml.safe_load(file.read_text()) for file in files]
        self.rule_files = {file.relative_to(ALERTS): file.read_text() for file in ALERTS.glob("rules/**/*.yaml")}
        self._rules: dict[str, str] = {
            str(rule.get("alert") or rule["record"]): str(rule)
            for text in self.rule_files.values()
            for group in yaml.safe_load(text)["groups"]
            for rule in group["rules"]
        }

    def rounds(self, mutant: Mutant) -> Iterator[list[dict[str, Any]]]:
        """Files for promtool: one by one the cases that should notice, quick ones first, then those that also may."""
        loading = [
            file for file in self._files if any(Path(mutant.file).match(name[3:]) for name in file["rule_files"])
        ]
        alerts = self._alerts_on(mutant.rule)
        for file in loading:
            if near := [case for case in file["tests"] if _names(case, alerts)]:
                yield [{**file, "tests": near}]
        yield [
            {**file, "tests": far}
            for file in loading
            if (far := [case for case in file["tests"] if not _names(case, alerts)])
        ]

    def _alerts_on(self, rule: str) -> set[str]:
        """The alerts that rest on *rule*."""
        if ":" not in rule:
            return {f'alertname="{rule}"', f"'alertname': '{rule}'"}
        users = {name for name, text in self._rules.items() if name != rule and re.search(rf"\b{rule}\b", text)}
        return {alert for user in users for alert in self._alerts_on(user)}


def _names(case: dict[str, Any], alerts: set[str]) -> bool:
    text = str(case)
    return any(name in text for name in alerts)


def noticed(tests: Tests, mutant: Mutant) -> bool:
    """Whether a test fails with the changed rule."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tests").mkdir()
        for path, text in tests.rule_files.items():
            lines = text.splitlines()
            if path == mutant.file:
                lines[mutant.line] = mutant.text
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("\n".join(lines) + "\n")
        for number, documents in enumerate(tests.rounds(mutant)):
            files = [folder / "tests" / f"{number}-{index}.yaml" for index in range(len(documents))]
            for file, document in zip(files, documents, strict=True):
                file.write_text(json.dumps(document))
            command = ["promtool", "test", "rules", *map(str, files)]
            if files and subprocess.run(command, capture_output=True, check=False).returncode != 0:
                return True
    return False


def chosen(everything: Sequence[Mutant], only: str, sample: int) -> list[Mutant]:
    """The mutants of *only* some rules, in an order that is random but always the same, at most *sample* of them."""
    left = [mutant for mutant in everything if only in str(mutant)]
    random.Random(SEED).shuffle(left)
    return left[:sample] if sample else left


def failing() -> list[str]:
    """The tests that fail without any change; every change would count as noticed by them."""

    def fails(file: Path) -> bool:
        command = ["promtool", "test", "rules", str(file)]
        return subprocess.run(command, capture_output=True, check=False).returncode != 0

    files = sorted(ALERTS.glob("tests/*.yaml"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [file.name for file, failed in zip(files, pool.map(fails, files), strict=True) if failed]


def main() -> int:
    """Try the changes, print those that nobody noticed."""
    arguments = argparse.ArgumentParser(description="Test the tests of the alert rules.")
    arguments.add_argument("--sample", type=int, default=0, help="how many changes to try; default all")
    arguments.add_argument("--only", default="", help="only changes whose file, line, rule or text contains this")
    arguments.add_argument("--least", type=float, default=0.85, help="share that must be noticed")
    options = arguments.parse_args()
    if shutil.which("promtool") is None:
        sys.exit("mutate_alerts.py needs promtool, which comes with Prometheus")
    everything = list(mutants())
    tried = chosen(everything, options.only, options.sample)
    if broken := failing():
        sys.exit(f"mutate_alerts.py: these tests fail without any change: {', '.join(broken)}")
    attempt = partial(noticed, Tests())
    began = time.monotonic()
    results = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, result in zip(tried, pool.map(attempt, tried), strict=True):
            results.append(result)
            if not result:
                print(f"not noticed: {mutant}", flush=True)
    share = sum(results) / max(len(results), 1)
    print(
        f"{sum(results)} of {len(tried)} changes were noticed, {share:.1%}, in {time.monotonic() - began:.0f} s;"
        f" there are {len(everything)}"
    )
    return 0 if share >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
