"""One exporter per folder: a lock that ends with the process that holds it, however that ends."""

import fcntl
import os
from pathlib import Path

from exporter.state.problems import StateUnusable, unusable

FILE_NAME = "ghe-exporter.lock"
OWNER_ONLY = 0o700
OWNER_READS_AND_WRITES = 0o600


class FolderLock:
    """The right to use a folder; not for several threads at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Make the folder if need be, and lock it unless it is locked already.

        Raises:
            StateUnusable: another process has it, or it cannot be written to.
        """
        try:
            if self._is_held():
                return
            self.release()
            self._path.parent.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(self._path, flags, OWNER_READS_AND_WRITES)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptor = descriptor
        except BlockingIOError:
            raise StateUnusable("another exporter uses it: give each one a state_dir of its own") from None
        except OSError as error:
            raise unusable(error) from None

    def release(self) -> None:
        """Let others have the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_held(self) -> bool:
        """Whether the file that is locked is still the one in the folder, which somebody may have emptied."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except FileNotFoundError:
            return False
