"""What of the management API's answers is read; never its prose, its addresses, or the keys of its license."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from exporter.errors import PayloadError
from exporter.github.models import Flag, Number, Record, ShortText, record
from exporter.github.reader import GitHub

Items = Annotated[
    tuple[Any, ...] | None, BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else None)
]


class Service(Record):
    """A service of a node."""

    name: ShortText = ""
    status: ShortText = ""


class ServiceNode(Record):
    """A node and its services."""

    hostname: ShortText = ""
    status: ShortText = ""
    services: Items = None


class ServiceStatus(Record):
    """The status of the replication, or of a cluster."""

    nodes: Items = None


class ConfiguredNode(Record):
    """A node as it is configured."""

    hostname: ShortText = ""
    replica: Flag = None


class Configuration(Record):
    """The nodes, and what they are together: `SingleNode`, `Ha` or `Cluster`."""

    topology: ShortText = ""
    nodes: Items = None


class Release(Record):
    """What runs on a node."""

    version: ShortText = ""
    platform: ShortText = ""


class NodeVersion(Record):
    """A node and what runs on it."""

    hostname: ShortText = ""
    version: Annotated[Release, BeforeValidator(record)] = Release()


class Maintenance(Record):
    """Whether a node is in maintenance."""

    hostname: ShortText = ""
    status: ShortText = ""


class License(Record):
    """The license, of which only the seats are read that no other endpoint has."""

    advancedSecuritySeats: Number = None  # noqa: N815 - GitHub's spelling


class LicenseCheck(Record):
    """Whether the license is valid."""

    status: ShortText = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node, as two endpoints describe it together."""

    hostname: str
    version: str
    platform: str
    replica: bool | None


def as_list(value: Any) -> list[Any]:
    """The list that *value* is, or that holds it: the documentation and its examples disagree."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise PayloadError("the management API answered with neither an object nor a list")


def as_object(value: Any) -> Mapping[str, Any]:
    """The object that *value* is, or the one that it lists."""
    first: Any = next(iter(as_list(value)), {})
    if not isinstance(first, dict):
        raise PayloadError("the management API listed something that is no object")
    return first


def services(github: GitHub, status: ServiceStatus) -> Iterator[tuple[str, Service]]:
    """Hostname and service; a node that reports its own status alone counts as a service without a name."""
    for node in github.records(ServiceNode, status.nodes or ()):
        found = list(github.records(Service, node.services or ()))
        for service in found:
            yield node.hostname, service
        if not found and node.status.lower() not in {"", "ok"}:
            yield node.hostname, Service(status=node.status)


def joined(versions: list[NodeVersion], configured: list[ConfiguredNode]) -> list[Node]:
    """Every node that one of the two lists names."""
    replicas = {node.hostname: node.replica for node in configured}
    releases = {node.hostname: node.version for node in versions}
    return [
        Node(hostname, release.version, release.platform, replicas.get(hostname))
        for hostname in {**releases, **replicas}
        for release in [releases.get(hostname, Release())]
    ]
