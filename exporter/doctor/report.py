"""The findings as data, which is what `--json` prints; `exporter.doctor.terminal` makes a page of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from exporter.config.addresses import is_plaintext
from exporter.doctor.advice import WARNINGS, CredentialWarning, Place, State
from exporter.doctor.calls import Budget, CollectorCalls, CredentialUse, advised, budgets
from exporter.doctor.credentials import CredentialFacts, Kind
from exporter.doctor.diagnosis import Finding, format_time
from exporter.duration import format_duration
from exporter.github.endpoint import MANAGE_AUTH

VERSION = 1
"""Of the shape of the report; a key that changes its meaning or goes away makes it 2."""
DAY = 86_400.0
EXPIRES_SOON = 14 * DAY
LOW = 0.1
TOLERATED_SKEW = 30.0


@dataclass(frozen=True, slots=True)
class CredentialReport:
    """A credential and what answers said about it.

    Attributes:
        shares_limits: equal for credentials that share their rate limits; nothing by which a secret could be guessed.
    """

    name: str
    kind: Kind
    facts: CredentialFacts
    shares_limits: str = ""


def credential_report(name: str, kind: Kind, facts: CredentialFacts, shares_limits: str = "") -> CredentialReport:
    """The credential *name*; GitHub reports scopes of classic tokens only, whatever they look like."""
    known = Kind.CLASSIC if kind is Kind.UNKNOWN and facts.scopes is not None else kind
    return CredentialReport(name, known, facts, shares_limits)


@dataclass(frozen=True, slots=True)
class EnterpriseReport:
    """What was found for one enterprise."""

    enterprise: str
    api_url: str
    host: str
    platform: str
    credentials: Sequence[CredentialReport]
    findings: Sequence[Finding]
    api_version: str = ""
    offered_versions: Sequence[str] = ()
    """As GET /versions lists them; empty where that is not known."""
    manage_url: str | None = None
    budgets_without_consumption: tuple[int, int] | None = None
    """How many, and of how many."""
    calls: Sequence[CollectorCalls] = ()
    reserve: float = 0.0
    """Share of a rate limit that is left to others."""

    @property
    def ok(self) -> bool:
        """Whether there is nothing to fix."""
        return all(finding.state in {State.OK, State.UNAVAILABLE} for finding in self.findings)


def rate_limit_budgets(reports: Sequence[EnterpriseReport]) -> list[Budget]:
    """Every rate limit in force and what the configuration sends of it."""
    credentials = [
        CredentialUse(
            report.enterprise,
            found.name,
            found.shares_limits or f"{report.enterprise} {found.name}",
            report.reserve,
            found.facts.windows,
        )
        for report in reports
        for found in report.credentials
    ]
    return list(budgets(credentials, [each for report in reports for each in report.calls]))


def budget_warnings(report: EnterpriseReport, found: Sequence[Budget]) -> Iterator[tuple[CredentialWarning, str, str]]:
    """What is too much for a rate limit, with each of the credentials of *report* that has a part in it."""
    for budget in found:
        for enterprise_name, name in budget.credentials:
            if not budget.fits and enterprise_name == report.enterprise:
                yield make_warning(report, CredentialWarning.RATE_LIMIT_TOO_SMALL, name, wanted=advised(budget))


def warnings_of(report: EnterpriseReport, now: float) -> Iterator[tuple[CredentialWarning, str, str]]:
    """What deserves a look: the kind, the credential it is about, and what to do."""
    yield from plaintext_warnings(report)
    if report.offered_versions and report.api_version not in report.offered_versions:
        wanted = " or ".join(report.offered_versions)
        yield make_warning(report, CredentialWarning.API_VERSION_NOT_LISTED, wanted=wanted)
    if report.budgets_without_consumption is not None:
        without, budgets = report.budgets_without_consumption
        wanted = f"{without} of {budgets} budgets"
        yield make_warning(report, CredentialWarning.BUDGETS_WITHOUT_CONSUMPTION, wanted=wanted)
    skew = min((abs(found.facts.skew) for found in report.credentials if found.facts.skew is not None), default=0.0)
    if skew > TOLERATED_SKEW:
        yield make_warning(report, CredentialWarning.CLOCK_DIFFERS, when=format_duration(round(skew)))
    for found in report.credentials:
        if found.kind is Kind.INSTALLATION:
            yield make_warning(report, CredentialWarning.INSTALLATION_TOKEN, found.name)
        if found.facts.expires is not None and found.facts.expires - now < EXPIRES_SOON:
            yield make_warning(
                report, CredentialWarning.TOKEN_EXPIRES_SOON, found.name, format_time(found.facts.expires)
            )
        for window in found.facts.windows.values():
            if window.is_below(LOW, now):
                yield make_warning(report, CredentialWarning.RATE_LIMIT_LOW, found.name, format_time(window.reset))


def plaintext_warnings(report: EnterpriseReport) -> Iterator[tuple[CredentialWarning, str, str]]:
    """Addresses to which a secret goes unencrypted."""
    if is_plaintext(report.api_url):
        yield make_warning(report, CredentialWarning.PLAINTEXT_API_URL)
    if report.manage_url and is_plaintext(report.manage_url):
        warning, host = CredentialWarning.PLAINTEXT_MANAGE_URL, urlsplit(report.manage_url).netloc
        yield warning, MANAGE_AUTH, Place(host=host).filled(WARNINGS[warning])


def make_warning(
    report: EnterpriseReport, warning: CredentialWarning, credential: str = "", when: str = "", wanted: str = ""
) -> tuple[CredentialWarning, str, str]:
    """A warning with its places filled in."""
    place = Place(enterprise=report.enterprise, host=report.host, credential=credential, when=when, wanted=wanted)
    return warning, credential, place.filled(WARNINGS[warning])


def document(reports: Sequence[EnterpriseReport], now: float) -> dict[str, Any]:
    """Everything as one object; times are in ISO 8601, what is not known is null."""
    found = rate_limit_budgets(reports)
    return {
        "version": VERSION,
        "ok": all(report.ok for report in reports),
        "enterprises": [enterprise(report, found, now) for report in reports],
        "rate_limit_budgets": [budget(each) for each in found],
    }


def budget(found: Budget) -> dict[str, Any]:
    """One rate limit and what is sent of it; calls are those of an hour, unchanged answers included."""
    longer = found.intervals_that_fit()
    return {
        "credentials": [{"enterprise": name, "credential": credential} for name, credential in found.credentials],
        "resource": found.resource,
        "limit": round(found.limit),
        "reserve": round(found.limit - found.allowed),
        "calls_per_hour": round(found.calls, 1),
        "spare_calls_per_hour": round(found.spare, 1),
        "fits": found.fits,
        "collectors": [
            {
                "collector": name,
                "interval_seconds": interval,
                "calls_per_hour": round(calls, 1),
                "interval_seconds_that_fits": longer.get(name, interval),
            }
            for name, interval, calls in found.by_collector()
        ],
        "collectors_not_counted": list(found.unknown),
    }


def enterprise(report: EnterpriseReport, found: Sequence[Budget], now: float) -> dict[str, Any]:
    """One enterprise."""
    return {
        "enterprise": report.enterprise,
        "api_url": report.api_url,
        "platform": report.platform,
        "ok": report.ok,
        "credentials": [credential(found) for found in report.credentials],
        "warnings": [
            {"warning": warning.value, "credential": name or None, "advice": text}
            for warning, name, text in (*warnings_of(report, now), *budget_warnings(report, found))
        ],
        "checks": [check(finding) for finding in report.findings],
    }


def credential(found: CredentialReport) -> dict[str, Any]:
    """One credential; its secret is not in here."""
    facts = found.facts
    return {
        "credential": found.name,
        "kind": found.kind.value,
        "scopes": list(facts.scopes) if facts.scopes is not None else None,
        "expires": iso(facts.expires),
        "clock_difference_seconds": round(facts.skew) if facts.skew is not None else None,
        "rate_limits": [
            {
                "resource": window.resource,
                "limit": round(window.limit),
                "remaining": round(window.remaining),
                "reset": iso(window.reset),
            }
            for window in facts.windows.values()
        ],
    }


def check(finding: Finding) -> Mapping[str, Any]:
    """One endpoint."""
    return {
        "collector": finding.target.collector,
        "organization": finding.target.organization or None,
        "credential": finding.target.credential,
        "endpoint": finding.endpoint,
        "state": finding.state.value,
        "reason": finding.reason.value if finding.reason else None,
        "cause": finding.cause.value if finding.cause else None,
        "advice": finding.advice or None,
        "detail": finding.detail or None,
    }


def iso(at: float | None) -> str | None:
    """A time in ISO 8601; None where there is none, or none that makes sense."""
    try:
        return None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return None
