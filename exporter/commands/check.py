"""`ghe-exporter check`: check what the configured credentials can read, and say what to do where they cannot."""

import json
import random
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from exporter import logs
from exporter.clock import Clock, SystemClock
from exporter.commands.output import standard_output
from exporter.config import loading
from exporter.config.auth import Auth
from exporter.config.settings import Enterprise, Settings
from exporter.doctor.advice import API_URL, MANAGE_URL
from exporter.doctor.calls import CollectorCalls
from exporter.doctor.credentials import CredentialObserver, Kind, kind_of
from exporter.doctor.diagnosis import CheckTarget
from exporter.doctor.report import EnterpriseReport, credential_report, document
from exporter.doctor.run import (
    Check,
    budgets_without_consumption,
    found_organizations,
    in_parallel,
    offered_versions,
    run_checks,
)
from exporter.doctor.terminal import print_report
from exporter.github.client import Client
from exporter.github.endpoint import MANAGE_AUTH
from exporter.github.run import ClientLimits
from exporter.runtime.assignment import Assignment, assignments, process_assignments
from exporter.runtime.clients import AUTH, Clients, auths, client_limits, open_anonymous_client, open_clients
from exporter.runtime.fingerprint import credentials_digest
from exporter.runtime.status import ENTERPRISE_LEVEL

READ_SECONDS = 12.0
"""GitHub itself gives up after ten."""
TRIES = 2
TRIES_SECONDS = 5.0
FOUND_CHECKED = 3
"""Of the organizations that are found, so many are checked: what the credential lacks shows at the first."""


def run(config: Path | None, *, as_json: bool, clock: Clock | None = None) -> int:
    """Check everything and print the result; return 0, or 1 if there is something to fix."""
    settings = loading.load(config)
    logs.configure(settings.log_level, settings.log_format)
    clock = clock or SystemClock()
    stop = threading.Event()
    console = Console(stderr=True)
    try:
        if console.is_terminal and not as_json:
            with console.status("asking GitHub"):
                reports = check(settings, clock, stop)
        else:
            reports = check(settings, clock, stop)
    finally:
        stop.set()
    with standard_output() as out:
        if as_json:
            out.write(json.dumps(document(reports, clock.time()), indent=2) + "\n")
        else:
            print_report(reports, clock.time(), out)
    return 0 if all(report.ok for report in reports) else 1


def check(settings: Settings, clock: Clock, stop: threading.Event) -> list[EnterpriseReport]:
    """Ask for every enterprise, all at the same time.

    Raises:
        ConfigurationError: a secret cannot be read any more.
    """
    checks: list[EnterpriseCheck | ProcessCheck] = [
        EnterpriseCheck(settings, enterprise, clock, stop) for enterprise in settings.enterprises
    ]
    checks += process_checks(settings, clock, stop)
    in_parallel(threading.Thread(target=check.work, name="check", daemon=True) for check in checks)
    return [check.report for check in checks]


def hasty(limits: ClientLimits) -> ClientLimits:
    """*limits* for somebody who waits for the report."""
    return replace(limits, read_seconds=READ_SECONDS, tries=TRIES, tries_seconds=TRIES_SECONDS)


