"""Runner groups of enterprises and organizations, and who may use them."""

from typing import Any

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.api.routes.runner_lookup import group_of, runners_of_level
from exporter.simulator.company.runner_groups import RunnerGroup

ORGANIZATION_IDS = 4_000
REPOSITORY_IDS = 7_000


def groups(request: Request) -> Answer:
    """The groups of an enterprise, or those of an organization with the inherited ones."""
    every = runners_of_level(request).groups
    places = range(len(every))
    records = [_group(request, every[place]) for place in request.page.of_places(places)]
    return Answer({"total_count": len(places), "runner_groups": records}, total=len(places))


def organizations(request: Request) -> Answer:
    """The organizations that may use a selected group."""
    names = group_of(request).selected
    places = range(len(names))
    records = [_organization(request, names[place]) for place in request.page.of_places(places)]
    return Answer({"total_count": len(places), "organizations": records}, total=len(places))


def repositories(request: Request) -> Answer:
    """The repositories that may use a selected group of an organization."""
    group = group_of(request)
    if group.inherited:
        raise NotFound
    places = range(len(group.selected))
    records = [_repository(request, group.selected[place]) for place in request.page.of_places(places)]
    return Answer({"total_count": len(places), "repositories": records}, total=len(places))


def _group(request: Request, group: RunnerGroup) -> dict[str, Any]:
    url = f"{request.root}{request.path}/{group.id}"
    record: dict[str, Any] = {
        "id": group.id,
        "name": group.name,
        "visibility": group.visibility,
        "default": group.default,
        "runners_url": f"{url}/runners",
        "allows_public_repositories": group.public,
        "restricted_to_workflows": bool(group.workflows),
        "selected_workflows": [*group.workflows],
        "workflow_restrictions_read_only": group.inherited,
    }
    at_organization = "organization" in request.names
    if at_organization:
        record["inherited"] = group.inherited
    if group.visibility == "selected":
        kind = "repositories" if at_organization else "organizations"
        record[f"selected_{kind}_url"] = f"{url}/{kind}"
    return record


def _organization(request: Request, login: str) -> dict[str, Any]:
    number = int(login.rpartition("-")[2])
    url = f"{request.root}/orgs/{login}"
    return {
        "login": login,
        "id": ORGANIZATION_IDS + number,
        "url": url,
        "repos_url": f"{url}/repos",
        "description": f"Organization {number}",
    }


def _repository(request: Request, full_name: str) -> dict[str, Any]:
    owner, _, name = full_name.partition("/")
    return {
        "id": REPOSITORY_IDS + int(name.rpartition("-")[2]),
        "name": name,
        "full_name": full_name,
        "owner": {"login": owner, "type": "Organization"},
        "private": True,
        "url": f"{request.root}/repos/{full_name}",
    }
