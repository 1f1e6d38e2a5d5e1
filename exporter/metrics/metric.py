"""Metric declarations and the samples made from them.

A declaration is data: name, type, help, labels. Everything a reader sees of a metric (exposition, documentation, lint)
derives from it, for GitHub's numbers and for the metrics about the exporter itself.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

NAME = re.compile(r"ghe_[a-z][a-z0-9]*(_[a-z0-9]+)*")
ENTERPRISE = ("enterprise",)
HELP = re.compile(r"[A-Z][^\"\\\n]*\.")


@dataclass(slots=True)
class Distribution:
    """The value of a series of a histogram: observations in each bucket, the last without bound, and their sum."""

    observed: list[int]
    total: float = 0.0

    @classmethod
    def of(cls, metric: "Metric") -> "Distribution":
        """One of *metric* without observations."""
        return cls([0] * (len(metric.buckets) + 1))

    def observe(self, value: float, metric: "Metric") -> None:
        """Count *value* in its bucket of *metric*."""
        self.observed[bisect_left(metric.buckets, value)] += 1
        self.total += value


Value = float | Distribution


@dataclass(frozen=True, eq=False, slots=True)
class Metric:
    """A metric family. Calling it makes a sample for a collector, whose enterprise is added when it is rendered.

    Attributes:
        name: as exposed; a counter's ends in `_total`.
        help: one sentence.
        labels: all of them, in the order in which they are written; `enterprise` is the first one, where it is one.
        type: as in the `# TYPE` line.
        dropped_with: names metrics that only make sense together: above the series limit all of them are left out.
        buckets: upper bounds of a histogram, the smallest first.
        extended_by: what adds labels that the settings name; empty if nothing does.
        declaration: what a metric with such labels was made from.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: Literal["gauge", "counter", "histogram"] = "gauge"
    dropped_with: str = ""
    buckets: tuple[float, ...] = field(default=(), repr=False)
    extended_by: str = ""
    declaration: "Metric | None" = None

    def __post_init__(self) -> None:
        # Help without quotes or backslashes reads the same in text and OpenMetrics, so one rendering serves both.
        if not NAME.fullmatch(self.name) or not HELP.fullmatch(self.help):
            raise ValueError(f"{self.name}: not a metric name of this exporter, or help is not one plain sentence")
        if len(set(self.labels)) != len(self.labels) or "enterprise" in self.labels[1:]:
            raise ValueError(f"{self.name}: labels repeat, or the enterprise is not the first one")
        if bool(self.buckets) != (self.type == "histogram") or list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError(f"{self.name}: a histogram, and nothing else, has buckets, the smallest first")

    @property
    def own_labels(self) -> tuple[str, ...]:
        """The labels without that of the enterprise."""
        return self.labels[1:] if self.labels[:1] == ENTERPRISE else self.labels

    def __call__(self, value: Value | None, *labels: str) -> "Sample":
        """Make a sample; the values of `own_labels` come in the order of the declaration.

        A value of None means that GitHub does not report it: the series is absent.
        """
        if len(labels) != len(self.own_labels):
            raise ValueError(f"{self.name} takes labels {self.own_labels}, got {len(labels)} values")
        if value is not None and isinstance(value, Distribution) != (self.type == "histogram"):
            raise ValueError(f"{self.name}: a histogram, and nothing else, has distributions as values")
        return Sample(self, value, labels)

    def with_labels(self, labels: Iterable[str]) -> "Metric":
        """The same metric with more *labels*, which the settings name; all its samples must have the same ones."""
        if not self.extended_by:
            raise ValueError(f"{self.name} takes no labels from the settings")
        return replace(self, labels=(*self.labels, *labels), declaration=self)


class Sample(NamedTuple):
    """One value of one series; None is "not reported" and is left out."""

    metric: Metric
    value: Value | None
    labels: tuple[str, ...]


def gauge(name: str, help_text: str, *labels: str, dropped_with: str = "", extended_by: str = "") -> Metric:
    """Declare a gauge with label `enterprise` and *labels*."""
    return Metric(name, help_text, ("enterprise", *labels), dropped_with=dropped_with, extended_by=extended_by)


def counter(name: str, help_text: str, *labels: str) -> Metric:
    """Declare a counter with label `enterprise` and *labels*."""
    return Metric(name, help_text, ("enterprise", *labels), type="counter")


def histogram(name: str, help_text: str, *labels: str, buckets: tuple[float, ...]) -> Metric:
    """Declare a histogram with label `enterprise` and *labels*; *buckets* are its upper bounds."""
    return Metric(name, help_text, ("enterprise", *labels), type="histogram", buckets=buckets)


def families(metrics: tuple[Metric, ...], samples: Iterable[Sample]) -> dict[Metric, dict[tuple[str, ...], Value]]:
    """Group *samples* by metric in declared order, without the values that are not reported or not finite.

    Raises:
        ValueError: a sample of an undeclared metric, or two samples of one series. Both are bugs of a collector:
            prometheus_client would expose them silently and Prometheus would reject the whole scrape.
    """
    grouped: dict[Metric, dict[tuple[str, ...], Value]] = {metric: {} for metric in metrics}
    for metric, value, labels in samples:
        if metric not in grouped:
            if metric.declaration is None or metric.declaration not in grouped:
                raise ValueError(f"{metric.name} is not declared by this collector")
            del grouped[metric.declaration]  # so that a second set of labels is none that was declared
            grouped[metric] = {}
        if value is None or not _is_finite(value):
            continue
        family = grouped[metric]
        if labels in family:
            raise ValueError(f"{metric.name} has two samples with the same labels")
        family[labels] = value
    return grouped


def _is_finite(value: Value) -> bool:
    number = value.total if isinstance(value, Distribution) else value
    return number - number == 0


class Totals:
    """Sums per label set of one metric, for rows that become equal once their labels are normalized."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._totals: dict[tuple[str, ...], float] = {}

    def add(self, value: float, *labels: str) -> None:
        """Add *value* to the series with *labels*."""
        self._totals[labels] = self._totals.get(labels, 0) + value

    def samples(self) -> Iterator[Sample]:
        """Every series that got a value."""
        for labels, value in self._totals.items():
            yield self._metric(value, *labels)
