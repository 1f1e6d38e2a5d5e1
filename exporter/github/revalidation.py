"""Answers stored for revalidation: a 304 costs nothing of the rate limit."""

import threading
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

MAX_STORED_BYTES = 16_000_000
"""Bound per credential, compressed; the least recently used answers go first."""


class StoredAnswer(NamedTuple):
    """The answer that an ETag identifies."""

    body: bytes
    links: Mapping[str, str]


class _Entry(NamedTuple):
    etag: str
    compressed: bytes
    links: Mapping[str, str]


class Revalidation:
    """The last answer per URL with its ETag."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size = 0

    def conditions(self, url: str) -> dict[str, str]:
        """Headers that ask for *url* only if it changed."""
        with self._lock:
            entry = self._entries.get(url)
        return {"If-None-Match": entry.etag} if entry else {}

    def store(self, url: str, etag: str, body: bytes, links: Mapping[str, str]) -> None:
        """Store the answer for *url*, if its *etag* can be sent back."""
        if not etag or not etag.isprintable():
            return
        entry = _Entry(etag, zlib.compress(body, 1), links)
        with self._lock:
            self._forget(url)
            self._entries[url] = entry
            self._size += len(entry.compressed)
            while self._size > MAX_STORED_BYTES:
                self._forget(next(iter(self._entries)))

    def confirmed(self, url: str) -> StoredAnswer | None:
        """The stored answer that a 304 for *url* confirms."""
        with self._lock:
            entry = self._entries.get(url)
            if entry is None:
                return None
            self._entries.move_to_end(url)
        return StoredAnswer(zlib.decompress(entry.compressed), entry.links)

    def _forget(self, url: str) -> None:
        entry = self._entries.pop(url, None)
        if entry is not None:
            self._size -= len(entry.compressed)
