"""Enhanced billing of an enterprise: ledger, cost centers, budgets and reports that fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.simulator.company.budgets import Budget, Budgets, corp_budgets, tenant_budgets
from exporter.simulator.company.cost_centers import CostCenters, cost_centers
from exporter.simulator.company.ledger import Ledger, accounts
from exporter.simulator.company.random_draws import Draws
from exporter.simulator.company.repositories import repositories
from exporter.simulator.company.skus import Pool
from exporter.simulator.company.usage_reports import UsageReports

ALLOWANCES: Mapping[Pool, float] = {
    Pool.MINUTES: 50_000,
    Pool.STORAGE: 50,
    Pool.TRANSFER: 100,
    Pool.LARGE_FILES: 250,
    Pool.CREDITS: 700_000,
}
"""What the plan and the seats of the big enterprise include a month."""

MODEST_CREDITS_INCLUDED = 36_000
MODEST_CREDITS = 110_000
"""A small enterprise has used up its AI credits long before the month ends."""

METERED_VOLUMES: Mapping[str, float] = {
    "actions_linux": 36_000,
    "actions_windows": 9_000,
    "actions_macos": 1_450,
    "actions_linux_4_core": 2_600,
    "actions_windows_8_core": 700,
    "actions_macos_xl": 120,
    "actions_self_hosted_linux": 78_000,
    "actions_self_hosted_windows": 12_000,
    "actions_storage": 33,
    "actions_cache_storage": 210,
    "actions_custom_image_storage": 64,
    "packages_storage": 15.4,
    "packages_bandwidth": 71,
    "git_lfs_bandwidth": 38,
    "copilot_ai_credits": 390_000,
    "spark_ai_credits": 5_000,
}
"""A usual month of the big enterprise.

By price a third above the included minutes, public repositories included; just below the included storage, which
caches and images do not use; most minutes on its own machines; of the AI credits more than half of what is included.
"""

MODEST = 0.12
"""How much less a small enterprise uses."""


@dataclass(frozen=True, slots=True)
class Billing:
    """What the billing endpoints of one enterprise report.

    Attributes:
        ledger: Usage.
        cost_centers: Who pays.
        budgets: Budgets.
        reports: Exports of usage.
        careless: Whether answers have the spelling GitHub also has: some numbers as text, bare names of
            repositories, cost centers in a list of one object.
    """

    ledger: Ledger
    cost_centers: CostCenters
    budgets: Budgets
    reports: UsageReports
    careless: bool = False


def billing(
    seed: int,
    enterprise: str,
    organizations: Sequence[str],
    *,
    users: int,
    people: Mapping[str, int],
    logins: Sequence[str],
    modest: bool = False,
) -> Billing:
    """Return the billing of an enterprise.

    Args:
        seed: Seed of the estate.
        enterprise: Slug of the enterprise.
        organizations: Logins of its organizations.
        users: How many people it has.
        people: How many people have what is licensed by person, by SKU.
        logins: A few of its people.
        modest: Whether it is a small one.
    """
    owned = repositories(organizations, users)
    centers = cost_centers(seed, enterprise, organizations, owned, logins)
    scale = MODEST if modest else 1.0
    volumes = {sku: volume * scale for sku, volume in METERED_VOLUMES.items()} | dict(people)
    allowances = ALLOWANCES
    if modest:
        volumes["copilot_ai_credits"] = MODEST_CREDITS
        allowances = {**ALLOWANCES, Pool.CREDITS: MODEST_CREDITS_INCLUDED}
    planned: list[Budget] = (
        tenant_budgets() if modest else corp_budgets(owned, organizations, centers.named(), logins, volumes)
    )
    members = people["copilot_for_business"] + people["copilot_enterprise"]
    return Billing(
        ledger=Ledger(
            seed,
            enterprise,
            accounts(Draws(seed, enterprise, "accounts"), volumes, owned, centers.charged),
            allowances,
        ),
        cost_centers=centers,
        budgets=Budgets(seed, enterprise, planned, members),
        reports=UsageReports(seed, enterprise),
        careless=modest,
    )
