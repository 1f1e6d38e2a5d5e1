"""Billing periods: years, months and days in UTC, as the billing endpoints understand them."""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from exporter.simulator.company.activity import DAY

ANSWERED_MONTHS = 24
"""How far back GitHub answers."""

DECEMBER = 12


class Month(NamedTuple):
    """A calendar month in UTC."""

    year: int
    month: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def days(self) -> int:
        """How many days it has."""
        return monthrange(self.year, self.month)[1]

    @property
    def hours(self) -> int:
        """How many hours it has."""
        return 24 * self.days

    @property
    def start(self) -> float:
        """Its first second."""
        return midnight(self.first)

    @property
    def stop(self) -> float:
        """The first second after it."""
        return self.start + self.days * DAY

    def months_before(self, other: "Month") -> int:
        """How many months it lies before *other*."""
        return (other.year - self.year) * DECEMBER + other.month - self.month

    @classmethod
    def of(cls, at: float) -> "Month":
        """The month of a Unix time."""
        today = datetime.fromtimestamp(at, UTC)
        return cls(today.year, today.month)


class Stretch(NamedTuple):
    """A part of one month, from one Unix time to another."""

    month: Month
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class Period:
    """What a billing request asks for: a year, a month or a day."""

    year: int
    month: int | None = None
    day: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str], at: float, *, whole_year: bool) -> "Period":
        """Read `year`, `month` and `day`; nothing at all is the current month, or the *whole_year*.

        Raises:
            ValueError: they name no day, month or year there is.
        """
        today = datetime.fromtimestamp(at, UTC)
        year, month, day = (_integer(query, name) for name in ("year", "month", "day"))
        if day is not None and month is None and year is None:
            month = today.month
        if year is None and month is None and not whole_year:
            month = today.month
        period = cls(today.year if year is None else year, month, day)
        if day is not None and month is None:
            raise ValueError("day without month")
        date(period.year, month or 1, day or 1)
        return period

    def stretches(self, at: float) -> Iterator[Stretch]:
        """The part of each month that is asked for, has begun at *at* and is still answered."""
        now = Month.of(at)
        for number in (self.month,) if self.month else range(1, DECEMBER + 1):
            month = Month(self.year, number)
            start, stop = month.start, month.stop
            if self.day:
                start = midnight(date(self.year, number, self.day))
                stop = start + DAY
            if start < at and month.months_before(now) < ANSWERED_MONTHS:
                yield Stretch(month, start, min(stop, at))

    def days(self, at: float) -> Iterator[tuple[date, Stretch]]:
        """Every day that has begun at *at*."""
        for month, start, stop in self.stretches(at):
            day = datetime.fromtimestamp(start, UTC).date()
            while (begins := midnight(day)) < stop:
                yield day, Stretch(month, begins, min(begins + DAY, stop))
                day += timedelta(days=1)

    def parts(self) -> dict[str, int]:
        """How GitHub repeats it."""
        parts = {"year": self.year, "month": self.month, "day": self.day}
        return {name: value for name, value in parts.items() if value is not None}


def midnight(day: date) -> float:
    """Unix time at which *day* begins in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _integer(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len("2026")):
        raise ValueError(f"{name} is no number")
    return int(text)
