"""The last good results: how old they are, when they go, and what of them is exposed."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from exporter.metrics.exposition import Exposition, Lines
from exporter.metrics.metric import Metric
from exporter.runtime.status import Key

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Result:
    """What one run told of one target, rendered; immutable."""

    families: Mapping[str, Lines]
    collected_at: float


class Snapshots:
    """Last good results per (enterprise, collector) and organization; empty for the enterprise level.

    A new result replaces the old one of its target whole. Publishing happens under one lock, so that the exposition
    never goes back in time. Who makes a result of what was read holds the lock as well: of threads that all compute,
    a scrape would have to wait for each.
    """

    def __init__(
        self,
        exposition: Exposition,
        metrics: Mapping[str, tuple[Metric, ...]],
        dropped: Callable[[Key, Mapping[str, int]], None],
    ) -> None:
        self._exposition = exposition
        self._metrics = metrics
        self._dropped = dropped
        self.writing = threading.Lock()
        self._organizations: dict[Key, frozenset[str]] = {}
        self._results: dict[Key, dict[str, Result]] = {}
        self._left_out: dict[Key, frozenset[str]] = {}
        self._max_series = 0

    def limit(self, max_series: int) -> None:
        """Expose no family with more than *max_series* series per enterprise."""
        self._max_series = max_series

    def watch(self, key: Key, organizations: frozenset[str]) -> None:
        """Accept results of *key* about *organizations*, and drop those about others."""
        with self.writing:
            kept = self._results.get(key, {})
            self._organizations[key] = organizations
            self._results[key] = {name: result for name, result in kept.items() if name in organizations}
            self._expose(key)

    def publish(self, key: Key, results: Mapping[str, Result]) -> None:
        """Replace the results of the organizations in *results*; what is not watched any more is ignored."""
        with self.writing:
            watched = self._organizations.get(key, frozenset())
            accepted = {name: result for name, result in results.items() if name in watched}
            if accepted:
                self._results[key].update(accepted)
                self._expose(key)

    def results(self, key: Key) -> Mapping[str, Result]:
        """The last good results of *key* by organization."""
        with self.writing:
            return dict(self._results.get(key, {}))

    def expire(self, key: Key, before: float) -> None:
        """Drop the results of *key* that were collected before *before*."""
        with self.writing:
            results = self._results.get(key, {})
            old = [organization for organization, result in results.items() if result.collected_at < before]
            for organization in old:
                del results[organization]
            if old:
                self._expose(key)

    def remove(self, key: Key) -> None:
        """Drop everything about *key*."""
        with self.writing:
            self._organizations.pop(key, None)
            self._left_out.pop(key, None)
            if self._results.pop(key, None) is not None:
                self._expose(key)

    def _expose(self, key: Key) -> None:
        results = self._results.get(key, {}).values()
        dropped: dict[str, int] = {}
        exposed: dict[str, bytes] = {}
        too_many: set[str] = set()
        series: dict[str, int] = {}
        for metric in self._metrics[key.collector]:
            lines = [result.families[metric.name] for result in results if metric.name in result.families]
            series[metric.name] = sum(family.series for family in lines)
            exposed[metric.name] = b"".join(family.text for family in lines)
            if series[metric.name] > self._max_series:
                too_many |= {metric.name, metric.dropped_with}
        for metric in self._metrics[key.collector]:
            if series[metric.name] and not too_many.isdisjoint({metric.name, metric.dropped_with} - {""}):
                dropped[metric.name] = series[metric.name]
                exposed[metric.name] = b""
        self._exposition.publish(key.collector, key.enterprise, {name: text for name, text in exposed.items() if text})
        self._dropped(key, dropped)
        self._warn(key, dropped)

    def _warn(self, key: Key, dropped: Mapping[str, int]) -> None:
        """Say once, not at every run, what is left out."""
        left_out = frozenset(dropped)
        if left_out - self._left_out.get(key, frozenset()):
            log.warning(
                "series left out: more than limits.max_series_per_metric",
                enterprise=key.enterprise,
                collector=key.collector,
                limit=self._max_series,
                series=dict(dropped),
            )
        self._left_out[key] = left_out
