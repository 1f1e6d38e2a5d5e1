"""Every collector, in the order of the exposition."""

from typing import Any

from exporter.collector import Collector
from exporter.collectors import (
    actions_cache,
    advanced_security,
    ai_credits,
    audit_log_streams,
    billing_usage,
    budget_users,
    budgets,
    connected_servers,
    copilot,
    copilot_usage,
    cost_centers,
    github_status,
    hosted_runners,
    license_sync,
    license_users,
    licenses,
    organizations,
    runner_groups,
    runner_versions,
    runners,
    scim,
    server,
    server_security,
    usage_reports,
    visual_studio,
)
from exporter.collectors.actions_activity import actions_activity
from exporter.collectors.billing import billing
from exporter.collectors.server_management import server_management

COLLECTORS: tuple[Collector[Any], ...] = (
    licenses.COLLECTOR,
    license_users.COLLECTOR,
    license_sync.COLLECTOR,
    connected_servers.COLLECTOR,
    visual_studio.COLLECTOR,
    billing.COLLECTOR,
    billing_usage.COLLECTOR,
    ai_credits.COLLECTOR,
    cost_centers.COLLECTOR,
    budgets.COLLECTOR,
    budget_users.COLLECTOR,
    usage_reports.COLLECTOR,
    advanced_security.COLLECTOR,
    runners.COLLECTOR,
    runner_versions.COLLECTOR,
    runner_groups.COLLECTOR,
    hosted_runners.COLLECTOR,
    actions_cache.COLLECTOR,
    actions_activity.COLLECTOR,
    scim.COLLECTOR,
    copilot.COLLECTOR,
    copilot_usage.COLLECTOR,
    organizations.COLLECTOR,
    audit_log_streams.COLLECTOR,
    server.COLLECTOR,
    github_status.COLLECTOR,
    server_security.COLLECTOR,
    server_management.COLLECTOR,
)
