"""Licenses and license sync of an enterprise (GitHub Enterprise Cloud only)."""

from datetime import UTC, datetime

from exporter.simulator.api.http_types import Answer, NotFound, Refusal, Request
from exporter.simulator.company.activity import DAY

STATISTICS_DAYS = 30
"""How far back server statistics go if the client does not say."""


def consumed_licenses(request: Request) -> Answer:
    """Totals on every page, and the people who hold a license."""
    licenses = request.enterprise().licenses
    if licenses is None:
        raise NotFound
    seats = licenses.seats(request.at, exhausted=request.disturbances.seats_exhausted)
    users = licenses.users(request.at, request.page.start, request.page.stop)
    payload = {
        "total_seats_consumed": seats.consumed,
        "total_seats_purchased": seats.purchased,
        "users": users,
    }
    return Answer(payload, total=seats.consumed)


def visual_studio_subscriptions(request: Request) -> Answer:
    """Visual Studio subscriptions, all or those that no account is known for."""
    subscriptions = request.enterprise().visual_studio
    if subscriptions is None:
        raise NotFound
    places = subscriptions.places(request.at, unmatched_only=request.query.get("is_unmatched_only") == "true")
    records = subscriptions.records(request.at, request.page.of_places(places))
    return Answer({"total_count": len(places), "visual_studio_subscriptions": records}, total=len(places))


def license_sync_status(request: Request) -> Answer:
    """Last synchronisation of every connected server."""
    license_sync = request.enterprise().license_sync
    if license_sync is None:
        raise NotFound
    instances = license_sync.instances(request.at, failed=request.disturbances.sync_failed)
    return Answer({"server_instances": instances})


def server_statistics(request: Request) -> Answer:
    """Statistics of every connected server and day."""
    statistics = request.enterprise().server_statistics
    if statistics is None:
        raise NotFound
    return Answer(statistics.days(_start(request), request.at))


def _start(request: Request) -> float:
    text = request.query.get("date_start")
    if text is None:
        return request.at - STATISTICS_DAYS * DAY
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Refusal(422, "date_start is not a date.") from None
