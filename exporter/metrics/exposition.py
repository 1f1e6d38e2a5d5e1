"""Samples to bytes: rendered once when a collector publishes, joined when somebody scrapes.

The text format and OpenMetrics write series alike, and help texts hold nothing that they escape differently: one
rendering serves both. Only the headers of counters differ; collectors that have one come last, so that nothing before
them is joined or summed up twice. Bytes are also deflated once, in pieces that end at a byte boundary; such pieces
join into one gzip stream without compressing anything again, and a piece that did not change is not compressed anew.
"""

import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import NamedTuple

from exporter.metrics.lines import escape, format_value, header, histogram_lines, histogram_names
from exporter.metrics.metric import Distribution, Metric, Value

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
GZIP_END = zlib.compress(b"", wbits=-15)
MAX_PIECE_BYTES = 1_048_576
"""Longer bodies go out in pieces: the time a client has to take something is counted for each of them."""
MIN_CHUNK_BYTES = 65_536
"""From this size on a family is deflated by itself; smaller ones compress better together."""


class RenderedFamily(NamedTuple):
    """Sample lines of one family."""

    text: bytes
    series: int


def render(enterprise: str, grouped: Mapping[Metric, Mapping[tuple[str, ...], Value]]) -> dict[str, RenderedFamily]:
    """Write the samples of one enterprise; a family without a sample is left out."""
    return {metric.name: _lines(metric, enterprise, family) for metric, family in grouped.items() if family}


def _lines(metric: Metric, enterprise: str, family: Mapping[tuple[str, ...], Value]) -> RenderedFamily:
    given = () if metric.own_labels == metric.labels else (enterprise,)
    names = ",".join(f'{name}="%s"' for name in metric.own_labels)
    first = f'enterprise="{escape(enterprise).replace("%", "%%")}"' if given else ""
    pattern = f"{metric.name}{{{first}{',' if first and names else ''}{names}}} "
    lines, series = [], 0
    for labels, value in family.items():
        if isinstance(value, Distribution):
            found = histogram_names(metric, (*given, *labels))
            lines.append(histogram_lines(found, value).removesuffix("\n"))
            series += len(found)
        else:
            lines.append(pattern % tuple(map(escape, labels)) + format_value(value))
            series += 1
    lines.sort()  # of strings four times faster than of tuples, and nobody else computes meanwhile
    return RenderedFamily(("\n".join(lines) + "\n").encode(), series)


