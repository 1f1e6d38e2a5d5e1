"""Runner groups and the newest runner application."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.collector import Collector, Platform, Target
from exporter.collectors.common.labels import boolean, operating_system, snake_case
from exporter.errors import NOT_OFFERED, PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import RunnerApplication, RunnerGroup, number
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

ENTERPRISE_GROUPS = Endpoint(
    "/enterprises/{enterprise}/actions/runner-groups", "manage_runners:enterprise", check="page"
)
ORGANIZATION_GROUPS = Endpoint(
    "/orgs/{organization}/actions/runner-groups", "admin:org", "organization_self_hosted_runners"
)
GROUP_ORGANIZATIONS = Endpoint(
    "/enterprises/{enterprise}/actions/runner-groups/{runner_group_id}/organizations", "manage_runners:enterprise"
)
APPLICATIONS = Endpoint("/enterprises/{enterprise}/actions/runners/downloads", "manage_runners:enterprise")

GROUP = ("organization", "runner_group_id", "runner_group")
INFO = gauge("ghe_runner_group_info", "Always 1; what a runner group is.", *GROUP, "visibility", "default")
ORGANIZATIONS = gauge(
    "ghe_runner_group_organizations", "Organizations that may use a runner group of selected visibility.", *GROUP
)
ALLOWS_PUBLIC = gauge(
    "ghe_runner_group_allows_public_repositories",
    "Whether public repositories may use the runners of a group, and with them anybody who sends a pull request.",
    *GROUP,
)
RESTRICTED = gauge(
    "ghe_runner_group_restricted_to_workflows", "Whether only chosen workflows may use the runners of a group.", *GROUP
)
APPLICATION = gauge(
    "ghe_runner_application_info",
    "Always 1; the newest runner application that GitHub offers.",
    "os",
    "architecture",
    "version",
)

VERSION = re.compile(r"-([0-9]{1,9}(?:\.[0-9]{1,9})+)\.(?:tar\.gz|zip)")


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of one level, how many organizations may use the selected ones, and the applications offered."""

    groups: tuple[RunnerGroup, ...]
    organizations: dict[str, float | None]
    applications: tuple[RunnerApplication, ...]


def groups_of(github: GitHub, target: Target) -> tuple[RunnerGroup, ...]:
    """Every group of the level, each once."""
    endpoint = ORGANIZATION_GROUPS if target.organization else ENTERPRISE_GROUPS
    pages = github.pages(endpoint, "runner_groups")
    groups = {group.id: group for page in pages for group in github.records(RunnerGroup, page.items)}
    return tuple(groups.values())


def fetch(github: GitHub, target: Target) -> Groups:
    """Read the groups; for the enterprise also what only it has."""
    groups = groups_of(github, target)
    if target.organization:
        return Groups(groups, {}, ())
    selected = (group for group in groups if snake_case(group.visibility) == "selected")
    organizations = {group.id: organization_count(github, group) for group in selected}
    return Groups(groups, organizations, applications(github))


def organization_count(github: GitHub, group: RunnerGroup) -> float | None:
    """How many organizations may use *group*; None when it vanished meanwhile."""
    try:
        answer = github.get_object(GROUP_ORGANIZATIONS, {"per_page": 1}, runner_group_id=group.id)
        total = number(answer.get("total_count"))
        if total is not None:
            return total
        pages = github.pages(GROUP_ORGANIZATIONS, "organizations", runner_group_id=group.id)
        return sum(len(page.items) for page in pages)
    except NOT_OFFERED:
        return None


def applications(github: GitHub) -> tuple[RunnerApplication, ...]:
    """The runner applications offered; none where the server has no list."""
    try:
        offered = github.get(APPLICATIONS)
    except NOT_OFFERED:
        return ()
    if not isinstance(offered, list):
        raise PayloadError(f"GET {APPLICATIONS.path}: not a list")
    return tuple(github.records(RunnerApplication, offered))


def newest(offered: Iterable[RunnerApplication]) -> dict[tuple[str, str], str]:
    """The highest version, compared number by number, per operating system and architecture."""
    versions: dict[tuple[str, str], str] = {}
    for application in offered:
        found = VERSION.search(application.filename or application.download_url)
        if found is None:
            continue
        key = operating_system(application.os), application.architecture
        versions[key] = max(versions.get(key, "0"), found[1], key=version_numbers)
    return versions


def version_numbers(version: str) -> tuple[int, ...]:
    """*version* as numbers, so that 2.9 comes before 2.10."""
    return tuple(int(part) for part in version.split("."))


def samples(target: Target, fetched: Groups) -> Iterator[Sample]:
    """Map groups and applications."""
    for group in fetched.groups:
        key = target.organization, group.id, group.name
        yield INFO(1, *key, snake_case(group.visibility), boolean(group.default))
        yield ALLOWS_PUBLIC(group.allows_public_repositories, *key)
        yield RESTRICTED(group.restricted_to_workflows, *key)
        yield ORGANIZATIONS(fetched.organizations.get(group.id), *key)
    for (system, architecture), version in newest(fetched.applications).items():
        yield APPLICATION(1, system, architecture, version)


COLLECTOR = Collector(
    name="runner_groups",
    help="Runner groups of the enterprise and its organizations, and the newest runner application.",
    metrics=(INFO, ORGANIZATIONS, ALLOWS_PUBLIC, RESTRICTED, APPLICATION),
    endpoints=(ENTERPRISE_GROUPS, ORGANIZATION_GROUPS, GROUP_ORGANIZATIONS, APPLICATIONS),
    interval=900,
    organizations=True,
    platforms=frozenset(Platform),
    fetch=fetch,
    samples=samples,
)
