"""`serve` as a process, when something around it fails: it continues to collect, or it ends with 1."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from exporter.collectors import COLLECTORS
from exporter.simulator.server import Simulator
from tests.support.programs import ROOT, ask, command, environment, value
from tests.support.secret_marker import TOKEN
from tests.support.tools import eventually, free_port

SEATS = "ghe_license_seats_consumed"
RELOADED = "ghe_exporter_config_last_reload_success_timestamp_seconds"
LOG_ERRORS = "ghe_exporter_log_errors_total"
FAILURES = "ghe_exporter_collector_failures_total"


class Process:
    """`serve` with a standard error that the test chooses."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.process = process
        self.url = url

    def answers(self, path: str) -> bool:
        """Whether it answers with success."""
        return ask(self.url + path)[0] == 200

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one of its series now."""
        return value(ask(f"{self.url}/metrics")[1], name, **labels)


@contextmanager
def serving(stderr: IO[bytes] | int, *run: str, **variables: str) -> Iterator[Process]:
    """`serve` at a free port, by *run* instead of the plain command."""
    address = f"127.0.0.1:{free_port()}"
    arguments = [*(run or command()), "serve"]
    process = subprocess.Popen(
        arguments, cwd=ROOT, env=environment(LISTEN=address, **variables), stdout=subprocess.DEVNULL, stderr=stderr
    )
    try:
        yield Process(process, f"http://{address}")
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small simulated GitHub, of which one collector fails, so that there is something to log."""
    with Simulator(users=30, runners=8, organizations=3, faults=["http-500@license-sync-status=1"]) as running:
        yield running


@pytest.fixture
def variables(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    """Settings that log much and read often."""
    file = tmp_path / "settings.yaml"
    file.write_text(
        "log_level: debug\n"
        "collectors: {runners: {interval: 10s}}\n"
        f"enterprises: [{{slug: octo-corp, api_url: '{simulator.url}', auth: {{token: {TOKEN}}}}}]\n"
    )
    return {"CONFIG": str(file)}


def assert_works(program: Process, simulator: Simulator) -> None:
    """Every collector runs, again and again; a reload is obeyed; the end is clean."""
    eventually(lambda: program.answers("/-/ready"), "every collector has run")
    assert program.value(SEATS, enterprise="octo-corp")
    assert program.answers("/-/healthy")
    before = program.value(RELOADED)
    program.process.send_signal(signal.SIGHUP)
    eventually(lambda: program.value(RELOADED) != before, "the configuration is reloaded")
    asked = simulator.requests
    eventually(lambda: simulator.requests > asked, "collecting continues")
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(10) == 0


def test_full_log_device_stops_nothing(simulator: Simulator, variables: dict[str, str]) -> None:
    """No line can be written: all is collected, and a metric counts the lines."""
    with Path("/dev/full").open("wb") as full, serving(full, **variables) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        assert (program.value(LOG_ERRORS) or 0) >= 3
        assert_works(program, simulator)


def test_log_without_a_reader_stops_nothing(simulator: Simulator, variables: dict[str, str]) -> None:
    """Whoever read the log has gone, as when a log shipper dies."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as log, serving(log, **variables) as program:
        log.close()
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        os.close(reader)
        assert_works(program, simulator)


def test_refused_threads_delay_collecting_only(simulator: Simulator, variables: dict[str, str]) -> None:
    """For some seconds the system starts no thread: every collector runs all the same, and failures are counted."""
    sabotage = (sys.executable, "-m", "tests.support.sabotage", "threads=4")
    with serving(subprocess.DEVNULL, *sabotage, **variables) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        failed = [program.value(FAILURES, collector=collector.name, reason="bug") or 0 for collector in COLLECTORS]
        assert sum(failed) >= 1
        assert_works(program, simulator)


def test_web_server_that_ends_by_itself_ends_the_process(variables: dict[str, str]) -> None:
    """Nobody could scrape any more: the process ends with 1, so that a supervisor starts it again."""
    sabotage = (sys.executable, "-m", "tests.support.sabotage", "web")
    with serving(subprocess.PIPE, *sabotage, **variables) as program:
        eventually(lambda: program.answers("/-/healthy"), "it answers")
        program.process.send_signal(signal.SIGUSR1)
        _, log = program.process.communicate(timeout=15)
        assert program.process.returncode == 1
        assert b"the web server ended by itself" in log


def shown(program: Process) -> set[str]:
    """The organizations whose runners are shown."""
    text = ask(f"{program.url}/metrics")[1]
    return set(re.findall(r'^ghe_runners\{enterprise="octo-corp",organization="([^"]*)"', text, re.MULTILINE))


def test_hanging_organization_delays_nobody(tmp_path: Path) -> None:
    """While one organization is never answered, the enterprise and the others are shown and read again."""
    file = tmp_path / "settings.yaml"
    with Simulator(users=30, runners=40, organizations=3, faults=["hang@orgs/octo-org-2/actions/runners=1"]) as github:
        file.write_text(
            "collectors: {runners: {interval: 10s}}\n"
            f"enterprises: [{{slug: octo-corp, api_url: '{github.url}', auth: {{token: {TOKEN}}},"
            " organizations: [octo-org-1, octo-org-2, octo-org-3]}]\n"
        )

        def requests(organization: str) -> int:
            path = f"/orgs/{organization}/actions/runners"
            return sum(count for asked, count in github.request_counts().items() if path in asked)

        with serving(subprocess.DEVNULL, CONFIG=str(file)) as program:
            eventually(lambda: program.answers("/-/ready"), "every collector has attempted one level")
            eventually(lambda: shown(program) >= {"", "octo-org-1", "octo-org-3"}, "the other levels are shown")
            before = requests("octo-org-3")
            eventually(lambda: requests("octo-org-3") > before, "the next run goes on for the others")
            assert requests("octo-org-2") <= 2
            assert "octo-org-2" not in shown(program)
            program.process.send_signal(signal.SIGTERM)
            assert program.process.wait(10) == 0
