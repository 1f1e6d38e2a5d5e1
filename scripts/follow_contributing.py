"""Add a collector by the steps of CONTRIBUTING.md, in a clone: python scripts/follow_contributing.py FOLDER.

FOLDER is where the clone goes. What is committed counts. Then the tests that depend on collectors run there.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    *(
        "collectors",
        "config",
        "contract",
        "dashboards/test_lint.py",
        "doctor",
        "end_to_end",
        "faults",
        "helm",
        "metrics",
    ),
    *("reference", "runtime", "simulator", "telemetry"),
)
"""What can depend on which collectors there are."""


def blocks(page: str) -> list[str]:
    """The fenced blocks of the steps, without their indentation in the list."""
    section = page.partition("\n## Add a collector\n")[2].partition("\n## ")[0]
    found = re.findall(r"^   ```(?:python|json|text)\n(.*?)^   ```$", section, re.DOTALL | re.MULTILINE)
    return [re.sub(r"^   ", "", text, flags=re.MULTILINE) for text in found]


def insert(file: Path, before: str, line: str) -> None:
    """Put *line* before the last *before* in *file*."""
    head, found, tail = file.read_text("utf-8").rpartition(before)
    if not found:
        raise SystemExit(f"{file}: there is no {before!r}")
    file.write_text(f"{head}{line}{before}{tail}", "utf-8")


def write(file: Path, text: str) -> None:
    """Write a new file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def follow(clone: Path) -> None:
    """Steps 1 to 4 and 6: what is written by hand."""
    collector, fixture, answer, route = blocks((clone / "CONTRIBUTING.md").read_text("utf-8"))
    collectors, routes = clone / "exporter" / "collectors", clone / "exporter" / "simulator" / "api" / "routes"
    write(collectors / "teams.py", collector)
    insert(collectors / "__init__.py", "\nCOLLECTORS", "from exporter.collectors import teams\n")
    insert(collectors / "__init__.py", ")\n", "    teams.COLLECTOR,\n")
    write(clone / "tests" / "collectors" / "teams" / "github-example" / "responses.json", fixture)
    write(routes / "teams.py", answer)
    insert(routes / "__init__.py", "\nENTERPRISE =", "from exporter.simulator.api.routes import teams\n")
    insert(routes / "__init__.py", ")\n", f"    {route.strip()}\n")
    credentials = clone / "docs" / "credentials.md"
    insert(credentials, "`enterprise_administration: write`", "`enterprise_teams: read` for teams, ")


def run(clone: Path, *arguments: str, **variables: str) -> None:
    """Run Python in the clone; what fails ends this."""
    print("+", *arguments, flush=True)
    # The installed package is the one of this folder, not the clone's.
    environment = os.environ | {"PYTHONPATH": str(clone)} | variables
    done = subprocess.run([sys.executable, *arguments], cwd=clone, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"a step of CONTRIBUTING.md failed: {' '.join(arguments)}")


def main(folder: str, *options: str) -> None:
    """Clone, follow the steps, run the tests with the *options* of pytest."""
    clone = Path(folder).absolute()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    follow(clone)
    run(clone, "-m", "ruff", "check", "--quiet", "--fix", "exporter")  # the order of the imports
    run(clone, "-m", "ruff", "format", "--quiet", "exporter")
    run(clone, "-m", "pytest", "-q", "-n", "0", "tests/collectors/test_golden.py", "-k", "teams", UPDATE_GOLDEN="1")
    run(clone, "scripts/count_calls.py")
    run(clone, "-m", "exporter", "docs")
    run(clone, "helm/generate.py")
    run(clone, "-m", "ruff", "check", ".")
    run(clone, "-m", "mypy", "--strict", "exporter")
    taken = "--deselect=tests/contract/test_contributing.py::test_the_example_name_is_free"
    # The faults of other collectors have been tried outside.
    chosen = ("-m", "not slow", "-k", "teams or not test_fault_suite")
    run(clone, "-m", "pytest", "-q", taken, *chosen, *options, *(f"tests/{name}" for name in TESTS))
    run(clone, "-m", "pytest", "-q", "-n", "0", "tests/faults", "-k", "teams")


if __name__ == "__main__":
    main(*sys.argv[1:])
