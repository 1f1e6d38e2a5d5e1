"""promhippie/github_exporter as a process of its own, with what it has in common with this exporter switched on."""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import measure
from benchmarks.simulated import ENTERPRISE

MODULE = "github.com/promhippie/github_exporter"
PACKAGE = "cmd/github_exporter"
BUILD = f"go install -tags 'netgo sqlite' {MODULE}/{PACKAGE}@9a8d6560f833"
VARIABLE = "BENCHMARK_PEER"
"""Where the peer's program is, if the command line does not say."""

START_SECONDS = 60.0
OK = 200


def program(chosen: str | None) -> str | None:
    """Where the peer's program is.

    Raises:
        SystemExit: not where it was said to be.
    """
    if chosen is None:
        print(f"no peer to compare with: give --peer PATH or set {VARIABLE}. To build it: {BUILD}", file=sys.stderr)
        return None
    found = shutil.which(Path(chosen).expanduser())
    if found is None:
        print(f"--peer {chosen}: no such program. To build it: {BUILD}", file=sys.stderr)
        raise SystemExit(2)
    return str(Path(found).resolve())


def environment(url: str, address: str, folder: str) -> dict[str, str]:
    """The peer with the collectors that both have; everything else is its default."""
    return {
        "GITHUB_EXPORTER_LOG_LEVEL": "warn",
        "GITHUB_EXPORTER_WEB_ADDRESS": address,
        "GITHUB_EXPORTER_DATABASE_DSN": f"sqlite://{folder}/database.sqlite3",
        "GITHUB_EXPORTER_TOKEN": "example",
        "GITHUB_EXPORTER_BASE_URL": f"{url}/",
        "GITHUB_EXPORTER_ENTERPRISE": ENTERPRISE,
        "GITHUB_EXPORTER_COLLECTOR_ORGS": "false",
        "GITHUB_EXPORTER_COLLECTOR_REPOS": "false",
        "GITHUB_EXPORTER_COLLECTOR_RUNNERS": "true",
        "GITHUB_EXPORTER_COLLECTOR_BILLING": "true",
    }


def built(source: str, folder: Path) -> str:
    """Build the peer from a checkout into *folder*; where its program is.

    Raises:
        SystemExit: there is no such source, no go, or it does not build.
    """
    checkout, output = Path(source).expanduser().resolve(), folder / "github_exporter"
    if not (checkout / PACKAGE).is_dir():
        raise SystemExit(f"--peer-source {source}: no {PACKAGE} there, so it is no checkout of {MODULE}")
    if shutil.which("go") is None:
        raise SystemExit("--peer-source needs go, or --peer the program")
    command = ["go", "build", "-tags", "netgo sqlite", "-o", str(output), f"./{PACKAGE}"]
    done = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"--peer-source {source}: go build failed: {done.stderr.strip()[-500:]}")
    return str(output)


@contextmanager
def peer(program: str, github: str) -> Iterator[str]:
    """Run the peer; its URL.

    Raises:
        RuntimeError: it ended, or does not listen; with the end of its log.
    """
    port = measure.free_port()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [program],
            cwd=folder,
            env={**os.environ, **environment(github, f"127.0.0.1:{port}", folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            measure.wait_until(lambda: process.poll() is not None or listens(port), START_SECONDS)
            if process.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"the peer ended with {process.returncode}: {log.read()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(measure.STOP_SECONDS)


def listens(port: int) -> bool:
    """Whether something answers there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == OK
    except OSError:
        return False
    finally:
        connection.close()
