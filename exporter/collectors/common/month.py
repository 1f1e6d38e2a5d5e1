"""The month that GitHub bills: a calendar month in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime

HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Month:
    """The month of a moment, and the day of the month that it is in."""

    year: int
    month: int
    day: int

    @classmethod
    def at(cls, now: float) -> "Month":
        """The month that *now* is in."""
        moment = datetime.fromtimestamp(now, UTC)
        return cls(moment.year, moment.month, moment.day)

    @property
    def query(self) -> dict[str, str | int]:
        """How the billing API is asked for this month."""
        return {"year": self.year, "month": self.month}

    @property
    def start(self) -> float:
        """Its first second."""
        return datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()

    @property
    def end(self) -> float:
        """The first second of the next month."""
        return datetime(self.year + self.month // 12, self.month % 12 + 1, 1, tzinfo=UTC).timestamp()

    @property
    def hours(self) -> float:
        """How many hours it has."""
        return (self.end - self.start) / HOUR_SECONDS

    @property
    def previous(self) -> "Month":
        """The whole month before it."""
        return Month.at(self.start - 1)

    def hours_elapsed(self, now: float) -> float:
        """Hours from its start to *now*; at least one, because an average over minutes is noise."""
        return max(1.0, (now - self.start) / HOUR_SECONDS)
