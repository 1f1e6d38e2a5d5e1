"""Budgets of an enterprise: one close to its limit, blocking ones far from it, every scope and spelling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from exporter.simulator.company.cost_centers import CostCenter
from exporter.simulator.company.periods import Month, Stretch
from exporter.simulator.company.random_draws import Draws
from exporter.simulator.company.repositories import Repository
from exporter.simulator.company.skus import PRICES, Profile

CLOSE = 0.95
"""How much of the budget for the AI credits of Spark a usual month uses, most of it early."""

ACTIONS_BUDGET = 1_000
SPARE = 1.25
"""How many licenses a budget allows for each one that is in use."""
CREDITS_OF_A_PERSON_BUDGET = 100
BUDGETED_ORGANIZATIONS = 6
MAX_BUDGETED_USERS = 3
HEAVY_USE = 3.0
"""How many times the limit of a person the one who wants most would use in a month."""
FEW_HEAVY = 12
"""How fast that falls from person to person."""

ENTERPRISE = "enterprise"
PRODUCT = "ProductPricing"
SKU = "SkuPricing"
BUNDLE = "BundlePricing"


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget.

    Attributes:
        scope: What it is for.
        kind: Whether it is for a product, a SKU or a bundle.
        covers: Products or SKUs.
        amount: US dollars a month, or licenses.
        blocks: Whether usage stops when it is used up.
        entity: Name of the organization, repository or cost center.
        user: Login of the person it is for.
        spent: How much of it a month uses, where GitHub reports that.
        excludes_cost_centers: Whether usage of cost centers does not count.
        expires: Whether it ends, some months from now.
        singular: Whether GitHub answers in the spelling of its schema instead of that of its example.
    """

    scope: str
    kind: str
    covers: tuple[str, ...]
    amount: int
    blocks: bool = False
    entity: str = ""
    user: str = ""
    spent: float | None = None
    singular: bool = False
    excludes_cost_centers: bool = False
    expires: bool = False

    @property
    def limits_people(self) -> bool:
        """Whether its amount is the limit of each of many people."""
        return self.scope.startswith("multi_user_")

    def record(self, identifier: str, at: float) -> dict[str, Any]:
        """Return it in GitHub's terms."""
        record: dict[str, Any] = {"id": identifier, "budget_type": self.kind}
        record |= {"budget_product_sku": self.covers[0]} if self.singular else {"budget_product_skus": [*self.covers]}
        record |= {
            "budget_scope": self.scope,
            "budget_amount": self.amount,
            "prevent_further_usage": self.blocks,
            "budget_alerting": {"will_alert": self.blocks, "alert_recipients": ["octo-admin"] if self.blocks else []},
        }
        if self.entity:
            record["budget_entity_name"] = self.entity
        if self.user:
            record["user"] = self.user
        if self.excludes_cost_centers:
            record["exclude_cost_center_usage"] = True
        month = Month.of(at)
        if self.expires:
            record["expires_at"] = f"{month.year + 1}-03-31"
        if self.spent is not None:
            used = Profile.WORKED.share(Stretch(month, month.start, at))
            record["consumed_amount"] = self.amount * self.spent * used
        return record


@dataclass(frozen=True, slots=True)
class UserStates:
    """How much of their limit people have used: a few very much, most hardly anything. The first have used most.

    Attributes:
        limit: US dollars a month for each.
        members: How many people there are.
        elapsed: Share of the month's usage so far.
        least: Share of the limit that those who are listed have used at least.
    """

    limit: int
    members: int
    elapsed: float
    least: float

    @property
    def places(self) -> range:
        """Return the places of those who are listed."""
        most = HEAVY_USE * self.elapsed
        share = 1 - (self.least / most) ** (1 / FEW_HEAVY) if most > self.least else 0.0
        return range(ceil(self.members * share))

    def records(self, places: range) -> list[dict[str, Any]]:
        """Return the people at *places* in GitHub's terms; what is used up is not exceeded."""
        return [
            {
                "user": f"octo-heavy-user-{place}",
                "consumed_amount": round(self.limit * min(1.0, self._share(place)), 2),
                "target_amount": self.limit,
            }
            for place in places
        ]

    def _share(self, place: int) -> float:
        return HEAVY_USE * self.elapsed * (1 - place / self.members) ** FEW_HEAVY


