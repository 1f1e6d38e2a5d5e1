"""From errors to findings: what the error, the endpoint and the credential together mean. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from exporter.doctor.advice import ADVICE, API_URL, SKIPPED, Place, State
from exporter.doctor.credentials import Kind
from exporter.errors import Cause, GitHubError, RateLimited, Reason
from exporter.github.endpoint import Endpoint

REFUSALS = frozenset({Cause.NOT_OFFERED, Cause.NOT_ALLOWED, Cause.APP_CANNOT_READ, Cause.FINE_GRAINED_TOKEN})
"""What GitHub may answer to a kind of token that can never read this."""
MANAGEMENT_CAUSES = {
    Cause.CREDENTIAL_REJECTED: Cause.MANAGEMENT_PASSWORD_REJECTED,
    Cause.NOT_OFFERED: Cause.MANAGEMENT_NOT_OFFERED,
}
"""What an answer means where the management API gave it."""
MIN_MISSING_ENDPOINTS = 2
"""One thing that is not offered says nothing of the enterprise; so many, and nothing else, do."""


@dataclass(frozen=True, slots=True)
class CheckTarget:
    """What is checked: a collector, at an enterprise or one of its organizations, with a credential.

    Attributes:
        enterprise: its name in settings and metrics.
        slug: its name in GitHub's URLs.
        url_setting: the setting that says where it is asked.
        is_on_its_platform: whether the collector exists on the platform of the enterprise.
    """

    enterprise: str
    slug: str
    host: str
    collector: str
    organization: str
    credential: str
    kind: Kind
    url_setting: str = API_URL
    is_on_its_platform: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """How one endpoint fares for one collector, and what to do.

    Attributes:
        reason: as in the label of the failure counter; None where it works or was never asked.
        detail: what the error says; no secret, no query.
    """

    target: CheckTarget
    endpoint: str
    state: State
    reason: Reason | None = None
    cause: Cause | None = None
    advice: str = ""
    detail: str = ""


def works(target: CheckTarget, endpoint: Endpoint) -> Finding:
    """The endpoint answered."""
    return Finding(target, endpoint.path, State.OK)


def not_here(target: CheckTarget, endpoint: Endpoint) -> Finding:
    """The collector cannot exist on this platform, or has no address to ask, and is never asked for."""
    cause = Cause.MANAGEMENT_NOT_CONFIGURED if target.is_on_its_platform else Cause.OTHER_PLATFORM
    return Finding(target, endpoint.path, State.UNAVAILABLE, None, cause, ADVICE[cause].text)


def skipped(target: CheckTarget, endpoint: Endpoint, error: GitHubError) -> Finding:
    """Not asked, because *error* would come again."""
    return Finding(target, endpoint.path, State.SKIPPED, error.reason, error.cause, SKIPPED)


def fails(target: CheckTarget, endpoint: Endpoint, error: GitHubError) -> Finding:
    """The endpoint answered with *error*."""
    cause, wanted = meaning(target, endpoint, error)
    return explained(target, endpoint.path, error, cause, wanted)


def meaning(target: CheckTarget, endpoint: Endpoint, error: GitHubError) -> tuple[Cause, tuple[str, ...]]:
    """The cause in the light of endpoint and credential, and the scopes or permissions that would help."""
    if endpoint.is_management:
        return MANAGEMENT_CAUSES.get(error.cause, error.cause), ()
    if target.kind is Kind.FINE_GRAINED and endpoint.level != "organization" and error.cause in REFUSALS:
        return Cause.FINE_GRAINED_TOKEN, ()
    if error.cause in {Cause.APP_CANNOT_READ, Cause.FINE_GRAINED_TOKEN} and endpoint.app_permission:
        return Cause.PERMISSION_MISSING, error.wanted or (with_level(endpoint.app_permission),)
    return error.cause, error.wanted


def with_level(permission: str) -> str:
    """A declared permission with its level, which is `read` unless the declaration says more."""
    return permission if ":" in permission else f"{permission}: read"


def explained(
    target: CheckTarget, endpoint: str, error: GitHubError, cause: Cause, wanted: Sequence[str] = ()
) -> Finding:
    """The finding for *cause* with its advice."""
    advice = ADVICE[cause]
    place = Place(
        enterprise=target.slug,
        organization=target.organization,
        host=target.host,
        credential=target.credential,
        wanted=" or ".join(wanted),
        when=format_time(error.retry_at) if isinstance(error, RateLimited) else "",
        url_setting=target.url_setting,
    )
    return Finding(target, endpoint, advice.state, error.reason, cause, place.filled(advice.text), str(error))


def format_time(at: float) -> str:
    """A time as people read it; what a header made up may be none."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return "a time that makes no sense"


def correlate(findings: Iterable[Finding]) -> list[Finding]:
    """*findings*, each in the light of the others.

    GitHub answers 404 alike to what is off, to what the person may not see and to a wrong name. Where one credential
    finds nothing at all, it is one of the latter two.
    """
    findings = list(findings)
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.cause is not Cause.OTHER_PLATFORM:
            groups[finding.target.credential, finding.target.organization].append(finding)
    invisible = {key for key, group in groups.items() if is_invisible(key[1], group)}
    return [
        not_found(finding)
        if (finding.target.credential, finding.target.organization) in invisible and finding.cause is Cause.NOT_OFFERED
        else finding
        for finding in findings
    ]


def is_invisible(organization: str, group: Sequence[Finding]) -> bool:
    """Whether nothing of an enterprise or organization is visible; every organization offers its runners."""
    missing = {finding.endpoint for finding in group if finding.cause is Cause.NOT_OFFERED}
    rest = [finding for finding in group if finding.cause is not Cause.NOT_OFFERED]
    return not rest and len(missing) >= (1 if organization else MIN_MISSING_ENDPOINTS)


def not_found(finding: Finding) -> Finding:
    """*finding* for an enterprise or organization of which nothing is visible; what was not asked stays so."""
    target = finding.target
    cause = Cause.ORGANIZATION_NOT_FOUND if target.organization else Cause.ENTERPRISE_NOT_FOUND
    if finding.state is State.SKIPPED:
        return replace(finding, cause=cause)
    place = Place(enterprise=target.slug, organization=target.organization, credential=target.credential)
    return replace(finding, state=State.FAILED, cause=cause, advice=place.filled(ADVICE[cause].text))
