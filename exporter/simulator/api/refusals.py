"""What GitHub says when it refuses, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporter.simulator.api.bodies import render
from exporter.simulator.api.http_types import DOCUMENTATION, JSON_TYPE, Response

LIMITS = f"{DOCUMENTATION}/using-the-rest-api/rate-limits-for-the-rest-api"
PRIMARY_LIMIT = "API rate limit exceeded for user ID 1."
SECONDARY_LIMIT = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
NOT_ACCESSIBLE = "Resource not accessible by integration"
NEEDS_SSO = (
    "Resource protected by organization SAML enforcement. You must grant your token access to this organization."
)
SSO = "required; url=https://github.com/enterprises/octo-corp/sso?authorization_request=AZQRJK5octoOCTOocto"
NOT_ON_LIST = (
    "Although you appear to have the correct authorization credentials, the `octo-corp` enterprise has an IP allow "
    "list enabled, and your IP address is not permitted to access this resource."
)
SUSPENDED = "This installation has been suspended"
PERMISSION = "enterprise_billing=read; enterprise_billing=write"
POLICY = (
    "`octo-corp` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a "
    "personal access token with fine-grained permissions."
)
NOT_OWNER = "Must have admin rights to Enterprise."
NOT_ENABLED = "Advanced Security is not enabled for this enterprise."
MOVED = "This endpoint has been moved."


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An answer with an error status and GitHub's usual body."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    documentation_url: str = DOCUMENTATION

    def response(self) -> Response:
        """As it is sent."""
        payload = {
            "message": self.message,
            "documentation_url": self.documentation_url,
            "status": str(self.status),
        }
        return Response(self.status, (("Content-Type", JSON_TYPE), *self.headers), render(payload))


REFUSALS: Mapping[str, ErrorAnswer] = MappingProxyType(
    {
        "too-many-requests": ErrorAnswer(429, "Too many requests"),
        "unsupported-version": ErrorAnswer(400, "'2022-11-28' is not a supported version."),
        "unauthorized": ErrorAnswer(401, "Bad credentials"),
        "forbidden": ErrorAnswer(403, NOT_ACCESSIBLE),
        "sso": ErrorAnswer(403, NEEDS_SSO, (("X-GitHub-SSO", SSO),)),
        "ip-allow-list": ErrorAnswer(403, NOT_ON_LIST),
        "suspended": ErrorAnswer(403, SUSPENDED),
        "no-permission": ErrorAnswer(403, NOT_ACCESSIBLE, (("X-Accepted-GitHub-Permissions", PERMISSION),)),
        "token-policy": ErrorAnswer(403, POLICY),
        "not-owner": ErrorAnswer(403, NOT_OWNER),
        "not-enabled": ErrorAnswer(403, NOT_ENABLED),
        "not-found": ErrorAnswer(404, "Not Found"),
        "gone": ErrorAnswer(410, MOVED, documentation_url="https://gh.io/billing-api-updates-org"),
    }
)
"""The refusals that are faults, by kind."""
