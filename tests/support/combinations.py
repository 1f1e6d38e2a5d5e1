"""Every combination of two lists, of which only a part is worth the time of each run of `make test`."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def combinations(rows: Iterable[str], columns: Iterable[str], every: int) -> list[Any]:
    """All pairs as parameters; of each row and each column one pair in *every* is tried always."""
    return [
        pytest.param(row, column, marks=() if (number + place) % every == 0 else pytest.mark.slow)
        for number, row in enumerate(rows)
        for place, column in enumerate(columns)
    ]


def first(many: Iterable[str], always: Sequence[str]) -> list[Any]:
    """*many* as parameters, of which those in *always* are tried always."""
    return [pytest.param(each, marks=() if each in always else pytest.mark.slow) for each in many]
