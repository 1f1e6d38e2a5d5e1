"""Keeps the state after each run in a file, in a thread of its own: a slow disk delays neither scrapes nor runs.

What comes while a transaction is under way goes into the next one together. When the file cannot be written,
everything stays in memory as it is, one warning says so, and the next run or the next minute tries again.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from exporter.clock import Clock
from exporter.runtime.saved import UNREADABLE, Kept, decode, encode
from exporter.runtime.status import Key
from exporter.state.file import Row, StateFile, Stored
from exporter.state.lock import FolderLock
from exporter.state.problems import StateDamaged, StateUnusable

log = structlog.get_logger()

RETRY_SECONDS = 60.0
STOP_SECONDS = 2.0


class Store:
    """The state of every collector of every enterprise.

    Args:
        folder: Where the file is; made if need be.
        release: Which code writes; what other code wrote is not used.
        clock: Tells when a file was set aside.
        written: Told whether each write succeeded.
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
        self._expected: Mapping[Key, str] = {}
        self._latest: dict[Key, Kept] = {}
        self._changed: set[Key] = set()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self, fingerprints: Mapping[Key, str]) -> dict[Key, Kept]:
        """What was stored with these *fingerprints*; nothing, after a warning, if the file cannot be used."""
        with self._using:
            try:
                self._folder_lock.acquire()
                stored = self._read()
            except StateUnusable as problem:
                self._complain(str(problem))
                return {}
        loaded: dict[Key, Kept] = {}
        for key, row in stored.rows.items():
            if row.fingerprint == fingerprints.get(key):
                with suppress(*UNREADABLE):  # other code that calls itself the same
                    loaded[key] = decode(*row)
        unused = len(stored.rows) - len(loaded)
        if unused and stored.release != self._release:
            log.info("stored results are of another version and are not used", stored=stored.release, results=unused)
        elif unused:
            log.info("stored results do not fit the settings and are not used", results=unused)
        with self._lock:
            self._latest = dict(loaded)
        return loaded

    def expect(self, fingerprints: Mapping[Key, str]) -> None:
        """Keep the state of these collectors from now on and drop everything else."""
        with self._lock:
            self._expected = dict(fingerprints)
            self._latest = {
                key: kept for key, kept in self._latest.items() if fingerprints.get(key) == kept.fingerprint
            }
        self._wake.set()

    def keep(self, key: Key, kept: Kept) -> None:
        """Note the state after a run; what is not expected, from before a reload, is ignored."""
        with self._lock:
            if self._expected.get(key) == kept.fingerprint:
                self._latest[key] = kept
                self._changed.add(key)
                self._wake.set()

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._loop, name="state", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and let the folder go; a disk that hangs is not waited for."""
        self._stop.set()
        self._wake.set()
        if self._thread is None:
            self._end()
        else:
            self._thread.join(STOP_SECONDS)

    def flush(self) -> None:
        """Write what has changed."""
        with self._using:
            with self._lock:
                changed, self._changed = self._changed, set()
                latest = dict(self._latest)

            def row_of(key: Key) -> Row:
                return Row(latest[key].fingerprint, encode(latest[key]))

            def write() -> None:
                self._file.write(self._release, latest.keys(), changed, row_of)

            try:
                self._folder_lock.acquire()
                try:
                    write()
                except StateDamaged as problem:
                    self._set_aside(problem)
                    write()
            except Exception as problem:  # noqa: BLE001 - the thread outlives every mistake
                with self._lock:
                    self._changed |= changed
                expected = isinstance(problem, StateUnusable | StateDamaged)
                self._complain(str(problem) if expected else f"{type(problem).__name__}: please report this")
            else:
                self._recovered()

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
            self._set_aside(problem)
            return Stored("", {})

    def _set_aside(self, problem: StateDamaged) -> None:
        aside = self._file.set_aside(self._clock.time())
        log.warning("state file set aside, a new one is begun", problem=str(problem), path=str(aside))

    def _complain(self, problem: str) -> None:
        self._written(False)
        if problem != self._problem:
            self._problem = problem
            log.warning("state_dir cannot be used, going on without", state_dir=str(self._folder), problem=problem)

    def _recovered(self) -> None:
        self._written(True)
        if self._problem:
            self._problem = ""
            log.info("state_dir is used again", state_dir=str(self._folder))
