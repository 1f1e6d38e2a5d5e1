"""How values of GitHub's API become label values."""

import re
from functools import lru_cache

UNKNOWN = "unknown"
OTHER = "(other)"
"""Everything beyond a limit, as one."""

LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""How GitHub spells the login of an organization; nothing else that stands in its place may become a label."""
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(256)  # a few names come again for every one of a hundred thousand people
def snake_case(value: str) -> str:
    """Spell a name of GitHub's (a role, status, product, unit …) in lower_snake_case.

    GitHub writes one thing in several ways (`GigabyteHours`, `gigabyte-hours`); a label has one. Sets of names are
    open: an unknown one passes through. An empty one gives `unknown`.
    """
    return _NOT_A_WORD.sub("_", _WORD_START.sub("_", value).lower()).strip("_") or UNKNOWN


def boolean(value: bool | None) -> str:  # noqa: FBT001 - the one argument is the value itself
    """Spell a flag as `true` or `false`; empty when GitHub does not report it."""
    return "" if value is None else str(value).lower()


def operating_system(value: str) -> str:
    """Spell a runner's operating system; GitHub shortens two of them in some answers."""
    name = snake_case(value)
    return {"win": "windows", "osx": "macos"}.get(name, name)
