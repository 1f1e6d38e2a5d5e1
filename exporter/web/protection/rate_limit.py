"""A token bucket: a burst of requests, then one per interval."""

import threading
import time
from collections.abc import Callable


class RateLimiter:
    """Allows a burst of *burst* requests, then one every *interval* seconds."""

    def __init__(self, interval: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._burst = burst
        self._now = now
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._counted_at = now()

    def allows(self) -> bool:
        """Take a token; whether there was one."""
        with self._lock:
            now = self._now()
            self._tokens = min(self._burst, self._tokens + (now - self._counted_at) / self._interval)
            self._counted_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
