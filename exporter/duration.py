"""Durations as Prometheus writes them: `60s`, `15m`, `6h`, `1h30m`."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

MAX_SECONDS = 10 * 365 * 86_400
PATTERN = r"^([0-9]+(ms|s|m|h|d|w))+$"
_PART = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(value: Any) -> float:
    """Return the seconds that *value* stands for.

    Raises:
        ValueError: it is not a duration, for instance a number without a unit, or longer than anything here can wait.
    """
    if isinstance(value, str) and re.fullmatch(PATTERN, value.strip()):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
        if seconds > MAX_SECONDS:
            raise ValueError("is longer than ten years")
        return seconds
    raise ValueError("is not a duration; write it with a unit, as 60s, 15m or 6h")


def format_duration(seconds: float) -> str:
    """Write *seconds* in the largest unit that needs no fraction."""
    for unit in ("h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema({"type": "string", "pattern": PATTERN})]
"""Seconds, written in settings as a duration."""
