"""The store: what it keeps, what it says when it cannot, and that it goes on by itself."""

import json
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.state.file import FILE_NAME, StateFile
from exporter.state.store import Store
from tests.support.harness import FakeClock
from tests.support.state_files import longest_file, run_sql
from tests.support.threads import thread_limit
from tests.support.tools import PATIENCE_SECONDS, eventually

ACME, GLOBEX = "acme", "globex"
EXPECTED = {ACME: "f", GLOBEX: "g"}
OF_ACME, OF_GLOBEX = b"runners of acme", b"licenses of globex"


class CollectorHarness:
    """A store of a folder, and what it reported."""

    def __init__(self, folder: Path, release: str = "1.2.3") -> None:
        self.reported: list[bool] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.store = Store(folder, release, FakeClock(), self.written)

    def written(self, success: bool) -> None:
        """Note how a write ended, which it does when the test says so."""
        self.reported.append(success)
        self.go_on.wait(PATIENCE_SECONDS)

    def load(self, expected: dict[str, str] | None = None) -> dict[str, bytes]:
        """What a start finds."""
        wanted = EXPECTED if expected is None else expected
        loaded = self.store.load(wanted.get)
        self.store.reconcile(wanted)
        return loaded

    def save(self, name: str, document: bytes, fingerprint: str = "") -> None:
        """Hand over a row, by default with the fingerprint that is expected."""
        self.store.save(name, fingerprint or EXPECTED[name], lambda: document)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds both."""
    folder = tmp_path / "state"
    harness = CollectorHarness(folder)
    assert harness.load() == {}
    harness.save(ACME, OF_ACME)
    harness.save(GLOBEX, OF_GLOBEX)
    harness.store.stop()
    assert harness.reported == [True]
    return folder


def stored(folder: Path) -> set[str]:
    """Which rows are in the file."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM rows")}


def events(logs: Any) -> list[tuple[str, str]]:
    """Level and event of each line."""
    return [(entry["log_level"], entry["event"]) for entry in logs]


def test_saved_rows_are_loaded(folder: Path) -> None:
    """A start finds what the last process kept."""
    with capture_logs() as logs:
        assert CollectorHarness(folder).load() == {ACME: OF_ACME, GLOBEX: OF_GLOBEX}
    assert logs == []


def test_rows_of_other_settings_are_dropped(folder: Path) -> None:
    """Other settings: the row is not loaded, one line says so, and the next write drops it from the file."""
    harness = CollectorHarness(folder)
    with capture_logs() as logs:
        assert harness.load({ACME: "other"}) == {}
    assert events(logs) == [("info", "stored results do not fit the settings and are not used")]
    assert logs[0]["results"] == 2
    harness.store.flush()
    assert stored(folder) == set()


def test_rows_of_another_version_are_not_used(folder: Path) -> None:
    """What another version wrote has another fingerprint; one line says why it is not used."""
    with capture_logs() as logs:
        assert CollectorHarness(folder, "2.0.0").load({ACME: "other", GLOBEX: "g"}) == {GLOBEX: OF_GLOBEX}
    assert events(logs) == [("info", "stored results are of another version and are not used")]
    assert (logs[0]["stored"], logs[0]["results"]) == ("1.2.3", 1)


def test_late_rows_are_ignored(folder: Path) -> None:
    """A run that outlived a reload does not bring back what is gone, nor results of the old settings."""
    harness = CollectorHarness(folder)
    harness.load()
    harness.store.reconcile({ACME: "new"})
    harness.save(GLOBEX, OF_GLOBEX)
    harness.save(ACME, OF_ACME)
    harness.store.flush()
    assert stored(folder) == set()
    harness.save(ACME, OF_ACME, "new")
    harness.store.flush()
    assert stored(folder) == {ACME}


def test_second_process_runs_without_the_folder(folder: Path) -> None:
    """Who comes second runs without, says so once, and takes over when the first one ends."""
    first, second = CollectorHarness(folder), CollectorHarness(folder)
    assert first.load()
    with capture_logs() as logs:
        assert second.load() == {}
        second.save(ACME, b"newer")
        second.store.flush()
        second.store.flush()
    assert events(logs) == [("warning", "state_dir cannot be used, continuing without")]
    assert logs[0]["problem"] == "another exporter uses it: give each one a state_dir of its own"
    assert logs[0]["state_dir"] == str(folder)
    assert second.reported == [False, False, False]
    first.store.stop()
    with capture_logs() as logs:
        second.store.flush()
        second.store.flush()
    assert events(logs) == [("info", "state_dir is used again")]
    second.store.stop()
    assert CollectorHarness(folder).load() == {ACME: b"newer"}


