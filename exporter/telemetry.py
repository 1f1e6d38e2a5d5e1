"""The exporter's metrics about itself, in a registry of their own, rendered at the scrape.

Counters count directly; everything that is a state (statuses, budgets, expiry) is read when it is asked for, so that
nothing of a removed enterprise can linger.
"""

import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import generate_latest as generate_latest_openmetrics
from prometheus_client.registry import Collector as RegistryCollector

from exporter import own_metrics as own
from exporter.errors import Reason
from exporter.github.endpoint import Endpoint
from exporter.github.rate_limit import Budget
from exporter.status import Key, StatusBoard

REQUEST_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

Series = tuple[tuple[str, ...], float | None]


@dataclass(slots=True)
class ApiState:
    """The newest of what answers told about each credential.

    `credentials` are those in use of each enterprise that is read; None until they are known. Answers to others come
    late, from before a reload, and count nowhere: nothing would ever remove them again.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    credentials: dict[str, frozenset[str] | None] = field(default_factory=dict)
    accepted: dict[tuple[str, str], bool] = field(default_factory=dict)
    budgets: dict[tuple[str, str, str], Budget] = field(default_factory=dict)
    expirations: dict[tuple[str, str], float] = field(default_factory=dict)

    def uses(self, enterprise: str, credential: str) -> bool:
        """Whether *credential* of *enterprise* is in use; for holders of the lock."""
        if enterprise not in self.credentials:
            return False
        known = self.credentials[enterprise]
        return known is None or credential in known

    def keep(self, enterprise: str, credentials: frozenset[str]) -> None:
        """Remove all about other credentials of *enterprise*; for holders of the lock."""
        self.credentials[enterprise] = credentials
        self.accepted = {key: value for key, value in self.accepted.items() if self.uses(*key)}
        self.budgets = {key: value for key, value in self.budgets.items() if self.uses(*key[:2])}
        self.expirations = {key: value for key, value in self.expirations.items() if self.uses(*key)}

    def up(self) -> Iterator[Series]:
        """Per enterprise: 0 as soon as the newest answer for one of its credentials was 401."""
        with self.lock:
            accepted = dict(self.accepted)
        for enterprise in dict.fromkeys(enterprise for enterprise, _ in accepted):
            yield (enterprise,), all(ok for (slug, _), ok in accepted.items() if slug == enterprise)

    def limits(self, value: Callable[[Budget], float]) -> Iterator[Series]:
        """One figure of every budget."""
        with self.lock:
            budgets = dict(self.budgets)
        for key, left in budgets.items():
            yield key, value(left)

    def token_expirations(self) -> Iterator[Series]:
        """When each token expires, if it does."""
        with self.lock:
            expirations = dict(self.expirations)
        yield from expirations.items()


@dataclass(frozen=True, slots=True)
class EnterpriseApi:
    """The observer of the clients of one enterprise."""

    enterprise: str
    state: ApiState
    requests: Counter
    seconds: Histogram
    retries: Counter
    unchanged: Counter

    def attempted(self, endpoint: Endpoint, code: str, seconds: float) -> None:
        """An attempt ended with status *code*, empty when there was no answer."""
        with self.state.lock:
            if self.enterprise not in self.state.credentials:
                return
            self.requests.labels(self.enterprise, endpoint.path, code).inc()
            self.seconds.labels(self.enterprise, endpoint.path).observe(seconds)
            # Begun at zero, so that the first one shows as an increase.
            self.retries.labels(self.enterprise, endpoint.path)
            if endpoint.revalidate:
                self.unchanged.labels(self.enterprise, endpoint.path)

    def retried(self, endpoint: Endpoint) -> None:
        """An attempt is repeated."""
        with self.state.lock:
            if self.enterprise in self.state.credentials:
                self.retries.labels(self.enterprise, endpoint.path).inc()

    def not_modified(self, endpoint: Endpoint) -> None:
        """A 304 confirmed what was kept."""
        with self.state.lock:
            if self.enterprise in self.state.credentials:
                self.unchanged.labels(self.enterprise, endpoint.path).inc()

    def authenticated(self, credential: str, *, accepted: bool) -> None:
        """The API looked at the credential."""
        with self.state.lock:
            if self.state.uses(self.enterprise, credential):
                self.state.accepted[self.enterprise, credential] = accepted

    def budget(self, credential: str, left: Budget) -> None:
        """The API told what is left of a rate limit."""
        with self.state.lock:
            if self.state.uses(self.enterprise, credential):
                self.state.budgets[self.enterprise, credential, left.resource] = left

    def token_expires(self, credential: str, at: float | None) -> None:
        """The API told when the token expires; None if it does not."""
        with self.state.lock:
            self.state.expirations.pop((self.enterprise, credential), None)
            if at is not None and self.state.uses(self.enterprise, credential):
                self.state.expirations[self.enterprise, credential] = at


class Telemetry:
    """The registry and everything in it; also the observer of runs."""

    def __init__(self, statuses: StatusBoard, *, version: str, revision: str, process_metrics: bool = True) -> None:
        self._registry = CollectorRegistry()
        self._api = ApiState()
        self._lock = threading.Lock()
        self._watched: set[Key] = set()
        self._dropped: dict[Key, Mapping[str, int]] = {}
        self._failures = self._counter(own.FAILURES)
        self._skipped = self._counter(own.SKIPPED)
        self._requests = self._counter(own.REQUESTS)
        self._retries = self._counter(own.RETRIES)
        self._not_modified = self._counter(own.NOT_MODIFIED)
        seconds = own.REQUEST_SECONDS
        self._seconds = Histogram(
            seconds.name, seconds.help, seconds.labels, registry=self._registry, buckets=REQUEST_BUCKETS
        )
        self._reload_successful = self._gauge(own.RELOAD_SUCCESSFUL)
        self._reload_success_at = self._gauge(own.RELOAD_SUCCESS_AT)
        self._gauge(own.BUILD_INFO).labels(version, revision, platform.python_version()).set(1)
        self._registry.register(States(statuses, self._api, self._dropped_series))
        if process_metrics:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)
            GCCollector(registry=self._registry)

    def render(self, *, openmetrics: bool) -> bytes:
        """Write everything as it is now."""
        encode: Callable[[CollectorRegistry], bytes] = generate_latest_openmetrics if openmetrics else generate_latest
        return encode(self._registry)

    def watch(self, key: Key) -> None:
        """Begin the counters of *key* at zero, so that the first failure shows as an increase."""
        with self._lock:
            self._watched.add(key)
            for reason in Reason:
                self._failures.labels(*key, reason.value)
            self._skipped.labels(*key)

    def forget(self, key: Key) -> None:
        """Remove all that is about *key*; a run that still goes on counts nowhere."""
        labels = {"enterprise": key.enterprise, "collector": key.collector}
        with self._lock:
            self._watched.discard(key)
            self._failures.remove_by_labels(labels)
            self._skipped.remove_by_labels(labels)
            self._dropped.pop(key, None)

    def forget_enterprise(self, enterprise: str) -> None:
        """Remove all that requests told of *enterprise*; those still under way count nowhere."""
        with self._api.lock:
            self._api.keep(enterprise, frozenset())
            del self._api.credentials[enterprise]
            for metric in (self._requests, self._retries, self._not_modified, self._seconds):
                metric.remove_by_labels({"enterprise": enterprise})

    def keep_credentials(self, enterprise: str, credentials: frozenset[str]) -> None:
        """Remove all that answers told of other credentials of *enterprise* than *credentials*."""
        with self._api.lock:
            self._api.keep(enterprise, credentials)

    def observer(self, enterprise: str) -> EnterpriseApi:
        """The observer for the clients of *enterprise*."""
        with self._api.lock:
            self._api.credentials.setdefault(enterprise, None)
        return EnterpriseApi(enterprise, self._api, self._requests, self._seconds, self._retries, self._not_modified)

    def failed(self, key: Key, reason: Reason) -> None:
        """A run failed."""
        with self._lock:
            if key in self._watched:
                self._failures.labels(*key, reason.value).inc()

    def skipped(self, key: Key, records: int) -> None:
        """A run skipped malformed records."""
        with self._lock:
            if key in self._watched:
                self._skipped.labels(*key).inc(records)

    def dropped(self, key: Key, series: Mapping[str, int]) -> None:
        """These families of *key* are left out because they have too many series."""
        with self._lock:
            self._dropped[key] = dict(series)

    def reloaded(self, at: float | None) -> None:
        """The configuration was loaded at *at*; None: it was invalid and the old one goes on."""
        self._reload_successful.set(at is not None)
        if at is not None:
            self._reload_success_at.set(at)

    def _dropped_series(self) -> Iterator[Series]:
        with self._lock:
            dropped = dict(self._dropped)
        for key, families in dropped.items():
            for metric, series in families.items():
                yield (key.enterprise, metric), series

    def _counter(self, declared: own.OwnMetric) -> Counter:
        return Counter(declared.name, declared.help, declared.labels, registry=self._registry)

    def _gauge(self, declared: own.OwnMetric) -> Gauge:
        return Gauge(declared.name, declared.help, declared.labels, registry=self._registry)


class States(RegistryCollector):
    """Gauges that are read off the state when somebody scrapes."""

    def __init__(self, statuses: StatusBoard, api: ApiState, dropped: Callable[[], Iterable[Series]]) -> None:
        self._statuses = statuses
        self._api = api
        self._dropped = dropped

    def collect(self) -> Iterator[Family]:
        """Yield one family per state."""
        statuses = self._statuses.all()
        yield family(own.UP, self._api.up())
        yield family(own.SUCCESS, ((key, status.success) for key, status in statuses.items()))
        yield family(own.LAST_SUCCESS, ((key, status.succeeded_at or 0) for key, status in statuses.items()))
        yield family(own.DURATION, ((key, status.duration) for key, status in statuses.items()))
        yield family(own.INTERVAL, ((key, status.interval) for key, status in statuses.items()))
        yield family(own.AVAILABLE, ((key, status.available) for key, status in statuses.items()))
        yield family(own.DROPPED, self._dropped())
        yield family(own.RATE_LIMIT, self._api.limits(lambda left: left.limit))
        yield family(own.RATE_REMAINING, self._api.limits(lambda left: left.remaining))
        yield family(own.RATE_RESET, self._api.limits(lambda left: left.reset))
        yield family(own.TOKEN_EXPIRATION, self._api.token_expirations())


def family(declared: own.OwnMetric, series: Iterable[Series]) -> GaugeMetricFamily:
    """A gauge with the values that are told."""
    result = GaugeMetricFamily(declared.name, declared.help, labels=declared.labels)
    for labels, value in series:
        if value is not None:
            result.add_metric(labels, value)
    return result
