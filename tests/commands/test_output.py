"""No output fails by its characters, nor by where it goes."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from exporter.simulator.server import Simulator
from tests.support.combinations import first
from tests.support.programs import ROOT, command, environment
from tests.support.secret_marker import the_line
from tests.support.tools import PATIENCE_SECONDS

ENCODINGS = {
    "iso-8859-1": {"PYTHONIOENCODING": "iso-8859-1", "PYTHONUTF8": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    "c": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "posix": {"LC_ALL": "POSIX"},
    "strict": {"PYTHONIOENCODING": "ascii:strict"},
}
some_encodings = pytest.mark.parametrize("encoding", first(ENCODINGS, always=("iso-8859-1", "c")))
COMMANDS = ("serve", "demo", "simulate", "collect", "check", "healthcheck", "docs")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3) as running:
        yield running


def one(simulator: Simulator) -> dict[str, str]:
    """The variables of one simulated enterprise."""
    return {
        "GHE_EXPORTER_ENTERPRISE": "octo-corp",
        "GHE_EXPORTER_TOKEN": "demo",
        "GHE_EXPORTER_API_URL": simulator.url,
    }


def run(
    *arguments: str, variables: Mapping[str, str], out: int = subprocess.PIPE
) -> "subprocess.CompletedProcess[bytes]":
    """Run the product with *variables* of the environment, whatever they are called."""
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment() | dict(variables),
        stdout=out,
        stderr=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@some_encodings
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_printed_in_every_locale(name: str, encoding: str) -> None:
    """A terminal without the characters of a help text gets others for them; the text has none that it may lack."""
    done = run(*filter(None, [name]), "--help", variables=ENCODINGS[encoding])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"usage: ghe-exporter" in done.stdout


@some_encodings
def test_check_is_printed_in_every_locale(encoding: str, simulator: Simulator, tmp_path: Path) -> None:
    """Names that the locale lacks are escaped."""
    enterprise = {"slug": "octo-corp", "name": "Octo Größe 日本", "api_url": simulator.url, "auth": {"token": "demo"}}
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump({"enterprises": [enterprise]}, allow_unicode=True), "utf-8")
    for more in ([], ["--json"]):
        done = run("check", *more, "--config", str(tmp_path / "settings.yaml"), variables=ENCODINGS[encoding])
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"octo" in done.stdout.lower()


@some_encodings
def test_errors_are_printed_in_every_locale(encoding: str, tmp_path: Path) -> None:
    """A path that the locale cannot spell, or that is no text at all, is still one line and exit code 2."""
    for name in ("größe-日本.yaml", os.fsdecode(b"\xff\xfe.yaml")):
        done = run("collect", "--config", str(tmp_path / name), variables=ENCODINGS[encoding])
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


@some_encodings
def test_collected_metrics_are_utf_8_in_every_locale(encoding: str, simulator: Simulator, tmp_path: Path) -> None:
    """Prometheus' text format is UTF-8, whatever the locale is."""
    enterprise = {"slug": "octo-corp", "name": "Größe", "api_url": simulator.url, "auth": {"token": "demo"}}
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump({"enterprises": [enterprise]}, allow_unicode=True), "utf-8")
    done = run("collect", "--config", str(tmp_path / "settings.yaml"), variables=ENCODINGS[encoding])
    assert done.returncode == 0
    assert 'ghe_up{enterprise="Größe"} 1' in done.stdout.decode()


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["collect"], ["simulate"]])
def test_full_disk_is_one_line(arguments: list[str], simulator: Simulator) -> None:
    """Output that cannot be written ends with 1 and one line, not with a traceback or in silence."""
    with Path("/dev/full").open("wb") as full:
        listen = ["--listen", "127.0.0.1:0"] if arguments == ["simulate"] else []
        done = run(*arguments, *listen, out=full.fileno(), variables=one(simulator))
    assert done.returncode == 1
    assert (
        the_line(done.stderr.decode().splitlines(keepends=True)[-1])
        == "cannot write to standard output: No space left on device"
    )


def test_gone_reader_is_no_error(simulator: Simulator) -> None:
    """`check | head` ends with 0 and says nothing."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run("check", out=writing, variables=one(simulator))
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_closed_output_is_no_traceback() -> None:
    """A supervisor may start the program without standard output."""
    with tempfile.TemporaryFile() as errors:
        program = f"exec {' '.join(command('--version'))} >&-"
        code = subprocess.run(["/bin/sh", "-c", program], cwd=ROOT, env=environment(), stderr=errors, check=False)
        errors.seek(0)
        assert b"Traceback" not in errors.read()
    assert code.returncode in {0, 1}
