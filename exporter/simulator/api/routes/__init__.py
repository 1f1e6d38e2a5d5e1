"""Every endpoint of the simulated GitHub, one line each."""

from exporter.simulator.api.routes import (
    actions_cache,
    advanced_security,
    apps,
    audit_log,
    audit_log_streams,
    billing,
    copilot,
    hosted_runners,
    instance,
    licenses,
    organizations,
    runner_groups,
    runners,
    scim,
    server_instance,
    server_management,
    spending,
    status_page,
)
from exporter.simulator.api.routing import Route
from exporter.simulator.company.legacy_billing import LegacyBilling

ENTERPRISE = "/enterprises/{enterprise}"
ENTERPRISE_RUNNERS = f"{ENTERPRISE}/actions/runners"
ENTERPRISE_GROUPS = f"{ENTERPRISE}/actions/runner-groups"
HOSTED_RUNNERS = f"{ENTERPRISE}/actions/hosted-runners"
ORGANIZATION_HOSTED_RUNNERS = "/orgs/{organization}/actions/hosted-runners"
CACHE = f"{ENTERPRISE}/actions/cache"
BILLING = f"{ENTERPRISE}/settings/billing"
DIRECTORY = "/scim/v2/enterprises/{enterprise}"
ORGANIZATION_RUNNERS = "/orgs/{organization}/actions/runners"
ORGANIZATION_GROUPS = "/orgs/{organization}/actions/runner-groups"

LICENSES_SCOPE = "read:enterprise"
RUNNERS_SCOPE = "manage_runners:enterprise"
ORGANIZATION_SCOPE = "admin:org"
HOSTED_SCOPE = "manage_runners:org"
BILLING_SCOPE = "manage_billing:enterprise"
COPILOT_SCOPE = "manage_billing:copilot, read:enterprise"
CACHE_SCOPE = "admin:enterprise"
SCIM_SCOPE = "scim:enterprise"
SERVER_SCOPE = "site_admin"

AUDIT_LOG_SCOPE = "read:audit_log"
SERVER_AUDIT_LOG_SCOPE = "admin:enterprise"
MANAGEMENT = "/manage/v1"
LEGACY = {
    "actions": LegacyBilling.actions,
    "packages": LegacyBilling.packages,
    "shared-storage": LegacyBilling.shared_storage,
}
SUNSET_DAYS = 180
"""Until the former billing platform ends; GitHub retires it, but announces no date."""

