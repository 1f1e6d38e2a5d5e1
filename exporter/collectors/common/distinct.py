"""Remember which of millions of names were seen, in about eight bytes each."""

from array import array
from collections.abc import Hashable
from typing import Generic, TypeVar

Kind = TypeVar("Kind", bound=Hashable)

_BUCKETS = 8_192


class Distinct:
    """A set of texts that only knows their 64-bit hashes.

    A `set` of a million names takes over 60 MB; this takes about 10. Two of a million names share a hash with a
    probability of one in thirty million; the second would not be counted.
    """

    def __init__(self) -> None:
        self._buckets: list[array[int] | None] = [None] * _BUCKETS

    def add(self, name: str) -> bool:
        """Note *name*; return whether it is new."""
        value = hash(name)
        index = value % _BUCKETS
        bucket = self._buckets[index]
        if bucket is None:
            self._buckets[index] = array("q", (value,))
            return True
        if value in bucket:
            return False
        bucket.append(value)
        return True


class Kinds(Generic[Kind]):
    """A dict from texts to one of a few kinds each; like `Distinct`, with four bytes more per name."""

    def __init__(self) -> None:
        self._buckets: list[tuple[array[int], array[int]] | None] = [None] * _BUCKETS
        self._kinds: list[Kind] = []
        self._numbers: dict[Kind, int] = {}

    def get(self, name: str) -> Kind | None:
        """The kind of *name*; None if it was never set."""
        value = hash(name)
        bucket = self._buckets[value % _BUCKETS]
        if bucket is None or value not in bucket[0]:
            return None
        return self._kinds[bucket[1][bucket[0].index(value)]]

    def set(self, name: str, kind: Kind) -> None:
        """Note that *name* is of *kind*."""
        value, number = hash(name), self._number(kind)
        index = value % _BUCKETS
        bucket = self._buckets[index]
        if bucket is None:
            self._buckets[index] = array("q", (value,)), array("I", (number,))
        elif value in bucket[0]:
            bucket[1][bucket[0].index(value)] = number
        else:
            bucket[0].append(value)
            bucket[1].append(number)

    def _number(self, kind: Kind) -> int:
        number = self._numbers.setdefault(kind, len(self._kinds))
        if number == len(self._kinds):
            self._kinds.append(kind)
        return number
