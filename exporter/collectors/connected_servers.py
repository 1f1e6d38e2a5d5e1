"""Statistics that connected GitHub Enterprise Servers send once a day: who of their users is dormant, for instance."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator

from exporter.collector import LICENSE_MAX_AGE, Collector, Target
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record, ShortText, Timestamp, record
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

SERVER_STATISTICS = Endpoint("/enterprise-installation/{enterprise}/server-statistics", "read:enterprise")
READ_DAYS = timedelta(days=2)
"""A day's statistics arrive after it has ended."""

SERVER = ("server_id", "hostname")
INFO = gauge("ghe_connected_server_info", "Always 1; the version of a connected server.", *SERVER, "version")
USERS = gauge(
    "ghe_connected_server_users", "Users of a connected server: all, its admins, and those suspended.", *SERVER, "state"
)
DORMANT = gauge("ghe_connected_server_dormant_users", "Users of a connected server who are dormant.", *SERVER)
COLLECTED = gauge(
    "ghe_connected_server_statistics_timestamp_seconds", "When the newest statistics of the server end.", *SERVER
)


class Users(Record):
    """Users of a server."""

    total_users: Number = None
    admin_users: Number = None
    suspended_users: Number = None


class Statistics(Record):
    """What a server has of everything; of that only its users are read."""

    users: Annotated[Users, BeforeValidator(record)] = Users()


class DormantUsers(Record):
    """Users who have not been seen for long; the server decides for how long."""

    total_dormant_users: Number = None


class ServerDay(Record):
    """Statistics of one server and day."""

    server_id: ShortText = ""
    host_name: ShortText = ""
    ghes_version: ShortText = ""
    collection_date: Timestamp = None
    ghe_stats: Annotated[Statistics, BeforeValidator(record)] = Statistics()
    dormant_users: Annotated[DormantUsers, BeforeValidator(record)] = DormantUsers()


def fetch(github: GitHub, target: Target) -> list[ServerDay]:
    """Read the statistics of the last days."""
    start = datetime.fromtimestamp(target.now, UTC) - READ_DAYS
    answer = github.get(SERVER_STATISTICS, {"date_start": f"{start:%Y-%m-%d}"})
    if not isinstance(answer, list):
        raise PayloadError(f"GET {SERVER_STATISTICS.path}: not a list")
    return list(github.records(ServerDay, answer))


def newest(days: Iterable[ServerDay]) -> Iterable[ServerDay]:
    """The newest statistics of each server, which may have changed its hostname since the day before."""
    by_date = sorted(days, key=lambda day: day.collection_date or 0)
    return {(day.server_id or day.host_name): day for day in by_date}.values()


def samples(_target: Target, days: list[ServerDay]) -> Iterator[Sample]:
    """Map the newest statistics of each server."""
    for day in newest(days):
        server = day.server_id, day.host_name
        users = day.ghe_stats.users
        yield INFO(1, *server, day.ghes_version)
        yield USERS(users.total_users, *server, "total")
        yield USERS(users.admin_users, *server, "admin")
        yield USERS(users.suspended_users, *server, "suspended")
        yield DORMANT(day.dormant_users.total_dormant_users, *server)
        yield COLLECTED(day.collection_date, *server)


COLLECTOR = Collector(
    name="connected_servers",
    help="Version and users of each connected GitHub Enterprise Server, and how many of these are dormant.",
    metrics=(INFO, USERS, DORMANT, COLLECTED),
    endpoints=(SERVER_STATISTICS,),
    interval=6 * 3600,
    min_max_age=LICENSE_MAX_AGE,
    fetch=fetch,
    samples=samples,
)
