"""Which runners and runner groups a path is about."""

from dataclasses import replace
from typing import NamedTuple

from exporter.simulator.api.http_types import NotFound, Request
from exporter.simulator.company.runner_groups import RunnerGroup
from exporter.simulator.company.runners import Fleet

INHERITED_IDS = 10_000
"""What an organization adds to the number of a group it has from its enterprise."""


class LevelRunners(NamedTuple):
    """The runners registered at a level, and every group that can be used there."""

    fleet: Fleet
    groups: tuple[RunnerGroup, ...]
    lender: Fleet | None = None
    """The enterprise's runners, for the groups an organization inherits."""


def runners_of_level(request: Request) -> LevelRunners:
    """Return the runners of the level the path names."""
    if "enterprise" in request.names:
        fleet = request.enterprise().fleet
        return LevelRunners(fleet, tuple(fleet.groups))
    organization = request.organization()
    enterprise = request.estate.enterprise(organization.enterprise, on_server=request.on_server)
    lender = enterprise.fleet if enterprise else None
    lent = (group for group in (lender.groups if lender else ()) if _visible(group, organization.login))
    inherited = (replace(group, id=group.id + INHERITED_IDS, inherited=True) for group in lent)
    return LevelRunners(organization.fleet, (*organization.fleet.groups, *inherited), lender)


def group_of(request: Request) -> RunnerGroup:
    """Return the group whose number is in the path."""
    number = request.names["group"]
    for group in runners_of_level(request).groups:
        if str(group.id) == number:
            return group
    raise NotFound


def _visible(group: RunnerGroup, organization: str) -> bool:
    return not group.default and (group.visibility == "all" or organization in group.selected)
