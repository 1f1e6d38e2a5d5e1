"""GitHub-hosted larger runners of an enterprise or organization, in groups with limits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from exporter.simulator.company.activity import HOUR
from exporter.simulator.company.random_draws import Draws

PUBLIC_IPS = 50
PREFIX_LENGTH = 31
IPS_OF_A_PREFIX = 2
SIZES = (2, 4, 8, 10, 20)
STUCK = 1
"""Place of the one that never becomes ready."""

SLOT = 900
"""Seconds after which a runner's status may be another."""


class Machine(NamedTuple):
    """A kind of larger runner and the group it is in."""

    group: int
    platform: str
    image: str
    size: str
    cores: int
    memory: int
    storage: int
    public: bool = False


MACHINES = (
    Machine(2, "linux-x64", "ubuntu-24.04", "4-core", 4, 16, 150, public=True),
    Machine(2, "linux-x64", "ubuntu-22.04", "8-core", 8, 32, 300),
    Machine(3, "win-x64", "windows-2025", "8-core", 8, 32, 300, public=True),
    Machine(2, "linux-arm64", "ubuntu-24.04-arm64", "16-core", 16, 64, 600),
    Machine(5, "linux-x64", "ubuntu-24.04-gpu", "4-core-gpu", 4, 28, 176),
    Machine(4, "macos-arm64", "macos-15", "5-core", 5, 14, 14),
)


ORGANIZATION_MACHINES = (MACHINES[0]._replace(public=False), MACHINES[1])
"""What an organization defines for itself, in the one group of its own that is not the default."""

PROVISIONING_CHANCE = 0.02


class HostedRunners:
    """The larger runners of an enterprise or organization; each is as many machines as it may have at a time."""

    def __init__(self, seed: int, owner: str, size: int, machines: Sequence[Machine] = MACHINES) -> None:
        self._draws = Draws(seed, owner, "hosted-runners")
        self._machines = machines
        self.places = range(size)

    @property
    def public_ips(self) -> int:
        """How many public addresses are taken."""
        return sum(IPS_OF_A_PREFIX for place in self.places if self._machine(place).public)

    def runners(self, at: float, places: range) -> list[dict[str, Any]]:
        """Return the runners at *places*."""
        return [self._runner(place, at) for place in places]

    def _runner(self, place: int, at: float) -> dict[str, Any]:
        machine = self._machine(place)
        image = {"id": machine.image, "size_gb": 86, "display_name": machine.image, "source": "github"}
        record: dict[str, Any] = {
            "id": place + 1,
            "name": f"octo-hosted-{machine.platform}-{machine.size}-{place + 1}",
            "runner_group_id": machine.group,
            "platform": machine.platform,
            # The schema says image_details, GitHub's example image.
            "image_details" if place % 2 == 0 else "image": image,
            "machine_size_details": {
                "id": machine.size,
                "cpu_cores": machine.cores,
                "memory_gb": machine.memory,
                "storage_gb": machine.storage,
            },
            "status": self._status(place, at),
            "maximum_runners": SIZES[place % len(SIZES)],
            "public_ip_enabled": machine.public,
            "public_ips": [
                {"enabled": True, "prefix": f"192.0.2.{place * IPS_OF_A_PREFIX % 256}", "length": PREFIX_LENGTH}
            ]
            if machine.public
            else [],
            "last_active_on": f"{datetime.fromtimestamp(at // HOUR * HOUR, UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        if record["status"] == "Stuck":
            record["last_active_on"] = None
        return record

    def _status(self, place: int, at: float) -> str:
        if place == STUCK and self._machines is MACHINES:
            return "Stuck"
        provisioning = self._draws.fraction(place, int(at // SLOT)) < PROVISIONING_CHANCE
        return "Provisioning" if provisioning else "Ready"

    def _machine(self, place: int) -> Machine:
        machine = self._machines[place % len(self._machines)]
        # Only so many addresses can be had.
        return machine if place * IPS_OF_A_PREFIX < PUBLIC_IPS else machine._replace(public=False)
