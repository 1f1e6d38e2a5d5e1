"""From errors to findings: what the error, the endpoint and the credential together mean. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from exporter.doctor.advice import ADVICE, SKIPPED, Place, State
from exporter.doctor.credentials import Kind
from exporter.errors import Cause, GitHubError, RateLimited, Reason
from exporter.github.endpoint import Endpoint

REFUSALS = frozenset({Cause.NOT_OFFERED, Cause.NOT_ALLOWED, Cause.APP_CANNOT_READ, Cause.FINE_GRAINED_TOKEN})
"""What GitHub may answer to a kind of token that can never read this."""
TELLING = 2
"""One thing that is not offered says nothing of the enterprise; so many, and nothing else, do."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks whom: an enterprise or one of its organizations, by a credential, for a collector."""

    enterprise: str
    host: str
    collector: str
    organization: str
    credential: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Finding:
    """How one endpoint fares for one collector, and what to do.

    Attributes:
        reason: as in the label of the failure counter; None where it works or was never asked.
        detail: what the error says; no secret, no query.
    """

    subject: Subject
    endpoint: str
    state: State
    reason: Reason | None = None
    cause: Cause | None = None
    advice: str = ""
    detail: str = ""


def works(subject: Subject, endpoint: Endpoint) -> Finding:
    """The endpoint answered."""
    return Finding(subject, endpoint.path, State.OK)


def not_here(subject: Subject, endpoint: Endpoint) -> Finding:
    """The collector cannot exist on this platform and is never asked for."""
    cause = Cause.OTHER_PLATFORM
    return Finding(subject, endpoint.path, State.UNAVAILABLE, None, cause, ADVICE[cause].text)


def skipped(subject: Subject, endpoint: Endpoint, error: GitHubError) -> Finding:
    """Not asked, because *error* would come again."""
    return Finding(subject, endpoint.path, State.SKIPPED, error.reason, error.cause, SKIPPED)


def fails(subject: Subject, endpoint: Endpoint, error: GitHubError) -> Finding:
    """The endpoint answered with *error*."""
    cause, wanted = meaning(subject, endpoint, error)
    return explained(subject, endpoint.path, error, cause, wanted)


def meaning(subject: Subject, endpoint: Endpoint, error: GitHubError) -> tuple[Cause, tuple[str, ...]]:
    """The cause in the light of endpoint and credential, and the scopes or permissions that would help."""
    if subject.kind is Kind.FINE_GRAINED and endpoint.level != "organization" and error.cause in REFUSALS:
        return Cause.FINE_GRAINED_TOKEN, ()
    if error.cause in {Cause.APP_CANNOT_READ, Cause.FINE_GRAINED_TOKEN} and endpoint.app_permission:
        return Cause.PERMISSION_MISSING, error.wanted or (spelt(endpoint.app_permission),)
    return error.cause, error.wanted


def spelt(permission: str) -> str:
    """A declared permission with its level, which is `read` unless the declaration says more."""
    return permission if ":" in permission else f"{permission}: read"


def explained(subject: Subject, endpoint: str, error: GitHubError, cause: Cause, wanted: Sequence[str] = ()) -> Finding:
    """The finding for *cause* with its advice."""
    advice = ADVICE[cause]
    place = Place(
        enterprise=subject.enterprise,
        organization=subject.organization,
        host=subject.host,
        credential=subject.credential,
        wanted=" or ".join(wanted),
        when=moment(error.retry_at) if isinstance(error, RateLimited) else "",
    )
    return Finding(subject, endpoint, advice.state, error.reason, cause, place.filled(advice.text), str(error))


def moment(at: float) -> str:
    """A time as people read it; what a header made up may be none."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return "a time that makes no sense"


def compared(findings: Iterable[Finding]) -> list[Finding]:
    """*findings*, in the light of each other.

    GitHub answers 404 alike for what is off, for what the person may not see and for a wrong name. Where one credential
    finds nothing at all, it is one of the latter two.
    """
    findings = list(findings)
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.cause is not Cause.OTHER_PLATFORM:
            groups[finding.subject.credential, finding.subject.organization].append(finding)
    lost = {key for key, group in groups.items() if is_lost(key[1], group)}
    return [
        found_nothing(finding)
        if (finding.subject.credential, finding.subject.organization) in lost and finding.cause is Cause.NOT_OFFERED
        else finding
        for finding in findings
    ]


def is_lost(organization: str, group: Sequence[Finding]) -> bool:
    """Whether nothing of an enterprise or organization is to be seen; every organization offers its runners."""
    missing = {finding.endpoint for finding in group if finding.cause is Cause.NOT_OFFERED}
    rest = [finding for finding in group if finding.cause is not Cause.NOT_OFFERED]
    return not rest and len(missing) >= (1 if organization else TELLING)


def found_nothing(finding: Finding) -> Finding:
    """The finding for something of which nothing is to be seen."""
    cause = Cause.ORGANIZATION_NOT_FOUND if finding.subject.organization else Cause.ENTERPRISE_NOT_FOUND
    subject = finding.subject
    place = Place(enterprise=subject.enterprise, organization=subject.organization, credential=subject.credential)
    return replace(finding, state=State.FAILED, cause=cause, advice=place.filled(ADVICE[cause].text))
