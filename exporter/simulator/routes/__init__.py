"""Every endpoint of the simulated GitHub, one line each."""

from exporter.simulator.routes import instance, licenses, runner_groups, runners
from exporter.simulator.routing import Route

ENTERPRISE = "/enterprises/{enterprise}"
ENTERPRISE_RUNNERS = f"{ENTERPRISE}/actions/runners"
ENTERPRISE_GROUPS = f"{ENTERPRISE}/actions/runner-groups"
ORGANIZATION_RUNNERS = "/orgs/{organization}/actions/runners"
ORGANIZATION_GROUPS = "/orgs/{organization}/actions/runner-groups"

LICENSES_SCOPE = "read:enterprise"
RUNNERS_SCOPE = "manage_runners:enterprise"
ORGANIZATION_SCOPE = "admin:org"

ROUTES = (
    Route("/", instance.root),
    Route("/meta", instance.meta),
    Route("/versions", instance.versions),
    Route(f"{ENTERPRISE}/consumed-licenses", licenses.consumed_licenses, LICENSES_SCOPE, link=True, server=False),
    Route(f"{ENTERPRISE}/license-sync-status", licenses.license_sync_status, LICENSES_SCOPE, server=False),
    Route(ENTERPRISE_RUNNERS, runners.runners, RUNNERS_SCOPE, link=True),
    Route(f"{ENTERPRISE_RUNNERS}/downloads", runners.downloads, RUNNERS_SCOPE),
    Route(ENTERPRISE_GROUPS, runner_groups.groups, RUNNERS_SCOPE),
    Route(ENTERPRISE_GROUPS + "/{group}/organizations", runner_groups.organizations, RUNNERS_SCOPE),
    Route(ENTERPRISE_GROUPS + "/{group}/runners", runners.group_runners, RUNNERS_SCOPE, link=True),
    Route(ORGANIZATION_RUNNERS, runners.runners, ORGANIZATION_SCOPE, link=True),
    Route(f"{ORGANIZATION_RUNNERS}/downloads", runners.downloads, ORGANIZATION_SCOPE),
    Route(ORGANIZATION_GROUPS, runner_groups.groups, ORGANIZATION_SCOPE),
    Route(ORGANIZATION_GROUPS + "/{group}/repositories", runner_groups.repositories, ORGANIZATION_SCOPE),
    Route(ORGANIZATION_GROUPS + "/{group}/runners", runners.group_runners, ORGANIZATION_SCOPE, link=True),
)