ROUTES = (
    Route("/", instance.root),
    Route("/meta", instance.meta),
    Route("/versions", instance.versions),
    Route("/api/v2/summary.json", status_page.summary, server=False, public=True),
    Route(f"{ENTERPRISE}/installation", apps.enterprise_installation, by_app=True),
    Route("/orgs/{organization}/installation", apps.organization_installation, by_app=True),
    Route("/app/installations", apps.installations, link=True, by_app=True),
    Route("/app/installations/{installation}/access_tokens", apps.access_token, by_app=True, method="POST"),
    Route(f"{ENTERPRISE}/consumed-licenses", licenses.consumed_licenses, LICENSES_SCOPE, link=True, server=False),
    Route(f"{ENTERPRISE}/license-sync-status", licenses.license_sync_status, LICENSES_SCOPE, server=False),
    Route(
        "/enterprise-installation/{enterprise}/server-statistics",
        licenses.server_statistics,
        LICENSES_SCOPE,
        server=False,
        app=False,
    ),
    Route(
        f"{ENTERPRISE}/visual-studio-subscriptions",
        licenses.visual_studio_subscriptions,
        LICENSES_SCOPE,
        link=True,
        server=False,
    ),
    Route(f"{BILLING}/usage/summary", billing.summary, BILLING_SCOPE, server=False),
    Route(f"{BILLING}/ai_credit/usage", billing.ai_credits, BILLING_SCOPE, server=False),
    Route(f"{BILLING}/usage", billing.usage, BILLING_SCOPE, server=False),
    *(
        Route(f"{BILLING}/{name}", billing.legacy(read), BILLING_SCOPE, server=False, sunset_days=SUNSET_DAYS)
        for name, read in LEGACY.items()
    ),
    Route(f"{BILLING}/cost-centers", spending.cost_centers, BILLING_SCOPE, server=False),
    Route(BILLING + "/cost-centers/{cost_center}", spending.cost_center, BILLING_SCOPE, server=False),
    Route(f"{BILLING}/budgets", spending.budgets, BILLING_SCOPE, per_page=10, server=False),
    Route(BILLING + "/budgets/{budget}/user-states", spending.user_states, BILLING_SCOPE, server=False),
    Route(f"{BILLING}/reports", spending.reports, BILLING_SCOPE, server=False),
    Route(f"{BILLING}/advanced-security", advanced_security.committers, BILLING_SCOPE),
    Route(ENTERPRISE_RUNNERS, runners.runners, RUNNERS_SCOPE, link=True, app=False),
    Route(f"{ENTERPRISE_RUNNERS}/downloads", runners.downloads, RUNNERS_SCOPE, app=False),
    Route(ENTERPRISE_RUNNERS + "/deprecations/{version}", runners.deprecation, RUNNERS_SCOPE, server=False, app=False),
    Route(ENTERPRISE_GROUPS, runner_groups.groups, RUNNERS_SCOPE, app=False),
    Route(ENTERPRISE_GROUPS + "/{group}/organizations", runner_groups.organizations, RUNNERS_SCOPE, app=False),
    Route(ENTERPRISE_GROUPS + "/{group}/runners", runners.group_runners, RUNNERS_SCOPE, link=True, app=False),
    Route(HOSTED_RUNNERS, hosted_runners.runners, RUNNERS_SCOPE, link=True, server=False, app=False),
    Route(f"{HOSTED_RUNNERS}/limits", hosted_runners.limits, RUNNERS_SCOPE, server=False, app=False),
    Route(ORGANIZATION_HOSTED_RUNNERS, hosted_runners.runners, HOSTED_SCOPE, link=True, server=False),
    Route(f"{CACHE}/usage", actions_cache.usage, CACHE_SCOPE),
    Route(f"{CACHE}/storage-limit", actions_cache.storage_limit, CACHE_SCOPE, server=False),
    Route(f"{CACHE}/retention-limit", actions_cache.retention_limit, CACHE_SCOPE, server=False),
    Route(f"{CACHE}/usage-policy", actions_cache.usage_policy, CACHE_SCOPE, cloud=False),
    Route(f"{ENTERPRISE}/audit-log", audit_log.events, AUDIT_LOG_SCOPE, server=False, app=False),
    Route(f"{ENTERPRISE}/audit-log", audit_log.events, SERVER_AUDIT_LOG_SCOPE, cloud=False, app=False),
    Route(
        f"{ENTERPRISE}/copilot/billing/seats",
        copilot.seats,
        COPILOT_SCOPE,
        link=True,
        per_page=copilot.PER_PAGE,
        server=False,
        app=False,
    ),
    Route(
        f"{ENTERPRISE}/copilot/metrics/reports/enterprise-28-day/latest",
        copilot.usage_report,
        COPILOT_SCOPE,
        server=False,
    ),
    Route("/copilot-usage-reports/{enterprise}", copilot.usage_file, lines=True, server=False, public=True),
    Route(f"{DIRECTORY}/Users", scim.users, SCIM_SCOPE, media_type=scim.SCIM_TYPE),
    Route(f"{DIRECTORY}/Groups", scim.groups, SCIM_SCOPE, media_type=scim.SCIM_TYPE),
    Route(f"{ENTERPRISE}/audit-log/streams", audit_log_streams.streams, CACHE_SCOPE, server=False),
    Route(f"{ENTERPRISE}/org-properties/values", organizations.values, LICENSES_SCOPE, link=True, server=False),
    Route("/enterprise/settings/license", server_instance.license_information, SERVER_SCOPE, cloud=False),
    Route("/enterprise/stats/all", server_instance.statistics, SERVER_SCOPE, cloud=False),
    Route("/enterprise/stats/security-products", server_instance.security_products, SERVER_SCOPE, cloud=False),
    Route(f"{MANAGEMENT}/version", server_management.version, cloud=False),
    Route(f"{MANAGEMENT}/config/nodes", server_management.nodes, cloud=False),
    Route(f"{MANAGEMENT}/config/license", server_management.license_information, cloud=False),
    Route(f"{MANAGEMENT}/config/license/check", server_management.license_check, cloud=False),
    Route(f"{MANAGEMENT}/maintenance", server_management.maintenance, cloud=False),
    Route(f"{MANAGEMENT}/replication/status", server_management.replication, cloud=False),
    Route(ORGANIZATION_RUNNERS, runners.runners, ORGANIZATION_SCOPE, link=True),
    Route(f"{ORGANIZATION_RUNNERS}/downloads", runners.downloads, ORGANIZATION_SCOPE),
    Route(ORGANIZATION_RUNNERS + "/deprecations/{version}", runners.deprecation, ORGANIZATION_SCOPE, server=False),
    Route(ORGANIZATION_GROUPS, runner_groups.groups, ORGANIZATION_SCOPE),
    Route(ORGANIZATION_GROUPS + "/{group}/repositories", runner_groups.repositories, ORGANIZATION_SCOPE),
    Route(ORGANIZATION_GROUPS + "/{group}/runners", runners.group_runners, ORGANIZATION_SCOPE, link=True),
)
