"""What the exporter brings along: which packages, under which licenses, and that they do nothing by themselves."""

import json
import re
import subprocess
import sys
from importlib.metadata import metadata
from typing import Any

import pytest

from scripts.audit import verdict
from tests.support.programs import ROOT, environment

ALLOWED = re.compile(r"(MIT|MIT-0|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|MPL-2\.0|PSF-2\.0)")
OLD_NAMES = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""How packages without an SPDX expression spell their license."""
PAGE = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def canonical(name: str) -> str:
    """One spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


LOCKED = frozenset(canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", LOCK, re.MULTILINE))


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of the table under *heading* by the package in their first one."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines() if line[:1] == "|"
    ]
    return {canonical(row[0].partition(" ")[0]): row for row in cells[2:]}


DIRECT, TRANSITIVE = rows("Run time: direct"), rows("Run time: transitive")


def license_of(package: str) -> str:
    """The license of an installed package as an SPDX expression, as far as it is known."""
    fields = metadata(package).json
    if expression := fields.get("license_expression"):
        return str(expression)
    classifiers = [line.split(" :: ")[-1] for line in fields.get("classifier", []) if line.startswith("License")]
    names = [name for name in classifiers if name != "OSI Approved"] or [str(fields.get("license", ""))]
    return " AND ".join(OLD_NAMES.get(name, name) for name in names)


def is_allowed(expression: str) -> bool:
    """Whether one of the alternatives consists of allowed licenses alone."""
    alternatives = re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", ""))
    return any(
        all(ALLOWED.fullmatch(part) for part in re.split(r"\s+AND\s+", alternative)) for alternative in alternatives
    )


@pytest.mark.parametrize("package", sorted(LOCKED))
def test_license_of_a_locked_package_is_allowed(package: str) -> None:
    """Every package of the lock may be passed on with the exporter, and the page lists its license."""
    found = license_of(package)
    assert is_allowed(found), found
    row = (DIRECT | TRANSITIVE)[package]
    assert is_allowed(row[-1])


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("", False),
        ("UNKNOWN", False),
    ],
)
def test_license_is_allowed_unless_copyleft_or_unknown(expression: str, allowed: bool) -> None:
    """Copyleft and silence are not."""
    assert is_allowed(expression) is allowed


def test_license_page_has_one_row_for_each_locked_package() -> None:
    """Each package has one row, and no row is about another one; the number in the text is right."""
    assert DIRECT.keys() | TRANSITIVE.keys() == LOCKED
    assert not DIRECT.keys() & TRANSITIVE.keys()
    assert f"\n{len(TRANSITIVE)} packages," in PAGE


BLOCKED = """
import pkgutil, socket, sys
from importlib import import_module

def refuse(*_, **__):
    raise AssertionError("network at import")

class Refused(socket.socket):
    __init__ = refuse

socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
plain, socket.socket = socket.socket, Refused
import exporter
found = [name for _, name, _ in pkgutil.walk_packages(exporter.__path__, "exporter.") if name != "exporter.__main__"]
for name in found:
    import_module(name)
print(len(found))
"""


def test_importing_every_module_uses_no_network() -> None:
    """Importing every module opens no socket and asks for no name."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert int(done.stdout) > 100


STRICT = """
import sys
from exporter.app import Exporter
from exporter.commands.collect import collect
from exporter.commands.demo import demo_settings
from exporter.simulator import Simulator
from exporter.web.http.server import WebServer
from urllib.request import urlopen

with Simulator(users=120, runners=6, organizations=2) as simulator:
    settings = demo_settings(simulator.url, "127.0.0.1:0", 2)
    exporter = Exporter()
    server = WebServer(settings.listen, exporter.application())
    server.start()
    failed = collect(exporter, settings)
    with urlopen(server.url + "/metrics") as answer:
        size = len(answer.read())
    with urlopen(server.url + "/") as answer:
        answer.read()
    server.stop()
print(size, failed)
"""


def test_pass_and_scrape_give_no_warning_in_development_mode() -> None:
    """A whole pass and a scrape give no warning: nothing deprecated, no socket or file left open."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", STRICT],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "Warning" in line or "Traceback" in line], done.stderr
    size, _, failed = done.stdout.splitlines()[-1].partition(" ")
    assert int(size) > 10_000
    assert failed == "[]"


AUDITED = {"name": "requests", "version": "2.0", "vulns": []}
SKIPPED = {"name": "rich", "skip_reason": "not found"}
BAD = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1"}]}


@pytest.mark.parametrize(
    ("code", "packages", "expected", "words"),
    [
        (0, [AUDITED], 0, "1 packages audited, no known vulnerability"),
        (1, [AUDITED, BAD, SKIPPED], 1, "urllib3 1.0: PYSEC-1"),
        (0, [AUDITED, SKIPPED], 0, "NOT AUDITED, besides 1 of 2 packages; the service knows nothing of rich"),
        (0, [], 0, "NOT AUDITED"),
        (1, "requests.exceptions.ConnectionError: refused", 0, "NOT AUDITED, besides nothing"),
        (1, "usage: pip-audit", 1, "usage: pip-audit"),
        (0, "", 1, "no report"),
    ],
)
def test_audit_fails_for_a_vulnerability_or_a_broken_answer(
    code: int, packages: Any, expected: int, words: str
) -> None:
    """A known vulnerability fails; not knowing is loud; a broken audit is no good audit."""
    out, err = ("", packages) if isinstance(packages, str) else (json.dumps({"dependencies": packages}), "")
    ended, said = verdict(code, out, err)
    assert ended == expected
    assert words in said


def test_ci_runs_the_audit_for_every_change() -> None:
    """Known vulnerabilities of the locked packages are looked up in CI."""
    steps = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "\nstep 'known vulnerabilities' make audit\n" in steps
