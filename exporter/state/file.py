"""The SQLite file: rows of opaque documents, changed in one transaction each time.

The journal is a rollback journal: at rest there is one file and nothing beside it, a transaction that a kill cuts short
is rolled back by whoever opens the file next, and unlike WAL it needs no memory shared through the file system.
"""

import hashlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from exporter.state.problems import UNKNOWN_CAUSE, StateDamaged, StateUnusable, permission, unusable

FILE_NAME = "ghe-exporter.sqlite3"
APPLICATION_ID = 0x67686558
SCHEMA_VERSION = 2
SCHEMA = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
    CREATE TABLE rows (
        name TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        document BLOB NOT NULL,
        digest BLOB NOT NULL
    )
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
BUSY_SECONDS = 2.0
OWNER_READS_AND_WRITES = 0o600
COMPANIONS = ("-journal", "-wal", "-shm")
PRIMARY_CODE = 0xFF
HINTS = {
    sqlite3.SQLITE_FULL: "make room on the volume",
    sqlite3.SQLITE_BUSY: "another program holds the file",
}


class Row(NamedTuple):
    """An opaque document, and the fingerprint that it must agree with to be used again."""

    fingerprint: str
    document: bytes


class Stored(NamedTuple):
    """Everything in the file."""

    release: str
    rows: dict[str, Row]


class StateFile:
    """The file of one folder; whoever uses it holds the folder's lock.

    Every method raises StateUnusable or StateDamaged, and nothing else, when the file system or the file is to blame.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def read(self) -> Stored:
        """Everything stored; nothing if there is no file yet."""
        with self._opened() as connection:
            if not self._has_schema(connection):
                return Stored("", {})
            release = connection.execute("SELECT value FROM about WHERE name = 'release'").fetchone()
            rows: dict[str, Row] = {}
            for *row, digest in connection.execute(
                "SELECT CAST(name AS BLOB), CAST(fingerprint AS BLOB), CAST(document AS BLOB), CAST(digest AS BLOB)"
                " FROM rows"
            ):
                if None in row or digest != digest_of(*row):
                    raise StateDamaged("a row is not what was written")
                name, fingerprint, document = row
                rows[name.decode()] = Row(fingerprint.decode(), document)
            return Stored(str(release[0]) if release else "", rows)

    def write(
        self, release: str, names: AbstractSet[str], changed: AbstractSet[str], row_of: Callable[[str], Row]
    ) -> None:
        """Store the rows called *changed* and those of *names* that are not stored yet; drop all but *names*."""
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if not self._has_schema(connection):
                for statement in SCHEMA:
                    connection.execute(statement)
            stored = {name for (name,) in connection.execute("SELECT name FROM rows")}
            if not all(isinstance(name, str) for name in stored):
                raise StateDamaged("a row is not what was written")
            connection.execute("INSERT OR REPLACE INTO about VALUES ('release', ?)", (release,))
            connection.executemany("DELETE FROM rows WHERE name = ?", [(name,) for name in sorted(stored - names)])
            for name in sorted(names & (changed | (names - stored))):
                row = row_of(name)
                digest = digest_of(name.encode(), row.fingerprint.encode(), row.document)
                connection.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", (name, *row, digest))
            connection.execute("COMMIT")

    def set_aside(self, now: float) -> Path:
        """Rename the file, so that a new one can be begun; of those set aside only the newest stays."""
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = self.path.with_name(f"{FILE_NAME}.corrupt-{stamp}")
        try:
            # A journal of the old file must never be played back into a new one.
            for companion in COMPANIONS:
                self.path.with_name(FILE_NAME + companion).unlink(missing_ok=True)
            for older in self.path.parent.glob(f"{FILE_NAME}.corrupt-*"):
                if not older.is_dir():
                    older.unlink()
            self.path.rename(aside)
        except OSError as error:
            raise unusable(error) from None
        return aside

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self._make()
            uri = f"{self.path.absolute().as_uri()}?mode=rw"
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE")
                connection.execute("PRAGMA secure_delete = ON")
                yield connection
        except sqlite3.OperationalError as error:
            raise self._meaning(error) from None
        # Damage may claim a length that no memory holds, or put into the text of SQLite's error what is no text.
        except (sqlite3.DatabaseError, MemoryError, UnicodeDecodeError) as error:
            raise StateDamaged(str(error)) from None
        except OSError as error:
            raise unusable(error) from None

    def _make(self) -> None:
        """Begin an empty file for the owner alone, or look whether the one there is a file at all."""
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_READS_AND_WRITES))
            return
        found = self.path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise StateDamaged("it is not a file")
        if stat.S_IMODE(found.st_mode) != OWNER_READS_AND_WRITES:
            with suppress(PermissionError):
                self.path.chmod(OWNER_READS_AND_WRITES)

    def _has_schema(self, connection: sqlite3.Connection) -> bool:
        ids = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if ids == [APPLICATION_ID, SCHEMA_VERSION]:
            return True
        if ids == [0, 0] and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            return False
        of_ours = ids[0] == APPLICATION_ID
        raise StateDamaged(f"it has schema {ids[1]}, not {SCHEMA_VERSION}" if of_ours else "another program made it")

    def _meaning(self, error: sqlite3.OperationalError) -> StateUnusable | StateDamaged:
        """Something around the file is wrong, unless SQLite blames our statements, which a sound file understands."""
        extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # text that is none has no code
        code = extended & PRIMARY_CODE
        # A damaged header may say that the file is for reading only.
        accessible = all(os.access(path, os.W_OK) for path in (self.path, self.path.parent))
        # SQLite 3.53 says so of a file that ends within a page; older ones read zeros there.
        cut = extended == sqlite3.SQLITE_IOERR_SHORT_READ
        if code == sqlite3.SQLITE_ERROR or cut or (code == sqlite3.SQLITE_READONLY and accessible):
            return StateDamaged(str(error))
        return StateUnusable(f"{error}: {HINTS.get(code) or (UNKNOWN_CAUSE if accessible else permission())}")


def digest_of(*parts: bytes) -> bytes:
    """The checksum of a row: SQLite itself has none."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()
