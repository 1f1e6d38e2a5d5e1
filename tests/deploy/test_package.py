"""Package and source archive: built offline, complete, and the installed program runs by itself."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from exporter import __version__
from tests.support.programs import ROOT

NAME = f"ghe_exporter-{__version__}"
# What a packager needs: to build, to test, and to install what surrounds the program.
FOLDERS = ("exporter", "alerts", "dashboards", "deploy", "docs", "helm", "scripts", "tests", "benchmarks")
FILES = (
    *("LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "pyproject.toml"),
    *("requirements.lock", "requirements-dev.lock", "compose.yaml", ".dockerignore", ".ci/run", ".ci/image-python"),
    *(".github/workflows/release.yml", "Dockerfile"),
)


def python(*arguments: str, cwd: Path = ROOT, **environment: str) -> str:
    """Run Python to a good end; return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(kind: str, source: Path, folder: Path) -> Path:
    """Build a wheel or an sdist with hatchling alone: no network, no isolation."""
    python("-m", "hatchling", "build", "-t", kind, "-d", str(folder), cwd=source)
    (archive,) = (path for path in folder.iterdir() if path.suffix == (".whl" if kind == "wheel" else ".gz"))
    return archive


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive of this checkout."""
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:  # Debian 12 has Python 3.11.2
            archive.extractall(folder)
    return folder / NAME


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive as installers do."""
    return built("wheel", unpacked, tmp_path_factory.mktemp("wheel"))


def sources(folder: str) -> set[str]:
    """The files of a folder of this checkout, without what Python leaves there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_sdist_holds_what_a_packager_needs_and_nothing_built(sdist: Path, unpacked: Path) -> None:
    """It holds everything that a packager needs, and no environment, cache or build result."""
    assert sdist.name == f"{NAME}.tar.gz"
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    wanted = {name for folder in FOLDERS for name in sources(folder)}
    wanted |= {name for name in FILES if (ROOT / name).exists()}
    assert len(wanted) > 500
    assert sorted(wanted - held) == []
    assert [name for name in held if {".venv", ".git", "__pycache__", "dist"} & set(Path(name).parts)] == []


def test_wheel_holds_the_program_and_its_license_alone(wheel: Path) -> None:
    """It holds the program and its license, nothing else, whatever Python and platform."""
    assert wheel.name == f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    assert {name for name in held if not name.startswith(f"{NAME}.dist-info/")} == sources("exporter")
    assert f"{NAME}.dist-info/licenses/LICENSE" in held
    assert "exporter/py.typed" in held


def test_installed_command_reports_its_version(wheel: Path, tmp_path: Path) -> None:
    """The installed command runs from what was installed, and says its version."""
    target = tmp_path / "target"
    install = ("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
    python(*install, "--target", str(target), str(wheel), cwd=tmp_path)
    command = str(target / "bin" / "ghe-exporter")
    assert python(command, "--version", cwd=tmp_path, PYTHONPATH=str(target)) == f"ghe-exporter {__version__}\n"
    where = python("-c", "import exporter; print(exporter.__file__)", cwd=tmp_path, PYTHONPATH=str(target))
    assert where.strip() == str(target / "exporter" / "__init__.py")
    metadata = (target / f"{NAME}.dist-info" / "METADATA").read_text("utf-8")
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
