"""Rendered JSON bodies with their ETag and their compressed form, stored for a while."""

import gzip
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

MAX_STORED_BYTES = 16 * 2**20
WORTH_COMPRESSING = 1_024
ETAG_BYTES = 32


def render(payload: Any) -> bytes:
    """Return *payload* as compact JSON, as GitHub sends it."""
    return json.dumps(payload, separators=(",", ":")).encode()


class Body:
    """A rendered payload; the number of records of the list it is a page of, or the cursor behind it."""

    def __init__(self, content: bytes, total: int | None, after: str | None = None) -> None:
        self.content = content
        self.total = total
        self.after = after

    @cached_property
    def etag(self) -> str:
        """Weak validator: the same payload has the same."""
        return f'W/"{hashlib.blake2b(self.content, digest_size=ETAG_BYTES).hexdigest()}"'

    @cached_property
    def compressed(self) -> bytes | None:
        """Gzip form, None where it is not worth it."""
        if len(self.content) <= WORTH_COMPRESSING:
            return None
        return gzip.compress(self.content, compresslevel=1, mtime=0)


class Bodies:
    """The most recently used bodies, up to a number of bytes; safe for many threads."""

    def __init__(self, max_stored_bytes: int = MAX_STORED_BYTES) -> None:
        self._max_stored_bytes = max_stored_bytes
        self._bodies: OrderedDict[Hashable, Body] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Body]) -> Body:
        """Return the body for *key*, made by *make* if it is not at hand."""
        with self._lock:
            body = self._bodies.get(key)
            if body is not None:
                self._bodies.move_to_end(key)
                return body
        body = make()
        with self._lock:
            if key not in self._bodies:
                self._bodies[key] = body
                self._bytes += len(body.content)
            while self._bytes > self._max_stored_bytes:
                _, dropped = self._bodies.popitem(last=False)
                self._bytes -= len(dropped.content)
        return body
