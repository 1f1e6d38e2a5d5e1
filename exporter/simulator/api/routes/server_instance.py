"""What only GitHub Enterprise Server has: its license and its statistics."""

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.company.estate import SERVER
from exporter.simulator.company.server_instance import Appliance


def license_information(request: Request) -> Answer:
    """Seats and expiry."""
    return Answer(_appliance(request).license(request.at))


def statistics(request: Request) -> Answer:
    """All groups of statistics in one answer."""
    return Answer(_appliance(request).statistics(request.at))


def _appliance(request: Request) -> Appliance:
    server = request.estate.enterprise(SERVER, on_server=True)
    if server is None or server.appliance is None:
        raise NotFound
    return server.appliance
