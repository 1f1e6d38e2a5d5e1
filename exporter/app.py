"""The composition root: settings in, a running exporter out. The only place that wires things together."""

import random
import threading
from collections.abc import Callable, Mapping
from functools import partial

import prometheus_client

from exporter import __version__
from exporter.clock import Clock, SystemClock
from exporter.collectors import COLLECTORS
from exporter.config.settings import Settings
from exporter.github.client import Client
from exporter.github.rate_limit import SharedRateLimits
from exporter.github.run import ClientLimits
from exporter.metrics.exposition import Exposition
from exporter.revision import REVISION
from exporter.runtime.assignment import NO_ENTERPRISE, Assignment, assignments, process_assignments
from exporter.runtime.clients import auths, client_limits, open_anonymous_client, open_clients
from exporter.runtime.collection import Collection
from exporter.runtime.persistence import Persistence
from exporter.runtime.reconciler import Reconciler, Stores, Wanted
from exporter.runtime.schedule import Schedule
from exporter.runtime.snapshot import Snapshots
from exporter.runtime.status import ENTERPRISE_LEVEL, Key, StatusBoard
from exporter.telemetry.telemetry import Telemetry
from exporter.web.application import Application
from exporter.web.status_page import status_page


class Exporter:
    """Everything that lives as long as the process."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        randomness: random.Random | None = None,
        process_metrics: bool = True,
        keeps_state: bool = False,
        limits: ClientLimits | None = None,
        log_errors: Callable[[], int] = lambda: 0,
    ) -> None:
        # The text format has no place for them, and they would double the series of every counter.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.clock = clock or SystemClock()
        self._limits = limits
        self._rate_limits = SharedRateLimits()
        self._random = randomness or random.Random()  # noqa: S311 - jitter, not cryptography
        metrics = {collector.name: collector.metrics for collector in COLLECTORS}
        self.statuses = StatusBoard()
        self.telemetry = Telemetry(
            self.statuses,
            version=__version__,
            revision=REVISION,
            process_metrics=process_metrics,
            log_errors=log_errors,
            paths={each.name: frozenset(endpoint.path for endpoint in each.endpoints) for each in COLLECTORS},
        )
        self.exposition = Exposition(metrics)
        self.snapshots = Snapshots(self.exposition, metrics, self.telemetry.dropped)
        self.schedule = Schedule(self.clock, self._expire)
        self._persistence = Persistence(
            enabled=keeps_state,
            clock=self.clock,
            written=self.telemetry.state_written,
            verdicts=self.telemetry.verdicts,
        )
        stores = Stores(self.statuses, self.snapshots, self.telemetry, self._persistence, self.schedule)
        self._reconciler = Reconciler(stores, self.clock, self._random)
        self._lock = threading.Lock()

    @property
    def collections(self) -> Mapping[Key, Collection]:
        """What is collected now."""
        return self._reconciler.collections

    def apply(self, settings: Settings) -> None:
        """Collect as *settings* say from now on; what they do not mention any more vanishes from /metrics.

        Raises:
            ConfigurationError: a secret cannot be read any more; nothing has changed.
        """
        with self._lock:
            self._reconciler.apply(self._wanted(settings))
        self.telemetry.reloaded(self.clock.time())

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Begin to collect in the background; *on_failure* is called if that ends without `stop`."""
        self.schedule.start(on_failure)
        self._persistence.start()

    def stop(self) -> None:
        """End collecting; requests under way are abandoned."""
        self._reconciler.stop()
        self.schedule.stop()
        self._persistence.stop()
        self._reconciler.close()

    def application(self, reload: Callable[[], str] | None = None) -> Application:
        """The web application over everything collected."""
        return Application(
            exposition=self.exposition,
            own=self.telemetry,
            collectors=frozenset(collector.name for collector in COLLECTORS),
            status_page=lambda: status_page(__version__, self.statuses.all(), self.clock.time()),
            is_healthy=self.schedule.is_healthy,
            is_ready=self.statuses.is_ready,
            reload=reload,
        )

    def _wanted(self, settings: Settings) -> Wanted:
        """Everything that *settings* ask for; nothing is sent yet."""
        stop = threading.Event()
        wanted: list[Assignment] = []
        clients: list[Client] = []
        for enterprise in settings.enterprises:
            opened = open_clients(
                enterprise,
                limits=client_limits(settings.limits, self._limits),
                observer=self.telemetry.observer(enterprise.name),
                clock=self.clock,
                stop=stop,
                randomness=self._random,
                rate_limits=self._rate_limits,
            )
            clients += opened.all
            wanted += assignments(settings, enterprise, opened)
        credentials = {enterprise.name: frozenset(auths(enterprise)) for enterprise in settings.enterprises}
        for assignment in process_assignments(settings, partial(self._anonymous_client, settings, stop)):
            clients.append(assignment.client_of(ENTERPRISE_LEVEL))
            wanted.append(assignment)
            credentials[NO_ENTERPRISE] = frozenset()
        return Wanted(
            assignments=tuple(wanted),
            credentials=credentials,
            clients=tuple(clients),
            stop=stop,
            max_series=settings.limits.max_series_per_metric,
            state_dir=settings.state_dir,
        )

    def _anonymous_client(self, settings: Settings, stop: threading.Event, url: str) -> Client:
        return open_anonymous_client(
            url,
            limits=client_limits(settings.limits, self._limits),
            observer=self.telemetry.observer(NO_ENTERPRISE),
            clock=self.clock,
            stop=stop,
            randomness=self._random,
        )

    def _expire(self) -> None:
        self._reconciler.expire()
        self._reconciler.keep_pace()
