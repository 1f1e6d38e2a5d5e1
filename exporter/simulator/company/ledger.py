"""What every repository and organization of an enterprise uses, at any time.

Each account uses a fixed part of a month's volume, spread over the month by the profile of its SKU. Sums over days,
accounts and cost centers are therefore the same as those over whole months, whoever adds them up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import fsum
from typing import NamedTuple

from exporter.simulator.company.periods import Month, Period, Stretch
from exporter.simulator.company.random_draws import Draws
from exporter.simulator.company.repositories import Repository
from exporter.simulator.company.skus import GIGABYTE_HOURS, SKUS, Pool, Profile, Sku

VARIATION = 0.02
"""How much the volume of a month differs from the usual one, either way."""

MIN_WEIGHT = 0.2


class Account(NamedTuple):
    """Who uses how much of a SKU in a usual month.

    The volume of what is kept is the level, in gigabytes; it becomes gigabyte-hours in a month.
    """

    sku: Sku
    organization: str
    repository: Repository | None
    cost_center: str
    volume: float

    @property
    def is_free(self) -> bool:
        """Whether all of it is discounted: on one's own machines, or what an allowance covers for a public repository.

        Larger runners and caches cost the same there as anywhere.
        """
        return self.sku.free or (self.repository is not None and self.repository.public and self.sku.pool is not None)


class Usage(NamedTuple):
    """A quantity, and how much of it is covered by an allowance."""

    gross: float
    discount: float


class Entry(NamedTuple):
    """What one account used on one day."""

    day: date
    account: Account
    usage: Usage


@dataclass(frozen=True, slots=True)
class Rates:
    """What turns the volume of an account into its usage within one part of a month."""

    factors: Mapping[str, float]
    covered: Mapping[Pool, float]

    def usage(self, sku: Sku, volume: float, *, is_free: bool) -> Usage:
        """Usage of *sku* in that time."""
        gross = volume * self.factors[sku.id]
        if is_free:
            return Usage(gross, gross)
        return Usage(gross, gross * self.covered[sku.pool] if sku.pool else 0.0)


class Ledger:
    """The accounts of one enterprise.

    Args:
        seed: Seed of the estate.
        enterprise: Slug of the enterprise.
        accounts: Who uses what.
        allowances: What the plan includes a month; storage in gigabytes kept all month.
    """

    def __init__(
        self, seed: int, enterprise: str, accounts: Sequence[Account], allowances: Mapping[Pool, float]
    ) -> None:
        self.accounts = accounts
        self._allowances = allowances
        self._variations = {sku.id: Draws(seed, enterprise, "billing", sku.id) for sku in SKUS}

    def entries(self, period: Period, at: float, cost_center: str) -> Iterator[Entry]:
        """Usage of the accounts of *cost_center* ("" for those of none) day by day."""
        accounts = [account for account in self.accounts if account.cost_center == cost_center]
        for day, stretch in period.days(at):
            rates = self._rates(stretch)
            for account in accounts:
                usage = rates.usage(account.sku, account.volume, is_free=account.is_free)
                if usage.gross > 0:
                    yield Entry(day, account, usage)

    def totals(self, period: Period, at: float, wanted: Callable[[Account], bool]) -> Iterator[tuple[Sku, Usage]]:
        """Usage of each SKU by the accounts that are *wanted*."""
        volumes = _volumes(account for account in self.accounts if wanted(account))
        rates = [self._rates(stretch) for stretch in period.stretches(at)]
        for sku in SKUS:
            parts = [
                each.usage(sku, volumes.get((sku.id, is_free), 0.0), is_free=is_free)
                for each in rates
                for is_free in (False, True)
            ]
            total = Usage(fsum(part.gross for part in parts), fsum(part.discount for part in parts))
            if total.gross > 0:
                yield sku, total

    @cached_property
    def _volumes(self) -> Mapping[tuple[str, bool], float]:
        return _volumes(self.accounts)

    def _rates(self, stretch: Stretch) -> Rates:
        shares = {profile: profile.share(stretch) for profile in Profile}
        months = {sku.id: self._month_factor(sku, stretch.month) for sku in SKUS}
        return Rates(
            {sku.id: months[sku.id] * shares[sku.profile] for sku in SKUS},
            {pool: self._covered(pool, stretch, months) for pool in Pool},
        )

    def _month_factor(self, sku: Sku, month: Month) -> float:
        variation = 1 + VARIATION * (2 * self._variations[sku.id].fraction(*month) - 1)
        return variation * (month.hours if sku.unit is GIGABYTE_HOURS else 1)

    def _covered(self, pool: Pool, stretch: Stretch, months: Mapping[str, float]) -> float:
        """Share of the usage within *stretch* that the allowance still covers."""
        skus = [sku for sku in SKUS if sku.pool is pool]
        total = fsum(self._volumes.get((sku.id, False), 0.0) * months[sku.id] * sku.equivalent for sku in skus)
        allowance = self._allowances.get(pool, 0.0) * (stretch.month.hours if pool is Pool.STORAGE else 1)
        before, after = (
            skus[0].profile.until(stretch.month, moment) * total for moment in (stretch.start, stretch.stop)
        )
        if after <= before:
            return 1.0
        return (min(allowance, after) - min(allowance, before)) / (after - before)


def accounts(
    draws: Draws,
    volumes: Mapping[str, float],
    repositories: Sequence[Repository],
    cost_center_of: Callable[[str, Repository | None], str],
) -> tuple[Account, ...]:
    """Share the *volumes* of each SKU among those who use it, a few of whom use most."""
    organizations = tuple(dict.fromkeys(repository.organization for repository in repositories))
    found: list[Account] = []
    for number, sku in enumerate(SKUS):
        if not volumes.get(sku.id):
            continue
        users: list[tuple[str, Repository | None]] = (
            [(repository.organization, repository) for repository in repositories[:: sku.every]]
            if sku.every
            else [(organization, None) for organization in organizations]
        )
        weights = [(MIN_WEIGHT + draws.fraction(number, place)) / (1 + place) for place in range(len(users))]
        unit = volumes[sku.id] / fsum(weights)
        found += [
            Account(sku, organization, repository, cost_center_of(organization, repository), unit * weight)
            for (organization, repository), weight in zip(users, weights, strict=True)
        ]
    return tuple(found)


def _volumes(found: Iterable[Account]) -> dict[tuple[str, bool], float]:
    """Volumes by SKU, what is free apart from what is not."""
    parts: dict[tuple[str, bool], list[float]] = {}
    for account in found:
        parts.setdefault((account.sku.id, account.is_free), []).append(account.volume)
    return {key: fsum(volumes) for key, volumes in parts.items()}
