"""Who uses license seats, as counts only: no name of a person leaves this file."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from exporter.collector import LICENSE_MAX_AGE, Collector, Target
from exporter.collectors.common.distinct import Distinct
from exporter.collectors.common.labels import snake_case
from exporter.github.endpoint import Endpoint
from exporter.github.models import LicenseUser, number
from exporter.github.reader import GitHub, Page
from exporter.metrics.metric import Sample, gauge

# The same path as the collector of totals, but folded page by page: keeping pages for their ETags would keep people.
LICENSE_USERS = Endpoint(
    "/enterprises/{enterprise}/consumed-licenses", "read:enterprise", "enterprise_licensing", revalidate=False
)

USERS = gauge("ghe_license_users", "People with a license, by type and kind of account.", "license_type", "account")
TWO_FACTOR = gauge("ghe_license_two_factor_users", "People with a license, by state of two-factor login.", "state")
ORGANIZATION_USERS = gauge(
    "ghe_license_organization_users", "People with a license, by organization and role in it.", "organization", "role"
)
ENTERPRISE_ROLE_USERS = gauge(
    "ghe_license_enterprise_role_users", "People with a license, by role in the enterprise.", "role"
)
SERVER_USERS = gauge("ghe_license_server_users", "People with an account on a GitHub Enterprise Server.", "hostname")
VISUAL_STUDIO_USERS = gauge("ghe_license_visual_studio_users", "People with a Visual Studio subscription.")
PENDING_USERS = gauge(
    "ghe_license_pending_invitation_users",
    "People invited to an organization; each takes a seat unless licenses are metered or users managed.",
)
WITHOUT_ORGANIZATION = gauge(
    "ghe_license_users_without_organization",
    "People with an account in the cloud and no role in any organization; when GitHub lists them is not documented.",
)
ACCOUNTS = gauge("ghe_license_user_accounts", "Accounts behind the licenses, on GitHub and on servers together.")

ACCOUNT_KINDS = {(True, True): "cloud_and_server", (True, False): "cloud", (False, True): "server"}
TWO_FACTOR_STATES = {True: "enabled", False: "disabled", None: "unknown"}


@dataclass(slots=True)
class Census:
    """Counts of people, folded from pages."""

    users: Counter[tuple[str, str]] = field(default_factory=Counter)
    two_factor: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(TWO_FACTOR_STATES.values(), 0)))
    organizations: Counter[tuple[str, str]] = field(default_factory=Counter)
    enterprise_roles: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    people: int = 0
    visual_studio: int = 0
    pending: int = 0
    without_organization: int | None = None
    accounts: float | None = None

    def add(self, user: LicenseUser) -> None:
        """Count one person."""
        account = ACCOUNT_KINDS.get((user.github_com_user is True, user.enterprise_server_user is True), "none")
        self.people += 1
        self.users[snake_case(user.license_type), account] += 1
        # Two-factor login of a server account is the server's affair; GitHub sends "" or null.
        two_factor = None if account == "server" else user.github_com_two_factor_auth
        self.two_factor[TWO_FACTOR_STATES[two_factor]] += 1
        self.organizations.update({organization_role(role) for role in user.github_com_member_roles or ()})
        if user.github_com_user is True and user.github_com_member_roles is not None:
            self.without_organization = (self.without_organization or 0) + (not user.github_com_member_roles)
        roles = (*user.github_com_enterprise_roles, user.github_com_enterprise_role)
        self.enterprise_roles.update({snake_case(role) for role in roles if role})
        self.servers.update({account_host(account) for account in user.enterprise_server_user_ids})
        self.visual_studio += user.visual_studio_subscription_user is True
        self.pending += bool(user.github_com_orgs_with_pending_invites)
        if user.total_user_accounts is not None:
            self.accounts = (self.accounts or 0) + user.total_user_accounts


def account_host(account: str) -> str:
    """The hostname of `HOST:ID`, an account on a server; hosts may hold colons."""
    return account.rpartition(":")[0] or account


def organization_role(role: str) -> tuple[str, str]:
    """Split `ORG:Role` or `ORG/REPO:Role` into organization and role."""
    organization, separator, name = role.rpartition(":")
    if not separator:
        organization, name = role, ""
    return organization.partition("/")[0], snake_case(name)


def person(user: LicenseUser) -> str:
    """What distinguishes people when pages slip: the login, else the first account on a server."""
    if user.github_com_login:
        return f"login {user.github_com_login.lower()}"
    return f"server {user.enterprise_server_user_ids[0]}" if user.enterprise_server_user_ids else ""


def fetch(github: GitHub, _target: Target) -> Census:
    """Count each person once, page by page; a row without any identity is a person of its own.

    More seats consumed than people listed is a hint that pages are missing: then it is asked for more of them.
    """
    counted, seen = Census(), Distinct()

    def is_incomplete(page: Page, _received: int) -> bool:
        return (number(page.envelope.get("total_seats_consumed")) or 0) > counted.people

    for page in github.pages(LICENSE_USERS, "users", incomplete=is_incomplete):
        for user in github.records(LicenseUser, page.items):
            name = person(user)
            if not name or seen.add(name):
                counted.add(user)
    return counted


def samples(_target: Target, counted: Census) -> Iterator[Sample]:
    """Map the counts."""
    for (license_type, account), people in counted.users.items():
        yield USERS(people, license_type, account)
    for state, people in counted.two_factor.items():
        yield TWO_FACTOR(people, state)
    for (organization, role), people in counted.organizations.items():
        yield ORGANIZATION_USERS(people, organization, role)
    for role, people in counted.enterprise_roles.items():
        yield ENTERPRISE_ROLE_USERS(people, role)
    for hostname, people in counted.servers.items():
        yield SERVER_USERS(people, hostname)
    yield VISUAL_STUDIO_USERS(counted.visual_studio)
    yield PENDING_USERS(counted.pending)
    yield WITHOUT_ORGANIZATION(counted.without_organization if counted.people else 0)
    yield ACCOUNTS(counted.accounts if counted.people else 0)


COLLECTOR = Collector(
    name="license_users",
    help="Who uses license seats: by license type, role, organization, server; counts only.",
    metrics=(
        USERS,
        TWO_FACTOR,
        ORGANIZATION_USERS,
        ENTERPRISE_ROLE_USERS,
        SERVER_USERS,
        VISUAL_STUDIO_USERS,
        PENDING_USERS,
        WITHOUT_ORGANIZATION,
        ACCOUNTS,
    ),
    endpoints=(LICENSE_USERS,),
    interval=6 * 3600,
    min_max_age=LICENSE_MAX_AGE,
    fetch=fetch,
    samples=samples,
)
