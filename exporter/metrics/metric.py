"""Metric declarations and the samples made from them.

A declaration is data: name, type, help, labels. Everything a reader sees of a metric (exposition, documentation, lint)
derives from it, for GitHub's numbers and for the metrics about the exporter itself.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

NAME = re.compile(r"ghe_[a-z][a-z0-9]*(_[a-z0-9]+)*")
HELP = re.compile(r"[A-Z][^\"\\\n]*\.")


@dataclass(frozen=True, eq=False, slots=True)
class Metric:
    """A metric family. Calling it makes a sample for a collector, whose enterprise is added when it is rendered.

    Attributes:
        name: as exposed; a counter's ends in `_total`.
        help: one sentence.
        labels: all of them, in the order in which they are written; `enterprise` is the first one.
        type: as in the `# TYPE` line.
        dropped_with: names metrics that only make sense together: above the series limit all of them are left out.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: Literal["gauge", "counter", "histogram"] = "gauge"
    dropped_with: str = ""

    def __post_init__(self) -> None:
        # Help without quotes or backslashes reads the same in text and OpenMetrics, so one rendering serves both.
        if not NAME.fullmatch(self.name) or not HELP.fullmatch(self.help):
            raise ValueError(f"{self.name}: not a metric name of this exporter, or help is not one plain sentence")
        if len(set(self.labels)) != len(self.labels) or "enterprise" in self.labels[1:]:
            raise ValueError(f"{self.name}: labels repeat, or the enterprise is not the first one")

    def __call__(self, value: float | None, *labels: str) -> "Sample":
        """Make a sample; the values of the labels after `enterprise` come in the order of the declaration.

        A value of None means that GitHub does not report it: the series is absent.
        """
        if len(labels) + 1 != len(self.labels):
            raise ValueError(f"{self.name} takes labels {self.labels[1:]}, got {len(labels)} values")
        return Sample(self, value, labels)


class Sample(NamedTuple):
    """One value of one series; None is "not reported" and is left out."""

    metric: Metric
    value: float | None
    labels: tuple[str, ...]


def gauge(name: str, help_text: str, *labels: str, dropped_with: str = "") -> Metric:
    """Declare a gauge with label `enterprise` and *labels*."""
    return Metric(name, help_text, ("enterprise", *labels), dropped_with=dropped_with)


def families(metrics: tuple[Metric, ...], samples: Iterable[Sample]) -> dict[Metric, dict[tuple[str, ...], float]]:
    """Group *samples* by metric in declared order, without the values that are not reported or not finite.

    Raises:
        ValueError: a sample of an undeclared metric, or two samples of one series. Both are bugs of a collector:
            prometheus_client would expose them silently and Prometheus would reject the whole scrape.
    """
    grouped: dict[Metric, dict[tuple[str, ...], float]] = {metric: {} for metric in metrics}
    for metric, value, labels in samples:
        if metric not in grouped:
            raise ValueError(f"{metric.name} is not declared by this collector")
        if value is None or not _is_finite(value):
            continue
        family = grouped[metric]
        if labels in family:
            raise ValueError(f"{metric.name} has two samples with the same labels")
        family[labels] = value
    return grouped


def _is_finite(value: float) -> bool:
    return value - value == 0


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
