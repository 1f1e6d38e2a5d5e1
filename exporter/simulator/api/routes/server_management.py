"""The management API of GitHub Enterprise Server, which has a port of its own there."""

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.company.estate import SERVER
from exporter.simulator.company.server_management import Management


def version(request: Request) -> Answer:
    """What runs on each node."""
    return Answer(_management(request).versions())


def nodes(request: Request) -> Answer:
    """How the nodes are configured."""
    return Answer(_management(request).configuration())


def replication(request: Request) -> Answer:
    """The services of the replica."""
    broken = request.disturbances.replication_broken
    return Answer(_management(request).replication(request.at, broken=broken))


def maintenance(request: Request) -> Answer:
    """Whether each node is in maintenance."""
    return Answer(_management(request).maintenance(share=request.disturbances.server_maintenance))


def license_information(request: Request) -> Answer:
    """The license."""
    return Answer(_management(request).license(request.at))


def license_check(request: Request) -> Answer:
    """Whether the license is valid."""
    _management(request)
    return Answer({"status": "valid"})


def _management(request: Request) -> Management:
    server = request.estate.enterprise(SERVER, on_server=True)
    if server is None or server.management is None:
        raise NotFound
    return server.management
