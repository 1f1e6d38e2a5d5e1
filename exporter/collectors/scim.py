"""People and groups that an identity provider provisioned by SCIM, as counts only."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.collector import Collector, Platform, Target
from exporter.collectors.common.distinct import Distinct
from exporter.collectors.common.labels import boolean
from exporter.errors import NOT_OFFERED, IncompleteList, PayloadError
from exporter.github.endpoint import SCIM, Endpoint
from exporter.github.models import Flag, Identity, Record, number, text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# Folded and forgotten: keeping pages for their ETags would keep people.
SCIM_USERS = Endpoint(
    "/scim/v2/enterprises/{enterprise}/Users", "scim:enterprise", "enterprise_scim", revalidate=False, accept=SCIM
)
SCIM_GROUPS = Endpoint("/scim/v2/enterprises/{enterprise}/Groups", "scim:enterprise", "enterprise_scim", accept=SCIM)

USERS = gauge("ghe_scim_users", "Provisioned people by whether they are active; empty if not reported.", "active")
GROUPS = gauge("ghe_scim_groups", "Provisioned groups.")

COUNT = 100


class User(Record):
    """A provisioned person; nothing that names them."""

    id: Identity
    active: Flag = None


@dataclass(frozen=True, slots=True)
class Provisioned:
    """People by the flag `active`, and groups."""

    users: Mapping[bool | None, int]
    groups: float | None


def fetch(github: GitHub, _target: Target) -> Provisioned:
    """Count people page by page; the first page of groups has their number."""
    return Provisioned(users(github), groups(github))


def users(github: GitHub) -> Counter[bool | None]:
    """People by the flag `active`; one who slipped to a later page counts once."""
    counted: Counter[bool | None] = Counter()
    seen = Distinct()
    for resources in walk(github):
        for user in github.records(User, resources):
            if seen.add(user.id):
                counted[user.active] += 1
    return counted


def walk(github: GitHub) -> Iterator[list[Any]]:
    """Every page of people.

    A server may send fewer than asked for, so the next page begins after what was received. A full page does not end
    the list, whatever total is reported. A server that ignores startIndex sends the same first person again, which
    ends the walk.

    Raises:
        IncompleteList: more people are announced than were received.
    """
    received, previous = 0, ""
    while True:
        answer = github.get_object(SCIM_USERS, {"startIndex": received + 1, "count": COUNT})
        resources, total = resources_of(answer, SCIM_USERS), number(answer.get("totalResults"))
        first = first_of(resources)
        if not resources or first == previous:
            break
        yield resources
        received, previous = received + len(resources), first
        if total is not None and received >= total and len(resources) < COUNT:
            break
    if total is not None and received < total:
        raise IncompleteList(f"GET {SCIM_USERS.path}: {total:.0f} people announced, {received} received")


def resources_of(answer: dict[str, Any], endpoint: Endpoint) -> list[Any]:
    """The records of a page; only where the total is 0 may they be left out (RFC 7644, 3.4.2)."""
    resources = answer.get("Resources")
    if resources is None and number(answer.get("totalResults")) == 0:
        return []
    if not isinstance(resources, list):
        raise PayloadError(f"GET {endpoint.path}: no list Resources in the answer")
    return resources


def first_of(resources: list[Any]) -> str:
    """What distinguishes pages: the id of its first record, or all of it where that has none."""
    first = resources[0] if resources else None
    return (text(first.get("id")) if isinstance(first, dict) else "") or repr(resources)


def groups(github: GitHub) -> float | None:
    """The number of groups; None where they are not offered. Members would make the answer huge."""
    try:
        answer = github.get_object(SCIM_GROUPS, {"excludedAttributes": "members", "startIndex": 1, "count": 1})
    except NOT_OFFERED:
        return None
    resources_of(answer, SCIM_GROUPS)
    return number(answer.get("totalResults"))


def samples(_target: Target, provisioned: Provisioned) -> Iterator[Sample]:
    """Map the counts."""
    for active, people in provisioned.users.items():
        yield USERS(people, boolean(active))
    yield GROUPS(provisioned.groups)


COLLECTOR = Collector(
    name="scim",
    help="People and groups provisioned by SCIM; for enterprises with managed users.",
    metrics=(USERS, GROUPS),
    endpoints=(SCIM_USERS, SCIM_GROUPS),
    interval=3600,
    platforms=frozenset(Platform),
    fetch=fetch,
    samples=samples,
)
