"""Every collector, in the order of the exposition."""

from typing import Any

from exporter.collector import Collector
from exporter.collectors import license_sync, license_users, licenses, runner_groups, runners

COLLECTORS: tuple[Collector[Any], ...] = (
    licenses.COLLECTOR,
    license_users.COLLECTOR,
    license_sync.COLLECTOR,
    runners.COLLECTOR,
    runner_groups.COLLECTOR,
)
