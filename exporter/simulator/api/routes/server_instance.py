"""What only GitHub Enterprise Server has: its license and its statistics."""

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.company.advanced_security import BUNDLED
from exporter.simulator.company.estate import SERVER, Enterprise
from exporter.simulator.company.server_instance import Appliance
from exporter.simulator.company.server_security import security_products as products


def license_information(request: Request) -> Answer:
    """Seats and expiry."""
    return Answer(_appliance(request).license(request.at))


def statistics(request: Request) -> Answer:
    """All groups of statistics in one answer."""
    return Answer(_appliance(request).statistics(request.at))


def security_products(request: Request) -> Answer:
    """Security features and committers."""
    repositories = _appliance(request).statistics(request.at)["repos"]["total_repos"]
    return Answer(products(repositories, _server(request).advanced_security.committers(BUNDLED, request.at)))


def _server(request: Request) -> Enterprise:
    server = request.estate.enterprise(SERVER, on_server=True)
    if server is None:
        raise NotFound
    return server


def _appliance(request: Request) -> Appliance:
    appliance = _server(request).appliance
    if appliance is None:
        raise NotFound
    return appliance
