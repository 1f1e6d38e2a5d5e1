"""Numbers that look random and are always the same for the same key.

Nothing here keeps state: a user or a job is drawn from its index, so a million of them need no memory
and yesterday's numbers can be asked for today.
"""

import hashlib
from uuid import UUID

DIGEST_BYTES = 32
FRACTION_BYTES = 6
FRACTION_SCALE = 1 << (8 * FRACTION_BYTES)


class Draws:
    """A family of draws named by its key."""

    __slots__ = ("_hash",)

    def __init__(self, *key: object) -> None:
        self._hash = hashlib.blake2b("\0".join(map(str, key)).encode(), digest_size=DIGEST_BYTES)

    def digest(self, *numbers: int) -> bytes:
        """Return 32 independent bytes for *numbers*."""
        copy = self._hash.copy()
        copy.update(b"%r" % (numbers,))
        return copy.digest()

    def fraction(self, *numbers: int) -> float:
        """Return a number in [0, 1) for *numbers*."""
        return int.from_bytes(self.digest(*numbers)[:FRACTION_BYTES], "big") / FRACTION_SCALE

    def uuid(self, *numbers: int) -> str:
        """Return an identifier for *numbers* as GitHub writes them."""
        return str(UUID(bytes=self.digest(*numbers)[:16], version=4))
