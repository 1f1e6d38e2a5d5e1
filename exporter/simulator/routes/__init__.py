"""Every endpoint of the simulated GitHub, one line each."""

from exporter.simulator.routes import instance, licenses, runner_groups, runners
from exporter.simulator.routing import Route

RUNNERS = "manage_runners:enterprise"
ORGANIZATION_RUNNERS = "admin:org"

ROUTES = (
    Route("/", instance.root),
    Route("/meta", instance.meta),
    Route("/versions", instance.versions),
    Route(
        "/enterprises/{enterprise}/consumed-licenses",
        licenses.consumed_licenses,
        "read:enterprise",
        link=True,
        server=False,
    ),
    Route(
        "/enterprises/{enterprise}/license-sync-status", licenses.license_sync_status, "read:enterprise", server=False
    ),
    Route("/enterprises/{enterprise}/actions/runners", runners.runners, RUNNERS, link=True),
    Route("/enterprises/{enterprise}/actions/runners/downloads", runners.downloads, RUNNERS),
    Route("/enterprises/{enterprise}/actions/runner-groups", runner_groups.groups, RUNNERS),
    Route(
        "/enterprises/{enterprise}/actions/runner-groups/{group}/organizations", runner_groups.organizations, RUNNERS
    ),
    Route("/enterprises/{enterprise}/actions/runner-groups/{group}/runners", runners.group_runners, RUNNERS, link=True),
    Route("/orgs/{organization}/actions/runners", runners.runners, ORGANIZATION_RUNNERS, link=True),
    Route("/orgs/{organization}/actions/runners/downloads", runners.downloads, ORGANIZATION_RUNNERS),
    Route("/orgs/{organization}/actions/runner-groups", runner_groups.groups, ORGANIZATION_RUNNERS),
    Route(
        "/orgs/{organization}/actions/runner-groups/{group}/repositories",
        runner_groups.repositories,
        ORGANIZATION_RUNNERS,
    ),
    Route(
        "/orgs/{organization}/actions/runner-groups/{group}/runners",
        runners.group_runners,
        ORGANIZATION_RUNNERS,
        link=True,
    ),
)
