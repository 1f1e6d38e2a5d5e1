"""Durations as Prometheus writes them: `60s`, `15m`, `6h`, `1h30m`."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

PATTERN = r"^([0-9]+(ms|s|m|h|d|w))+$"
_PART = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(value: Any) -> float:
    """Return the seconds that *value* stands for.

    Raises:
        ValueError: it is not a duration, for instance a number without a unit.
    """
    if isinstance(value, str) and re.fullmatch(PATTERN, value.strip()):
        return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
    raise ValueError(f"{value!r} is not a duration; write it with a unit, as 60s, 15m or 6h")


def format_duration(seconds: float) -> str:
    """Write *seconds* in the largest unit that needs no fraction."""
    for unit in ("h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:g}{unit}"
    return f"{seconds:g}s"


def _from_settings(value: Any) -> float:
    # A default is already in seconds; what a person writes is text or, wrongly, a bare number from YAML.
    return value if isinstance(value, _Seconds) else _Seconds(parse_duration(value))


class _Seconds(float):
    """Seconds that were parsed already, so that re-validation does not refuse them."""


Duration = Annotated[float, BeforeValidator(_from_settings), WithJsonSchema({"type": "string", "pattern": PATTERN})]
"""Seconds, written in settings as a duration."""
