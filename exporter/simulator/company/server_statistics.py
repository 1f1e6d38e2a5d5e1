"""What connected GitHub Enterprise Servers send once a day: their version and how many people use them."""

from datetime import UTC, datetime
from typing import Any

from exporter.simulator.company.activity import DAY
from exporter.simulator.company.license_sync import LicenseSync
from exporter.simulator.company.random_draws import Draws

SHARE_ON_SERVERS = 0.23
"""How many of an enterprise's people have an account on one of its servers."""
MIN_USERS = 5
ADMINS, SUSPENDED = 3, 2
MAX_DORMANT = 0.15
SUPPORT_BOT = 1
VERSIONS = ("3.19.2", "3.18.5", "3.17.11")
FEATURES = ("license_usage_sync", "server_statistics", "actions")


class ServerStatistics:
    """Statistics of every server that has ever synchronized.

    Args:
        seed: Seed of the estate.
        enterprise: Slug of the enterprise.
        servers: Its servers, under the identities they have there.
        users: The most licenses the enterprise ever consumes.
    """

    def __init__(self, seed: int, enterprise: str, servers: LicenseSync, users: int) -> None:
        self._draws = Draws(seed, enterprise, "server-statistics")
        self._servers = servers
        self._users = max(MIN_USERS, round(users * SHARE_ON_SERVERS / max(1, len(servers.hostnames))))

    def days(self, start: float, stop: float) -> list[dict[str, Any]]:
        """Return the statistics of every whole day between *start* and *stop*, the oldest first."""
        first, last = -(-start // DAY), stop // DAY
        numbered = list(enumerate(self._servers.connected()))
        return [
            self._statistics(place, identity, hostname, day)
            for day in range(int(first), int(last))
            for place, (identity, hostname) in numbered
        ]

    def _statistics(self, place: int, identity: str, hostname: str, day: int) -> dict[str, Any]:
        total = self._users + round(self._users * self._draws.fraction(place) / 10)
        dormant = round(total * MAX_DORMANT * self._draws.fraction(place, 1)) + day % 2
        return {
            "server_id": identity,
            "collection_date": f"{datetime.fromtimestamp((day + 1) * DAY - 1, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "schema_version": "20230306",
            "ghes_version": VERSIONS[place % len(VERSIONS)],
            "host_name": hostname,
            "github_connect": {"features_enabled": list(FEATURES)},
            "ghe_stats": {
                "users": {"total_users": total + SUPPORT_BOT, "admin_users": ADMINS, "suspended_users": SUSPENDED},
            },
            "dormant_users": {"total_dormant_users": dormant, "dormancy_threshold": "90 days"},
        }