class Chunk:
    """Some bytes of the page; deflated when that is first wanted, up to a byte boundary, so that others may follow."""

    __slots__ = ("_checksum", "_deflated", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._deflated: bytes | None = None
        self._checksum: tuple[int, int] | None = None

    @property
    def deflated(self) -> bytes:
        """The text, deflated."""
        if self._deflated is None:
            compressor = zlib.compressobj(level=1, wbits=-15)
            self._deflated = compressor.compress(self.text) + compressor.flush(zlib.Z_FULL_FLUSH)
        return self._deflated

    def crc(self, before: int) -> int:
        """The checksum of what stands before the text, and of the text; kept while nothing before it changes."""
        kept = self._checksum
        if kept is None or kept[0] != before:
            self._checksum = kept = before, zlib.crc32(self.text, before)
        return kept[1]


def reuse_unchanged(texts: Sequence[bytes], before: Sequence[Chunk]) -> tuple[Chunk, ...]:
    """Make chunks of *texts*; where one is as *before* at its place, it stays, with what was deflated of it."""
    pairs = zip_longest(texts, before[: len(texts)])
    return tuple(old if old is not None and old.text == text else Chunk(text) for text, old in pairs)


@dataclass(frozen=True, slots=True)
class Page:
    """What a scrape gets of the collectors: immutable, so that concurrent scrapes agree."""

    texts: tuple[bytes, ...]
    gzip: tuple[bytes, ...]
    crc: int
    size: int

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> "Page":
        """Join *chunks*."""
        filled = tuple(chunk for chunk in chunks if chunk.text)
        crc = size = 0
        for chunk in filled:
            crc = chunk.crc(crc)
            size += len(chunk.text)
        deflated = b"".join((GZIP_HEADER, *(chunk.deflated for chunk in filled)))
        return cls(tuple(chunk.text for chunk in filled), tuple(split(deflated)), crc, size)

    def plain(self, tail: Iterable[Chunk]) -> list[bytes]:
        """The body with *tail* at its end."""
        return [*self.texts, *(chunk.text for chunk in tail if chunk.text)]

    def gzipped(self, tail: Iterable[Chunk]) -> list[bytes]:
        """The body with *tail* at its end as one gzip stream."""
        crc, size = self.crc, self.size
        end = []
        for chunk in tail:
            crc = chunk.crc(crc)
            size += len(chunk.text)
            end.append(chunk.deflated)
        trailer = crc.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
        return [*self.gzip, *split(b"".join((*end, GZIP_END, trailer)))]


def split(text: bytes) -> list[bytes]:
    """Cut *text* into pieces of at most `MAX_PIECE_BYTES`."""
    if len(text) <= MAX_PIECE_BYTES:
        return [text]
    return [text[start : start + MAX_PIECE_BYTES] for start in range(0, len(text), MAX_PIECE_BYTES)]


class Exposition:
    """The bytes of every collector; publishing swaps, scraping reads."""

    def __init__(self, collectors: Mapping[str, tuple[Metric, ...]]) -> None:
        self._metrics = collectors
        self._lock = threading.Lock()
        self._families: dict[str, dict[str, Mapping[str, tuple[Chunk, ...]]]] = {name: {} for name in collectors}
        alike = [name for name in collectors if not self._has_counter(name)]
        names = (*alike, *(name for name in collectors if name not in alike))
        self._chunks: dict[bool, dict[str, tuple[Chunk, ...]]] = {
            openmetrics: dict.fromkeys(names, ()) for openmetrics in (False, True)
        }
        self._pages = dict.fromkeys(self._chunks, Page.of(()))

    def publish(self, collector: str, enterprise: str, families: Mapping[str, bytes]) -> None:
        """Replace the families of *collector* for *enterprise*; none removes them."""
        with self._lock:
            results = self._families[collector]
            before = results.get(enterprise, {})
            if families:
                results[enterprise] = {
                    name: reuse_unchanged(split(text), before.get(name, ())) for name, text in families.items()
                }
            else:
                results.pop(enterprise, None)
            for openmetrics, chunks in self._chunks.items():
                if not openmetrics or (results and self._has_counter(collector)):
                    chunks[collector] = tuple(_grouped(self._in_order(collector, openmetrics=openmetrics)))
                else:
                    chunks[collector] = self._chunks[False][collector]
            text, openmetrics_chunks = (tuple(chain.from_iterable(chunks.values())) for chunks in self._chunks.values())
            page = Page.of(text)
            self._pages = {False: page, True: page if text == openmetrics_chunks else Page.of(openmetrics_chunks)}

    def page(self, collectors: frozenset[str] | None = None, *, openmetrics: bool = False) -> Page:
        """The newest page in one of the formats, whole or of *collectors* only."""
        if collectors is None:
            return self._pages[openmetrics]
        with self._lock:
            chunks = [chunks for name, chunks in self._chunks[openmetrics].items() if name in collectors]
        return Page.of(chain.from_iterable(chunks))

    def _has_counter(self, collector: str) -> bool:
        return any(metric.type == "counter" for metric in self._metrics[collector])

    def _in_order(self, collector: str, *, openmetrics: bool) -> Iterator[Chunk]:
        results = [families for _, families in sorted(self._families[collector].items())]
        for metric in self._metrics[collector]:
            chunks = [families[metric.name] for families in results if metric.name in families]
            if chunks:
                yield Chunk(header(metric, openmetrics=openmetrics).encode())
                yield from chain.from_iterable(chunks)


def _grouped(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Join adjacent chunks that are small."""
    small: list[bytes] = []
    for chunk in chunks:
        if len(chunk.text) < MIN_CHUNK_BYTES:
            small.append(chunk.text)
            continue
        yield Chunk(b"".join(small))
        small = []
        yield chunk
    yield Chunk(b"".join(small))
