"""The SQLite file of the state: real files, whole, damaged and foreign."""

import ctypes
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.state.file import APPLICATION_ID, FILE_NAME, Row, StateFile, Stored
from exporter.state.lock import FolderLock
from exporter.state.problems import StateDamaged, StateUnusable
from tests.support.harness import NOW
from tests.support.state_files import longest_file, run_sql

ACME, GLOBEX = "acme", "globex"
ROWS = {ACME: Row("f1", b"\x00first" * 900), GLOBEX: Row("f2", b"second")}
NOBODY = 65534


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    """A file that has the rows."""
    made = StateFile(tmp_path)
    write(made, ROWS)
    return made


def write(file: StateFile, rows: dict[str, Row], *changed: str) -> None:
    """Write *rows*; those of *changed* also if they are there."""
    file.write("1.2.3", rows.keys(), set(changed), rows.__getitem__)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Access files as a user without rights; tests may run as root, to whom no file is forbidden."""
    setfsuid = ctypes.CDLL(None).setfsuid
    before = setfsuid(NOBODY if os.geteuid() == 0 else os.geteuid())
    try:
        yield
    finally:
        setfsuid(before)


def test_what_is_written_is_read(file: StateFile) -> None:
    """Every row comes back, with the release that wrote it."""
    assert file.read() == Stored("1.2.3", ROWS)


def test_there_is_one_file_for_the_owner_alone(file: StateFile) -> None:
    """At rest nothing lies beside the file, and nobody else may read it, whatever the umask or an earlier mode."""
    file.path.chmod(0o644)
    write(file, ROWS, ACME)
    assert [path.name for path in file.path.parent.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_missing_or_empty_file_has_no_rows(tmp_path: Path) -> None:
    """A file that was never written to, or was killed before the first transaction, has no rows."""
    assert StateFile(tmp_path).read() == Stored("", {})
    for rest in (b"", b"x"):
        (tmp_path / FILE_NAME).write_bytes(rest)
        assert StateFile(tmp_path).read() == Stored("", {})


def test_rows_are_replaced_and_dropped(file: StateFile) -> None:
    """What changed is replaced, what is unchanged stays as it is, what nobody wants any more is gone for good."""
    write(file, {ACME: Row("f3", b"third")}, ACME)
    assert file.read().rows == {ACME: Row("f3", b"third")}
    write(file, {ACME: Row("f4", b"fourth")})
    assert file.read().rows == {ACME: Row("f3", b"third")}
    assert b"second" not in file.path.read_bytes()


def test_a_file_that_is_gone_is_written_whole(file: StateFile) -> None:
    """Somebody deletes the file: the next write has everything, not only what changed."""
    file.path.unlink()
    write(file, ROWS, ACME)
    assert file.read().rows == ROWS


def replace_by_folder(file: StateFile) -> None:
    """A folder where the file should be."""
    file.path.unlink()
    file.path.mkdir()


def replace_by_pipe(file: StateFile) -> None:
    """A pipe, of which nobody knows the other end."""
    file.path.unlink()
    os.mkfifo(file.path)


def replace_by_link(file: StateFile) -> None:
    """A link to something else."""
    file.path.unlink()
    file.path.symlink_to(file.path.parent)


DAMAGE: dict[str, Callable[[StateFile], object]] = {
    "text": lambda file: file.path.write_text("not a database\n" * 1000),
    "cut": lambda file: os.truncate(file.path, 5000),
    "a pipe": replace_by_pipe,
    "a folder": replace_by_folder,
    "a link": replace_by_link,
    "newer schema": lambda file: run_sql(file, "PRAGMA user_version = 3"),
    "another program's": lambda file: run_sql(file, "PRAGMA application_id = 7"),
    "a program's without ids": lambda file: run_sql(file, "PRAGMA application_id = 0", "PRAGMA user_version = 0"),
    "no table": lambda file: run_sql(file, "DROP TABLE rows"),
    "other columns": lambda file: run_sql(file, "ALTER TABLE rows RENAME COLUMN document TO text"),
    "changed document": lambda file: run_sql(file, "UPDATE rows SET document = X'00' WHERE name = 'acme'"),
    "changed name": lambda file: run_sql(file, "UPDATE rows SET name = 'octo' WHERE name = 'acme'"),
    "changed fingerprint": lambda file: run_sql(file, "UPDATE rows SET fingerprint = 'f2'"),
    "release in another coding": lambda file: run_sql(file, "UPDATE about SET value = CAST(X'FF' AS TEXT)"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_noticed_and_set_aside(kind: str, file: StateFile) -> None:
    """Whatever it is, it is detected, renamed, and a new file works; no rest of the old one gets into it."""
    DAMAGE[kind](file)
    for companion in ("-journal", "-wal", "-shm"):
        file.path.with_name(FILE_NAME + companion).write_bytes(b"rest")
    with pytest.raises(StateDamaged):
        file.read()
    aside = file.set_aside(NOW)
    assert aside.name == f"{FILE_NAME}.corrupt-20261118T110640Z"
    assert [path.name for path in file.path.parent.iterdir()] == [aside.name]
    write(file, ROWS)
    assert file.read().rows == ROWS


def test_only_the_newest_file_moved_aside_is_kept(file: StateFile) -> None:
    """Files set aside do not pile up: the newest stays; a folder that is not ours to empty stays as well."""
    first = file.set_aside(NOW)
    write(file, ROWS)
    second = file.set_aside(NOW + 1)
    assert not first.exists()
    assert second.exists()
    second.unlink()
    second.mkdir()
    write(file, ROWS)
    third = file.set_aside(NOW + 2)
    assert second.is_dir()
    assert third.is_file()


@pytest.mark.parametrize(
    "statement", ["PRAGMA user_version = 3", "DROP TABLE about", "UPDATE rows SET name = X'00' WHERE name = 'acme'"]
)
def test_damage_is_noticed_when_writing(statement: str, file: StateFile) -> None:
    """Also a file that was good at the start may go bad."""
    run_sql(file, statement)
    with pytest.raises(StateDamaged):
        write(file, ROWS, ACME)


def header_says(file: StateFile, offset: int, value: int) -> None:
    """Change a byte of the file."""
    with file.path.open("r+b") as raw:
        raw.seek(offset)
        raw.write(bytes([value]))


def test_a_header_that_forbids_writing_is_damage(file: StateFile) -> None:
    """A flipped byte makes SQLite take the file for one that may only be read; waiting would not fix that."""
    header_says(file, 18, 9)
    with pytest.raises(StateDamaged, match="readonly"):
        write(file, ROWS, ACME)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good file."""
    made = StateFile(tmp_path_factory.mktemp("good"))
    write(made, ROWS)
    return made.path.read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_may_be_wrong(good: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """Bytes change, the end is missing: what is read is what was written, and in the end everything is kept again."""
    broken = bytearray(good)
    header = st.integers(0, 120)
    for place in data.draw(st.lists(st.one_of(header, st.integers(0, len(good) - 1)), max_size=4)):
        broken[place] = data.draw(st.integers(0, 255))
    file = StateFile(tmp_path)
    file.path.write_bytes(broken[: data.draw(st.one_of(st.just(len(good)), st.integers(0, len(good))))])
    try:
        assert file.read().rows.items() <= ROWS.items()
    except StateDamaged:
        file.set_aside(NOW)
    try:
        write(file, ROWS, *ROWS)
    except StateDamaged:
        file.set_aside(NOW)
        write(file, ROWS, *ROWS)
    try:
        assert file.read().rows == ROWS
    except StateDamaged:
        file.set_aside(NOW)
        write(file, ROWS)
        assert file.read().rows == ROWS


def test_damage_that_sqlite_reports_in_bytes_that_are_no_text_is_damage(good: bytes, tmp_path: Path) -> None:
    """Its message repeats the statement in the file, which Python then cannot decode."""
    broken = bytearray(good)
    broken[good.index(b"TABLE rows")] = 0x80
    file = StateFile(tmp_path)
    file.path.write_bytes(broken)
    with pytest.raises(StateDamaged):
        file.read()


def test_full_disk_leaves_the_old_rows(file: StateFile) -> None:
    """What does not fit leaves what was there, and can be written once there is room."""
    large = {**ROWS, ACME: Row("f5", os.urandom(500_000))}
    with longest_file(60_000), pytest.raises(StateUnusable):
        write(file, large, ACME)
    assert file.read().rows == ROWS
    write(file, large, ACME)
    assert file.read().rows == large


def test_no_room_for_a_first_file(tmp_path: Path) -> None:
    """Not even the tables fit."""
    file = StateFile(tmp_path)
    with longest_file(1000), pytest.raises(StateUnusable):
        write(file, ROWS)
    write(file, ROWS)
    assert file.read().rows == ROWS


def test_locked_file_is_unusable_for_now(file: StateFile) -> None:
    """A look with the sqlite3 command that takes long is not damage."""
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateUnusable, match="another program holds the file"):
            write(file, ROWS, ACME)
    write(file, ROWS, ACME)


