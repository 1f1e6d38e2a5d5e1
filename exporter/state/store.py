"""Writes rows to the state file, in a thread of its own: a slow disk delays neither scrapes nor runs.

What comes while a transaction is under way goes into the next one together. When the file cannot be written,
everything stays in memory as it is, one warning says so, and the next row or the next minute tries again.
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import structlog

from exporter.clock import Clock
from exporter.state.file import Row, StateFile, Stored
from exporter.state.lock import FolderLock
from exporter.state.problems import StateDamaged, StateUnusable

log = structlog.get_logger()

RETRY_SECONDS = 60.0
STOP_SECONDS = 2.0

Pending = tuple[str, Callable[[], bytes]]
"""The fingerprint of a row, and what makes its document when it is written."""


class Store:
    """The rows of one folder.

    Args:
        folder: Where the file is; made if need be.
        release: Which code writes; what other code wrote is not used.
        clock: Dates a file that is moved aside.
        written: Called after each write with whether it succeeded.
    """

    def __init__(self, folder: Path, release: str, clock: Clock, written: Callable[[bool], None]) -> None:
        self._folder = folder
        self._release = release
        self._clock = clock
        self._written = written
        self._file = StateFile(folder)
        self._folder_lock = FolderLock(folder)
        self._problem = ""
        self._using = threading.Lock()
        self._lock = threading.Lock()
        self._fingerprints: Mapping[str, str] = {}
        self._latest: dict[str, Pending] = {}
        self._changed: set[str] = set()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self, expected: Callable[[str], str | None]) -> dict[str, bytes]:
        """The documents of the rows whose fingerprint is the *expected* one; none if the file cannot be used."""
        with self._using:
            try:
                self._folder_lock.acquire()
                stored = self._read()
            except StateUnusable as problem:
                self._fail(str(problem))
                return {}
        rows = {name: row for name, row in stored.rows.items() if row.fingerprint == expected(name)}
        unused = len(stored.rows) - len(rows)
        if unused and stored.release != self._release:
            log.info("stored results are of another version and are not used", stored=stored.release, results=unused)
        elif unused:
            log.info("stored results do not fit the settings and are not used", results=unused)
        with self._lock:
            self._latest = {name: (row.fingerprint, partial(bytes, row.document)) for name, row in rows.items()}
        return {name: row.document for name, row in rows.items()}

    def reconcile(self, fingerprints: Mapping[str, str]) -> None:
        """Keep the rows with these *fingerprints* from now on and drop everything else."""
        with self._lock:
            self._fingerprints = dict(fingerprints)
            self._latest = {
                name: pending for name, pending in self._latest.items() if fingerprints.get(name) == pending[0]
            }
        self._wake.set()

    def save(self, name: str, fingerprint: str, document: Callable[[], bytes]) -> None:
        """Replace the row *name*; one that is not expected, from before a reload, is ignored."""
        with self._lock:
            if self._fingerprints.get(name) != fingerprint:
                return
            self._latest[name] = fingerprint, document
            self._changed.add(name)
        self._wake.set()
        if self._thread is not None and not self._thread.is_alive() and not self._stop.is_set():
            self.start()  # the system refused a thread before

    def start(self) -> None:
        """Begin to write; where the system refuses a thread, with the next row."""
        self._thread = threading.Thread(target=self._loop, name="state", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._fail("the system refuses to start a thread")

    def stop(self) -> None:
        """Write what is left and let the folder go; a disk that hangs is not waited for."""
        self._stop.set()
        self._wake.set()
        if self._thread is None or not self._thread.is_alive():
            self._end()
        else:
            self._thread.join(STOP_SECONDS)

    def flush(self) -> None:
        """Write what has changed."""
        with self._using:
            with self._lock:
                changed, self._changed = self._changed, set()
                latest = dict(self._latest)

            def row_of(name: str) -> Row:
                fingerprint, document = latest[name]
                return Row(fingerprint, document())

            try:
                self._folder_lock.acquire()
                try:
                    self._file.write(self._release, latest.keys(), changed, row_of)
                except StateDamaged as problem:
                    self._move_aside(problem)
                    self._file.write(self._release, latest.keys(), changed, row_of)
            except Exception as problem:  # noqa: BLE001 - the thread outlives every mistake
                with self._lock:
                    self._changed |= changed
                expected = isinstance(problem, StateUnusable | StateDamaged)
                self._fail(str(problem) if expected else f"{type(problem).__name__}: please report this")
            else:
                self._succeed()

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(RETRY_SECONDS if self._problem else None)
            self._wake.clear()
            if not self._stop.is_set():
                self.flush()
        self._end()

    def _end(self) -> None:
        if self._changed:
            self.flush()
        with self._using:
            self._folder_lock.release()

    def _read(self) -> Stored:
        try:
            return self._file.read()
        except StateDamaged as problem:
            self._move_aside(problem)
            return Stored("", {})

    def _move_aside(self, problem: StateDamaged) -> None:
        aside = self._file.set_aside(self._clock.time())
        log.warning("state file corrupt, moved aside", problem=str(problem), path=str(aside))

    def _fail(self, problem: str) -> None:
        self._written(False)
        if problem != self._problem:
            self._problem = problem
            log.warning("state_dir cannot be used, continuing without", state_dir=str(self._folder), problem=problem)

    def _succeed(self) -> None:
        self._written(True)
        if self._problem:
            self._problem = ""
            log.info("state_dir is used again", state_dir=str(self._folder))