class EnterpriseCheck:
    """One enterprise: what is to be asked, and then its report."""

    report: EnterpriseReport

    def __init__(self, settings: Settings, enterprise: Enterprise, clock: Clock, stop: threading.Event) -> None:
        self._settings = settings
        self._enterprise = enterprise
        self._clock = clock
        self._notes = CredentialObserver(clock)
        self._clients = open_clients(
            enterprise,
            limits=hasty(client_limits(settings.limits)),
            observer=self._notes,
            clock=clock,
            stop=stop,
            randomness=random.Random(),  # noqa: S311 - jitter, not cryptography
        )
        self._kinds = {name: kind(self._clients, name, auth) for name, auth in auths(enterprise).items()}
        if enterprise.manage_auth:
            self._kinds[MANAGE_AUTH] = Kind.PASSWORD

    def work(self) -> None:
        """Ask."""
        enterprise = self._enterprise
        assigned = list(assignments(self._settings, enterprise, self._clients))
        checks = self._checks(assigned)
        findings = run_checks(checks, self._clock)
        found = found_organizations(assigned, findings, self._clock)[:FOUND_CHECKED]
        if found:
            of_found = [replace(each, organizations=found) for each in assigned if each.collector.organizations]
            more = [check for check in self._checks(of_found) if check.target.organization]
            findings += run_checks(more, self._clock)
            checks += more
        versions = offered_versions(self._clients.named[AUTH], findings, self._clock)
        for client in self._clients.all:
            client.close()
        self.report = EnterpriseReport(
            enterprise=enterprise.name,
            api_url=enterprise.api_url,
            host=host(enterprise.api_url),
            manage_url=enterprise.manage_url,
            platform=enterprise.platform.value,
            credentials=[
                credential_report(name, kind, self._notes.of(name), self._shares_limits(name))
                for name, kind in self._kinds.items()
            ],
            findings=findings,
            api_version=enterprise.api_version,
            offered_versions=versions,
            budgets_without_consumption=budgets_without_consumption(checks),
            calls=[calls_of(check) for check in checks if check.is_possible],
            reserve=self._settings.limits.rate_limit_reserve,
        )

    def _shares_limits(self, name: str) -> str:
        """Equal for credentials that share their rate limits: one token, but not two installations of an App."""
        readers = self._clients.secrets.get(name, ())
        if len(readers) != 1:
            return f"{self._enterprise.name} {name}"
        return f"{host(self._enterprise.api_url)} {credentials_digest({'token': readers[0]()})}"

    def _checks(self, assigned: Iterable[Assignment]) -> list[Check]:
        enterprise, clients = self._enterprise, self._clients
        checks = []
        for assignment in assigned:
            for level in assignment.levels:
                credential = clients.credential_for(assignment.collector, level)
                collector = assignment.collector
                target = CheckTarget(
                    enterprise=enterprise.name,
                    slug=enterprise.slug,
                    host=host(enterprise.manage_url if collector.is_management else enterprise.api_url),
                    collector=collector.name,
                    organization=level,
                    credential=credential,
                    kind=self._kinds.get(credential, Kind.PASSWORD),
                    url_setting=MANAGE_URL if collector.is_management else API_URL,
                    is_on_its_platform=enterprise.platform in collector.platforms,
                )
                checks.append(Check(assignment, target))
        return checks


class ProcessCheck:
    """A collector that reads no enterprise: its address, and then its report."""

    report: EnterpriseReport

    def __init__(self, assignment: Assignment, clock: Clock) -> None:
        self._assignment = assignment
        self._client = assignment.client_of(ENTERPRISE_LEVEL)
        self._clock = clock

    def work(self) -> None:
        """Ask."""
        url = self._client.base_url
        address = urlsplit(url).netloc
        target = CheckTarget("", "", address, self._assignment.collector.name, ENTERPRISE_LEVEL, "", Kind.NONE)
        findings = run_checks([Check(self._assignment, target)], self._clock)
        self._client.close()
        self.report = EnterpriseReport("", url, address, "", credentials=(), findings=findings)


def process_checks(settings: Settings, clock: Clock, stop: threading.Event) -> Iterator[ProcessCheck]:
    """What is to be asked that is about no enterprise."""

    def client(url: str) -> Client:
        return open_anonymous_client(
            url,
            limits=hasty(client_limits(settings.limits)),
            observer=CredentialObserver(clock),
            clock=clock,
            stop=stop,
            randomness=random.Random(),  # noqa: S311 - jitter, not cryptography
        )

    for assignment in process_assignments(settings, client):
        yield ProcessCheck(assignment, clock)


def calls_of(check: Check) -> CollectorCalls:
    """What the collector of *check* sends in an hour."""
    target = check.target
    return CollectorCalls(
        enterprise=target.enterprise,
        collector=target.collector,
        organization=target.organization,
        credential=target.credential,
        interval=check.assignment.interval,
        per_hour=check.per_hour[0] if check.per_hour else None,
    )


def kind(clients: Clients, name: str, auth: Auth) -> Kind:
    """What the credential is."""
    return Kind.GITHUB_APP if auth.private_key_file is not None else kind_of(clients.credentials[name].token())


def host(url: str | None) -> str:
    """Host and port that are asked; nothing where nobody is."""
    return urlsplit(url or "").netloc
