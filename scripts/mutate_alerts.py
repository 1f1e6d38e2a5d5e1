"""Change the alert rules one thing at a time and count the changes that the promtool tests notice.

`python scripts/mutate_alerts.py [--seconds N] [--least SHARE]`: exit 1 if fewer than SHARE were noticed. When the time
is over, what is left is not tried; changes are taken in an order that is random but always the same.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ALERTS = Path(__file__).resolve().parents[1] / "alerts"
TENTH = 0.1

COMPARISONS = {">=": (">", "<"), ">": (">=", "<"), "<=": ("<", ">"), "<": ("<=", ">"), "==": ("!=",)}
MATCHERS = {"=~": "!~", "!=": "=", "=": "!="}
OPERATORS = {"and": "unless", "unless": "and"}
COMPARISON = re.compile(r"(?<= )(>=|<=|==|>|<)(?= )")
THRESHOLD = re.compile(r"(?<=[<>=*] )\d+(?:\.\d+)?(?= |$|\))(?! \* 3600)")
MATCHER = re.compile(r"(?<=\w)(=~|!=|=)(?=\")")
DURATION = re.compile(r"^ +for: (\d+)([mhd])$")
OPERATOR = re.compile(r"(?<= )(and|unless)(?= )")
IGNORED = re.compile(r"^ +(severity|team|summary|runbook_url|dashboard_url):|^#|^ *#")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One line of one file, changed."""

    file: Path
    line: int
    text: str


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
    for pattern, others in ((MATCHER, MATCHERS), (OPERATOR, OPERATORS)):
        for found in pattern.finditer(text):
            yield text[: found.start()] + others[found[0]] + text[found.end() :]


def mutants() -> Iterator[Mutant]:
    """All changed lines of all rules; texts for people stay as they are."""
    for file in sorted(ALERTS.glob("rules/**/*.yaml")):
        described = False
        for number, text in enumerate(file.read_text().splitlines()):
            described = "annotations:" in text or (described and "- alert:" not in text and "- record:" not in text)
            if not described and not IGNORED.match(text):
                for changed in changes(text):
                    yield Mutant(file.relative_to(ALERTS), number, changed)


def tests_of(file: Path) -> list[str]:
    """The tests that may notice a change in *file*, fast ones first."""
    everything = sorted((test.name for test in ALERTS.glob("tests/*.yaml")), key=lambda name: name.startswith("long"))
    if file.stem == "recording":
        return everything
    return [name for name in everything if file.stem in name]


def noticed(mutant: Mutant) -> bool:
    """Whether a test fails with the changed rule."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "alerts"
        shutil.copytree(ALERTS, copy)
        changed = copy / mutant.file
        lines = changed.read_text().splitlines()
        lines[mutant.line] = mutant.text
        changed.write_text("\n".join(lines) + "\n")
        for test in tests_of(mutant.file):
            command = ["promtool", "test", "rules", str(copy / "tests" / test)]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                return True
    return False


def main() -> int:
    """Try the changes, tell which nobody noticed."""
    arguments = argparse.ArgumentParser(description="Test the tests of the alert rules.")
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--least", type=float, default=0.85)
    options = arguments.parse_args()
    end = time.monotonic() + options.seconds
    everything = list(mutants())
    random.Random(1).shuffle(everything)

    def attempt(mutant: Mutant) -> bool | None:
        return noticed(mutant) if time.monotonic() < end else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(zip(everything, pool.map(attempt, everything), strict=True))
    tried = [(mutant, result) for mutant, result in results if result is not None]
    for mutant, result in tried:
        if not result:
            print(f"not noticed: {mutant.file}:{mutant.line + 1}: {mutant.text.strip()}")
    share = sum(result for _, result in tried) / max(len(tried), 1)
    print(f"{share:.1%} of {len(tried)} changes were noticed; {len(everything) - len(tried)} were not tried")
    return 0 if share >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
