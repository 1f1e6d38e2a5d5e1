"""Check passwords without letting a stranger burn the processor or keep others out.

bcrypt is slow on purpose. What was right once is remembered as a keyed hash, so that a scrape costs one computation
after a start; what was wrong is remembered too, within bounds. One computation runs at a time and few wait for it.
"""

import hashlib
import hmac
import secrets
import threading
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import bcrypt

MOST_REFUSED = 256
MOST_WAITING = 3
"""Fewer than there are threads, so that some are always left for whoever is known already."""
LONGEST_PASSWORD = 72
"""The bytes that bcrypt looks at."""
DEFAULT_COST = 10


class Verdict(Enum):
    """What became of a password."""

    RIGHT = auto()
    WRONG = auto()
    BUSY = auto()
    """Too many others are being checked; ask again."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """Who gave the right password: its keyed hash by user and bcrypt hash, so that another one forgets it."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    proofs: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)


class Passwords:
    """The users and their hashes; those who are *let_in* already stay so where nothing changed for them."""

    def __init__(self, hashes: Mapping[str, str], let_in: LetIn | None = None) -> None:
        self.let_in = let_in or LetIn()
        self._hashes = {name.encode(): hashed.encode() for name, hashed in hashes.items()}
        cost = max((int(hashed[4:6]) for hashed in hashes.values()), default=DEFAULT_COST)
        self._nobody = b"$2b$%02d$" % cost + b"." * 53
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()
        self._one = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def __bool__(self) -> bool:
        """Whether a password is asked for at all."""
        return bool(self._hashes)

    def check(self, authorization: str) -> Verdict:
        """Judge an Authorization header."""
        credentials = basic_credentials(authorization)
        if credentials is None:
            return Verdict.WRONG
        user, password = credentials
        proof = hmac.digest(self.let_in.key, hashlib.sha256(user).digest() + password, "sha256")
        verdict = self._remembered(user, proof)
        if verdict is not None:
            return verdict
        if not self._places.acquire(blocking=False):
            return Verdict.BUSY
        try:
            with self._one:
                # Another thread may have found out meanwhile.
                return self._remembered(user, proof) or self._find_out(user, password, proof)
        finally:
            self._places.release()

    def _remembered(self, user: bytes, proof: bytes) -> Verdict | None:
        with self._lock:
            right, is_wrong = self.let_in.proofs.get((user, self._hashes.get(user, b"")), b""), proof in self._wrong
        if hmac.compare_digest(right, proof):
            return Verdict.RIGHT
        return Verdict.WRONG if is_wrong else None

    def _find_out(self, user: bytes, password: bytes, proof: bytes) -> Verdict:
        hashed = self._hashes.get(user)
        # Somebody unknown takes as long as somebody known.
        fits = matches(password, hashed or self._nobody)
        with self._lock:
            if fits and hashed is not None:
                self.let_in.proofs[user, hashed] = proof
                return Verdict.RIGHT
            self._wrong[proof] = None
            if len(self._wrong) > MOST_REFUSED:
                self._wrong.popitem(last=False)
        return Verdict.WRONG


def matches(password: bytes, hashed: bytes) -> bool:
    """Whether *password* has the bcrypt hash *hashed*."""
    try:
        return bcrypt.checkpw(password[:LONGEST_PASSWORD], hashed)
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
