"""What happens to a state file behind the store's back: other statements, a full disk."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from exporter.state.file import StateFile


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond *size* bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def run_sql(file: StateFile, *statements: str) -> None:
    """Change the file behind its back."""
    with closing(sqlite3.connect(file.path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
