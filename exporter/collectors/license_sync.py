"""License sync of each connected GitHub Enterprise Server; servers sync weekly by themselves."""

from collections.abc import Iterator
from typing import Any

from exporter.collector import LICENSE_MAX_AGE, Collector, Target
from exporter.collectors.common.labels import snake_case
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import ServerInstance
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

LICENSE_SYNC_STATUS = Endpoint(
    "/enterprises/{enterprise}/license-sync-status", "read:enterprise", "enterprise_licensing"
)

SERVER = ("server_id", "hostname")
SERVERS = gauge("ghe_license_sync_servers", "Servers connected for license sync.")
SUCCESS = gauge("ghe_license_sync_success", "Whether the last license sync succeeded; absent if never.", *SERVER)
LAST = gauge("ghe_license_sync_last_timestamp_seconds", "When the last license sync ran; absent if never.", *SERVER)
STATUS = gauge("ghe_license_sync_status", "Always 1 for the status of the last license sync.", *SERVER, "status")


def unfold(value: Any) -> Any:
    """Reduce the second documented shape, which writes data as a JSON schema, to plain objects and lists."""
    if isinstance(value, list):
        return [unfold(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("properties"), dict):
        return unfold(value["properties"])
    if "items" in value:
        items = value["items"]
        return unfold(items if isinstance(items, list) else [items])
    return {key: unfold(item) for key, item in value.items()}


def newest(instances: list[ServerInstance]) -> dict[tuple[str, str], ServerInstance]:
    """Servers by identity; one listed twice counts with its last sync."""
    servers: dict[tuple[str, str], ServerInstance] = {}
    for instance in sorted(instances, key=lambda instance: instance.last_sync.date or 0):
        servers[instance.server_id, instance.hostname] = instance
    return servers


def fetch(github: GitHub, _target: Target) -> list[ServerInstance]:
    """Read the servers."""
    answer = unfold(github.get(LICENSE_SYNC_STATUS))
    instances = answer.get("server_instances") if isinstance(answer, dict) else None
    if not isinstance(instances, list):
        raise PayloadError(f"GET {LICENSE_SYNC_STATUS.path}: no list server_instances in the answer")
    return list(github.records(ServerInstance, instances))


def samples(_target: Target, instances: list[ServerInstance]) -> Iterator[Sample]:
    """Map each server; one that never synced has a status and nothing else."""
    servers = newest(instances)
    yield SERVERS(len(servers))
    for server, instance in servers.items():
        status = snake_case(instance.last_sync.status) if instance.last_sync.status else ""
        yield SUCCESS(status == "success" if status else None, *server)
        yield LAST(instance.last_sync.date, *server)
        yield STATUS(1, *server, status or "never")


COLLECTOR = Collector(
    name="license_sync",
    help="Result and time of the last license sync per connected server.",
    metrics=(SERVERS, SUCCESS, LAST, STATUS),
    endpoints=(LICENSE_SYNC_STATUS,),
    interval=900,
    essential=True,
    stretches=False,
    min_max_age=LICENSE_MAX_AGE,
    fetch=fetch,
    samples=samples,
)
