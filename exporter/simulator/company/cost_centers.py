"""Cost centers of an enterprise, and who is charged to which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exporter.simulator.company.periods import Month
from exporter.simulator.company.random_draws import Draws
from exporter.simulator.company.repositories import Repository
from exporter.simulator.company.skus import Profile

ACTIVE = "active"
DELETED = "deleted"
MOBILE_REPOSITORIES = 2
NAMED_ORGANIZATIONS = 5
"""Further organizations have a cost center each."""
POOL_AMOUNT = 21_000
POOL_USED = 0.7
"""How much of its share of the AI credits a cost center uses in a month, most of it early."""


@dataclass(frozen=True, slots=True)
class CostCenter:
    """A cost center and what is charged to it, each resource as its type and name."""

    id: str
    name: str
    resources: tuple[tuple[str, str], ...] = ()
    state: str = ACTIVE
    pooled: bool = False

    def record(self, at: float) -> dict[str, Any]:
        """Return it in GitHub's terms, all its resources included."""
        record: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "azure_subscription": None,
            "resources": [{"type": kind, "name": name} for kind, name in self.resources],
            "ai_credit_pool_enabled": self.pooled,
        }
        if self.pooled:
            used = POOL_AMOUNT * POOL_USED * Profile.HASTY.until(Month.of(at), at)
            record["ai_credit_pool_state"] = {"target_amount": POOL_AMOUNT, "current_amount": round(used, 2)}
        return record


class CostCenters:
    """All cost centers of one enterprise, the deleted ones last."""

    def __init__(self, centers: Sequence[CostCenter]) -> None:
        self._centers = {center.id: center for center in centers}
        self._charged = {resource: center.id for center in centers for resource in center.resources}

    def get(self, identifier: str) -> CostCenter | None:
        """Return a cost center by its id."""
        return self._centers.get(identifier)

    def named(self, state: str = "") -> list[CostCenter]:
        """Return the cost centers in a *state*, "" for all."""
        return [center for center in self._centers.values() if state in {"", center.state}]

    def charged(self, organization: str, repository: Repository | None) -> str:
        """Return the id of the cost center that pays, "" if none does; a repository goes before its owner."""
        own = self._charged.get(("Repo", repository.full_name), "") if repository else ""
        return own or self._charged.get(("Org", organization), "")


def cost_centers(
    seed: int, enterprise: str, organizations: Sequence[str], repositories: Sequence[Repository], logins: Sequence[str]
) -> CostCenters:
    """Return the cost centers of an enterprise; its last organization and first repository have none."""
    draws = Draws(seed, enterprise, "cost-centers")
    mobile = tuple(("Repo", repository.full_name) for repository in repositories[1:][-MOBILE_REPOSITORIES:])
    platform = tuple(("Org", name) for name in organizations[:-1][:1])
    data = tuple(("Org", name) for name in organizations[:-1][1:2])
    people = tuple(("User", login) for login in logins)
    return CostCenters(
        (
            CostCenter(draws.uuid(1), "Platform engineering", (*platform, ("Team", "platform")), pooled=True),
            CostCenter(draws.uuid(2), "Mobile apps", mobile),
            CostCenter(draws.uuid(3), "Data science", (*data, *people[:1])),
            CostCenter(draws.uuid(4), "Consulting", people),
            *(
                CostCenter(draws.uuid(1 + number), f"Unit {number}", (("Org", name),))
                for number, name in enumerate(organizations[NAMED_ORGANIZATIONS:-1], NAMED_ORGANIZATIONS)
            ),
            CostCenter(draws.uuid(5), "Retired labs", state=DELETED),
        )
    )
