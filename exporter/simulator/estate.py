"""Companies on GitHub, as a pure function of a seed and a time.

An estate keeps no state: every quantity is computed for the Unix time it is asked for, so the past can be
asked for as well as the present.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.simulator.license_sync import Habit, LicenseSync, Server
from exporter.simulator.licenses import Licenses
from exporter.simulator.people import People
from exporter.simulator.runner_groups import enterprise_groups, organization_groups
from exporter.simulator.runners import Fleet

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

CORP_UTILIZATION = 0.98
"""How much of what it bought the big enterprise uses at most."""


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation and the runners registered to it."""

    login: str
    enterprise: str
    fleet: Fleet


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise; one on GitHub Enterprise Server tells nothing of licences."""

    slug: str
    fleet: Fleet
    organizations: Sequence[str]
    licenses: Licenses | None = None
    license_sync: LicenseSync | None = None


class Estate:
    """Every enterprise and organisation the simulated GitHub knows.

    Args:
        seed: The same seed gives the same companies.
        users: Licences of `octo-corp`, the big enterprise.
        runners: Runners registered to `octo-corp`.
        organizations: Number of organisations of `octo-corp` (and of `octo-server`).
    """

    def __init__(self, *, seed: int = 1, users: int = 500, runners: int = 60, organizations: int = 5) -> None:
        if min(users, organizations) < 1 or runners < 0:
            raise ValueError("users and organizations must be at least 1, runners at least 0")
        self.seed = seed
        names = tuple(f"octo-org-{number}" for number in range(1, organizations + 1))
        purchased = max(users + 1, int(round(users / CORP_UTILIZATION, -1)))
        legacy_users = max(20, min(users // 10, 5_000))
        tenant_users = max(20, min(users // 20, 2_000))
        few = max(8, min(runners // 5, 500))
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
        groups = enterprise_groups(names)
        server = Enterprise(SERVER, Fleet(seed, SERVER, groups, size=few, old_server=True), names)
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

    def organization(self, login: str, *, on_server: bool = False) -> Organization | None:
        """Return an organisation of the cloud, or of the GitHub Enterprise Server."""
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
        license_sync = LicenseSync(self.seed, slug, servers)
        people = People(
            self.seed,
            slug,
            organizations=organizations,
            hostnames=license_sync.hostnames,
            managed=slug == TENANT,
        )
        return Enterprise(
            slug=slug,
            fleet=Fleet(self.seed, slug, enterprise_groups(organizations, saturated=slug == CORP), size=runners),
            organizations=organizations,
            licenses=Licenses(people, users=users, purchased=purchased),
            license_sync=license_sync,
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
        return Organization(login, enterprise.slug, fleet)
