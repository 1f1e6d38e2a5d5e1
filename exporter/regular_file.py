"""Read small files that others write: whole or not at all, and without waiting for the writer of a pipe."""

import errno
import os
import stat
from pathlib import Path

TRIES = 3
MAX_PATH_BYTES = 4095
MAX_NAME_BYTES = 255
"""Limits of Linux."""
Stamp = tuple[int, int, int, int]


class NotRegularFileError(ValueError):
    """It is a pipe, a socket or a device."""


class ChangingFileError(ValueError):
    """It was written to while it was read, each time."""


def read_regular_file(path: Path) -> tuple[bytes, Stamp]:
    """The content of the file that *path* is, or links to, and its stamp.

    Raises:
        OSError: it cannot be read, or is a folder.
        NotRegularFileError: it is a pipe, a socket or a device.
        ChangingFileError: it is being written to.
        ValueError: no file can have that name.
    """
    _require_regular(os.stat(path))  # noqa: PTH116 - before it is opened, which the writer of a pipe would notice
    for _ in range(TRIES):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            _require_regular(before)
            content = file.read()
            after = os.fstat(descriptor)
        if stamp_of(before) == stamp_of(after) and len(content) == after.st_size:
            return content, stamp_of(after)
    raise ChangingFileError("is being written to")


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularFileError("is not a regular file but a pipe or a device")


def stamp_of(status: os.stat_result) -> Stamp:
    """What changes when a file is written or replaced."""
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def check_path(path: str) -> str:
    """*path*, if a file can have that name.

    Raises:
        ValueError: it is too long or holds a NUL; the message does not repeat it.
    """
    if "\0" in path:
        raise ValueError("is not the path of a file: it holds a NUL character")
    encoded = os.fsencode(path)
    if len(encoded) > MAX_PATH_BYTES or any(len(name) > MAX_NAME_BYTES for name in encoded.split(b"/")):
        raise ValueError("is too long to be the path of a file")
    return path
