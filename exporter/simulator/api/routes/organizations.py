"""Organizations of an enterprise and their custom properties."""

from exporter.simulator.api.http_types import Answer, Request
from exporter.simulator.company.organizations import present, property_values


def values(request: Request) -> Answer:
    """The custom properties of every organization."""
    logins = present(request.enterprise().organizations, request.at)
    places = range(len(logins))
    return Answer([property_values(place, logins[place]) for place in request.page.of_places(places)], len(places))
