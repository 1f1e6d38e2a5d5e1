"""A pair of GitHub Enterprise Servers, one the replica of the other, as their management console sees them."""

from datetime import UTC, datetime
from math import ceil
from typing import Any

from exporter.simulator.company.activity import DAY
from exporter.simulator.company.random_draws import Draws
from exporter.simulator.company.server_instance import Appliance

PRIMARY, REPLICA = "ghes-primary.octo.example.com", "ghes-replica.octo.example.com"
SERVICES = ("redis", "elasticsearch", "git", "pages", "alambic", "git-hooks", "consul", "mysql")
IN_SYNC = "replication is in sync"
BEHIND = "replication is behind by 41 repositories, last checked by octo-ops@acme.example.com"
BROKEN = "replication is not running: connection refused by 192.0.2.17"
BACKUP_AT, BACKUP_LASTS = 2 * 3600, 6 * 60
"""While the backup runs, the replica of the repositories falls behind for some minutes."""
SECURITY_SEATS = 20


class Management:
    """The pair.

    Args:
        seed: Seed of the estate.
        appliance: What runs on it.
        version: Of what runs on it.
    """

    def __init__(self, seed: int, appliance: Appliance, version: str) -> None:
        draws = Draws(seed, "management")
        self._nodes = [(PRIMARY, draws.uuid(1)), (REPLICA, draws.uuid(2))]
        self._appliance = appliance
        self._version = version

    def versions(self) -> list[dict[str, Any]]:
        """Return what runs on each node."""
        release = {"version": self._version, "platform": "kvm", "build_id": "fc542058b5", "build_date": "2026-09-01"}
        return [{"hostname": hostname, "version": release} for hostname, _ in self._nodes]

    def configuration(self) -> dict[str, Any]:
        """Return the nodes."""
        nodes = [
            {"hostname": hostname, "uuid": identity, "replica": hostname == REPLICA}
            for hostname, identity in self._nodes
        ]
        return {"topology": "Ha", "nodes": nodes}

    def replication(self, at: float, *, broken: float = 0.0) -> dict[str, Any]:
        """Return the status of every service of the replica, the share *broken* of which is critical."""
        services = [self._service(place, name, at, broken) for place, name in enumerate(SERVICES)]
        status = next((each for each in ("CRITICAL", "WARNING") if each in {one["status"] for one in services}), "OK")
        nodes = [
            {"hostname": PRIMARY, "status": "OK", "services": []},
            {"hostname": REPLICA, "status": status, "services": services},
        ]
        return {"status": status, "nodes": nodes}

    def maintenance(self, *, share: float = 0.0) -> list[dict[str, Any]]:
        """Return whether each node is in maintenance, which the *share* of them is, the primary first."""
        in_maintenance = ceil(share * len(self._nodes))
        return [self._maintenance(*node, on=place < in_maintenance) for place, node in enumerate(self._nodes)]

    def license(self, at: float) -> dict[str, Any]:
        """Return the license, as the console has it."""
        known = self._appliance.license(at)
        expiry = datetime.strptime(known["expire_at"], "%Y/%m/%d %H:%M:%S %z").astimezone(UTC)
        return {
            "advancedSecurityEnabled": True,
            "advancedSecuritySeats": SECURITY_SEATS,
            "clusterSupport": False,
            "company": "Octo",
            "evaluation": False,
            "expireAt": f"{expiry:%Y-%m-%dT%H:%M:%SZ}",
            "perpetual": False,
            "referenceNumber": "32a145",
            "seats": known["seats"],
            "supportKey": "octo-support-key",
            "unlimitedSeating": False,
        }

    def _service(self, place: int, name: str, at: float, broken: float) -> dict[str, Any]:
        if place < round(broken * len(SERVICES)):
            return {"name": name, "status": "CRITICAL", "details": BROKEN}
        if name == "git" and 0 <= at % DAY - BACKUP_AT < BACKUP_LASTS:
            return {"name": name, "status": "WARNING", "details": BEHIND}
        return {"name": name, "status": "OK", "details": IN_SYNC}

    def _maintenance(self, hostname: str, identity: str, *, on: bool) -> dict[str, Any]:
        numbers = {"git operations": 0, "mysql queries": 2} if on else {"git operations": 15, "mysql queries": 6}
        return {
            "hostname": hostname,
            "uuid": identity,
            "status": "on" if on else "off",
            "connection_services": [{"name": name, "number": number} for name, number in numbers.items()],
            "can_unset_maintenance": on,
            "ip_exception_list": ["192.0.2.10"] if on else [],
            "maintenance_mode_message": "Upgrade to the next release." if on else "",
        }
