"""Generated files: written where they differ, or only compared."""

from collections.abc import Mapping
from pathlib import Path


def write_if_changed(wanted: Mapping[Path, bytes], *, check: bool) -> list[Path]:
    """Write the files that do not hold what is *wanted*, or with *check* none; return their paths."""
    stale = [path for path, content in wanted.items() if not path.is_file() or path.read_bytes() != content]
    for path in [] if check else stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    return stale
