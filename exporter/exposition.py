"""Samples to bytes: rendered once when a collector publishes, joined when somebody scrapes.

The text format and OpenMetrics write gauges alike (help texts hold nothing that they escape differently), so one
rendering serves both. Each collector's bytes are also deflated once, up to a byte boundary; such pieces join into one
gzip stream without compressing anything again.
"""

import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exporter.metric import Metric

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
PIECE_BYTES = 1_048_576
"""Longer bodies go out in pieces: the time a client has to take something is counted for each of them."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Lines(NamedTuple):
    """Sample lines of one family."""

    text: bytes
    series: int


def render(enterprise: str, grouped: Mapping[Metric, Mapping[tuple[str, ...], float]]) -> dict[str, Lines]:
    """Write the samples of one enterprise; a family without a sample is left out."""
    return {metric.name: _lines(metric, enterprise, family) for metric, family in grouped.items() if family}


def _lines(metric: Metric, enterprise: str, family: Mapping[tuple[str, ...], float]) -> Lines:
    names = "".join(f',{name}="%s"' for name in metric.labels)
    pattern = f'{metric.name}{{enterprise="{escape(enterprise).replace("%", "%%")}"{names}}} '
    lines = [pattern % tuple(map(escape, labels)) + format_value(value) for labels, value in sorted(family.items())]
    return Lines(("\n".join(lines) + "\n").encode(), len(lines))


def escape(value: str) -> str:
    """Escape a label value as both formats do."""
    return value.translate(_ESCAPES) if "\\" in value or '"' in value or "\n" in value else value


def format_value(value: float) -> str:
    """Write a finite value: whole numbers without a fraction, others in the shortest form that reads back equal."""
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def header(metric: Metric) -> bytes:
    """HELP and TYPE of a gauge."""
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n".encode()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Every family of one collector, of all enterprises."""

    text: bytes = b""
    deflated: bytes = b""

    @classmethod
    def of(cls, text: bytes) -> "Chunk":
        """Deflate *text* up to a byte boundary, so that another chunk may follow."""
        compressor = zlib.compressobj(level=1, wbits=-15)
        return cls(text, compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH))


@dataclass(frozen=True, slots=True)
class Page:
    """What a scrape gets of the collectors: immutable, so that concurrent scrapes agree."""

    chunks: tuple[Chunk, ...]
    crc: int
    size: int

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> "Page":
        """Join *chunks*."""
        filled = tuple(chunk for chunk in chunks if chunk.text)
        crc = size = 0
        for chunk in filled:
            crc = zlib.crc32(chunk.text, crc)
            size += len(chunk.text)
        return cls(filled, crc, size)

    def plain(self, tail: bytes) -> list[bytes]:
        """The body with *tail* at its end."""
        return [piece for text in (*(chunk.text for chunk in self.chunks), tail) for piece in _pieces(text)]

    def gzipped(self, tail: bytes) -> list[bytes]:
        """The body with *tail* at its end as one gzip stream."""
        compressor = zlib.compressobj(level=1, wbits=-15)
        end = compressor.compress(tail) + compressor.flush()
        crc = zlib.crc32(tail, self.crc)
        trailer = crc.to_bytes(4, "little") + ((self.size + len(tail)) % 2**32).to_bytes(4, "little")
        deflated = (piece for chunk in self.chunks for piece in _pieces(chunk.deflated))
        return [GZIP_HEADER, *deflated, end + trailer]


def _pieces(text: bytes) -> Iterator[bytes]:
    if len(text) <= PIECE_BYTES:
        yield text
        return
    for start in range(0, len(text), PIECE_BYTES):
        yield text[start : start + PIECE_BYTES]


class Exposition:
    """The bytes of every collector; publishing swaps, scraping reads."""

    def __init__(self, collectors: Mapping[str, tuple[Metric, ...]]) -> None:
        self._metrics = collectors
        self._lock = threading.Lock()
        self._families: dict[str, dict[str, Mapping[str, bytes]]] = {name: {} for name in collectors}
        self._chunks = {name: Chunk() for name in collectors}
        self._page = Page.of(())

    def publish(self, collector: str, enterprise: str, families: Mapping[str, bytes]) -> None:
        """Replace what *collector* tells of *enterprise*; nothing takes it out."""
        with self._lock:
            results = self._families[collector]
            if families:
                results[enterprise] = families
            else:
                results.pop(enterprise, None)
            self._chunks[collector] = Chunk.of(b"".join(self._texts(collector)))
            self._page = Page.of(self._chunks.values())

    def page(self, collectors: frozenset[str] | None = None) -> Page:
        """The newest page, whole or of *collectors* only."""
        if collectors is None:
            return self._page
        with self._lock:
            return Page.of(chunk for name, chunk in self._chunks.items() if name in collectors)

    def _texts(self, collector: str) -> Iterator[bytes]:
        results = [families for _, families in sorted(self._families[collector].items())]
        for metric in self._metrics[collector]:
            texts = [families[metric.name] for families in results if metric.name in families]
            if texts:
                yield header(metric)
                yield from texts
