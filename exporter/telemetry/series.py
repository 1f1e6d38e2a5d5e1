"""Series of the exporter's own metrics that are written when they change and only joined when somebody scrapes.

prometheus_client's counters and histograms are read, named, checked and escaped anew at every scrape: 10 to 20
microseconds a line, and requests by endpoint make thousands of lines. These have the same methods and the same text.
Changes must come one at a time; whoever owns the metrics holds a lock. Reading needs none.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

from prometheus_client.utils import floatToGoString

from exporter.metrics.exposition import escape
from exporter.telemetry.declarations import OwnMetric

CACHED_LINES = 8192


@lru_cache(CACHED_LINES)
def series_name(name: str, labels: tuple[str, ...], values: tuple[str, ...]) -> str:
    """A series as both formats write it, with its labels in alphabetical order."""
    pairs = sorted(zip(labels, values, strict=True))
    return name + "{" + ",".join(f'{label}="{escape(value)}"' for label, value in pairs) + "}" if pairs else name


def number(value: float) -> str:
    """*value* as prometheus_client writes it."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def line(name: str, value: float) -> str:
    """The line of the series *name*."""
    return f"{name} {number(value)}\n"


def header(declared: OwnMetric, *, openmetrics: bool) -> str:
    """HELP and TYPE; OpenMetrics names a counter without its suffix."""
    name = declared.name.removesuffix("_total") if openmetrics and declared.type == "counter" else declared.name
    return f"# HELP {name} {declared.help}\n# TYPE {name} {declared.type}\n"


@lru_cache(CACHED_LINES)
def state_line(name: str, labels: tuple[str, ...], values: tuple[str, ...], value: float) -> str:
    """The line of a series whose value seldom changes."""
    return line(series_name(name, labels, values), value)


class Written(Protocol):
    """A series and its lines as they are now."""

    text: str


Series = TypeVar("Series", bound=Written)


class Value:
    """One number: a counter's or a gauge's."""

    def __init__(self, declared: OwnMetric, values: tuple[str, ...]) -> None:
        self._name = series_name(declared.name, declared.labels, values)
        self._value = 0.0
        self.text = line(self._name, 0.0)

    def set(self, value: float) -> None:
        """Replace the number."""
        self._value = value
        self.text = line(self._name, value)

    def inc(self, amount: float = 1) -> None:
        """Add to the number."""
        self.set(self._value + amount)


class Distribution:
    """One histogram: how many observations are at most each bound, how many there are, and their sum."""

    def __init__(self, declared: OwnMetric, values: tuple[str, ...], bounds: tuple[float, ...]) -> None:
        limits = [number(bound) for bound in (*bounds, float("inf"))]
        labels = (*declared.labels, "le")
        self._buckets = [series_name(f"{declared.name}_bucket", labels, (*values, limit)) for limit in limits]
        self._count = series_name(f"{declared.name}_count", declared.labels, values)
        self._sum = series_name(f"{declared.name}_sum", declared.labels, values)
        self._bounds = bounds
        self._observed = [0] * len(limits)
        self._total = 0.0
        self.text = self._write()

    def observe(self, value: float) -> None:
        """Count *value*."""
        self._observed[bisect_left(self._bounds, value)] += 1
        self._total += value
        self.text = self._write()

    def _write(self) -> str:
        counts = list(accumulate(self._observed))
        buckets = (line(name, count) for name, count in zip(self._buckets, counts, strict=True))
        return "".join((*buckets, line(self._count, counts[-1]), line(self._sum, self._total)))


class Family(Generic[Series]):
    """A metric with all its series; *begin* makes one of its label values."""

    def __init__(self, declared: OwnMetric, begin: Callable[[OwnMetric, tuple[str, ...]], Series]) -> None:
        self._declared = declared
        self._begin = begin
        self._series: dict[tuple[str, ...], Series] = {}

    def labels(self, *values: str) -> Series:
        """The series with these label values, begun at zero."""
        if values not in self._series:
            self._series[values] = self._begin(self._declared, values)
        return self._series[values]

    def remove_by_labels(self, labels: Mapping[str, str]) -> None:
        """Remove every series that has *labels*."""
        places = {self._declared.labels.index(label): value for label, value in labels.items()}
        self._series = {
            values: series
            for values, series in self._series.items()
            if any(values[place] != value for place, value in places.items())
        }

    def render(self, *, openmetrics: bool) -> str:
        """Write the metric as it is now."""
        lines = [series.text for series in list(self._series.values())]
        return header(self._declared, openmetrics=openmetrics) + "".join(lines)


def state(declared: OwnMetric, values: Iterable[tuple[tuple[str, ...], float | None]], *, openmetrics: bool) -> str:
    """Write a gauge whose values are read when somebody scrapes; None is not told."""
    name, labels = declared.name, declared.labels
    lines = [state_line(name, labels, series, value) for series, value in values if value is not None]
    return header(declared, openmetrics=openmetrics) + "".join(lines)
