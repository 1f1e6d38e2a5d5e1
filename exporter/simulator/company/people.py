"""The people of an enterprise, as the consumed licenses report lists them."""

from collections.abc import Sequence
from typing import Any

from exporter.simulator.company.random_draws import Draws

TRADES = ("dev", "ops", "test", "data", "design", "docs", "audit", "build")
ENTERPRISE = "Enterprise"
VISUAL_STUDIO = "Visual Studio subscription"

# Thresholds of one byte, so that a person costs one digest.
SERVER_ONLY = 10
CLOUD_AND_SERVER = 50
VISUAL_STUDIO_UNMATCHED = 53
VISUAL_STUDIO_MATCHED = 66
ORGANIZATION_OWNER = 5
WITHOUT_ORGANIZATION = 5
COLLABORATOR = 10
ENTERPRISE_OWNER = 1
BILLING_MANAGER = 2
PENDING_INVITATION = 5
TWO_FACTOR_ENABLED = 232
TWO_FACTOR_DISABLED = 248
SECOND_SERVER = 40

FOUNDERS = 2
"""The first people of every enterprise own it."""

SERVER_USER_OFFSET = 100
REPOSITORIES = 40
EVERY_FOURTH = 4
EVERY_SIXTEENTH = 16


class People:
    """Everybody who ever holds a license of one enterprise, drawn from an index.

    Args:
        seed: Seed of the estate.
        enterprise: Slug of the enterprise.
        organizations: Logins of its organizations.
        hostnames: Hosts of its connected GitHub Enterprise Servers.
        managed: Whether accounts are managed by an identity provider (then two-factor is not reported,
            and nobody is known on a server only).
    """

    def __init__(
        self,
        seed: int,
        enterprise: str,
        *,
        organizations: Sequence[str],
        hostnames: Sequence[str],
        managed: bool = False,
    ) -> None:
        self._draws = Draws(seed, enterprise, "people")
        self._organizations = organizations
        self._hostnames = hostnames
        self._managed = managed

    def record(self, index: int) -> dict[str, Any]:
        """Return the person number *index* in the terms of GitHub's report."""
        draw = self._draws.digest(index)
        kind = 255 if self._managed or index < FOUNDERS else draw[0]
        on_server = kind < CLOUD_AND_SERVER and bool(self._hostnames)
        subscriber = CLOUD_AND_SERVER <= kind < VISUAL_STUDIO_MATCHED
        unmatched = subscriber and kind < VISUAL_STUDIO_UNMATCHED
        on_cloud = not unmatched and not (on_server and kind < SERVER_ONLY)
        trade = _trade(draw)
        name = f"octo-{trade}-{index}"
        login = self._login(name)
        servers = self._server_ids(index, draw) if on_server else []
        return {
            "github_com_login": login if on_cloud else "",
            "github_com_name": f"Octo {trade.title()} {index}" if on_cloud else "",
            "enterprise_server_user_ids": servers,
            "github_com_user": on_cloud,
            "enterprise_server_user": on_server,
            "visual_studio_subscription_user": subscriber,
            "license_type": VISUAL_STUDIO if subscriber else ENTERPRISE,
            "github_com_profile": f"https://github.example.com/{login}" if on_cloud else "",
            "github_com_member_roles": self._member_roles(draw) if on_cloud else [],
            "github_com_enterprise_roles": self._enterprise_roles(index, draw) if on_cloud else [],
            "github_com_verified_domain_emails": [f"{name}@acme.example.com"] if on_cloud else [],
            "github_com_saml_name_id": f"{name}@acme.example.com" if on_cloud else None,
            "github_com_orgs_with_pending_invites": self._pending_invites(draw) if on_cloud else [],
            "github_com_two_factor_auth": self._two_factor(draw) if on_cloud else "",
            "enterprise_server_emails": [f"{name}@acme.example.com"] if on_server else [],
            "visual_studio_license_status": ("Unmatched" if unmatched else "Matched") if subscriber else "",
            "visual_studio_subscription_email": f"{name}@globex.example.com" if subscriber else "",
            "total_user_accounts": on_cloud + len(servers),
        }

    def login(self, index: int) -> str:
        """Return the login of person number *index*."""
        return self._login(f"octo-{_trade(self._draws.digest(index))}-{index}")

    def _login(self, name: str) -> str:
        return f"{name}_acme" if self._managed else name

    def _server_ids(self, index: int, draw: bytes) -> list[str]:
        count = len(self._hostnames)
        first = draw[2] % count
        hosts = {first, (first + 1) % count} if draw[3] < SECOND_SERVER else {first}
        return [f"{self._hostnames[host]}:{index + SERVER_USER_OFFSET}" for host in sorted(hosts)]

    def _organization(self, draw: bytes, step: int = 0) -> str:
        # Squared, because a few organizations hold most of the people.
        share = int.from_bytes(draw[4:6], "big") / 65_536
        count = len(self._organizations)
        return self._organizations[(int(count * share * share) + step) % count]

    def _member_roles(self, draw: bytes) -> list[str]:
        if not self._organizations or draw[14] < WITHOUT_ORGANIZATION:
            return []
        if draw[6] < COLLABORATOR:
            return [f"{self._organization(draw)}/repo-{draw[7] % REPOSITORIES}:Collaborator"]
        memberships = 1 + (draw[8] % EVERY_FOURTH == 0) + (draw[8] % EVERY_SIXTEENTH == 0)
        role = "Owner" if draw[9] < ORGANIZATION_OWNER else "Member"
        steps = range(min(memberships, len(self._organizations)))
        return [f"{self._organization(draw, step)}:{role if step == 0 else 'Member'}" for step in steps]

    def _enterprise_roles(self, index: int, draw: bytes) -> list[str]:
        if index < FOUNDERS or draw[10] < ENTERPRISE_OWNER:
            return ["owner"]
        if draw[10] < BILLING_MANAGER:
            return ["billing_manager"]
        return [] if draw[6] < COLLABORATOR else ["member"]

    def _pending_invites(self, draw: bytes) -> list[str]:
        if self._managed or not self._organizations or draw[11] >= PENDING_INVITATION:
            return []
        return [self._organization(draw, 1)]

    def _two_factor(self, draw: bytes) -> bool | None:
        if self._managed or draw[12] >= TWO_FACTOR_DISABLED:
            return None
        return draw[12] < TWO_FACTOR_ENABLED


def _trade(draw: bytes) -> str:
    return TRADES[draw[1] % len(TRADES)]
