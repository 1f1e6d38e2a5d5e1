"""Copilot seats: one entry for each assignment, so that some people are listed twice."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from exporter.simulator.company.activity import DAY, HOUR
from exporter.simulator.company.licenses import Licenses
from exporter.simulator.company.periods import Month
from exporter.simulator.company.random_draws import Draws

SHARE = 0.6
"""How many of the people have Copilot."""

BUSINESS = "business"
ENTERPRISE = "enterprise"

TWICE_EVERY = 5
"""One of how many people has a seat from two organizations."""

ENTERPRISE_EVERY = 4
"""One of how many people has the more expensive plan by the first seat; whoever has two has it by the second."""

CANCELLING = 6
NEVER_ACTIVE = 14
LONG_INACTIVE = 40
SELDOM_ACTIVE = 70
NEW = 12
NEW_DAYS = 20

FIRST_ID = 50_000
EDITORS = ("vscode/1.105.1/copilot-chat/0.32.4", "JetBrains-IU/252.2/copilot-intellij/1.5.59", "vim/9.1/copilot/1.57")
GITHUB = "https://github.example.com"


class Plans(NamedTuple):
    """How many people have each plan, whoever has both counted under the more expensive one."""

    business: int
    enterprise: int


class Copilot:
    """The seats of one enterprise.

    Seats come in the order of the people's first assignment; the second assignments follow after all of them, so that
    a person's two entries are pages apart.
    """

    def __init__(self, seed: int, enterprise: str, licenses: Licenses, organizations: Sequence[str]) -> None:
        self._draws = Draws(seed, enterprise, "copilot")
        self._licenses = licenses
        self._organizations = organizations

    @property
    def most(self) -> int:
        """How many people have a seat at most."""
        return max(1, int(self._licenses.most * SHARE))

    def people(self, at: float) -> int:
        """Return how many people have a seat at *at*."""
        return max(1, int(self._licenses.seats(at).consumed * SHARE))

    def places(self, at: float) -> range:
        """Return the places of all entries."""
        people = self.people(at)
        return range(people + -(-people // TWICE_EVERY))

    def plans(self, people: int) -> Plans:
        """Return how the first *people* are spread over the plans."""
        by_first, by_second, by_both = (
            -(-people // every) for every in (ENTERPRISE_EVERY, TWICE_EVERY, ENTERPRISE_EVERY * TWICE_EVERY)
        )
        dear = by_first + by_second - by_both
        return Plans(people - dear, dear)

    def seats(self, at: float, places: range) -> list[dict[str, Any]]:
        """Return the entries at *places*."""
        people = self.people(at)
        return [
            self._seat(place, at, second=False)
            if place < people
            else self._seat((place - people) * TWICE_EVERY, at, second=True)
            for place in places
        ]

    def _seat(self, person: int, at: float, *, second: bool) -> dict[str, Any]:
        draw = self._draws.digest(person)
        active = _activity(draw, at)
        if second and active is not None:
            active -= DAY
        number = draw[8] + second
        dear = second or person % ENTERPRISE_EVERY == 0
        seat: dict[str, Any] = {
            "created_at": _written(at - NEW_DAYS * DAY) if draw[12] < NEW else "2025-03-03T08:00:00Z",
            "updated_at": _written(Month.of(at).start),
            "pending_cancellation_date": self._cancellation(draw, at, second=second),
            "last_activity_at": None if active is None else _written(active),
            "last_activity_editor": None if active is None else EDITORS[draw[9] % len(EDITORS)],
            "last_authenticated_at": None if active is None else _written(active - HOUR),
            "plan_type": ENTERPRISE if dear else BUSINESS,
            "assignee": _assignee(FIRST_ID + person, self._licenses.login(person)),
        }
        organization = self._organizations[number % len(self._organizations)]
        if second or draw[10] % 2:
            seat["assigning_team"] = {"id": 1 + number, "name": f"{organization} developers", "slug": "developers"}
        seat["organization"] = {"login": organization, "id": 4_000 + number % len(self._organizations)}
        return seat

    def _cancellation(self, draw: bytes, at: float, *, second: bool) -> str | None:
        if second or draw[11] >= CANCELLING:
            return None
        return f"{datetime.fromtimestamp(Month.of(at).stop, UTC):%Y-%m-%d}"


def _activity(draw: bytes, at: float) -> float | None:
    """Return when a person used Copilot last: most within hours or days, some seldom, some never."""
    if draw[0] < NEVER_ACTIVE:
        return None
    if draw[0] < LONG_INACTIVE:
        period = 90 * DAY
    elif draw[0] < SELDOM_ACTIVE:
        period = 20 * DAY
    else:
        period = (2 + draw[1] % 70) * HOUR
    last = at - (at - int.from_bytes(draw[2:6], "big")) % period
    return last if draw[0] >= LONG_INACTIVE else last - 30 * DAY


def _written(at: float) -> str:
    return f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _assignee(number: int, login: str) -> dict[str, Any]:
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number:x}",
        "avatar_url": f"{GITHUB}/avatars/u/{number}",
        "html_url": f"{GITHUB}/{login}",
        "url": f"{GITHUB}/api/users/{login}",
        "type": "User",
        "site_admin": False,
    }
