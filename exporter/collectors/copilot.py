"""People with a Copilot seat, as counts only: by plan, about to leave, active."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from exporter.collector import Calls, Collector, Target
from exporter.collectors.common.distinct import Kinds
from exporter.collectors.common.labels import UNKNOWN, enumerated
from exporter.github.endpoint import Endpoint
from exporter.github.models import Record, Text, Timestamp, record
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# Folded page by page: keeping pages for their ETags would keep people.
COPILOT_SEATS = Endpoint("/enterprises/{enterprise}/copilot/billing/seats", "read:enterprise", revalidate=False)

SEATS = gauge("ghe_copilot_seats", "People with a Copilot seat, each once, under the dearest plan of theirs.", "plan")
PENDING = gauge("ghe_copilot_seats_pending_cancellation", "People with a Copilot seat that ends with the cycle.")
ACTIVE = gauge("ghe_copilot_active_users", "People with a Copilot seat who used it in the last days.", "window")

DAY = 86_400
WINDOWS = {"7d": 7 * DAY, "28d": 28 * DAY}
DEAREST_FIRST = ("enterprise", "business")


class Assignee(Record):
    """Who holds a seat; only to count each person once."""

    id: Text = ""
    login: Text = ""


class Seat(Record):
    """One assignment of a seat; a person has one per organization and team that grants it."""

    assignee: Annotated[Assignee, BeforeValidator(record)] = Assignee()
    plan_type: Text = ""
    pending_cancellation_date: Text = ""
    last_activity_at: Timestamp = None


class Holder(NamedTuple):
    """What is counted of a person; few people differ in it, which keeps a hundred thousand of them small."""

    plan: str
    pending: bool
    windows: tuple[str, ...]

    def joined_with(self, other: "Holder") -> "Holder":
        """The same person by two assignments: the dearer plan, the newest activity."""
        return Holder(
            min(self.plan, other.plan, key=costliness),
            self.pending or other.pending,
            max(self.windows, other.windows, key=len),
        )


def costliness(plan: str) -> tuple[int, str]:
    """The order of plans, dearest first; those whose price nobody here knows by name, and not told last."""
    if plan in DEAREST_FIRST:
        return DEAREST_FIRST.index(plan), plan
    return len(DEAREST_FIRST) + (plan == UNKNOWN), plan


def person(assignee: Assignee) -> str:
    """What tells one person from another; a seat without it is a person of its own."""
    if assignee.id:
        return f"id {assignee.id}"
    return f"login {assignee.login.lower()}" if assignee.login else ""


def holder(seat: Seat, now: float) -> Holder:
    """What one assignment says."""
    last = seat.last_activity_at
    windows = tuple(window for window, seconds in WINDOWS.items() if last is not None and last >= now - seconds)
    return Holder(enumerated(seat.plan_type), bool(seat.pending_cancellation_date), windows)


def people(seats: Iterable[Seat], now: float) -> Counter[Holder]:
    """Count each person once, whatever the number and order of their assignments."""
    counted: Counter[Holder] = Counter()
    known: Kinds[Holder] = Kinds()
    for seat in seats:
        found, name = holder(seat, now), person(seat.assignee)
        before = known.get(name) if name else None
        if before is not None:
            counted[before] -= 1
            found = found.joined_with(before)
        if name:
            known.set(name, found)
        counted[found] += 1
    return counted


def fetch(github: GitHub, target: Target) -> Counter[Holder]:
    """Fold all pages into counts as they arrive."""
    pages = github.pages(COPILOT_SEATS, "seats")
    return people((seat for page in pages for seat in github.records(Seat, page.items)), target.now)


def samples(_target: Target, counted: Mapping[Holder, int]) -> Iterator[Sample]:
    """Map the counts."""
    plans: Counter[str] = Counter()
    active = Counter(dict.fromkeys(WINDOWS, 0))
    pending = 0
    for one, number in counted.items():
        if not number:
            continue
        plans[one.plan] += number
        pending += number * one.pending
        active.update(dict.fromkeys(one.windows, number))
    for plan, number in plans.items():
        yield SEATS(number, plan)
    yield PENDING(pending)
    for window, number in active.items():
        yield ACTIVE(number, window)


COLLECTOR = Collector(
    name="copilot",
    help="People with a Copilot seat by plan, and how many use it.",
    metrics=(SEATS, PENDING, ACTIVE),
    endpoints=(COPILOT_SEATS,),
    interval=6 * 3600,
    calls=Calls(user_pages=1),
    fetch=fetch,
    samples=samples,
)
