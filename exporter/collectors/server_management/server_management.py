"""Replication, cluster, maintenance, license and nodes of a GitHub Enterprise Server.

They come from its management API, which has a port and a credential of its own. A server locks its management console
after a few wrong passwords, so a run ends with the first refusal of the credential.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from exporter.collector import Collector, Platform, Target
from exporter.collectors.common.labels import boolean, snake_case
from exporter.collectors.server_management.answers import (
    Configuration,
    ConfiguredNode,
    License,
    LicenseCheck,
    Maintenance,
    Node,
    NodeVersion,
    Service,
    ServiceStatus,
    as_list,
    as_object,
    joined,
    services,
)
from exporter.errors import (
    NOT_OFFERED,
    CredentialBlocked,
    GitHubError,
    PayloadError,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from exporter.github.endpoint import MANAGE_AUTH, Endpoint
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

Read = TypeVar("Read")


def management(path: str) -> Endpoint:
    """An endpoint of the management API; no answer of it is kept, because the license's holds keys."""
    return Endpoint(f"/manage/v1/{path}", MANAGE_AUTH, revalidate=False, versioned=False)


NODES = management("config/nodes")
REPLICATION = management("replication/status")
CLUSTER = management("cluster/status")
MAINTENANCE = management("maintenance")
LICENSE = management("config/license")
LICENSE_CHECK = management("config/license/check")
VERSION = management("version")

STATUS = gauge(
    "ghe_server_service_status",
    "Always 1 for the status of a service of the replication, or of the cluster.",
    "hostname",
    "service_name",
    "status",
)
HEALTHY = gauge(
    "ghe_server_service_healthy",
    "Whether a service of the replication or cluster is ok; absent while that is not known.",
    "hostname",
    "service_name",
)
IN_MAINTENANCE = gauge(
    "ghe_server_maintenance",
    "Always 1 for whether a node is in maintenance: on, off or scheduled.",
    "hostname",
    "status",
)
LICENSE_VALID = gauge("ghe_server_management_license_valid", "Whether the server finds its license valid.")
SECURITY_SEATS = gauge(
    "ghe_server_license_advanced_security_seats",
    "Committers that the license has for Advanced Security; absent if none.",
)
NODE_INFO = gauge("ghe_server_node_info", "Always 1; what a node is.", "hostname", "version", "platform", "replica")

SEVERITY = ("ok", "unknown", "warning", "critical")
"""From good to bad; a status that is not listed is as good as unknown."""
HEALTH = {"ok": 1, "warning": 0, "critical": 0}
END_THE_RUN = (Unauthorized, CredentialBlocked, Unreachable, RateLimited)
"""Whatever else is asked would end the same way, and a wrong password must not be sent again."""


@dataclass(frozen=True, slots=True)
class Server:
    """What could be read; None is what could not."""

    services: list[tuple[str, Service]]
    maintenance: list[Maintenance]
    license: License
    license_check: LicenseCheck
    nodes: list[Node]


class Parts:
    """Reads the parts of one run: a part that cannot be read hides no other, but not all of them may fail."""

    def __init__(self, github: GitHub, target: Target) -> None:
        self._github = github
        self._target = target
        self._errors: list[GitHubError] = []
        self._read = 0

    def read(
        self, endpoint: Endpoint, understand: Callable[[Any], Read], otherwise: Read, *, required: bool = True
    ) -> Read:
        """What *understand* makes of the answer of *endpoint*; *otherwise* where there is none.

        An endpoint that is refused and never answered is one that this version of the server does not have.
        """
        memory = self._target.memory
        try:
            part = understand(self._github.get(endpoint))
        except END_THE_RUN:
            raise
        except NOT_OFFERED as error:
            self._errors.append(error)
            if required and memory.recall(endpoint.path, math.inf):
                self._github.partial(error)
            return otherwise
        except GitHubError as error:
            self._errors.insert(0, error)
            if required:
                self._github.partial(error)
            return otherwise
        self._read += 1
        memory.remember(endpoint.path, True)
        return part

    def require_one(self) -> None:
        """Raise the error that says most if nothing was read."""
        if not self._read:
            raise self._errors[0]


def fetch(github: GitHub, target: Target) -> Server:
    """Read all parts; where the servers are a cluster, its services instead of those of the replication."""
    parts = Parts(github, target)
    configuration = parts.read(NODES, lambda answer: github.record(Configuration, as_object(answer)), Configuration())
    topology = snake_case(configuration.topology)
    status = CLUSTER if topology == "cluster" else REPLICATION
    has_replicas = topology != "single_node"
    """Without one there is no replication, which a server may report as an error."""

    def read_services(answer: Any) -> list[tuple[str, Service]]:
        found = github.record(ServiceStatus, as_object(answer))
        if found.nodes is None:
            raise PayloadError(f"GET {status.path}: no list nodes in the answer")
        return list(services(github, found))

    server = Server(
        services=parts.read(status, read_services, [], required=has_replicas),
        maintenance=parts.read(MAINTENANCE, lambda answer: list(github.records(Maintenance, as_list(answer))), []),
        license=parts.read(LICENSE, lambda answer: github.record(License, as_object(answer)), License()),
        license_check=parts.read(
            LICENSE_CHECK, lambda answer: github.record(LicenseCheck, as_object(answer)), LicenseCheck()
        ),
        nodes=joined(
            parts.read(VERSION, lambda answer: list(github.records(NodeVersion, as_list(answer))), []),
            list(github.records(ConfiguredNode, configuration.nodes or ())),
        ),
    )
    parts.require_one()
    return server


def samples(_target: Target, server: Server) -> Iterator[Sample]:
    """Map the parts; what is listed twice counts with its worst status."""
    for (hostname, name), status in worst(server.services).items():
        yield STATUS(1, hostname, name, status)
        yield HEALTHY(HEALTH.get(status), hostname, name)
    for hostname, status in {node.hostname: snake_case(node.status) for node in server.maintenance}.items():
        yield IN_MAINTENANCE(1, hostname, status)
    yield LICENSE_VALID(server.license_check.status.lower() == "valid" if server.license_check.status else None)
    yield SECURITY_SEATS(server.license.advancedSecuritySeats or None)
    for node in server.nodes:
        yield NODE_INFO(1, node.hostname, node.version, node.platform, boolean(node.replica))


def worst(found: list[tuple[str, Service]]) -> dict[tuple[str, str], str]:
    """The status of every service of every node."""
    statuses: dict[tuple[str, str], str] = {}
    for hostname, service in found:
        status, key = snake_case(service.status), (hostname, service.name)
        statuses[key] = max(statuses.get(key, status), status, key=severity)
    return statuses


def severity(status: str) -> int:
    """How bad *status* is."""
    return SEVERITY.index(status if status in SEVERITY else "unknown")


COLLECTOR = Collector(
    name="server_management",
    help="Replication or cluster services, maintenance, license and nodes of a GitHub Enterprise Server.",
    metrics=(STATUS, HEALTHY, IN_MAINTENANCE, LICENSE_VALID, SECURITY_SEATS, NODE_INFO),
    endpoints=(NODES, REPLICATION, CLUSTER, MAINTENANCE, LICENSE, LICENSE_CHECK, VERSION),
    interval=300,
    enabled=False,
    platforms=frozenset({Platform.SERVER}),
    fetch=fetch,
    samples=samples,
)
