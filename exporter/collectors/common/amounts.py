"""Exact sums of amounts, whatever the order and number of rows."""

from collections.abc import Callable, Iterable
from fractions import Fraction

Key = tuple[str, ...]


class Amounts:
    """An exact sum per key, in memory that grows with the keys and not with the rows."""

    def __init__(self) -> None:
        self._sums: dict[Key, Fraction] = {}

    def add(self, amount: float | Fraction | None, key: Key) -> None:
        """Add *amount* to *key*; None, which GitHub does not report, adds nothing."""
        if amount is not None:
            self._sums[key] = self._sums.get(key, 0) + Fraction(amount)

    def merge(self, other: "Amounts", rename: Callable[[Key], Key] = lambda key: key) -> None:
        """Add every sum of *other* under the renamed key."""
        for key, amount in other._sums.items():  # noqa: SLF001 - of the same class
            self.add(amount, rename(key))

    def dump(self) -> list[tuple[Key, str]]:
        """Everything as JSON can hold it."""
        return [(key, str(amount)) for key, amount in self._sums.items()]

    @classmethod
    def load(cls, dumped: Iterable[tuple[Iterable[str], str]]) -> "Amounts":
        """The sums that `dump` wrote."""
        made = cls()
        made._sums = {tuple(key): Fraction(amount) for key, amount in dumped}
        return made

    def totals(self) -> dict[Key, float]:
        """The sums; one too large for a float is left out."""
        sums = ((key, _nearest(amount)) for key, amount in self._sums.items())
        return {key: total for key, total in sums if total is not None}


def totals(rows: Iterable[tuple[Key, float | Fraction | None]]) -> dict[Key, float]:
    """Sums of *rows* per key; a key without any reported amount is left out."""
    amounts = Amounts()
    for key, amount in rows:
        amounts.add(amount, key)
    return amounts.totals()


def rounded(amount: float) -> float:
    """*amount* to 14 digits: a sum of decimals in binary can end just below the limit that it has reached."""
    return float(f"{amount:.14g}")


def _nearest(amount: Fraction) -> float | None:
    try:
        return float(amount)
    except OverflowError:
        return None
