"""How often a request is repeated and how long to wait before that; no I/O."""

import random

from exporter.clock import Clock
from exporter.errors import GitHubError
from exporter.github.run import ClientLimits


class Retries:
    """The tries of one request, from its first on."""

    def __init__(self, limits: ClientLimits, clock: Clock, randomness: random.Random) -> None:
        self._limits = limits
        self._clock = clock
        self._random = randomness
        self._started = clock.monotonic()
        self._failures = 0
        self._renewals_left = 1

    def wait_after(self, error: GitHubError) -> float | None:
        """Seconds to wait before the next try; None when *error* is final."""
        if not error.transient:
            return None
        self._failures += 1
        exponential: float = 0.5 * 2**self._failures * (0.5 + self._random.random())
        wait = max(exponential, error.retry_after or 0.0)
        elapsed = self._clock.monotonic() - self._started
        if self._failures >= self._limits.tries or elapsed + wait > self._limits.tries_seconds:
            return None
        return wait

    def may_renew(self) -> bool:
        """Whether another token may be asked for; once."""
        self._renewals_left -= 1
        return self._renewals_left >= 0
