"""Caches of Actions: how much is kept and how much may be."""

from typing import NamedTuple

from exporter.simulator.company.activity import HOUR, load
from exporter.simulator.company.random_draws import Draws

AVERAGE_BYTES = 187_345_678
SLOT = 300
"""GitHub counts again every five minutes."""


class CacheLimits(NamedTuple):
    """What an enterprise allows."""

    gigabytes: int = 10
    days: int = 7


class CacheUsage(NamedTuple):
    """What is kept."""

    caches: int
    size: int


class ActionsCache:
    """The caches of one enterprise: more in working hours, and emptied again as they age."""

    def __init__(self, seed: int, enterprise: str, caches: int, limits: CacheLimits) -> None:
        self.limits = limits
        self._draws = Draws(seed, enterprise, "caches")
        self._caches = caches

    def usage(self, at: float) -> CacheUsage:
        """Return what is kept at *at*."""
        slot = at // SLOT * SLOT
        caches = int(self._caches * (0.7 + 0.15 * (load(slot) + load(slot - 6 * HOUR))))
        size = AVERAGE_BYTES * (0.95 + 0.1 * self._draws.fraction(int(slot // HOUR)))
        return CacheUsage(caches, int(caches * size))
