"""What can be wrong with the folder or the file; the messages say what to do."""

import errno
import os

from exporter.errors import ExporterError

UNKNOWN_CAUSE = "see whether the volume is sound"
HINTS = {
    errno.ENOSPC: "make room on the volume",
    errno.EDQUOT: "make room on the volume",
    errno.EFBIG: "make room on the volume",
    errno.EROFS: "mount it writable",
    errno.EEXIST: "state_dir must be a folder",
    errno.ENOTDIR: "state_dir must be a folder",
    errno.ENOLCK: "put it on a file system with locks",
    errno.EOPNOTSUPP: "put it on a file system with locks",
}


class StateUnusable(ExporterError):
    """Nothing can be kept for now; later attempts may succeed."""


class StateDamaged(ExporterError):
    """The file is not, or not any more, what this version writes."""


def unusable(error: OSError) -> StateUnusable:
    """Say what *error* means and what to do."""
    hint = permission() if isinstance(error, PermissionError) else HINTS.get(error.errno or 0, UNKNOWN_CAUSE)
    return StateUnusable(f"{error.strerror or type(error).__name__}: {hint}")


def permission() -> str:
    """Who needs access."""
    return f"the user with id {os.geteuid()} must be able to write to it"
