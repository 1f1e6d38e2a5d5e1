"""How often a request is repeated and how long to wait before that; no I/O."""

import random

from exporter.clock import Clock
from exporter.errors import Cause, GitHubError, Unauthorized
from exporter.github.run import ClientLimits

NEW_TOKEN_WAITS = (1.0, 2.0, 4.0)
"""Seconds to wait after each refusal of a token so new that GitHub may not know it everywhere yet."""
NOT_KNOWN_YET = frozenset({Cause.APP_CANNOT_READ, Cause.PERMISSION_MISSING})
"""Causes by which GitHub also refuses a token that it does not know everywhere yet, beside 401."""


class Retries:
    """The tries of one request, from its first on."""

    def __init__(self, limits: ClientLimits, clock: Clock, randomness: random.Random) -> None:
        self._limits = limits
        self._clock = clock
        self._random = randomness
        self._started = clock.monotonic()
        self._failures = 0
        self._new_token_waits = iter(NEW_TOKEN_WAITS)
        self._renewals_left = 1

    def wait_after(self, error: GitHubError, *, is_new_token: bool = False) -> float | None:
        """Seconds to wait before the next try with the same token; None when *error* is final.

        The tries of a new token do not count as tries of the request.
        """
        if is_new_token and (isinstance(error, Unauthorized) or error.cause in NOT_KNOWN_YET):
            self._renewals_left = 0  # a newer token would be known even less
            pause = next(self._new_token_waits, None)
            self._started += pause or 0.0
            return pause
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
