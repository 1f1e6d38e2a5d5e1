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

from exporter.runtime.status import Key
from exporter.state.problems import UNKNOWN_CAUSE, StateDamaged, StateUnusable, permission, unusable

FILE_NAME = "ghe-exporter.sqlite3"
APPLICATION_ID = 0x67686558
SCHEMA_VERSION = 1
SCHEMA = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
    CREATE TABLE kept (
        enterprise TEXT NOT NULL,
        collector TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        document BLOB NOT NULL,
        digest BLOB NOT NULL,
        PRIMARY KEY (enterprise, collector)
    )
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
BUSY_SECONDS = 2.0
OWNER_READS_AND_WRITES = 0o600
COMPANIONS = ("-journal", "-wal", "-shm")
PRIMARY_CODE = 0xFF
DAMAGE = frozenset(
    {
        *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_SCHEMA),
        *(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT),
    }
)
NO_ACCESS = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
HINTS = {
    sqlite3.SQLITE_FULL: "make room on the volume",
    sqlite3.SQLITE_BUSY: "another program holds the file",
}


class Row(NamedTuple):
    """What is stored of one collector for one enterprise."""

    fingerprint: str
    document: bytes


class Stored(NamedTuple):
    """Everything in the file."""

    release: str
    rows: dict[Key, Row]


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
            told = connection.execute("SELECT value FROM about WHERE name = 'release'").fetchone()
            rows: dict[Key, Row] = {}
            for *row, digest in connection.execute(
                "SELECT CAST(enterprise AS BLOB), CAST(collector AS BLOB), CAST(fingerprint AS BLOB),"
                " CAST(document AS BLOB), CAST(digest AS BLOB) FROM kept"
            ):
                if None in row or digest != digest_of(*row):
                    raise StateDamaged("a row is not what was written")
                enterprise, collector, fingerprint, document = row
                rows[Key(enterprise.decode(), collector.decode())] = Row(fingerprint.decode(), document)
            return Stored(str(told[0]) if told else "", rows)

    def write(
        self, release: str, keys: AbstractSet[Key], changed: AbstractSet[Key], row_of: Callable[[Key], Row]
    ) -> None:
        """Store the rows of *changed* and of those of *keys* that are not stored yet; drop all but *keys*."""
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if not self._has_schema(connection):
                for statement in SCHEMA:
                    connection.execute(statement)
            stored = {Key(*names) for names in connection.execute("SELECT enterprise, collector FROM kept")}
            if not all(isinstance(name, str) for key in stored for name in key):
                raise StateDamaged("a row is not what was written")
            connection.execute("INSERT OR REPLACE INTO about VALUES ('release', ?)", (release,))
            connection.executemany("DELETE FROM kept WHERE enterprise = ? AND collector = ?", sorted(stored - keys))
            for key in sorted(keys & (changed | (keys - stored))):
                row = row_of(key)
                digest = digest_of(
                    key.enterprise.encode(), key.collector.encode(), row.fingerprint.encode(), row.document
                )
                connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", (*key, *row, digest))
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
        # Damage may claim a length that no memory holds, or put into the text of SQLite's error what is no text.
        except (sqlite3.Error, MemoryError, UnicodeDecodeError) as error:
            raise self._meaning(error) from None
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

    def _meaning(self, error: Exception) -> StateUnusable | StateDamaged:
        extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        code = extended & PRIMARY_CODE
        # A damaged header may say that the file is for reading only.
        writable = code == sqlite3.SQLITE_READONLY and all(
            os.access(path, os.W_OK) for path in (self.path, self.path.parent)
        )
        # SQLite 3.53 says so of a file that ends within a page; older ones read zeros there.
        cut = extended == sqlite3.SQLITE_IOERR_SHORT_READ
        if code in DAMAGE or writable or cut:
            return StateDamaged(str(error))
        return StateUnusable(f"{error}: {permission() if code in NO_ACCESS else HINTS.get(code, UNKNOWN_CAUSE)}")


def digest_of(*parts: bytes) -> bytes:
    """Tells whether a row is what was written: SQLite itself has no checksums."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()
