"""What GitHub bills: products and SKUs in both of its vocabularies, prices, and how usage spreads over a month."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import exp
from types import MappingProxyType

from exporter.simulator.company.activity import effort
from exporter.simulator.company.periods import Month, Stretch

HASTE = 25.0
"""How fast an allowance is spent that people use up early in the month."""


def _worked(month: Month, at: float) -> float:
    start = effort(month.start)
    return (effort(at) - start) / (effort(month.stop) - start)


def _elapsed(month: Month, at: float) -> float:
    return (at - month.start) / (month.stop - month.start)


def _hasty(month: Month, at: float) -> float:
    return (1 - exp(-HASTE * _worked(month, at))) / (1 - exp(-HASTE))


class Profile(Enum):
    """How usage adds up within a month."""

    WORKED = "worked"
    """With the load: in working hours."""
    STEADY = "steady"
    """With the time: what is kept or owned."""
    HASTY = "hasty"
    """Most of it in the first days."""

    def until(self, month: Month, at: float) -> float:
        """Share of the month's usage before *at*, from 0 to 1."""
        return _UNTIL[self](month, at)

    def share(self, stretch: Stretch) -> float:
        """Share of the month's usage within *stretch*."""
        return self.until(stretch.month, stretch.stop) - self.until(stretch.month, stretch.start)


_UNTIL: Mapping[Profile, Callable[[Month, float], float]] = MappingProxyType(
    {Profile.WORKED: _worked, Profile.STEADY: _elapsed, Profile.HASTY: _hasty}
)


class Pool(Enum):
    """Allowances of a plan that several SKUs use up together; all SKUs of a pool have the same profile."""

    MINUTES = "minutes"
    STORAGE = "storage"
    TRANSFER = "transfer"
    CREDITS = "credits"
    LARGE_FILES = "large files"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as the summary and as the detailed rows spell it."""

    summary: str
    rows: str


MINUTES = Unit("minutes", "Minutes")
GIGABYTE_HOURS = Unit("gigabyte-hours", "GigabyteHours")
GIGABYTES = Unit("gigabytes", "Gigabytes")
USER_MONTHS = Unit("user-months", "UserMonths")
CREDITS = Unit("ai-credits", "ai-credits")


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the summary and as the detailed rows spell it."""

    summary: str
    rows: str


ACTIONS = Product("Actions", "actions")
PACKAGES = Product("Packages", "packages")
LARGE_FILES = Product("Git LFS", "git_lfs")
COPILOT = Product("Copilot", "copilot")
SECURITY = Product("GHAS", "ghas")
ENTERPRISE = Product("GHEC", "ghec")


@dataclass(frozen=True, slots=True)
class Sku:
    """Something with a price.

    Attributes:
        id: Name in the summary.
        name: Name in the detailed rows.
        product: Product it belongs to.
        unit: What is counted.
        price: US dollars for one unit.
        profile: How usage adds up within a month.
        pool: Allowance that covers it first.
        every: One of how many repositories uses it; 0 where organizations do, for their people.
        free: Whether it is listed with a price and a discount of all of it, as self-hosted runners are.
    """

    id: str
    name: str
    product: Product
    unit: Unit
    price: float
    profile: Profile = Profile.WORKED
    pool: Pool | None = None
    every: int = 1
    free: bool = False

    @property
    def equivalent(self) -> float:
        """How much of the allowance of its pool one unit uses: an allowance is spent by price."""
        return self.price / _PRICE_OF_POOL[self.pool] if self.pool else 1.0


_STEADY = Profile.STEADY

SKUS = (
    Sku("actions_linux", "Actions Linux", ACTIONS, MINUTES, 0.006, pool=Pool.MINUTES),
    Sku("actions_windows", "Actions Windows", ACTIONS, MINUTES, 0.01, pool=Pool.MINUTES, every=3),
    Sku("actions_macos", "Actions macOS", ACTIONS, MINUTES, 0.062, pool=Pool.MINUTES, every=5),
    Sku("actions_linux_4_core", "Actions Linux 4-core", ACTIONS, MINUTES, 0.012, every=7),
    Sku("actions_windows_8_core", "Actions Windows 8-core", ACTIONS, MINUTES, 0.042, every=11),
    Sku("actions_macos_xl", "Actions macOS XL", ACTIONS, MINUTES, 0.102, every=13),
    Sku("actions_self_hosted_linux", "Actions self-hosted Linux", ACTIONS, MINUTES, 0.002, every=2, free=True),
    Sku("actions_self_hosted_windows", "Actions self-hosted Windows", ACTIONS, MINUTES, 0.002, every=8, free=True),
    Sku("actions_storage", "Actions storage", ACTIONS, GIGABYTE_HOURS, 0.00033602, _STEADY, Pool.STORAGE),
    Sku("actions_cache_storage", "Actions cache storage", ACTIONS, GIGABYTE_HOURS, 0.0000959, _STEADY, every=3),
    Sku(
        "actions_custom_image_storage",
        "Actions custom image storage",
        ACTIONS,
        GIGABYTE_HOURS,
        0.0000959,
        _STEADY,
        every=25,
    ),
    Sku("packages_storage", "Packages storage", PACKAGES, GIGABYTE_HOURS, 0.00033602, _STEADY, Pool.STORAGE, every=4),
    Sku("packages_bandwidth", "Packages data transfer", PACKAGES, GIGABYTES, 0.5, pool=Pool.TRANSFER, every=4),
    Sku("git_lfs_bandwidth", "Git LFS bandwidth", LARGE_FILES, GIGABYTES, 0.0875, pool=Pool.LARGE_FILES, every=9),
    Sku("copilot_for_business", "Copilot Business", COPILOT, USER_MONTHS, 19.0, _STEADY, every=0),
    Sku("copilot_enterprise", "Copilot Enterprise", COPILOT, USER_MONTHS, 39.0, _STEADY, every=0),
    Sku("copilot_ai_credits", "Copilot AI Credits", COPILOT, CREDITS, 0.01, pool=Pool.CREDITS, every=0),
    Sku("spark_ai_credits", "Spark AI Credits", COPILOT, CREDITS, 0.01, Profile.HASTY, every=0),
    Sku("ghec_licenses", "GHEC licenses", ENTERPRISE, USER_MONTHS, 21.0, _STEADY, every=0),
    Sku("ghas_code_security_licenses", "Code Security", SECURITY, USER_MONTHS, 30.0, _STEADY, every=0),
    Sku("ghas_secret_protection_licenses", "Secret Protection", SECURITY, USER_MONTHS, 19.0, _STEADY, every=0),
)
_PRICE_OF_POOL: Mapping[Pool, float] = MappingProxyType(
    {pool: next(sku.price for sku in SKUS if sku.pool is pool) for pool in Pool}
)
"""Of the unit that the allowance is granted in: the minute of a standard Linux runner, a gigabyte."""
PRICES: Mapping[str, float] = MappingProxyType({sku.id: sku.price for sku in SKUS})
