"""The last good results: how old they are, when they go, and what of them is exposed."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from exporter.metrics.exposition import Exposition, RenderedFamily
from exporter.metrics.metric import Metric
from exporter.runtime.status import Key, LevelKey, Watch

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Result:
    """What one reading of one level gave, rendered; immutable. `collected_at` is a reading of the monotonic clock."""

    families: Mapping[str, RenderedFamily]
    collected_at: float


@dataclass(slots=True)
class _Watched:
    fingerprint: str
    levels: tuple[str, ...]
    results: dict[str, Result] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()


class Snapshots:
    """Last good results per key and level.

    A new result replaces the old one of its level whole. `lock` is held by whoever publishes, by whoever makes a result
    of what was read (of threads that all compute, a scrape would have to wait for each), and while other settings
    come into force: what was read by the former ones is published before that or not at all.
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
        self.lock = threading.RLock()
        self._watched: dict[Key, _Watched] = {}
        self._max_series = 0

    def reconcile(self, watches: Mapping[Key, Watch], max_series: int) -> None:
        """Accept results of *watches* alone from now on; drop all others, and what has another fingerprint.

        No family with more than *max_series* series per enterprise is exposed.
        """
        with self.lock:
            former, self._watched = self._watched, {}
            self._max_series = max_series
            for key, watch in watches.items():
                if watch.supported:
                    self._watched[key] = _carried_over(former.get(key), watch)
            for key, watched in (former | self._watched).items():
                if watched.results or (key in former and former[key].results):
                    self._expose(key)

    def set_levels(self, key: Key, levels: tuple[str, ...]) -> None:
        """Accept results of *levels* of *key* from now on, and drop those of others."""
        with self.lock:
            watched = self._watched.get(key)
            if watched is not None:
                watched.levels = levels
                watched.results = {level: watched.results[level] for level in levels if level in watched.results}
                self._expose(key)

    def publish(self, level: LevelKey, result: Result) -> None:
        """Replace the result of *level*; what is not watched any more is ignored."""
        with self.lock:
            watched = self._watched.get(level.key)
            if watched is not None and level.organization in watched.levels:
                watched.results[level.organization] = result
                self._expose(level.key)

    def result(self, level: LevelKey) -> Result | None:
        """The last good result of *level*."""
        with self.lock:
            watched = self._watched.get(level.key)
            return watched.results.get(level.organization) if watched is not None else None

    def expire(self, key: Key, before: Mapping[str, float]) -> None:
        """Drop the results of *key* that were collected earlier than *before* has for their level.

        The times are readings of the monotonic clock.
        """
        with self.lock:
            watched = self._watched.get(key)
            if watched is None:
                return
            young = {
                level: result
                for level, result in watched.results.items()
                if result.collected_at >= before.get(level, 0.0)
            }
            if len(young) < len(watched.results):
                watched.results = young
                self._expose(key)

    def _expose(self, key: Key) -> None:
        watched = self._watched.get(key)
        if watched is None:
            self._exposition.publish(key.collector, key.enterprise, {})
            self._dropped(key, {})
            return
        results = [watched.results[level] for level in watched.levels if level in watched.results]
        found = {
            metric: [result.families[metric.name] for result in results if metric.name in result.families]
            for metric in self._metrics[key.collector]
        }
        joined = {metric: _joined(metric, families) for metric, families in found.items() if families}
        series = {metric: lines.series for metric, lines in joined.items()}
        too_many = {
            name
            for metric in series
            if series[metric] > self._max_series
            for name in (metric.name, metric.dropped_with)
        } - {""}
        dropped = {
            metric.name: series[metric]
            for metric in series
            if not too_many.isdisjoint({metric.name, metric.dropped_with})
        }
        exposed = {metric.name: lines.text for metric, lines in joined.items() if metric.name not in dropped}
        self._exposition.publish(key.collector, key.enterprise, exposed)
        self._dropped(key, dropped)
        self._warn(key, watched, dropped)

    def _warn(self, key: Key, watched: _Watched, dropped: Mapping[str, int]) -> None:
        """Warn once, not at every reading, of what is left out."""
        if dropped.keys() - watched.dropped:
            log.warning(
                "series left out: more than limits.max_series_per_metric",
                enterprise=key.enterprise,
                collector=key.collector,
                limit=self._max_series,
                series=dict(dropped),
            )
        watched.dropped = frozenset(dropped)


def _joined(metric: Metric, families: Sequence[RenderedFamily]) -> RenderedFamily:
    """The lines of all levels; a series that several report, which no label distinguishes, as the first."""
    if len(families) == 1 or "organization" in metric.labels:
        return RenderedFamily(b"".join(lines.text for lines in families), sum(lines.series for lines in families))
    lines = [line for family in reversed(families) for line in family.text.split(b"\n") if line]
    distinct = {line.rpartition(b" ")[0]: line for line in lines}
    return RenderedFamily(b"".join(line + b"\n" for line in sorted(distinct.values())), len(distinct))


def _carried_over(former: _Watched | None, watch: Watch) -> _Watched:
    """What of *former* still counts under *watch*."""
    if former is None or former.fingerprint != watch.fingerprint:
        return _Watched(watch.fingerprint, watch.levels)
    results = {level: former.results[level] for level in watch.levels if level in former.results}
    return _Watched(watch.fingerprint, watch.levels, results, former.dropped)
