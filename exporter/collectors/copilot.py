"""People with a Copilot seat, as counts only: by plan and organization, about to leave, active, idle."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from exporter.collector import Collector, Target
from exporter.collectors.common.distinct import Kinds
from exporter.collectors.common.labels import UNKNOWN, snake_case
from exporter.errors import IncompleteList
from exporter.github.endpoint import Endpoint
from exporter.github.models import Record, Text, Timestamp, number, record
from exporter.github.reader import GitHub, Page
from exporter.metrics.metric import Sample, gauge

# Folded page by page: keeping pages for their ETags would keep people.
COPILOT_SEATS = Endpoint("/enterprises/{enterprise}/copilot/billing/seats", "read:enterprise", revalidate=False)

SEATS = gauge(
    "ghe_copilot_seats",
    "People with a Copilot seat, once, under their most expensive plan; seats without a person count here alone.",
    "plan",
)
PENDING = gauge("ghe_copilot_seats_pending_cancellation", "People with a Copilot seat that ends with the cycle.")
ACTIVE = gauge("ghe_copilot_active_users", "People with a Copilot seat who used it in the last days.", "window")
LAST_ACTIVITY = gauge(
    "ghe_copilot_last_activity_timestamp_seconds",
    "Newest activity in any seat that GitHub reports; when it stands still, so do the active and the idle people.",
)
ORGANIZATION_SEATS = gauge(
    "ghe_copilot_organization_seats",
    "People with a Copilot seat by organization that grants it, empty for enterprise teams; once in each.",
    "organization",
    "plan",
)
IDLE = gauge(
    "ghe_copilot_idle_seats",
    "Seats over 30 days old of people inactive for at least this long; beyond 90 days GitHub reports no activity.",
    "organization",
    "plan",
    "idle",
)

DAY = 86_400
WINDOWS = {"7d": 7 * DAY, "28d": 28 * DAY}
IDLE_FOR = {"30d": 30 * DAY, "60d": 60 * DAY, "90d_or_never": 90 * DAY}
NEW_SECONDS = 30 * DAY
PLANS_BY_PRICE = ("enterprise", "business")


class Named(Record):
    """A person, only to count each once, or an organization."""

    id: Text = ""
    login: Text = ""


class Seat(Record):
    """One assignment of a seat; a person has one per organization and team that grants it."""

    assignee: Annotated[Named, BeforeValidator(record)] = Named()
    organization: Annotated[Named, BeforeValidator(record)] = Named()
    plan_type: Text = ""
    pending_cancellation_date: Text = ""
    created_at: Timestamp = None
    last_activity_at: Timestamp = None

    @property
    def plan(self) -> str:
        """The plan; GitHub also writes `copilot_enterprise`."""
        name = snake_case(self.plan_type)
        return next((plan for plan in PLANS_BY_PRICE if plan in name), name)

    @property
    def person(self) -> str:
        """What distinguishes people; empty for a seat without one."""
        if self.assignee.id:
            return f"id {self.assignee.id}"
        return f"login {self.assignee.login.lower()}" if self.assignee.login else ""


class Grant(NamedTuple):
    """What one organization grants a person."""

    plan: str
    is_new: bool

    def joined_with(self, other: "Grant") -> "Grant":
        """Two seats of one organization: the more expensive plan, since the older one."""
        return Grant(min(self.plan, other.plan, key=plan_rank), self.is_new and other.is_new)


class Holder(NamedTuple):
    """What is counted of a person; few people differ in it, which keeps a hundred thousand of them small."""

    plan: str
    pending: bool
    windows: tuple[str, ...]
    idle: tuple[str, ...]
    grants: frozenset[tuple[str, Grant]]

    def joined_with(self, other: "Holder") -> "Holder":
        """The same person by two assignments: the more expensive plan, the newest activity."""
        grants = dict(self.grants)
        for organization, grant in other.grants:
            grants[organization] = grant.joined_with(grants.get(organization, grant))
        return Holder(
            min(self.plan, other.plan, key=plan_rank),
            self.pending or other.pending,
            max(self.windows, other.windows, key=len),
            min(self.idle, other.idle, key=len),
            frozenset(grants.items()),
        )


@dataclass(slots=True)
class Seats:
    """What is counted: people, seats without one by plan, and when any seat was used last."""

    people: Counter[Holder] = field(default_factory=Counter)
    without_person: Counter[str] = field(default_factory=Counter)
    last_activity: float | None = None
    _known: Kinds[Holder] = field(default_factory=Kinds, repr=False, compare=False)

    @property
    def total(self) -> int:
        """People and seats without one."""
        return self.people.total() + self.without_person.total()

    def add(self, seat: Seat, now: float) -> None:
        """Count one assignment; its person once, whatever the number and order of their assignments."""
        person = seat.person
        if not person:
            self.without_person[seat.plan] += 1
            return
        if seat.last_activity_at is not None:
            self.last_activity = max(seat.last_activity_at, self.last_activity or 0)
        found, before = holder(seat, now), self._known.get(person)
        if before is not None:
            self.people[before] -= 1
            found = found.joined_with(before)
        self._known.set(person, found)
        self.people[found] += 1


def plan_rank(plan: str) -> tuple[int, str]:
    """The order of plans, the most expensive first; those of unknown price, and not reported last."""
    if plan in PLANS_BY_PRICE:
        return PLANS_BY_PRICE.index(plan), plan
    return len(PLANS_BY_PRICE) + (plan == UNKNOWN), plan


def holder(seat: Seat, now: float) -> Holder:
    """What one assignment says."""
    last, plan = seat.last_activity_at, seat.plan
    is_new = seat.created_at is not None and seat.created_at > now - NEW_SECONDS
    return Holder(
        plan,
        bool(seat.pending_cancellation_date),
        tuple(window for window, seconds in WINDOWS.items() if last is not None and last >= now - seconds),
        tuple(idle for idle, seconds in IDLE_FOR.items() if last is None or last <= now - seconds),
        frozenset({(seat.organization.login, Grant(plan, is_new))}),
    )


def fetch(github: GitHub, target: Target) -> Seats:
    """Fold all pages into counts as they arrive.

    GitHub announces people as `total_seats`; a server that announces assignments has sent all of them, too.

    Raises:
        IncompleteList: more seats are announced than were received.
    """
    seats, malformed, page, received = Seats(), 0, None, 0

    def announced(page: Page) -> float:
        return number(page.envelope.get("total_seats")) or 0

    def is_incomplete(page: Page, received: int) -> bool:
        return announced(page) > seats.total + malformed and announced(page) != received

    for page in github.pages(COPILOT_SEATS, "seats", incomplete=is_incomplete):
        received += len(page.items)
        listed = tuple(github.records(Seat, page.items))
        malformed += len(page.items) - len(listed)
        for seat in listed:
            seats.add(seat, target.now)
    if page is not None and is_incomplete(page, received):
        raise IncompleteList(f"GET {COPILOT_SEATS.path}: {announced(page):.0f} seats announced, {seats.total} received")
    return seats


def samples(_target: Target, seats: Seats) -> Iterator[Sample]:
    """Map the counts; an organization has all kinds of idle, also if nobody is."""
    plans, pending = Counter(seats.without_person), 0
    active = Counter(dict.fromkeys(WINDOWS, 0))
    granted: Counter[tuple[str, str]] = Counter()
    idle: Counter[tuple[str, str, str]] = Counter()
    for one, count in seats.people.items():
        if not count:
            continue
        plans[one.plan] += count
        pending += count * one.pending
        active.update(dict.fromkeys(one.windows, count))
        for organization, (plan, is_new) in one.grants:
            granted[organization, plan] += count
            idle.update({(organization, plan, each): count * (each in one.idle and not is_new) for each in IDLE_FOR})
    for plan, count in plans.items():
        yield SEATS(count, plan)
    yield PENDING(pending)
    for window, count in active.items():
        yield ACTIVE(count, window)
    yield LAST_ACTIVITY(seats.last_activity)
    for organization_plan, count in granted.items():
        yield ORGANIZATION_SEATS(count, *organization_plan)
    for organization_plan_idle, count in idle.items():
        yield IDLE(count, *organization_plan_idle)


COLLECTOR = Collector(
    name="copilot",
    help="People with a Copilot seat by plan and organization, and how many use it.",
    metrics=(SEATS, PENDING, ACTIVE, LAST_ACTIVITY, ORGANIZATION_SEATS, IDLE),
    endpoints=(COPILOT_SEATS,),
    interval=6 * 3600,
    fetch=fetch,
    samples=samples,
)
