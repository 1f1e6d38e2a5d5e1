"""Exact sums of amounts, whatever the order and number of rows."""

import math
from collections.abc import Callable, Iterable

Key = tuple[str, ...]


class Amounts:
    """A sum per key, as `math.fsum` gives it, in memory that grows with the keys and not with the rows."""

    def __init__(self) -> None:
        self._parts: dict[Key, list[float]] = {}

    def add(self, amount: float | None, key: Key) -> None:
        """Add *amount* to *key*; None, which GitHub does not tell, adds nothing."""
        if amount is not None:
            _add(self._parts.setdefault(key, []), amount)

    def merge(self, other: "Amounts", rename: Callable[[Key], Key] = lambda key: key) -> None:
        """Add every sum of *other* under the renamed key."""
        for key, parts in other._parts.items():  # noqa: SLF001 - of the same class
            for part in parts:
                self.add(part, rename(key))

    def dump(self) -> list[tuple[Key, list[float]]]:
        """Everything as JSON can hold it."""
        return list(self._parts.items())

    @classmethod
    def load(cls, dumped: Iterable[tuple[Iterable[str], Iterable[float]]]) -> "Amounts":
        """What `dump` told."""
        made = cls()
        made._parts = {tuple(key): list(parts) for key, parts in dumped}
        return made

    def totals(self) -> dict[Key, float]:
        """The sums; one too large for a float is left out."""
        sums = ((key, _sum(parts)) for key, parts in self._parts.items())
        return {key: total for key, total in sums if math.isfinite(total)}


def totals(rows: Iterable[tuple[Key, float | None]]) -> dict[Key, float]:
    """Sums of *rows* per key; a key without any amount told is left out."""
    amounts = Amounts()
    for key, amount in rows:
        amounts.add(amount, key)
    return amounts.totals()


def _add(parts: list[float], amount: float) -> None:
    """Shewchuk's exact addition, the one inside `math.fsum`: *parts* do not overlap and lose nothing."""
    kept = 0
    for part in parts:
        large, small = (amount, part) if abs(amount) >= abs(part) else (part, amount)
        amount = large + small
        rest = small - (amount - large)
        if rest:
            parts[kept] = rest
            kept += 1
    parts[kept:] = [amount]


def _sum(parts: list[float]) -> float:
    try:
        return math.fsum(parts)
    except (OverflowError, ValueError):  # beyond the largest float, or already infinite on both sides
        return math.inf
