"""The findings as data, which is what `--json` prints; `exporter.doctor.terminal` makes a page of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exporter.doctor.advice import CAUTIONS, Caution, Place, State
from exporter.doctor.credentials import Kind, Told
from exporter.doctor.diagnosis import Finding, moment
from exporter.duration import format_duration

VERSION = 1
"""Of the shape of the report; a key that changes its meaning or goes away makes it 2."""
DAY = 86_400.0
EXPIRES_SOON = 14 * DAY
LOW = 0.1
TOLERATED_SKEW = 30.0


@dataclass(frozen=True, slots=True)
class CredentialReport:
    """A credential and what answers told of it."""

    name: str
    kind: Kind
    told: Told


def credential_report(name: str, kind: Kind, told: Told) -> CredentialReport:
    """The credential *name*; GitHub tells scopes of classic tokens only, whatever they look like."""
    known = Kind.CLASSIC if kind is Kind.UNKNOWN and told.scopes is not None else kind
    return CredentialReport(name, known, told)


@dataclass(frozen=True, slots=True)
class EnterpriseReport:
    """What was found for one enterprise."""

    enterprise: str
    api_url: str
    host: str
    platform: str
    credentials: Sequence[CredentialReport]
    findings: Sequence[Finding]

    @property
    def ok(self) -> bool:
        """Whether there is nothing to repair."""
        return all(finding.state in {State.OK, State.UNAVAILABLE} for finding in self.findings)


def cautions(report: EnterpriseReport, now: float) -> Iterator[tuple[Caution, str, str]]:
    """What deserves a look: the kind, the credential it is about, and what to do."""
    if report.api_url.startswith("http://"):
        yield said(report, Caution.TOKEN_READABLE_ON_THE_WAY)
    skew = min((abs(found.told.skew) for found in report.credentials if found.told.skew is not None), default=0.0)
    if skew > TOLERATED_SKEW:
        yield said(report, Caution.CLOCK_DIFFERS, when=format_duration(round(skew)))
    for found in report.credentials:
        if found.kind is Kind.INSTALLATION:
            yield said(report, Caution.INSTALLATION_TOKEN, found.name)
        if found.told.expires is not None and found.told.expires - now < EXPIRES_SOON:
            yield said(report, Caution.TOKEN_EXPIRES_SOON, found.name, moment(found.told.expires))
        for window in found.told.windows.values():
            if window.is_below(LOW, now):
                yield said(report, Caution.RATE_LIMIT_LOW, found.name, moment(window.reset))


def said(report: EnterpriseReport, caution: Caution, credential: str = "", when: str = "") -> tuple[Caution, str, str]:
    """A caution with its places filled in."""
    place = Place(enterprise=report.enterprise, host=report.host, credential=credential, when=when)
    return caution, credential, place.filled(CAUTIONS[caution])


def document(reports: Sequence[EnterpriseReport], now: float) -> dict[str, Any]:
    """Everything as one object; times are in ISO 8601, what is not known is null."""
    return {
        "version": VERSION,
        "ok": all(report.ok for report in reports),
        "enterprises": [enterprise(report, now) for report in reports],
    }


def enterprise(report: EnterpriseReport, now: float) -> dict[str, Any]:
    """One enterprise."""
    return {
        "enterprise": report.enterprise,
        "api_url": report.api_url,
        "platform": report.platform,
        "ok": report.ok,
        "credentials": [credential(found) for found in report.credentials],
        "warnings": [
            {"warning": caution.value, "credential": name or None, "advice": text}
            for caution, name, text in cautions(report, now)
        ],
        "checks": [check(finding) for finding in report.findings],
    }


def credential(found: CredentialReport) -> dict[str, Any]:
    """One credential; its secret is not in here."""
    told = found.told
    return {
        "credential": found.name,
        "kind": found.kind.value,
        "scopes": list(told.scopes) if told.scopes is not None else None,
        "expires": iso(told.expires),
        "clock_difference_seconds": round(told.skew) if told.skew is not None else None,
        "rate_limits": [
            {
                "resource": window.resource,
                "limit": round(window.limit),
                "remaining": round(window.remaining),
                "reset": iso(window.reset),
            }
            for window in told.windows.values()
        ],
    }


def check(finding: Finding) -> Mapping[str, Any]:
    """One endpoint."""
    return {
        "collector": finding.subject.collector,
        "organization": finding.subject.organization or None,
        "credential": finding.subject.credential,
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
