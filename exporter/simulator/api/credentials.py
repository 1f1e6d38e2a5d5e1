"""Who asks: tokens, their scopes and their expiry."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.simulator.api.app_tokens import check_jwt, expires_at, is_jwt
from exporter.simulator.api.http_types import Header, Refusal

LIFETIME_DAYS = 43
SHORT_LIFETIME_DAYS = 2
DAY = 86_400
SCOPES = (
    "admin:enterprise, admin:org, manage_billing:copilot, manage_billing:enterprise, "
    "manage_runners:enterprise, read:audit_log, read:enterprise, scim:enterprise, site_admin"
)

FINE_GRAINED = "github_pat_"
LIMITED = "scopes="

NO_USER_AGENT = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."


@dataclass(frozen=True, slots=True)
class Credential:
    """An accepted token.

    What it begins with decides how it behaves: `ghs_` is a GitHub App's installation token (no scopes, no
    expiry announced), `github_pat_` a fine-grained one (no scopes, no enterprise), `forever` never expires, `expiring`
    expires two days after the start, and `scopes=A,B` has only those scopes. Every other has all scopes and expires
    after 43 days. A JWT is the App itself.
    """

    token: str
    is_management: bool = False
    """Whether it is a user of the management console, with a password."""

    @property
    def is_installation(self) -> bool:
        """Whether it is the token of a GitHub App installed on the enterprise."""
        return self.token.startswith("ghs_")

    @property
    def is_fine_grained(self) -> bool:
        """Whether it is a fine-grained personal access token, which no enterprise accepts."""
        return self.token.startswith(FINE_GRAINED)

    @property
    def scopes(self) -> str | None:
        """The scopes of a classic token, as a header has them; None for other kinds."""
        if self.is_management or self.is_app or self.is_installation or self.is_fine_grained:
            return None
        named = self.token.removeprefix(LIMITED)
        return ", ".join(named.split(",")) if named != self.token else SCOPES

    def has(self, accepted: str) -> bool:
        """Whether a classic token has one of the scopes *accepted*, or the one that includes it; others need none."""
        if self.scopes is None or not accepted:
            return True
        granted, wanted = self.scopes.split(", "), accepted.split(", ")
        including = (f"admin:{scope.partition(':')[2]}" for scope in wanted)
        return not {*wanted, *including}.isdisjoint(granted)

    @property
    def is_app(self) -> bool:
        """Whether it is the JWT of a GitHub App."""
        return is_jwt(self.token)

    def headers(self, accepted: str, started: float) -> tuple[Header, ...]:
        """Return what GitHub reports about the token, for an endpoint that accepts the scopes *accepted*."""
        headers: list[Header] = []
        if self.is_management or self.is_app:
            return ()
        if self.scopes is not None:
            headers += [("X-OAuth-Scopes", self.scopes), ("X-Accepted-OAuth-Scopes", accepted)]
        if not self.token.startswith(("ghs_", "forever")):
            days = SHORT_LIFETIME_DAYS if self.token.startswith("expiring") else LIFETIME_DAYS
            expiry = datetime.fromtimestamp(int(started) + days * DAY, UTC)
            headers.append(("GitHub-Authentication-Token-Expiration", f"{expiry:%Y-%m-%d %H:%M:%S} UTC"))
        return tuple(headers)


def credential(user_agent: str, authorization: str, at: float) -> Credential:
    """Read who asks at the time *at*.

    Raises:
        Refusal: There is no user agent, there is no token, it begins with `bad` or has expired, or it is a JWT that
            GitHub would not accept.
    """
    if not user_agent:
        raise Refusal(403, NO_USER_AGENT)
    _, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if not token or token.startswith("bad"):
        raise Refusal(401, "Bad credentials")
    if is_jwt(token):
        check_jwt(token, at)
    elif at >= expires_at(token):
        raise Refusal(401, "Bad credentials")
    return Credential(token)


def management_credential(authorization: str) -> Credential:
    """Read who asks the management API.

    Raises:
        Refusal: It is not a user with a password, or the password begins with `bad`.
    """
    scheme, _, encoded = authorization.strip().partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        user = colon = password = ""
    if scheme.lower() != "basic" or not user or not colon or not password or password.startswith("bad"):
        raise Refusal(401, "Unauthorized")
    return Credential(user, is_management=True)
