"""One set of Python versions: what is promised, tested, locked for, shipped in the image and named in documents."""

import re
import tomllib

import pytest

from tests.support.deployment import load, read
from tests.support.programs import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SUPPORTED = re.findall(r"Programming Language :: Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
OLDEST = SUPPORTED[0]


def image_version() -> str:
    """The Python of the image."""
    (version,) = re.findall(r"^ARG PYTHON_IMAGE=\S+python:(3\.\d+)-slim$", read("Dockerfile"), re.MULTILINE)
    return str(version)


def test_supported_versions_follow_each_other() -> None:
    assert len(SUPPORTED) > 1
    minors = [int(version.partition(".")[2]) for version in SUPPORTED]
    assert minors == list(range(minors[0], minors[-1] + 1))


def test_every_supported_version_is_tested() -> None:
    job = load(".github/workflows/test.yml")["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == SUPPORTED
    assert "continue-on-error" not in job


def test_image_has_a_supported_version() -> None:
    assert image_version() in SUPPORTED


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("pyproject.toml", r'^requires-python = ">=(3\.\d+)"$'),
        ("Makefile", r"--python-version (3\.\d+) "),
        ("Makefile", r"python3 \((3\.\d+) or newer"),
        ("Makefile", r"needs Python (3\.\d+) or newer"),
        ("README.md", r"Python (3\.\d+)"),
        ("deploy/README.md", r"Python (3\.\d+) or newer"),
        ("docs/dependencies.md", r"Python (3\.\d+) or newer"),
    ],
)
def test_oldest_version_is_named_alike(file: str, pattern: str) -> None:
    found = re.findall(pattern, read(file), re.MULTILINE)
    assert found
    assert set(found) == {OLDEST}


def test_linter_and_type_checker_assume_the_oldest_version() -> None:
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{OLDEST.replace('.', '')}"
    assert PROJECT["tool"]["mypy"]["python_version"] == OLDEST


def test_ci_tests_the_version_of_the_image() -> None:
    """.ci/run asks .ci/image-python, which reads the version from the Dockerfile."""
    assert ".ci/image-python " in read(".ci/run")
    assert "' Dockerfile)" in read(".ci/image-python")
