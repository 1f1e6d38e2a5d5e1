"""The state of every level, in `state_dir` if there is one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from exporter.clock import Clock
from exporter.runtime.assignment import Assignment
from exporter.runtime.fingerprint import RELEASE
from exporter.runtime.saved import UNREADABLE, SavedState, decode, encode, level_of, row_name
from exporter.runtime.status import LevelKey, Verdict
from exporter.state.store import Store

log = structlog.get_logger()


class Persistence:
    """Saves the states of levels, and finds those that the last process saved.

    Args:
        enabled: Whether `state_dir` is used at all.
        clock: Dates a file that is moved aside.
        written: Called after each write with whether it succeeded.
        verdicts: The API's last word on the credentials of an enterprise, which is saved too.
    """

    def __init__(
        self,
        *,
        enabled: bool,
        clock: Clock,
        written: Callable[[bool], None],
        verdicts: Callable[[str], Mapping[str, Verdict]],
    ) -> None:
        self._enabled = enabled
        self._clock = clock
        self._written = written
        self._verdicts = verdicts
        self._folder: Path | None = None
        self._store: Store | None = None
        self._loaded = False
        self._started = False

    def open(self, folder: Path | None, assignments: Iterable[Assignment]) -> dict[LevelKey, SavedState]:
        """Use *folder* from now on; return what the last process saved there for *assignments*, at the first call."""
        first, self._loaded = not self._loaded, True
        if not self._enabled or folder == self._folder:
            return {}
        self.stop()
        self._folder, self._store = folder, None
        if folder is None:
            return {}
        self._store = Store(folder, RELEASE, self._clock, self._written)
        saved = self._decoded(self._store.load(_expected(assignments))) if first else {}
        if self._started:
            self._store.start()
        return saved

    def reconcile(self, assignments: Iterable[Assignment]) -> None:
        """Keep the states of *assignments* from now on and drop everything else."""
        if self._store is not None:
            self._store.reconcile(_fingerprints(assignments))

    def save(self, level: LevelKey, fingerprint: str, state: SavedState) -> None:
        """Save the state of *level*."""
        if self._store is not None:
            complete = replace(state, verdicts=self._verdicts(level.enterprise))
            self._store.save(row_name(level), fingerprint, partial(encode, complete))

    def start(self) -> None:
        """Begin to write."""
        self._started = True
        if self._store is not None:
            self._store.start()

    def stop(self) -> None:
        """Write what is left."""
        if self._store is not None:
            self._store.stop()

    @staticmethod
    def _decoded(documents: Mapping[str, bytes]) -> dict[LevelKey, SavedState]:
        saved: dict[LevelKey, SavedState] = {}
        for name, document in documents.items():
            try:
                saved[level_of(name)] = decode(document)
            except UNREADABLE:  # other code that calls itself the same
                log.info("a stored result cannot be read and is not used")
        return saved


def _expected(assignments: Iterable[Assignment]) -> Callable[[str], str | None]:
    """What finds the fingerprint that a row must have; an organization may be one that will be found."""
    by_key = {assignment.key: assignment for assignment in assignments}

    def expected(row: str) -> str | None:
        try:
            level = level_of(row)
        except UNREADABLE:
            return None
        assignment = by_key.get(level.key)
        is_possible = assignment is not None and assignment.may_have(level.organization)
        return assignment.fingerprint if assignment is not None and is_possible else None

    return expected


def _fingerprints(assignments: Iterable[Assignment]) -> dict[str, str]:
    return {
        row_name(assignment.key.level(organization)): assignment.fingerprint
        for assignment in assignments
        for organization in assignment.levels
    }
