"""The Dockerfile, and the script that builds and tries the image: what can be seen without building it."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from exporter import __version__
from exporter.config.addresses import DEFAULT_LISTEN
from scripts import build_image
from scripts.build_image import BrokenPromiseError, Image, running_as, tree, version

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    (line.partition(" ")[0], " ".join(line.partition(" ")[2].split()))
    for line in re.sub(r"(?m)^#.*\n", "", DOCKERFILE).replace("\\\n", "").splitlines()
    if line
]
GOOD = {
    "User": "65532:65532",
    "Entrypoint": ["ghe-exporter"],
    "Healthcheck": {"Test": ["CMD", "ghe-exporter", "healthcheck"]},
    "Env": ["PATH=/opt/venv/bin"],
    "ExposedPorts": {"10204/tcp": {}},
    "Labels": {"org.opencontainers.image.revision": "abc"},
}


def given(instruction: str) -> list[str]:
    """What stands behind each *instruction*."""
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def test_dockerfile_passes_hadolint() -> None:
    """The linter for Dockerfiles has nothing to say."""
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_stages_use_the_one_base_image() -> None:
    """Both stages are of the one image that may be swapped, and nothing comes from another."""
    assert given("FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    assert [rest for rest in given("ARG") if rest.startswith("PYTHON_IMAGE")] == [
        "PYTHON_IMAGE=docker.io/library/python:3.13-slim"
    ]
    assert set(re.findall(r"--from=(\S+)", DOCKERFILE)) == {"build"}
    assert "# syntax=" not in DOCKERFILE


def test_entrypoint_starts_without_a_shell() -> None:
    """No shell between the engine and the exporter, which would keep signals to itself."""
    assert json.loads(given("ENTRYPOINT")[0]) == ["ghe-exporter"]
    assert json.loads(given("CMD")[0]) == ["serve"]
    (health,) = given("HEALTHCHECK")
    assert json.loads(health.partition("CMD ")[2]) == ["ghe-exporter", "healthcheck"]


def test_last_stage_runs_without_root_at_the_port_of_the_exporter() -> None:
    """Not root, by number; the port of the exporter; no bytecode at run time."""
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", given("USER")[-1])
    assert given("EXPOSE") == [DEFAULT_LISTEN.lstrip(":")]
    assert "PYTHONDONTWRITEBYTECODE=1" in given("ENV")[-1]


def test_what_is_installed_is_locked() -> None:
    (install,) = [rest for rest in given("RUN") if "pip --python" in rest]
    assert "--require-hashes --requirement /src/requirements.lock" in install
    assert "--only-binary :all:" in install


def test_build_context_holds_only_what_is_copied() -> None:
    """What is copied into the image is let through and exists; nothing else is sent."""
    ignored, *lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignored == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {rest.split()[0] for rest in given("COPY") if "--from" not in rest}
    assert allowed == copied
    assert all((ROOT / name).exists() for name in copied)


def test_revision_is_written_as_the_package_has_it(tmp_path: Path) -> None:
    """The line of the Dockerfile with the revision makes the module that the exporter reads."""
    (line,) = [rest for rest in given("RUN") if "revision.py" in rest]
    command = line.partition("&& cp")[0].replace("/src/exporter", str(tmp_path))

    def write(revision: str) -> int:
        return subprocess.run(["sh", "-c", command], env={"REVISION": revision}, check=False).returncode

    assert write("0123abc") == 0
    module: dict[str, str] = {}
    exec((tmp_path / "revision.py").read_text(), module)
    assert module["REVISION"] == "0123abc"
    for wrong in ("", 'x"\nimport os', "a b", "$(id)"):
        assert write(wrong) == 1


def test_image_check_names_each_broken_promise() -> None:
    """Each promise that is broken is named."""
    good = Image.of(GOOD)
    good.verify()
    broken = {
        "the user": replace(good, user="root"),
        "the user is 0:0": replace(good, user="0:0"),
        "the health check": replace(good, health=("CMD-SHELL", "ghe-exporter healthcheck")),
        "the ports": replace(good, ports=()),
        "no label": replace(good, labels=()),
    }
    for said, image in broken.items():
        with pytest.raises(BrokenPromiseError, match=said):
            image.verify()


def test_image_check_reports_added_and_changed_files(tmp_path: Path) -> None:
    """A new file, a changed one, another mode."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "file").write_text("a")
    before = tree(tmp_path)
    assert tree(tmp_path) == before
    (tmp_path / "tmp" / "new").touch()
    assert {name for name, _ in tree(tmp_path).items() ^ before.items()} == {"tmp", "tmp/new"}
    (tmp_path / "file").chmod(0o600)
    assert "file" in {name for name, _ in tree(tmp_path).items() ^ before.items()}


def test_image_check_knows_its_user_and_the_version() -> None:
    assert running_as("self") == f"{os.getuid()}:{os.getgid()}"
    assert version() == __version__


def test_image_check_without_buildah_ends_in_one_line() -> None:
    """Without buildah there is one line."""
    script = Path(build_image.__file__)
    done = subprocess.run(
        [sys.executable, script], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert re.fullmatch(r"build_image: there is no (buildah|git); install .*\n", done.stderr)
