"""`ghe-exporter check`: check what the configured credentials can read, and say what to do where they cannot."""

import json
import random
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from exporter import logs
from exporter.clock import Clock, SystemClock
from exporter.commands.output import standard_output
from exporter.config import loading
from exporter.config.settings import Auth, Enterprise, Settings
from exporter.doctor.credentials import CredentialObserver, Kind, kind_of
from exporter.doctor.diagnosis import CheckTarget
from exporter.doctor.report import EnterpriseReport, credential_report, document
from exporter.doctor.run import Check, budgets_without_consumption, in_parallel, offered_versions, run_checks
from exporter.doctor.terminal import print_report
from exporter.runtime.assignment import assignments
from exporter.runtime.clients import AUTH, Clients, auths, client_limits, open_clients

READ_SECONDS = 12.0
"""GitHub itself gives up after ten."""
TRIES = 2
TRIES_SECONDS = 5.0


def run(config: Path | None, *, as_json: bool) -> int:
    """Check everything and print the result; return 0, or 1 if there is something to fix."""
    settings = loading.load(config)
    logs.configure(settings.log_level, settings.log_format)
    clock = SystemClock()
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
    checks = [EnterpriseCheck(settings, enterprise, clock, stop) for enterprise in settings.enterprises]
    in_parallel(threading.Thread(target=check.work, name="check", daemon=True) for check in checks)
    return [check.report for check in checks]


class EnterpriseCheck:
    """One enterprise: what is to be asked, and then its report."""

    report: EnterpriseReport

    def __init__(self, settings: Settings, enterprise: Enterprise, clock: Clock, stop: threading.Event) -> None:
        self._settings = settings
        self._enterprise = enterprise
        self._clock = clock
        self._notes = CredentialObserver(clock)
        limits = client_limits(settings.limits)
        self._clients = open_clients(
            enterprise,
            limits=replace(limits, read_seconds=READ_SECONDS, tries=TRIES, tries_seconds=TRIES_SECONDS),
            observer=self._notes,
            clock=clock,
            stop=stop,
            randomness=random.Random(),  # noqa: S311 - jitter, not cryptography
        )
        self._kinds = {name: kind(self._clients, name, auth) for name, auth in auths(enterprise).items()}

    def work(self) -> None:
        """Ask."""
        enterprise = self._enterprise
        checks = self._checks()
        findings = run_checks(checks, self._clock)
        versions = offered_versions(self._clients.named[AUTH], findings, self._clock)
        for client in self._clients.all:
            client.close()
        self.report = EnterpriseReport(
            enterprise=enterprise.name,
            api_url=enterprise.api_url,
            host=host(enterprise),
            platform=enterprise.platform.value,
            credentials=[credential_report(name, kind, self._notes.of(name)) for name, kind in self._kinds.items()],
            findings=findings,
            api_version=enterprise.api_version,
            offered_versions=versions,
            budgets_without_consumption=budgets_without_consumption(checks),
        )

    def _checks(self) -> list[Check]:
        enterprise, clients = self._enterprise, self._clients
        checks = []
        for assignment in assignments(self._settings, enterprise, clients):
            for level in assignment.levels:
                credential = clients.credential_for(assignment.collector, level)
                target = CheckTarget(
                    enterprise=enterprise.name,
                    slug=enterprise.slug,
                    host=host(enterprise),
                    collector=assignment.collector.name,
                    organization=level,
                    credential=credential,
                    kind=self._kinds[credential],
                )
                checks.append(Check(assignment, target))
        return checks


def kind(clients: Clients, name: str, auth: Auth) -> Kind:
    """What the credential is."""
    return Kind.GITHUB_APP if auth.private_key_file is not None else kind_of(clients.credentials[name].token())


def host(enterprise: Enterprise) -> str:
    """Host and port that are asked."""
    return urlsplit(enterprise.api_url).netloc
