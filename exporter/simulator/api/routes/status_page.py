"""The public status page, which the simulator serves from its own address."""

from exporter.simulator.api.http_types import Answer, Request


def summary(request: Request) -> Answer:
    """Components and open incidents."""
    return Answer(request.estate.status_page.summary(request.at))
