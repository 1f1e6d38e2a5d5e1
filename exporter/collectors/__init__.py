"""Every collector, in the order of the exposition."""

from typing import Any

from exporter.collector import Collector
from exporter.collectors import (
    actions_cache,
    advanced_security,
    billing_usage,
    budgets,
    connected_servers,
    copilot,
    cost_centers,
    hosted_runners,
    license_sync,
    license_users,
    licenses,
    runner_groups,
    runners,
    scim,
    server,
    server_security,
    usage_reports,
)
from exporter.collectors.actions_activity import actions_activity
from exporter.collectors.billing import billing

COLLECTORS: tuple[Collector[Any], ...] = (
    licenses.COLLECTOR,
    license_users.COLLECTOR,
    license_sync.COLLECTOR,
    connected_servers.COLLECTOR,
    billing.COLLECTOR,
    billing_usage.COLLECTOR,
    cost_centers.COLLECTOR,
    budgets.COLLECTOR,
    usage_reports.COLLECTOR,
    advanced_security.COLLECTOR,
    runners.COLLECTOR,
    runner_groups.COLLECTOR,
    hosted_runners.COLLECTOR,
    actions_cache.COLLECTOR,
    actions_activity.COLLECTOR,
    scim.COLLECTOR,
    copilot.COLLECTOR,
    server.COLLECTOR,
    server_security.COLLECTOR,
)
