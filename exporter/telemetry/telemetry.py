"""The exporter's metrics about itself, as they are when somebody scrapes.

Counters count directly; everything that is a state (statuses, rate limits, expiry) is read when it is asked for, so
that nothing of a removed enterprise can linger.
"""

import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.gc_collector import GCCollector

from exporter.errors import Reason
from exporter.github.endpoint import Endpoint
from exporter.github.rate_limit import MAX_RESOURCES, RateLimitWindow
from exporter.metrics.exposition import Chunk
from exporter.metrics.metric import Metric
from exporter.runtime.discovery import Chosen
from exporter.runtime.status import Key, StatusBoard, Verdict
from exporter.telemetry import declarations
from exporter.telemetry.series import Family, Histogram, Scalar, render_gauge, render_registry

Series = tuple[tuple[str, ...], float | None]

log = structlog.get_logger()


@dataclass(slots=True)
class ApiState:
    """The newest state of each credential and path, from the answers.

    `credentials` are those in use of each enterprise that is read. Answers to others come late, from before a reload,
    and count nowhere: nothing would ever remove them again. `unused` are the paths that only collectors ask that are
    switched off.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    credentials: dict[str, frozenset[str]] = field(default_factory=dict)
    accepted: dict[tuple[str, str], bool] = field(default_factory=dict)
    windows: dict[tuple[str, str, str], RateLimitWindow] = field(default_factory=dict)
    expirations: dict[tuple[str, str], float] = field(default_factory=dict)
    unused: frozenset[tuple[str, str]] = frozenset()
    sunsets: dict[tuple[str, str], float] = field(default_factory=dict)
    deprecated: set[tuple[str, str]] = field(default_factory=set)

    def uses(self, enterprise: str, credential: str) -> bool:
        """Whether *credential* of *enterprise* is in use; for holders of the lock."""
        return credential in self.credentials.get(enterprise, frozenset())

    def reads(self, enterprise: str, path: str) -> bool:
        """Whether *path* of *enterprise* is asked by something that is switched on; for holders of the lock."""
        return enterprise in self.credentials and (enterprise, path) not in self.unused

    def reconcile(
        self, credentials: Mapping[str, frozenset[str]], unused: frozenset[tuple[str, str]] = frozenset()
    ) -> set[str]:
        """Keep what is about *credentials*, without *unused* paths; return the enterprises that are gone.

        For holders of the lock.
        """
        gone = self.credentials.keys() - credentials.keys()
        self.credentials = dict(credentials)
        self.accepted = {key: value for key, value in self.accepted.items() if self.uses(*key)}
        self.windows = {key: value for key, value in self.windows.items() if self.uses(*key[:2])}
        self.expirations = {key: value for key, value in self.expirations.items() if self.uses(*key)}
        self.unused = unused
        self.sunsets = {key: value for key, value in self.sunsets.items() if self.reads(*key)}
        self.deprecated = {key for key in self.deprecated if self.reads(*key)}
        return gone

    def note(self, enterprise: str, credential: str, window: RateLimitWindow) -> None:
        """Keep what is left of a rate limit; for holders of the lock."""
        key = (enterprise, credential, window.resource)
        if key in self.windows or sum(known[:2] == key[:2] for known in self.windows) < MAX_RESOURCES:
            self.windows[key] = window

    def up(self) -> Iterator[Series]:
        """Per enterprise: 0 as soon as the newest answer for one of its credentials was 401."""
        with self.lock:
            accepted = dict(self.accepted)
        for enterprise in dict.fromkeys(enterprise for enterprise, _ in accepted):
            yield (enterprise,), all(ok for (slug, _), ok in accepted.items() if slug == enterprise)

    def limits(self, value: Callable[[RateLimitWindow], float]) -> Iterator[Series]:
        """One figure of every window in force."""
        with self.lock:
            windows = dict(self.windows)
        for key, window in windows.items():
            yield key, value(window)

    def token_expirations(self) -> Iterator[Series]:
        """When each token expires, if it does."""
        with self.lock:
            expirations = dict(self.expirations)
        yield from expirations.items()

    def announced_sunsets(self) -> Iterator[Series]:
        """When each path ends whose end is announced."""
        with self.lock:
            sunsets = dict(self.sunsets)
        yield from sunsets.items()


@dataclass(frozen=True, slots=True)
class EnterpriseApi:
    """The observer of the clients of one enterprise."""

    enterprise: str
    state: ApiState
    requests: Family[Scalar]
    seconds: Family[Histogram]
    retries: Family[Scalar]
    unchanged: Family[Scalar]

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

    def answered(self, credential: str, headers: Mapping[str, str]) -> None:
        """Nothing to count that the other methods do not."""

    def authenticated(self, credential: str, *, accepted: bool) -> None:
        """The API looked at the credential."""
        with self.state.lock:
            if self.state.uses(self.enterprise, credential):
                self.state.accepted[self.enterprise, credential] = accepted

    def rate_limit(self, credential: str, window: RateLimitWindow) -> None:
        """The API reported a rate limit; *window* is the one in force."""
        with self.state.lock:
            if self.state.uses(self.enterprise, credential):
                self.state.note(self.enterprise, credential, window)

    def token_expires(self, credential: str, at: float | None) -> None:
        """The API reported when the token expires; None if it never does."""
        with self.state.lock:
            self.state.expirations.pop((self.enterprise, credential), None)
            if at is not None and self.state.uses(self.enterprise, credential):
                self.state.expirations[self.enterprise, credential] = at

    def sunset(self, endpoint: Endpoint, at: float | None) -> None:
        """The API reported when it stops offering *endpoint*; None if it plans nothing of the kind any more."""
        with self.state.lock:
            self.state.sunsets.pop((self.enterprise, endpoint.path), None)
            if at is not None and self.state.reads(self.enterprise, endpoint.path):
                self.state.sunsets[self.enterprise, endpoint.path] = at

    def deprecated(self, endpoint: Endpoint) -> None:
        """The API advises against *endpoint*, but does not say when it ends: log it once."""
        key = self.enterprise, endpoint.path
        with self.state.lock:
            if key in self.state.deprecated or not self.state.reads(*key):
                return
            self.state.deprecated.add(key)
        log.warning("endpoint deprecated", enterprise=self.enterprise, path=endpoint.path)


class Telemetry:
    """Every metric about the exporter; also the observer of runs. *paths* are those that each collector asks."""

    def __init__(
        self,
        statuses: StatusBoard,
        *,
        version: str,
        revision: str,
        process_metrics: bool = True,
        log_errors: Callable[[], int] = lambda: 0,
        paths: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._paths = paths or {}
        self._process = CollectorRegistry()
        self._api = ApiState()
        self._lock = threading.Lock()
        self._watched: set[Key] = set()
        self._dropped: dict[Key, Mapping[str, int]] = {}
        self._chosen: Mapping[str, Chosen] = {}
        self._failures = Family(declarations.FAILURES, Scalar)
        self._skipped = Family(declarations.SKIPPED, Scalar)
        self._requests = Family(declarations.REQUESTS, Scalar)
        self._retries = Family(declarations.RETRIES, Scalar)
        self._not_modified = Family(declarations.NOT_MODIFIED, Scalar)
        self._seconds = Family(declarations.REQUEST_SECONDS, Histogram)
        reload_successful = Family(declarations.RELOAD_SUCCESSFUL, Scalar)
        reload_success_at = Family(declarations.RELOAD_SUCCESS_AT, Scalar)
        self._state_written = Family(declarations.STATE_WRITTEN, Scalar)
        log_errors_total = Family(declarations.LOG_ERRORS, Scalar)
        self._log_errors = log_errors_total.labels()
        build_info = Family(declarations.BUILD_INFO, Scalar)
        build_info.labels(version, revision, platform.python_version()).set(1)
        self._reload_successful, self._reload_success_at = reload_successful.labels(), reload_success_at.labels()
        self._families = (
            *(self._failures, self._skipped, self._requests, self._retries, self._not_modified, self._seconds),
            *(reload_successful, reload_success_at, self._state_written, log_errors_total, build_info),
        )
        self._chunks: dict[bool, tuple[tuple[str, Chunk], ...]] = {False: (), True: ()}
        self._statuses = statuses
        self._count_log_errors = log_errors
        if process_metrics:
            ProcessCollector(registry=self._process)
            PlatformCollector(registry=self._process)
            GCCollector(registry=self._process)

    def render(self, *, openmetrics: bool) -> bytes:
        """Write everything as it is now."""
        return b"".join(chunk.text for chunk in self.chunks(openmetrics=openmetrics))

    def chunks(self, *, openmetrics: bool) -> tuple[Chunk, ...]:
        """Everything as it is now; what is as it was at the scrape before is not deflated again."""
        self._log_errors.set(self._count_log_errors())
        counted = [family.render(openmetrics=openmetrics) for family in self._families]
        gauges = [render_gauge(metric, values) for metric, values in self._gauges()]
        process = "".join(render_registry(self._process, openmetrics=openmetrics))
        end = "# EOF\n" if openmetrics else ""
        texts = (*counted, "".join(gauges), process + end)
        before = self._chunks[openmetrics] or (("", Chunk(b"")),) * len(texts)
        self._chunks[openmetrics] = written = tuple(
            old if old[0] is text or old[0] == text else (text, Chunk(text.encode()))
            for text, old in zip(texts, before, strict=True)
        )
        return tuple(chunk for _, chunk in written)

    def reconcile(self, keys: AbstractSet[Key], credentials: Mapping[str, frozenset[str]]) -> None:
        """Count for *keys* and for the *credentials* of each enterprise, and for nothing else from now on.

        What is new begins at zero, so that the first failure shows as an increase.
        """
        with self._lock:
            for key in self._watched - keys:
                labels = {"enterprise": key.enterprise, "collector": key.collector}
                self._failures.remove_by_labels(labels)
                self._skipped.remove_by_labels(labels)
                self._dropped.pop(key, None)
            self._watched = set(keys)
            for key in keys:
                for reason in Reason:
                    self._failures.labels(*key, reason.value)
                self._skipped.labels(*key)
        asked = {(key.enterprise, path) for key in keys for path in self._paths.get(key.collector, ())}
        declared = {(enterprise, path) for enterprise in credentials for path in chain(*self._paths.values())}
        with self._api.lock:
            for enterprise in self._api.reconcile(credentials, frozenset(declared - asked)):
                for metric in (self._requests, self._retries, self._not_modified, self._seconds):
                    metric.remove_by_labels({"enterprise": enterprise})

    def observer(self, enterprise: str) -> EnterpriseApi:
        """The observer for the clients of *enterprise*."""
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

    def set_organizations(self, chosen: Mapping[str, Chosen]) -> None:
        """Show how many organizations of each enterprise are read, and how many are not."""
        self._chosen = dict(chosen)

    def reloaded(self, at: float | None) -> None:
        """The configuration was loaded at *at*; None: it was invalid, and the old one stays in force."""
        self._reload_successful.set(at is not None)
        if at is not None:
            self._reload_success_at.set(at)

    def state_written(self, successful: bool) -> None:  # noqa: FBT001 - the one argument is the value itself
        """The state was written to its file, or could not be."""
        self._state_written.labels().set(successful)

    def verdicts(self, enterprise: str) -> dict[str, Verdict]:
        """What the API answered to each credential of *enterprise*."""
        with self._api.lock:
            return {
                name: Verdict(accepted, self._api.expirations.get((slug, name)))
                for (slug, name), accepted in self._api.accepted.items()
                if slug == enterprise
            }

    def restore(self, enterprise: str, verdicts: Mapping[str, Verdict]) -> None:
        """Begin with the API's last word to an earlier process on the credentials of *enterprise*."""
        observer = self.observer(enterprise)
        for name, verdict in verdicts.items():
            observer.authenticated(name, accepted=verdict.accepted)
            observer.token_expires(name, verdict.expires_at)

    def _dropped_series(self) -> Iterator[Series]:
        with self._lock:
            dropped = dict(self._dropped)
        for key, families in dropped.items():
            for metric, series in families.items():
                yield (key.enterprise, metric), series

    def _organizations(self) -> Iterator[Series]:
        for enterprise, chosen in self._chosen.items():
            refused = len(self._statuses.refused(enterprise))
            yield (enterprise, "read"), len(chosen.organizations) - refused
            yield (enterprise, "refused"), refused
            yield (enterprise, "excluded"), chosen.excluded
            yield (enterprise, "left_out"), chosen.left_out

    def _gauges(self) -> Iterator[tuple[Metric, Iterable[Series]]]:
        """Gauges that are read off the state when somebody scrapes."""
        statuses = self._statuses.all()
        yield declarations.UP, self._api.up()
        yield declarations.SUCCESS, ((key, status.success) for key, status in statuses.items())
        yield declarations.LAST_SUCCESS, ((key, status.succeeded_at or 0) for key, status in statuses.items())
        yield declarations.DURATION, ((key, status.duration) for key, status in statuses.items())
        yield declarations.INTERVAL, ((key, status.interval) for key, status in statuses.items())
        configured = ((key, status.configured_interval) for key, status in statuses.items())
        yield declarations.CONFIGURED_INTERVAL, configured
        yield declarations.COLLECTOR_REQUESTS, ((key, status.requests) for key, status in statuses.items())
        yield declarations.AVAILABLE, ((key, status.available) for key, status in statuses.items())
        yield declarations.DROPPED, self._dropped_series()
        yield declarations.ORGANIZATIONS, self._organizations()
        yield declarations.RATE_LIMIT, self._api.limits(lambda window: window.limit)
        yield declarations.RATE_REMAINING, self._api.limits(lambda window: window.remaining)
        yield declarations.RATE_RESET, self._api.limits(lambda window: window.reset)
        yield declarations.TOKEN_EXPIRATION, self._api.token_expirations()
        yield declarations.SUNSET, self._api.announced_sunsets()
