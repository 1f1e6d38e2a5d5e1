"""How far the audit log has been read, and from where the next reading begins."""

import math
from dataclasses import dataclass
from typing import Any

from exporter.collectors.actions_activity.allowance import Allowance
from exporter.collectors.actions_activity.events import Event
from exporter.collectors.actions_activity.ledger import OVERLAP, Ledger

WINDOW = 2 * 3600.0
"""Seconds of the log that are read at first, and after an outage, at most."""
MAX_BEHIND = 900.0
"""Seconds after which the newest events are read first."""
MIN_OVERLAP = 10.0
"""Seconds that are read again in any case: the log is asked for by the second."""
PER_PAGE = 100
SPARE_PAGES = 2
"""For more than is expected; what is left of them is saved up."""


@dataclass(slots=True)
class Reading:
    """What one reading of the log found.

    Attributes:
        start: from when on it was asked for.
        newest_first: in which order.
        newest, oldest: times of events.
        new_events: those that were not known before.
        complete: whether the end was reached.
    """

    start: float
    newest_first: bool
    newest: float
    oldest: float = math.inf
    new_events: int = 0
    complete: bool = True

    def note(self, event: Event, *, is_new: bool) -> None:
        """Note that *event* was read."""
        self.newest = max(self.newest, event.at)
        self.oldest = min(self.oldest, event.at)
        self.new_events += is_new

    @property
    def reaches_now(self) -> bool:
        """Whether everything that GitHub has added is known, up to now."""
        return self.complete or self.newest_first


@dataclass(slots=True)
class Activity:
    """What is kept from reading to reading.

    Attributes:
        through: up to when events have been read.
        current_at: when a reading last reached the present; None if none has.
    """

    ledger: Ledger
    allowance: Allowance
    through: float
    current_at: float | None = None

    @classmethod
    def begin(cls, now: float) -> "Activity":
        """Where nothing is known yet."""
        return cls(Ledger(now - WINDOW), Allowance(now), now - WINDOW)

    def next_reading(self, now: float) -> Reading:
        """Where to begin: with as much of what is known as may be read again.

        Where the present has not been reached for long, the newest events come first, and what is older if it can.
        """
        self.ledger.floor, self.through = min(self.ledger.floor, now), min(self.through, now)  # the clock was set back
        accrued = self.allowance.refill(now)
        expected = self.ledger.count_after(self.through - (now - self.through))  # as many as in the time before
        pages = max(0, math.floor(min(self.allowance.pages, accrued)) - math.ceil(expected / PER_PAGE) - SPARE_PAGES)
        start = max(self.through - OVERLAP, self.ledger.time_of_newest(pages * PER_PAGE + 1))
        start = max(self.ledger.floor, now - WINDOW, min(start, self.through - MIN_OVERLAP))
        is_behind = self.current_at is None or now - self.current_at > MAX_BEHIND
        return Reading(start, newest_first=is_behind, newest=self.through if self.current_at else start)

    def advance(self, reading: Reading, now: float) -> float:
        """Take stock after *reading*; return the seconds of the log that were skipped."""
        reached = reading.start if reading.complete or not reading.newest_first else min(reading.oldest, now)
        skipped = max(0.0, reached - self.through) if self.current_at is not None else 0.0
        if skipped:
            self.ledger.skip(self.through, reached)
        elif self.current_at is None:
            self.ledger.raise_floor(reached)
        self.through = max(self.through, min(reading.newest, now))
        if reading.reaches_now:
            self.through, self.current_at = max(self.through, now - OVERLAP), now
        self.ledger.settle(now)
        self.ledger.raise_floor(self.through - OVERLAP)
        return skipped

    def dump(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return {
            "ledger": self.ledger.dump(),
            "allowance": [self.allowance.at, self.allowance.pages],
            "through": self.through,
            "current_at": self.current_at,
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Activity":
        """The activity that `dump` wrote."""
        at, pages = dumped["allowance"]
        return cls(
            Ledger.load(dumped["ledger"]),
            Allowance(at, pages),
            dumped["through"],
            dumped["current_at"],
        )
