"""Companies on GitHub, as a pure function of a seed and a time.

An estate keeps no state: every quantity is computed for the Unix time it is asked for, so the past can be
asked for as well as the present.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.simulator.company.actions_cache import ActionsCache, CacheLimits
from exporter.simulator.company.advanced_security import CODE_SECURITY, SECRET_PROTECTION, AdvancedSecurity
from exporter.simulator.company.audit_log import AuditLog
from exporter.simulator.company.billing import Billing, billing
from exporter.simulator.company.copilot import Copilot
from exporter.simulator.company.copilot_usage import CopilotUsage
from exporter.simulator.company.hosted_runners import ORGANIZATION_MACHINES, HostedRunners
from exporter.simulator.company.identities import Directory
from exporter.simulator.company.legacy_billing import LegacyBilling
from exporter.simulator.company.license_sync import Habit, LicenseSync, Server
from exporter.simulator.company.licenses import Licenses
from exporter.simulator.company.people import People
from exporter.simulator.company.runner_groups import enterprise_groups, organization_groups
from exporter.simulator.company.runners import Fleet
from exporter.simulator.company.server_instance import Appliance
from exporter.simulator.company.server_management import Management
from exporter.simulator.company.server_statistics import ServerStatistics
from exporter.simulator.company.status_page import StatusPage
from exporter.simulator.company.visual_studio import Subscriptions

CORP = "octo-corp"
LEGACY = "octo-legacy"
TENANT = "octo-tenant"
SERVER = "octo-server"

SERVER_VERSION = "3.19.2"

CORP_SERVERS = (
    Server("github.acme.example.com"),
    Server("github.globex.example.com"),
    Server("ghes-eu.acme.example.com"),
    Server("ghes-plant.acme.example.com", Habit.FAILED),
    Server("ghes-archive.globex.example.com", Habit.STALE),
    Server("ghes-new.globex.example.com", Habit.NEVER),
)
LEGACY_ORGANIZATIONS = ("octo-legacy-org-1", "octo-legacy-org-2")
LEGACY_SERVERS = (Server("octo-legacy.example.com"),)
TENANT_ORGANIZATIONS = ("octo-tenant-org-1",)

FEW_LOGINS = 3
"""How many people cost centers and budgets name."""

MIN_HOSTED = 3
PINNED = 2
"""How many runners of the enterprise on the former billing platform never update themselves."""
CORP_UTILIZATION = 0.98
"""How much of what it bought the big enterprise uses at most."""


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization and the runners registered to it."""

    login: str
    enterprise: str
    fleet: Fleet
    hosted_runners: HostedRunners | None = None


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise; what it does not have, or its platform does not report, is None."""

    slug: str
    fleet: Fleet
    organizations: Sequence[str]
    cache: ActionsCache
    advanced_security: AdvancedSecurity
    audit_log: AuditLog
    licenses: Licenses | None = None
    license_sync: LicenseSync | None = None
    server_statistics: ServerStatistics | None = None
    billing: Billing | None = None
    legacy_billing: LegacyBilling | None = None
    hosted_runners: HostedRunners | None = None
    copilot: Copilot | None = None
    copilot_usage: CopilotUsage | None = None
    directory: Directory | None = None
    visual_studio: Subscriptions | None = None
    appliance: Appliance | None = None
    management: Management | None = None


class Estate:
    """Every enterprise and organization the simulated GitHub knows.

    Args:
        seed: The same seed gives the same companies.
        users: Licenses of `octo-corp`, the big enterprise.
        runners: Runners registered to `octo-corp`.
        organizations: Number of organizations of `octo-corp` (and of `octo-server`).
        same_size: Whether the other enterprises are as large as `octo-corp`.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        users: int = 500,
        runners: int = 60,
        organizations: int = 5,
        same_size: bool = False,
    ) -> None:
        if min(users, organizations) < 1 or runners < 0:
            raise ValueError("users and organizations must be at least 1, runners at least 0")
        self.seed = seed
        self.status_page = StatusPage(seed)
        names = tuple(f"octo-org-{number}" for number in range(1, organizations + 1))
        purchased = max(users + 1, int(round(users / CORP_UTILIZATION, -1)))
        legacy_users = max(20, min(users // 10, 5_000))
        tenant_users = max(20, min(users // 20, 2_000))
        few = max(8, min(runners // 5, 500))
        if same_size:
            legacy_users, tenant_users, few = users, users, runners
        each = max(4, min(runners // (5 * organizations), 1_000))
        cloud = (
            self._cloud(CORP, names, CORP_SERVERS, users=users, purchased=purchased, runners=runners),
            self._cloud(
                LEGACY,
                LEGACY_ORGANIZATIONS,
                LEGACY_SERVERS,
                users=legacy_users,
                purchased=2 * legacy_users,
                runners=few,
            ),
            self._cloud(TENANT, TENANT_ORGANIZATIONS, (), users=tenant_users, purchased=0, runners=few),
        )
        server = self._server(names, users=legacy_users, runners=few)
        self._enterprises: Mapping[bool, Mapping[str, Enterprise]] = {
            False: {enterprise.slug: enterprise for enterprise in cloud},
            True: {SERVER: server},
        }
        self._organizations: Mapping[bool, Mapping[str, Organization]] = {
            on_server: {
                name: self._organization(name, enterprise, number, each, on_server=on_server)
                for enterprise in enterprises.values()
                for number, name in enumerate(enterprise.organizations, 1)
            }
            for on_server, enterprises in self._enterprises.items()
        }

    def enterprise(self, slug: str, *, on_server: bool = False) -> Enterprise | None:
        """Return an enterprise of the cloud, or of the GitHub Enterprise Server."""
        return self._enterprises[on_server].get(slug)

    def names(self, *, on_server: bool = False) -> list[tuple[str, str]]:
        """Return every enterprise and organization of the cloud, or of the server, as kind and name."""
        enterprises = [("Enterprise", slug) for slug in self._enterprises[on_server]]
        return enterprises + [("Organization", login) for login in self._organizations[on_server]]

    def organization(self, login: str, *, on_server: bool = False) -> Organization | None:
        """Return an organization of the cloud, or of the GitHub Enterprise Server."""
        return self._organizations[on_server].get(login)

    def _cloud(
        self,
        slug: str,
        organizations: Sequence[str],
        servers: Sequence[Server],
        *,
        users: int,
        purchased: int,
        runners: int,
    ) -> Enterprise:
        tenant, legacy = slug == TENANT, slug == LEGACY
        license_sync = LicenseSync(self.seed, slug, servers)
        people = People(self.seed, slug, organizations=organizations, hostnames=license_sync.hostnames, managed=tenant)
        licenses = Licenses(people, users=users, purchased=purchased)
        security = AdvancedSecurity(self.seed, slug, licenses, organizations, standalone=not legacy, metered=tenant)
        copilot = None if legacy else Copilot(self.seed, slug, licenses, organizations)
        return Enterprise(
            slug=slug,
            fleet=Fleet(
                self.seed,
                slug,
                enterprise_groups(organizations, large=slug == CORP),
                size=runners,
                pinned=PINNED if legacy else 0,
            ),
            organizations=organizations,
            cache=ActionsCache(self.seed, slug, 40 + users, CacheLimits(10, 7) if legacy else CacheLimits(150, 14)),
            advanced_security=security,
            audit_log=AuditLog(self.seed, slug, organizations, users),
            licenses=licenses,
            license_sync=license_sync,
            server_statistics=ServerStatistics(self.seed, slug, license_sync, users),
            billing=self._billing(slug, organizations, licenses, copilot, security) if copilot else None,
            legacy_billing=LegacyBilling() if legacy else None,
            hosted_runners=HostedRunners(self.seed, slug, 0 if legacy else max(MIN_HOSTED, runners // 6)),
            copilot=copilot,
            copilot_usage=CopilotUsage(self.seed, slug, copilot) if copilot else None,
            directory=Directory(self.seed, slug, licenses) if tenant else None,
            visual_studio=None if tenant else Subscriptions(self.seed, slug, licenses),
        )

    def _billing(
        self,
        slug: str,
        organizations: Sequence[str],
        licenses: Licenses,
        copilot: Copilot,
        security: AdvancedSecurity,
    ) -> Billing:
        plans = copilot.plans(copilot.most)
        people = {"copilot_for_business": plans.business, "copilot_enterprise": plans.enterprise}
        if slug == TENANT:
            people |= {
                "ghec_licenses": licenses.most,
                "ghas_code_security_licenses": security.most(CODE_SECURITY),
                "ghas_secret_protection_licenses": security.most(SECRET_PROTECTION),
            }
        return billing(
            self.seed,
            slug,
            organizations,
            users=licenses.most,
            people=people,
            logins=[licenses.login(person) for person in range(FEW_LOGINS)],
            modest=slug == TENANT,
        )

    def _server(self, organizations: Sequence[str], *, users: int, runners: int) -> Enterprise:
        groups = enterprise_groups(organizations)
        people = People(self.seed, SERVER, organizations=organizations, hostnames=())
        licenses = Licenses(people, users=users, purchased=0)
        appliance = Appliance(users, len(organizations))
        return Enterprise(
            slug=SERVER,
            fleet=Fleet(self.seed, SERVER, groups, size=runners, old_server=True),
            organizations=organizations,
            cache=ActionsCache(self.seed, SERVER, 40 + users, CacheLimits()),
            advanced_security=AdvancedSecurity(self.seed, SERVER, licenses, organizations, standalone=False),
            audit_log=AuditLog(self.seed, SERVER, organizations, users),
            appliance=appliance,
            management=Management(self.seed, appliance, SERVER_VERSION),
        )

    def _organization(
        self, login: str, enterprise: Enterprise, number: int, size: int, *, on_server: bool
    ) -> Organization:
        fleet = Fleet(
            self.seed,
            login,
            organization_groups(login),
            size=size + number % 3,
            old_server=on_server,
            first_id=100_000 * number,
        )
        own = len(ORGANIZATION_MACHINES) if number == 1 and enterprise.hosted_runners else 0
        hosted = None if on_server else HostedRunners(self.seed, login, own, ORGANIZATION_MACHINES)
        return Organization(login, enterprise.slug, fleet, hosted)
