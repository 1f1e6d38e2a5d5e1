"""Licenses and license sync of an enterprise (GitHub Enterprise Cloud only)."""

from exporter.simulator.api.http_types import Answer, NotFound, Request


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


def license_sync_status(request: Request) -> Answer:
    """Last synchronisation of every connected server."""
    license_sync = request.enterprise().license_sync
    if license_sync is None:
        raise NotFound
    instances = license_sync.instances(request.at, failed=request.disturbances.sync_failed)
    return Answer({"server_instances": instances})
