"""SCIM: people and groups of an enterprise with managed users; any other has no such thing."""

from typing import Any

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.company.identities import Directory

SCIM_TYPE = "application/scim+json"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
COUNT = 30
MAX_COUNT = 100
LONGEST = 9


def users(request: Request) -> Answer:
    """A part of the people, counted from 1."""
    directory = _directory(request)
    places, wanted = directory.people(request.at), _wanted(request)
    return _listed(len(places), wanted, directory.users(request.at, places[wanted.start : wanted.stop], _root(request)))


def groups(request: Request) -> Answer:
    """A part of the groups, with their members unless these are excluded."""
    directory = _directory(request)
    places, wanted = directory.groups, _wanted(request)
    members = "members" not in request.query.get("excludedAttributes", "").split(",")
    records = directory.group_records(places[wanted.start : wanted.stop], _root(request), members=members)
    return _listed(len(places), wanted, records)


def _directory(request: Request) -> Directory:
    directory = request.enterprise().directory
    if directory is None:
        raise NotFound
    return directory


def _wanted(request: Request) -> range:
    start = max(1, _integer(request, "startIndex", 1))
    count = min(MAX_COUNT, max(0, _integer(request, "count", COUNT)))
    return range(start - 1, start - 1 + count)


def _integer(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= LONGEST else default


def _root(request: Request) -> str:
    return f"{request.root}/scim/v2/enterprises/{request.names['enterprise']}"


def _listed(total: int, wanted: range, records: list[dict[str, Any]]) -> Answer:
    return Answer(
        {
            "schemas": [LIST],
            "totalResults": total,
            "Resources": records,
            "startIndex": wanted.start + 1,
            "itemsPerPage": len(records),
        }
    )
