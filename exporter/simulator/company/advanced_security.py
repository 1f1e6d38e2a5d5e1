"""Active committers of GitHub Advanced Security, by repository."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from exporter.simulator.company.activity import DAY
from exporter.simulator.company.licenses import Licenses
from exporter.simulator.company.random_draws import Draws

CODE_SECURITY = "code_security"
SECRET_PROTECTION = "secret_protection"  # noqa: S105 - a product of GitHub's
BUNDLED = ""
"""The old product that holds both; nothing in a request names it."""

SHARES: Mapping[str, float] = {CODE_SECURITY: 0.30, SECRET_PROTECTION: 0.34, BUNDLED: 0.30}
"""How many of the people commit to repositories that are protected."""

UTILIZATION = 0.97
POTENTIAL = 1.4
"""How many licenses would be needed if all repositories were protected."""

COMMITTERS_TO_A_REPOSITORY = 6
MAX_REPOSITORIES = 2_000
SECOND_EVERY = 4
"""One of how many committers works on two repositories."""

NEARBY = 2
ACTIVE_DAYS = 90


class Committers(NamedTuple):
    """Totals of one product."""

    active: int
    repositories: int
    purchased: int
    """0 for a metered license."""
    maximum: int


class AdvancedSecurity:
    """Who commits where, for the products an enterprise has.

    Committer c works on repository c modulo their number, and one of four also on another: one of the next two, or the
    next of the same organization. So any page is drawn without the pages before it, and people can be counted without
    a list.

    Args:
        seed: Seed of the estate.
        enterprise: Slug of the enterprise.
        licenses: Its people.
        organizations: Logins of its organizations.
        standalone: Whether it has Code Security and Secret Protection instead of the bundled product.
        metered: Whether nothing is purchased beforehand.
    """

    def __init__(
        self,
        seed: int,
        enterprise: str,
        licenses: Licenses,
        organizations: Sequence[str],
        *,
        standalone: bool,
        metered: bool = False,
    ) -> None:
        self.products = (CODE_SECURITY, SECRET_PROTECTION) if standalone else (BUNDLED,)
        self._draws = Draws(seed, enterprise, "advanced-security")
        self._licenses = licenses
        self._organizations = organizations
        self._metered = metered

    def most(self, product: str) -> int:
        """Return how many committers *product* has at most."""
        return max(1, round(self._licenses.most * SHARES[product]))

    def committers(self, product: str, at: float) -> Committers:
        """Return the totals of *product* at *at*."""
        most = self.most(product)
        active = min(most, max(1, round(self._licenses.seats(at).consumed * SHARES[product])))
        return Committers(
            active,
            min(MAX_REPOSITORIES, max(1, most // COMMITTERS_TO_A_REPOSITORY)),
            0 if self._metered else int(most / UTILIZATION) + 1,
            int(most * POTENTIAL) + 1,
        )

    def repositories(self, product: str, at: float, places: range) -> list[dict[str, Any]]:
        """Return the repositories at *places* with everybody who commits there."""
        totals = self.committers(product, at)
        return [self._repository(place, at, totals) for place in places]

    def _repository(self, place: int, at: float, totals: Committers) -> dict[str, Any]:
        owners = len(self._organizations)
        people = sorted(_committers(place, totals, (*range(1, NEARBY + 1), owners)))
        return {
            "name": f"{self._organizations[place % owners]}/repo-{place // owners + 1}",
            "advanced_security_committers": len(people),
            "advanced_security_committers_breakdown": [self._person(person, at) for person in people],
        }

    def _person(self, person: int, at: float) -> dict[str, Any]:
        login = self._licenses.login(person)
        pushed = at - self._draws.fraction(person) * ACTIVE_DAYS * DAY
        return {
            "user_login": login,
            "last_pushed_date": f"{datetime.fromtimestamp(pushed, UTC):%Y-%m-%d}",
            "last_pushed_email": f"{login}@acme.example.com",
        }


def _committers(place: int, totals: Committers, steps: Sequence[int]) -> set[int]:
    active, repositories = totals.active, totals.repositories
    people = set(range(place, active, repositories))
    for choice, step in enumerate(steps):
        people.update(
            person
            for person in range((place - step) % repositories, active, repositories)
            if person % SECOND_EVERY == 0 and person // repositories % len(steps) == choice
        )
    return people