class Budgets:
    """The budgets of one enterprise."""

    def __init__(self, seed: int, enterprise: str, budgets: Sequence[Budget], members: int) -> None:
        self._members = members
        draws = Draws(seed, enterprise, "budgets")
        self._budgets = [(draws.uuid(number), budget) for number, budget in enumerate(budgets)]

    def records(self, at: float, scope: str = "") -> list[dict[str, Any]]:
        """Return the budgets of a *scope*, "" for all."""
        return [budget.record(identifier, at) for identifier, budget in self._budgets if scope in {"", budget.scope}]

    def user_states(self, identifier: str, at: float, threshold: float) -> UserStates | None:
        """Return the people who have used *threshold* percent of a budget; None if it does not limit each of them."""
        limit = next(
            (budget.amount for key, budget in self._budgets if key == identifier and budget.limits_people), None
        )
        if limit is None:
            return None
        used = Profile.WORKED.until(Month.of(at), at)
        return UserStates(limit, self._members, used, threshold / 100)


def corp_budgets(
    repositories: Sequence[Repository],
    organizations: Sequence[str],
    centers: Sequence[CostCenter],
    logins: Sequence[str],
    volumes: Mapping[str, float],
) -> list[Budget]:
    """Return the budgets of an enterprise that cares: more than fit on a page of the usual size."""
    credit = volumes["spark_ai_credits"] * PRICES["spark_ai_credits"]
    first, last = repositories[0], repositories[-1]
    bundle = ("ai_credits",)
    return [
        Budget(ENTERPRISE, SKU, ("spark_ai_credits",), ceil(credit / CLOSE)),
        Budget(ENTERPRISE, PRODUCT, ("actions",), ACTIONS_BUDGET, blocks=True),
        Budget(ENTERPRISE, PRODUCT, ("actions",), 500, excludes_cost_centers=True),
        Budget(ENTERPRISE, PRODUCT, ("packages",), 500, expires=True),
        Budget(ENTERPRISE, SKU, ("copilot_for_business",), ceil(volumes["copilot_for_business"] * SPARE)),
        Budget(ENTERPRISE, SKU, ("actions_macos",), 400, singular=True),
        Budget("repository", SKU, ("actions_linux",), 50, blocks=True, entity=first.full_name, singular=True),
        Budget("repository", PRODUCT, ("git_lfs",), 0, blocks=True, entity=last.name),
        Budget("cost_center", PRODUCT, ("packages",), 250, blocks=True, entity=centers[0].name),
        Budget("multi_user_customer", BUNDLE, bundle, CREDITS_OF_A_PERSON_BUDGET, spent=0.7),
        Budget("multi_user_cost_center", BUNDLE, bundle, 600, blocks=True, entity=centers[1].name, spent=0.4),
        *(
            Budget("user", BUNDLE, bundle, 40, blocks=True, user=login, spent=0.3 + 0.2 * number)
            for number, login in enumerate(logins[:MAX_BUDGETED_USERS])
        ),
        *(
            Budget("organization", SKU, ("actions_linux",), 300, entity=name)
            for name in organizations[:BUDGETED_ORGANIZATIONS]
        ),
    ]


def tenant_budgets() -> list[Budget]:
    """Return the budgets of a small enterprise; one is for several SKUs."""
    return [
        Budget(ENTERPRISE, SKU, ("actions_linux", "actions_windows"), 200),
        Budget(ENTERPRISE, PRODUCT, ("copilot",), 5_000, singular=True),
        Budget(ENTERPRISE, SKU, ("ghas_code_security_licenses",), 100, blocks=True),
    ]
