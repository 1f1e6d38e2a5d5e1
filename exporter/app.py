"""The composition root: settings in, a running exporter out. The only place that wires things together."""

import random
import threading
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from typing import Any

import prometheus_client
import structlog

from exporter import __version__
from exporter.clock import Clock, SystemClock
from exporter.collection import Assignment, Collection
from exporter.collectors import COLLECTORS
from exporter.errors import ConfigurationError
from exporter.exposition import Exposition
from exporter.github.app_credential import AppCredential, AppKey, KeyObserver
from exporter.github.app_jwt import clean_key
from exporter.github.auth import Credential, PersonalAccessToken, SecretFile
from exporter.github.client import Client
from exporter.github.observer import ApiObserver
from exporter.github.run import ClientLimits
from exporter.revision import REVISION
from exporter.schedule import Schedule, Task
from exporter.settings import Auth, Enterprise, Limits, Settings
from exporter.snapshot import Snapshots
from exporter.status import Key, Status, StatusBoard
from exporter.telemetry import Telemetry
from exporter.web.application import Application
from exporter.web.status_page import status_page

log = structlog.get_logger()

FIRST_RUNS_SECONDS = 3.0
"""First runs are spread over this time, so that a start does not look like an attack."""


class Exporter:
    """Everything that lives as long as the process, and the collections of the present settings."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        randomness: random.Random | None = None,
        process_metrics: bool = True,
        bounds: ClientLimits | None = None,
    ) -> None:
        # The text format has no place for them, and they would double the series of every counter.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.clock = clock or SystemClock()
        self._bounds = bounds or ClientLimits()
        self._random = randomness or random.Random()  # noqa: S311 - jitter, not cryptography
        metrics = {collector.name: collector.metrics for collector in COLLECTORS}
        self.statuses = StatusBoard()
        self.telemetry = Telemetry(
            self.statuses, version=__version__, revision=REVISION, process_metrics=process_metrics
        )
        self.exposition = Exposition(metrics)
        self.snapshots = Snapshots(self.exposition, metrics, self.telemetry.dropped)
        self.schedule = Schedule(self.clock, self._expire)
        self.collections: dict[Key, Collection] = {}
        self._clients: list[Client] = []
        self._generation = threading.Event()
        self._lock = threading.Lock()

    def apply(self, settings: Settings) -> None:
        """Collect as *settings* say from now on; what they do not mention any more vanishes from /metrics.

        Raises:
            ConfigurationError: a secret cannot be read any more; nothing has changed.
        """
        if settings.state_dir is not None:
            log.warning("state_dir is not used yet: a restart begins with nothing")
        with self._lock:
            generation = threading.Event()
            clients: list[Client] = []
            collections: dict[Key, Collection] = {}
            impossible: dict[Key, float] = {}
            for enterprise in settings.enterprises:
                client_of = self._clients_of(enterprise, settings.limits, generation, clients)
                for collector in COLLECTORS:
                    assignment = Assignment(
                        collector=collector,
                        enterprise=enterprise.slug,
                        platform=enterprise.platform,
                        options=settings.options_of(collector),
                        client_of=partial(client_of, collector),
                        organizations=tuple(organization.name for organization in enterprise.organizations),
                        included=enterprise.included,
                        billing_platform=enterprise.billing_platform,
                    )
                    if not collector.is_enabled(assignment.options):
                        continue
                    if enterprise.platform in collector.platforms:
                        collections[assignment.key] = self._collection(assignment)
                    else:
                        impossible[assignment.key] = assignment.interval
            self._generation.set()
            self._generation = generation
            self.snapshots.limit(settings.limits.max_series_per_metric)
            self._swap(collections, impossible, clients)
            for enterprise in settings.enterprises:
                self.telemetry.keep_credentials(enterprise.slug, frozenset(auths(enterprise)))
        self.telemetry.reloaded(self.clock.time())

    def start(self) -> None:
        """Begin to collect in the background."""
        self.schedule.start()

    def stop(self) -> None:
        """End collecting; requests under way are abandoned."""
        self._generation.set()
        self.schedule.stop()
        for client in self._clients:
            client.close()

    def application(self, reload: Callable[[], str] | None = None) -> Application:
        """The web application over everything collected."""
        return Application(
            exposition=self.exposition,
            own=self.telemetry,
            collectors=frozenset(collector.name for collector in COLLECTORS),
            status_page=lambda: status_page(__version__, self.statuses.all(), self.clock.time()),
            is_healthy=self.schedule.is_alive,
            is_ready=self.statuses.is_ready,
            reload=reload,
        )

    def _collection(self, assignment: Assignment) -> Collection:
        return Collection(
            assignment,
            snapshots=self.snapshots,
            statuses=self.statuses,
            observer=self.telemetry,
            clock=self.clock,
            randomness=self._random,
        )

    def _swap(self, collections: dict[Key, Collection], impossible: dict[Key, float], clients: list[Client]) -> None:
        gone = self.statuses.all().keys() - collections.keys() - impossible.keys()
        for key in gone:
            self.statuses.remove(key)
            self.snapshots.remove(key)
            self.telemetry.forget(key)
        remaining = {key.enterprise for key in (*collections, *impossible)}
        for enterprise in {key.enterprise for key in gone} - remaining:
            self.telemetry.forget_enterprise(enterprise)
        for key, interval in impossible.items():
            self.telemetry.watch(key)
            self.snapshots.remove(key)
            self.statuses.add(key, Status(interval, success=False, available=False))
        for key, collection in collections.items():
            self.telemetry.watch(key)
            known = self.statuses.get(key)
            succeeded_at = known.succeeded_at if known else None
            if succeeded_at is not None:
                collection.has_worked()
            self.statuses.add(key, Status(collection.assignment.interval, succeeded_at=succeeded_at))
            self.snapshots.watch(key, frozenset(collection.assignment.levels))
        for client in self._clients:
            client.close()
        self._clients, self.collections = clients, collections
        tasks: dict[Hashable, Task] = {
            key: Task(collection.run, self._random.uniform(0, FIRST_RUNS_SECONDS))
            for key, collection in collections.items()
        }
        self.schedule.replace(tasks)

    def _expire(self) -> None:
        for collection in list(self.collections.values()):
            collection.expire()

    def _clients_of(
        self, enterprise: Enterprise, limits: Limits, generation: threading.Event, clients: list[Client]
    ) -> Callable[[Any, str], Client]:
        """The clients of *enterprise*: which one reads what for which collector."""
        observer = self.telemetry.observer(enterprise.slug)

        def client(credential: Credential, observer: ApiObserver = observer) -> Client:
            made = Client(
                enterprise.api_url,
                credential,
                user_agent=f"ghe-exporter/{__version__}",
                observer=observer,
                clock=self.clock,
                stop=generation,
                limits=replace(
                    self._bounds,
                    max_concurrency=limits.max_concurrency,
                    rate_limit_reserve=limits.rate_limit_reserve,
                    max_response_bytes=limits.max_response_megabytes * 1_000_000,
                    max_pages=limits.max_pages,
                ),
                ca_file=str(enterprise.ca_file) if enterprise.ca_file else None,
                randomness=self._random,
            )
            clients.append(made)
            return made

        def credential(name: str, auth: Auth) -> Credential:
            if auth.app_id is None or auth.private_key_file is None:
                return personal_access_token(name, auth)
            file = SecretFile(auth.private_key_file, clean_key)
            file.check()
            key = AppKey(name, auth.app_id, file.read, self.clock)
            return AppCredential(
                key,
                client(key, KeyObserver(observer)),
                enterprise=enterprise.slug,
                organization=name.partition("organization:")[2],
                observer=observer,
                clock=self.clock,
            )

        if enterprise.api_url.startswith("http://"):
            log.warning("api_url is not encrypted: the token can be read on the way", enterprise=enterprise.slug)
        made = {name: client(credential(name, auth)) for name, auth in auths(enterprise).items()}
        first, second = made["auth"], made.get("runner_auth", made["auth"])

        def choose(collector: Any, organization: str) -> Client:
            return made.get(f"organization:{organization}") or (first if collector.app_can_read else second)

        return choose


def auths(enterprise: Enterprise) -> dict[str, Auth]:
    """The credentials of *enterprise* by the names they have in metrics."""
    named = {"auth": enterprise.auth, "runner_auth": enterprise.runner_auth}
    named |= {f"organization:{organization.name}": organization.auth for organization in enterprise.organizations}
    return {name: auth for name, auth in named.items() if auth is not None}


def personal_access_token(name: str, auth: Auth) -> Credential:
    """The credential that *auth* describes, unless that is a GitHub App."""
    if auth.token_file is not None:
        file = SecretFile(auth.token_file)
        file.check()
        return PersonalAccessToken(name, file.read)
    if auth.token is not None:
        return PersonalAccessToken(name, auth.token.get_secret_value)
    raise ConfigurationError(f"{name}: no token")
