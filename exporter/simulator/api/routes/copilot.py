"""Copilot seats of an enterprise (GitHub Enterprise Cloud only)."""

from exporter.simulator.api.http_types import Answer, NotFound, Request

PER_PAGE = 50


def seats(request: Request) -> Answer:
    """One entry for each assignment; the total counts people."""
    copilot = request.enterprise().copilot
    if copilot is None:
        raise NotFound
    places = copilot.places(request.at)
    records = copilot.seats(request.at, request.page.of_places(places))
    return Answer({"total_seats": copilot.people(request.at), "seats": records}, total=len(places))
