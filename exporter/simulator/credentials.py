"""Who asks: tokens, their scopes and their expiry."""

from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.simulator.exchange import Header, Refusal

LIFETIME_DAYS = 43
SHORT_LIFETIME_DAYS = 2
DAY = 86_400
SCOPES = (
    "admin:enterprise, admin:org, manage_billing:copilot, manage_billing:enterprise, "
    "manage_runners:enterprise, read:enterprise, scim:enterprise, site_admin"
)

NO_USER_AGENT = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."


@dataclass(frozen=True, slots=True)
class Credential:
    """An accepted token.

    What it begins with decides how it behaves: `ghs_` is a GitHub App's installation token (no scopes, no
    expiry announced), `github_pat_` a fine-grained one (no scopes), `forever` never expires and `expiring`
    expires two days after the start. Every other expires after 43 days.
    """

    token: str

    @property
    def is_installation(self) -> bool:
        """Whether it is the token of a GitHub App installed on the enterprise."""
        return self.token.startswith("ghs_")

    def headers(self, accepted: str, started: float) -> tuple[Header, ...]:
        """Return what GitHub tells about the token, for an endpoint that accepts the scopes *accepted*."""
        headers: list[Header] = []
        if not self.token.startswith(("ghs_", "github_pat_")):
            headers += [("X-OAuth-Scopes", SCOPES), ("X-Accepted-OAuth-Scopes", accepted)]
        if not self.token.startswith(("ghs_", "forever")):
            days = SHORT_LIFETIME_DAYS if self.token.startswith("expiring") else LIFETIME_DAYS
            expiry = datetime.fromtimestamp(int(started) + days * DAY, UTC)
            headers.append(("GitHub-Authentication-Token-Expiration", f"{expiry:%Y-%m-%d %H:%M:%S} UTC"))
        return tuple(headers)


def credential(user_agent: str, authorization: str) -> Credential:
    """Read who asks.

    Raises:
        Refusal: There is no user agent, there is no token, or it begins with `bad`.
    """
    if not user_agent:
        raise Refusal(403, NO_USER_AGENT)
    _, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if not token or token.startswith("bad"):
        raise Refusal(401, "Bad credentials")
    return Credential(token)
