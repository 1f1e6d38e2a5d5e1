"""Check passwords without letting a stranger burn the processor or keep others out.

bcrypt is slow on purpose. What was right once is remembered as a keyed hash, so that a scrape costs one computation
after a start; what was wrong is remembered too, within bounds. One computation runs at a time, in a thread, and few
wait for it. Everything else happens on the event loop and needs no lock.
"""

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import bcrypt

MAX_REMEMBERED_WRONG = 256
MAX_QUEUED = 3
MAX_PASSWORD_BYTES = 72
"""The bytes that bcrypt looks at."""
DEFAULT_COST = 10


class Verdict(Enum):
    """What became of a password."""

    RIGHT = auto()
    WRONG = auto()
    BUSY = auto()
    """Too many others are being checked; ask again."""


@dataclass(frozen=True, slots=True)
class VerifiedPasswords:
    """Keyed hashes of right passwords, by user and bcrypt hash, so that another bcrypt hash forgets them."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    proofs: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)


class Passwords:
    """The users and their hashes; *verified* passwords stay verified while their hash is the same."""

    def __init__(self, hashes: Mapping[str, str], verified: VerifiedPasswords | None = None) -> None:
        self.verified = verified or VerifiedPasswords()
        self._hashes = {name.encode(): hashed.encode() for name, hashed in hashes.items()}
        cost = max((int(hashed[4:6]) for hashed in hashes.values()), default=DEFAULT_COST)
        self._nobody = b"$2b$%02d$" % cost + b"." * 53
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._bcrypt_lock = asyncio.Lock()
        self._queued = 0

    def __bool__(self) -> bool:
        """Whether a password is asked for at all."""
        return bool(self._hashes)

    async def check(self, authorization: str) -> Verdict:
        """Judge an Authorization header."""
        credentials = basic_credentials(authorization)
        if credentials is None:
            return Verdict.WRONG
        user, password = credentials
        proof = hmac.digest(self.verified.key, hashlib.sha256(user).digest() + password, "sha256")
        verdict = self._remembered(user, proof)
        if verdict is not None:
            return verdict
        if self._queued >= MAX_QUEUED:
            return Verdict.BUSY
        self._queued += 1
        try:
            async with self._bcrypt_lock:
                # The one before may have had the same password.
                return self._remembered(user, proof) or await self._verify(user, password, proof)
        finally:
            self._queued -= 1

    def _remembered(self, user: bytes, proof: bytes) -> Verdict | None:
        right = self.verified.proofs.get((user, self._hashes.get(user, b"")), b"")
        if hmac.compare_digest(right, proof):
            return Verdict.RIGHT
        return Verdict.WRONG if proof in self._wrong else None

    async def _verify(self, user: bytes, password: bytes, proof: bytes) -> Verdict:
        hashed = self._hashes.get(user)
        # An unknown user takes as long as a known one.
        fits = await asyncio.to_thread(matches, password, hashed or self._nobody)
        if fits and hashed is not None:
            self.verified.proofs[user, hashed] = proof
            return Verdict.RIGHT
        self._wrong[proof] = None
        if len(self._wrong) > MAX_REMEMBERED_WRONG:
            self._wrong.popitem(last=False)
        return Verdict.WRONG


def matches(password: bytes, hashed: bytes) -> bool:
    """Whether *password* has the bcrypt hash *hashed*."""
    try:
        return bcrypt.checkpw(password[:MAX_PASSWORD_BYTES], hashed)
    except ValueError:
        return False


def basic_credentials(authorization: str) -> tuple[bytes, bytes] | None:
    """User and password of a Basic Authorization header (RFC 7617), None if it is something else."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
    except ValueError:
        return None
    return (user, password) if colon else None
