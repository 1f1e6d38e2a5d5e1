"""Series of the exporter's own metrics that are written when they change and only joined when somebody scrapes.

prometheus_client's counters and histograms are read, named, checked and escaped anew at every scrape: 10 to 20
microseconds a line, and requests by path make thousands of lines. These have the same methods and the same text.
Changes must come one at a time; whoever owns the metrics holds a lock. Reading needs none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry

from exporter.metrics.lines import header, histogram_lines, histogram_names, line, series_name
from exporter.metrics.metric import Distribution, Metric

CACHED_LINES = 8192


class Series(Protocol):
    """A series and its lines as they are now."""

    text: str


AnySeries = TypeVar("AnySeries", bound=Series)


class Scalar:
    """One number: a counter's or a gauge's."""

    def __init__(self, metric: Metric, values: tuple[str, ...]) -> None:
        self._name = series_name(metric.name, metric.labels, values)
        self._value = 0.0
        self.text = line(self._name, 0.0)

    def set(self, value: float) -> None:
        """Replace the number."""
        self._value = value
        self.text = line(self._name, value)

    def inc(self, amount: float = 1) -> None:
        """Add to the number."""
        self.set(self._value + amount)


class Histogram:
    """One histogram: how many observations are at most each bound, how many there are, and their sum."""

    def __init__(self, metric: Metric, values: tuple[str, ...]) -> None:
        self._metric = metric
        self._names = histogram_names(metric, values)
        self._value = Distribution.of(metric)
        self.text = histogram_lines(self._names, self._value)

    def observe(self, value: float) -> None:
        """Count *value*."""
        self._value.observe(value, self._metric)
        self.text = histogram_lines(self._names, self._value)


class Family(Generic[AnySeries]):
    """A metric with all its series; *create* makes one of its label values."""

    def __init__(self, metric: Metric, create: Callable[[Metric, tuple[str, ...]], AnySeries]) -> None:
        self._metric = metric
        self._create = create
        self._series: dict[tuple[str, ...], AnySeries] = {}
        self._written: dict[bool, tuple[list[str], str]] = {}

    def labels(self, *values: str) -> AnySeries:
        """The series with these label values, created at zero."""
        if values not in self._series:
            self._series[values] = self._create(self._metric, values)
        return self._series[values]

    def remove_by_labels(self, labels: Mapping[str, str]) -> None:
        """Remove every series that has *labels*."""
        places = {self._metric.labels.index(label): value for label, value in labels.items()}
        self._series = {
            values: series
            for values, series in self._series.items()
            if any(values[place] != value for place, value in places.items())
        }

    def render(self, *, openmetrics: bool) -> str:
        """Write the metric as it is now: the very same text as before if nothing has changed."""
        lines = [series.text for series in list(self._series.values())]
        before, text = self._written.get(openmetrics, ([], ""))
        if not text or lines != before:  # quick, because lines that have not changed are the same objects
            text = header(self._metric, openmetrics=openmetrics) + "".join(lines)
            self._written[openmetrics] = lines, text
        return text


_process_name = lru_cache(CACHED_LINES)(series_name)


@lru_cache(CACHED_LINES)
def _gauge_line(name: str, labels: tuple[str, ...], values: tuple[str, ...], value: float) -> str:
    """The line of a gauge whose value seldom changes."""
    return line(series_name(name, labels, values), value)


def render_gauge(metric: Metric, values: Iterable[tuple[tuple[str, ...], float | None]]) -> str:
    """Write a gauge whose values are read when somebody scrapes; None is left out."""
    lines = [_gauge_line(metric.name, metric.labels, labels, value) for labels, value in values if value is not None]
    return header(metric) + "".join(lines)


def render_registry(registry: CollectorRegistry, *, openmetrics: bool) -> Iterator[str]:
    """Write what prometheus_client's own collectors report of the process, in the number format of the other lines."""
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" and not openmetrics else family.name
        yield f"# HELP {name} {family.documentation}\n# TYPE {name} {family.type}\n"
        for sample in family.samples:
            yield line(_process_name(sample.name, tuple(sample.labels), tuple(sample.labels.values())), sample.value)
