"""A GitHub Enterprise Server: its version, license and statistics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exporter.collector import LICENSE_MAX_AGE, Collector, Platform, Target
from exporter.collectors.common.labels import snake_case
from exporter.errors import NOT_OFFERED, GitHubError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record, Text, Timestamp, number
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, Totals, gauge

LICENSE = Endpoint("/enterprise/settings/license", "site_admin")
STATISTICS = Endpoint("/enterprise/stats/all", "site_admin")
META = Endpoint("/meta", "")

INFO = gauge("ghe_server_info", "Always 1; the version of the server.", "version")
SEATS = gauge("ghe_server_license_seats", "Seats of the server's license; absent when unlimited.")
SEATS_USED = gauge("ghe_server_license_seats_used", "Seats in use.")
EXPIRY = gauge("ghe_server_license_expiry_timestamp_seconds", "When the server's license expires.")
STATS = gauge("ghe_server_stats", "Statistics that the server reports, which it may cache.", "group", "item")


class License(Record):
    """The license; `seats` is the text `unlimited` where there is no limit."""

    seats: Number = None
    seats_used: Number = None
    expire_at: Timestamp = None


class Meta(Record):
    """What the server reports about itself."""

    installed_version: Text = ""


@dataclass(frozen=True, slots=True)
class Server:
    """What was offered; the rest is empty."""

    license: License
    statistics: dict[str, Any]
    meta: Meta


def fetch(github: GitHub, _target: Target) -> Server:
    """Read the three parts; what is not offered is left out, but not all of them."""
    refusals: list[GitHubError] = []
    license_told, statistics, meta = (offered(github, endpoint, refusals) for endpoint in (LICENSE, STATISTICS, META))
    if license_told is None and statistics is None and meta is None:
        raise refusals[0]
    return Server(github.record(License, license_told or {}), statistics or {}, github.record(Meta, meta or {}))


def offered(github: GitHub, endpoint: Endpoint, refusals: list[GitHubError]) -> dict[str, Any] | None:
    """The object at *endpoint*; None, and one refusal more, where it is not offered."""
    try:
        return github.get_object(endpoint)
    except NOT_OFFERED as error:
        refusals.append(error)
        return None


def samples(_target: Target, server: Server) -> Iterator[Sample]:
    """Map the parts; the statistics are whatever numbers the server has."""
    yield INFO(1 if server.meta.installed_version else None, server.meta.installed_version)
    yield SEATS(server.license.seats)
    yield SEATS_USED(server.license.seats_used)
    yield EXPIRY(server.license.expire_at)
    totals = Totals(STATS)
    for group, items in server.statistics.items():
        for item, value in items.items() if isinstance(items, dict) else ():
            count = number(value)
            if count is not None:
                totals.add(count, snake_case(group), snake_case(item))
    yield from totals.samples()


COLLECTOR = Collector(
    name="server",
    help="Version, license and statistics of a GitHub Enterprise Server.",
    metrics=(INFO, SEATS, SEATS_USED, EXPIRY, STATS),
    endpoints=(LICENSE, STATISTICS, META),
    interval=900,
    platforms=frozenset({Platform.SERVER}),
    min_max_age=LICENSE_MAX_AGE,
    fetch=fetch,
    samples=samples,
)
