"""Standard output of a command, and what to do where it cannot be written."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from exporter.errors import SystemRefusal


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """Standard output, flushed at the end.

    Raises:
        SystemRefusal: it cannot be written, for instance to a full disk.
        BrokenPipeError: the reader has gone away, as `head` does.
    """
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        raise
    except OSError as error:
        discard_output()
        raise SystemRefusal(f"cannot write to standard output: {error.strerror}") from None


def discard_output() -> None:
    """Let what is still buffered go nowhere: Python would try once more at the end, and fail."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
