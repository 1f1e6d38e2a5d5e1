"""Seats of an enterprise: how many are bought, how many are used, and by whom."""

from typing import Any, NamedTuple

from exporter.simulator.company.activity import progress
from exporter.simulator.company.people import People

TURNOVER_SHARE = 0.02


class Seats(NamedTuple):
    """Totals of the consumed licenses report."""

    consumed: int
    purchased: int
    """0 for a metered license."""


class Licenses:
    """Who holds a license of one enterprise at any time.

    People join during working hours, and once in four weeks the accounts of leavers are closed. The rows
    of the report are therefore a window that slides over the people, and nothing needs to be remembered.

    Args:
        people: The people, drawn from their index.
        users: The most licenses ever consumed; between 98 and 100 % of them are at any time.
        purchased: Seats bought, 0 for a metered license.
    """

    def __init__(self, people: People, *, users: int, purchased: int) -> None:
        self._people = people
        self._purchased = purchased
        self._turnover = min(users, max(1, round(users * TURNOVER_SHARE)))
        self._stable = users - self._turnover
        self.most = users

    def login(self, person: int) -> str:
        """Return the login of one of the people."""
        return self._people.login(person)

    def seats(self, at: float, *, exhausted: float = 0.0) -> Seats:
        """Return the totals at *at*, after the share *exhausted* of the free seats is lost.

        Seats are lost by buying fewer, so that the rows still add up to the consumed total.
        """
        consumed = self._stable + int(self._turnover * progress(at).worked)
        free = self._purchased - consumed
        return Seats(consumed, self._purchased - round(free * exhausted) if self._purchased else 0)

    def users(self, at: float, start: int, stop: int) -> list[dict[str, Any]]:
        """Return the rows from *start* up to *stop* at *at*."""
        left = progress(at).cycle * self._turnover
        rows = range(max(0, start), min(stop, self.seats(at).consumed))
        return [self._people.record(left + row) for row in rows]