def test_file_of_another_user_is_not_moved_aside(file: StateFile) -> None:
    """What may not be read is not set aside: perhaps only the user is the wrong one."""
    file.path.parent.chmod(0o777)
    file.path.chmod(0o000 if os.geteuid() else 0o600)
    with unprivileged(), pytest.raises(StateUnusable, match="the user with id"):
        file.read()


def test_read_only_folder_is_unusable(file: StateFile) -> None:
    """In a folder that may not be written to nothing is begun, and nothing can be set aside."""
    folder = file.path.parent
    file.path.unlink()
    folder.chmod(0o555)
    try:
        with unprivileged(), pytest.raises(StateUnusable, match="Permission denied: the user with id"):
            file.read()
        with unprivileged(), pytest.raises(StateUnusable, match=r"^(Permission denied|No such file)"):
            file.set_aside(NOW)
        with unprivileged(), pytest.raises(StateUnusable, match="Permission denied: the user with id"):
            FolderLock(folder).acquire()
    finally:
        folder.chmod(0o755)


def test_folder_is_locked_by_one_process(tmp_path: Path) -> None:
    """One holder at a time, again and again for the same one; the folder is made; what is let go is free."""
    folder = tmp_path / "a" / "b"
    first, second = FolderLock(folder), FolderLock(folder)
    first.acquire()
    first.acquire()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(StateUnusable, match="another exporter uses it: give each one a state_dir of its own"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    with pytest.raises(StateUnusable):
        first.acquire()


def test_the_lock_of_an_emptied_folder(tmp_path: Path) -> None:
    """Where the lock's file is gone, the holder takes a new one, or learns that somebody else was faster."""
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    (tmp_path / "ghe-exporter.lock").unlink()
    first.acquire()
    with pytest.raises(StateUnusable):
        second.acquire()
    (tmp_path / "ghe-exporter.lock").unlink()
    second.acquire()
    with pytest.raises(StateUnusable, match="another exporter"):
        first.acquire()


@pytest.mark.parametrize("name", ["", "ghe-exporter.lock"])
def test_path_that_is_no_folder_is_unusable(tmp_path: Path, name: str) -> None:
    """A file in the folder's place, or something strange in the lock's, is reported and is no crash."""
    folder = tmp_path / "state"
    if name:
        folder.mkdir()
        (folder / name).symlink_to("/nowhere")
    else:
        folder.write_text("a file")
    with pytest.raises(StateUnusable, match=r"state_dir must be a folder|see whether the volume is sound"):
        FolderLock(folder).acquire()


def test_file_has_our_application_id(file: StateFile) -> None:
    """The `file` command and others show whose file it is."""
    assert int.from_bytes(file.path.read_bytes()[68:72], "big") == APPLICATION_ID
