"""Remember which of millions of names were seen, in about eight bytes each."""

from array import array

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