def test_damaged_file_is_moved_aside_at_the_start(folder: Path) -> None:
    """One warning names the file set aside; the exporter begins with nothing and keeps what comes."""
    (folder / FILE_NAME).write_bytes(b"damaged" * 1000)
    harness = CollectorHarness(folder)
    with capture_logs() as logs:
        assert harness.load() == {}
    assert events(logs) == [("warning", "state file corrupt, moved aside")]
    assert Path(logs[0]["path"]).read_bytes() == b"damaged" * 1000
    harness.save(ACME, OF_ACME)
    harness.store.stop()
    assert CollectorHarness(folder).load() == {ACME: OF_ACME}


def test_file_damaged_later_is_replaced(folder: Path) -> None:
    """Damage that shows only when writing costs nothing: everything is still in memory and is written anew."""
    harness = CollectorHarness(folder)
    harness.load()
    run_sql(StateFile(folder), "DROP TABLE rows")
    with capture_logs() as logs:
        harness.store.flush()
    assert events(logs) == [("warning", "state file corrupt, moved aside")]
    harness.store.stop()
    assert CollectorHarness(folder).load() == {ACME: OF_ACME, GLOBEX: OF_GLOBEX}


def test_damaged_file_that_cannot_be_moved_is_a_warning(folder: Path) -> None:
    """Where not even renaming works, that is reported as well."""
    (folder / FILE_NAME).write_bytes(b"damaged" * 1000)
    (folder / f"{FILE_NAME}-wal").mkdir()
    with capture_logs() as logs:
        assert CollectorHarness(folder).load() == {}
    assert events(logs) == [("warning", "state_dir cannot be used, continuing without")]


def test_full_disk_is_retried(folder: Path) -> None:
    """What was there stays, one warning comes, and with room again everything is written without another run."""
    harness = CollectorHarness(folder)
    harness.load()
    newer = os.urandom(200_000)
    with capture_logs() as logs:
        with longest_file(40_000):
            harness.save(ACME, newer)
            harness.store.flush()
            harness.store.flush()
        harness.store.flush()
    assert events(logs) == [
        ("warning", "state_dir cannot be used, continuing without"),
        ("info", "state_dir is used again"),
    ]
    assert harness.reported == [False, False, True]
    harness.store.stop()
    assert CollectorHarness(folder).load()[ACME] == newer


def test_bug_in_a_document_ends_nothing(folder: Path) -> None:
    """What cannot be written down because of a bug is reported without its content, and later states are written."""
    harness = CollectorHarness(folder)
    harness.load()
    with capture_logs() as logs:
        harness.store.save(ACME, "f", lambda: json.dumps(object()).encode())
        harness.store.flush()
        harness.save(ACME, OF_ACME)
        harness.store.flush()
    assert harness.reported == [False, True]
    assert logs[0]["problem"] == "TypeError: please report this"


def test_rows_are_written_in_the_background(folder: Path) -> None:
    """Once started, what is kept is soon in the file, and the end writes what is left and lets the folder go."""
    harness = CollectorHarness(folder)
    harness.load({ACME: "f"})
    threads = threading.active_count()
    harness.store.start()
    eventually(lambda: stored(folder) == {ACME}, "what is not expected is dropped")
    assert threading.active_count() == threads + 1
    harness.save(ACME, b"newer")
    harness.store.stop()
    assert threading.active_count() == threads
    assert CollectorHarness(folder).load({ACME: "f"}) == {ACME: b"newer"}


def test_refused_thread_is_tried_again_with_the_next_row(folder: Path) -> None:
    """Where the system starts no thread, one warning says so, and rows are written once it does."""
    harness = CollectorHarness(folder)
    harness.load()
    with capture_logs() as logs, thread_limit():
        harness.store.start()
        harness.save(ACME, b"lost on the way")
    assert [entry["problem"] for entry in logs] == ["the system refuses to start a thread"]
    assert harness.reported[-1] is False
    harness.save(ACME, b"newer")
    eventually(lambda: harness.reported[-1], "it is written")
    harness.store.stop()
    assert CollectorHarness(folder).load()[ACME] == b"newer"


def test_slow_disk_delays_nobody(folder: Path) -> None:
    """While a transaction waits, runs hand over their state at once, and only the newest of each is written."""
    harness = CollectorHarness(folder)
    harness.load()
    harness.go_on.clear()
    harness.store.start()
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        harness.save(ACME, OF_ACME)
        eventually(harness.store._using.locked, "a write has begun")
        handing_over = threading.Thread(target=hand_over, args=(harness.store,), daemon=True)
        handing_over.start()
        handing_over.join(PATIENCE_SECONDS)
        assert not handing_over.is_alive()
        other.execute("ROLLBACK")
    harness.go_on.set()
    harness.store.stop()
    assert CollectorHarness(folder).load()[ACME] == b"99"


def hand_over(store: Store) -> None:
    """What a hundred runs do."""
    for number in range(100):
        store.save(ACME, "f", str(number).encode)
