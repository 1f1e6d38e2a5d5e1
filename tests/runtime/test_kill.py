"""The exporter as a process that is killed, or finds a bad state file: a restart loses nothing that was written."""

import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.collectors import COLLECTORS
from exporter.commands.demo import OPT_IN
from exporter.runtime.saved import decode
from exporter.simulator.server import Simulator
from exporter.state.file import FILE_NAME, StateFile
from tests.support.programs import Program, serving
from tests.support.restarts import LAST_SUCCESS, ORGANIZATIONS
from tests.support.secret_marker import CANARY, TOKEN
from tests.support.tools import eventually


def write(file: Path, simulator: Simulator, folder: Path, **others: Any) -> None:
    """Settings for two enterprises."""
    enterprises: list[dict[str, Any]] = [
        {"slug": slug, "api_url": simulator.url, "auth": {"token": TOKEN}} for slug in ("octo-corp", "octo-legacy")
    ]
    enterprises[0]["organizations"] = ORGANIZATIONS
    described = {"state_dir": str(folder), "enterprises": enterprises, "collectors": OPT_IN, **others}
    file.write_text(yaml.safe_dump(described))


def exposed_by(program: Program) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every series of the domain and the last successes; the exposition is valid."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(program.ask("/metrics")[1])
        for sample in family.samples
        if sample.name == LAST_SUCCESS or (sample.name.startswith("ghe_") and "_exporter_" not in sample.name)
        if not sample.name.startswith("ghe_rate_limit")
    }


def number_of_levels(program: Program) -> int:
    """How many levels of how many collectors it reads: two enterprises, of which one has two organizations."""
    collectors = program.ask("/metrics")[1].count("\nghe_exporter_collector_duration_seconds{")
    return collectors + len(ORGANIZATIONS) * sum(collector.organizations for collector in COLLECTORS)


def rows(folder: Path) -> int:
    """How many levels the file knows."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        try:
            found: int = connection.execute("SELECT count(*) FROM rows").fetchone()[0]
        except sqlite3.OperationalError:  # nothing has been written yet
            return 0
        return found


def test_restart_after_kill_serves_the_same_page(moving: Simulator, tmp_path: Path) -> None:
    """Killed without warning, it comes back ready with the same page, and asks nothing but what is due."""
    folder, file = tmp_path / "state", tmp_path / "settings.yaml"
    slow = {"runners": {"interval": "1h"}, **OPT_IN}
    write(file, moving, folder, collectors=slow)
    with serving("--config", str(file)) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        eventually(lambda: rows(folder) == number_of_levels(program), "everything is kept")
        before = exposed_by(program)
        program.process.kill()
    requests = moving.requests
    with serving("--config", str(file)) as program:
        assert program.ask("/-/ready")[0] == 200
        assert exposed_by(program) == before
        eventually(lambda: bool(program.value("ghe_exporter_state_last_write_successful")), "it is written to")
        second_run = program.err()
        assert program.end() == 0
        assert moving.requests == requests
    assert "warning" not in second_run.replace("not encrypted", "").splitlines()[-1]
    assert CANARY not in second_run


def test_kill_at_any_moment_leaves_a_sound_file(moving: Simulator, tmp_path: Path) -> None:
    """Killed again and again while collectors run and are written down: never a complaint, and never a step back."""
    folder, file = tmp_path / "state", tmp_path / "settings.yaml"
    busy = {name: {"interval": "10s"} for name in ("licenses", "license_sync", "runners", "runner_groups")}
    write(file, moving, folder, collectors=busy)
    moments = random.Random(4)
    newest: dict[str, float] = {}
    for _ in range(6):
        with serving("--config", str(file)) as program:
            wanted = moving.requests + moments.randrange(1, 40)
            eventually(
                lambda wanted=wanted: moving.requests >= wanted or program.answers("/-/ready"),  # type: ignore[misc]
                "something was asked",
            )
            program.process.send_signal(signal.SIGKILL)
            program.process.wait()
            assert "moved aside" not in program.err()
        saved = {name: decode(row.document).result for name, row in StateFile(folder).read().rows.items()}
        ages = {name: result.collected_at if result is not None else 0.0 for name, result in saved.items()}
        assert all(ages.get(name, 0) >= at for name, at in newest.items())
        newest = ages
    assert newest


def make_foreign(path: Path) -> None:
    """A database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize("kind", ["text", "foreign", "cut"])
def test_serve_moves_a_bad_file_aside(kind: str, moving: Simulator, tmp_path: Path) -> None:
    """It starts, says so in one warning, keeps the bad file for a look, and continues."""
    folder, file = tmp_path / "state", tmp_path / "settings.yaml"
    folder.mkdir()
    bad: dict[str, Callable[[Path], object]] = {
        "text": lambda path: path.write_text("not a database\n" * 500),
        "foreign": make_foreign,
        "cut": lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\x10\x00\x01\x01" * 30),
    }
    bad[kind](folder / FILE_NAME)
    write(file, moving, folder)
    with serving("--config", str(file)) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        eventually(lambda: bool(program.value("ghe_exporter_state_last_write_successful")), "it is written to")
        assert program.end() == 0
        assert program.err().count("moved aside") == 1
        assert "Traceback" not in program.err()
    assert len(list(folder.glob("*.corrupt-*"))) == 1
    assert rows(folder) > 0
