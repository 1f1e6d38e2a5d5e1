"""How many pages of the audit log may be asked for."""

from dataclasses import dataclass

HOUR = 3600
LIMIT = 1_750
"""Queries an hour that GitHub allows a user and address. Source: docs.github.com, "Using the audit log API"."""
MAX_PAGES = 125
"""Pages that may be saved up, for what was missed."""
PAGES_PER_SECOND = (LIMIT / 2 - MAX_PAGES) / HOUR
"""With what is saved up, no hour takes more than half of the limit: it is also that of people and other tools."""


@dataclass(slots=True)
class Allowance:
    """Pages that may be asked for: so many at `at`, and more with time."""

    at: float
    pages: float = MAX_PAGES

    def refill(self, now: float) -> float:
        """Add what has accrued until *now*; return how much, which is what a reading may take in the long run."""
        accrued = max(0.0, now - self.at) * PAGES_PER_SECOND
        self.pages = min(float(MAX_PAGES), self.pages + accrued)
        self.at = now
        return accrued

    def take(self) -> None:
        """A page was asked for."""
        self.pages -= 1

    def allows_more(self) -> bool:
        """Whether another page may be asked for."""
        return self.pages >= 1
