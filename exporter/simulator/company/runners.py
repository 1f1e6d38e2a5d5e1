"""Self-hosted runners of an enterprise or an organization, at any time."""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from exporter.simulator.company.activity import CYCLE, DAY, FIRST_MONDAY, HOUR, load, progress
from exporter.simulator.company.random_draws import Draws
from exporter.simulator.company.runner_groups import MACOS, WINDOWS, RunnerGroup

FIRST_RELEASE = 311
"""Minor version of the runner at the first cycle of the calendar; one release follows every four weeks."""

OS_LABELS = {"linux": "Linux", WINDOWS: "Windows", MACOS: "macOS"}
UPDATE_DAYS = (0.5, 1, 1, 2, 2, 3, 3, 5, 8, 14, 21, 28, 30, 42, 58, 75)
"""How long a runner waits before it takes a new release; the longest waits leave it three behind."""

SUPPORT_DAYS = 105
"""How long GitHub gives jobs to a release; whoever waits longest before an update is just in time."""
PINNED_DAYS = 110
"""How old what is newest for a runner that never updates itself is at least."""

MIN_JOB = 120
MAX_JOB = 600
PAUSE = 0.15
"""Share of its time a runner needs between two jobs, so that only a saturated group has no idle one."""

OUTAGE_PERIOD = 4 * HOUR
OUTAGE_CHANCE = 0.3
MIN_OUTAGE = 180
MAX_OUTAGE = 700
ABANDONED_SHARE = 0.01
ABANDONED_FROM = 8
MIN_LIFE = 240
MAX_LIFE = 1_200
IDLE_SHARE_OF_LIFE = 0.15
MIN_EPHEMERAL = 0.3
SCALED_TO_ZERO_BELOW = 0.2
"""The load below which a group that is scaled to zero has only dead registrations."""
DEAD_REGISTRATIONS = 2
IDS_OF_A_GROUP = 100_000_000


def newest_release(at: float) -> str:
    """Return the version of the newest runner application at *at*."""
    return f"2.{FIRST_RELEASE + progress(at).cycle}.0"


def end_of_support(version: str, at: float) -> float | None:
    """Return when a release gets no more jobs; None for the newest, which has no such date.

    Raises:
        ValueError: at *at* there is no such release.
    """
    found = re.fullmatch(r"2\.([0-9]{1,6})\.0", version)
    cycle = int(found[1]) - FIRST_RELEASE if found else -1
    newest = progress(at).cycle
    if not 0 <= cycle <= newest:
        raise ValueError(version)
    return None if cycle == newest else FIRST_MONDAY + cycle * CYCLE + SUPPORT_DAYS * DAY


class Fleet:
    """The runners of one level: an enterprise or an organization.

    Runners are ordered by group and drawn from their place in that order, so a page costs what its own
    runners cost. Ephemeral runners come last, because how many there are changes with the load and moves the places
    of those that follow.

    Args:
        seed: Seed of the estate.
        owner: Slug of the enterprise or login of the organization.
        groups: Its groups; the ephemeral ones come last.
        size: Number of runners when every ephemeral one is registered.
        old_server: Whether records look like those of an old GitHub Enterprise Server, without group,
            version and ephemeral flag.
        first_id: Number before the first runner's.
        pinned: How many of the first runners never update themselves, so that they get no jobs any more.
    """

    def __init__(
        self,
        seed: int,
        owner: str,
        groups: Sequence[RunnerGroup],
        *,
        size: int,
        old_server: bool = False,
        first_id: int = 0,
        pinned: int = 0,
    ) -> None:
        self.groups = groups
        self._draws = Draws(seed, owner, "runners")
        self._outages = Draws(seed, owner, "outages")
        self._prefix = owner if owner.startswith("octo-org") else "octo"
        self._old_server = old_server
        self._first_id = first_id
        self._pinned = pinned
        self._sizes = _sizes(groups, size)

    def span(self, at: float, group_id: int | None = None) -> range:
        """Return the places of the runners registered at *at*, of all groups or of one."""
        starts = self._starts(at)
        if group_id is None:
            return range(starts[-1])
        position = next(position for position, group in enumerate(self.groups) if group.id == group_id)
        return range(starts[position], starts[position + 1])

    def runners(self, at: float, places: range, *, offline: tuple[str, float] = ("", 0.0)) -> list[dict[str, Any]]:
        """Return the runners at *places* as GitHub lists them.

        Args:
            at: Unix time.
            places: Part of a `span`.
            offline: Name of a group and the share of its runners to show as offline.
        """
        work = load(at)
        name, share = offline
        starts = self._starts(at)
        records = []
        for position, group in enumerate(self.groups):
            start, size = starts[position], starts[position + 1] - starts[position]
            lost = round(size * share) if group.name == name else 0
            for place in range(max(places.start, start), min(places.stop, start + size)):
                member = place - start
                if group.ephemeral:
                    record = self._ephemeral(position, member, at)
                else:
                    record = self._permanent(group, place, start, size, at, work)
                if member < lost:
                    record["status"], record["busy"] = "offline", False
                records.append(record)
        return records

    def _starts(self, at: float) -> list[int]:
        return [0, *accumulate(self._size(position, at) for position in range(len(self.groups)))]

    def _size(self, position: int, at: float) -> int:
        group, size, work = self.groups[position], self._sizes[position], load(at)
        if not group.ephemeral:
            return size
        if group.scaled_to_zero:
            dead = min(size, DEAD_REGISTRATIONS)
            return dead + round((size - dead) * max(0.0, work - SCALED_TO_ZERO_BELOW) / (1 - SCALED_TO_ZERO_BELOW))
        return round(size * (MIN_EPHEMERAL + (1 - MIN_EPHEMERAL) * work))

    def _permanent(
        self, group: RunnerGroup, place: int, start: int, size: int, at: float, work: float
    ) -> dict[str, Any]:
        member = place - start
        draw = self._draws.digest(place)
        abandoned = _abandoned(group, member, size)
        online = group.saturated or (not abandoned and not self._in_outage(place, draw, at))
        system = _system(group, member)
        pinned = place < self._pinned
        return self._record(
            group,
            system,
            {
                "id": self._first_id + place + 1,
                "name": f"{self._prefix}-{group.name.lower()}-{system}-{member + 1:04}",
                "status": "online" if online else "offline",
                "busy": online and not pinned and (group.saturated or self._busy(place, draw, at, work * group.demand)),
            },
            version=newest_release(at - PINNED_DAYS * DAY) if pinned else _version(draw, at),
        )

    def _ephemeral(self, position: int, member: int, at: float) -> dict[str, Any]:
        group, size = self.groups[position], self._sizes[position]
        draw = self._draws.digest(-sum(self._sizes[position + 1 :]) - member - 1)
        # An old server does not say that they are ephemeral: one that is dead would look like an outage.
        dead = group.scaled_to_zero and member < DEAD_REGISTRATIONS and not self._old_server
        life = MIN_LIFE + int.from_bytes(draw[:2], "big") % (MAX_LIFE - MIN_LIFE)
        generation, age = (0, 0) if dead else divmod(at + int.from_bytes(draw[2:4], "big"), life)
        number = int(generation) * size + member
        system = _system(group, member)
        return self._record(
            group,
            system,
            {
                "id": self._first_id + 1_000_000 + group.id * IDS_OF_A_GROUP + number,
                "name": _scale_set_name(group, number)
                if group.scaled_to_zero
                else f"{self._prefix}-{group.name.lower()}-{number:x}",
                "status": "offline" if dead else "online",
                "busy": not dead and age > life * IDLE_SHARE_OF_LIFE,
            },
            version=newest_release(at),
        )

    def _record(self, group: RunnerGroup, system: str, state: dict[str, Any], *, version: str) -> dict[str, Any]:
        labels = [
            {"id": 0, "name": "self-hosted", "type": "read-only"},
            {"id": 0, "name": OS_LABELS[system], "type": "read-only"},
            {"id": 0, "name": "ARM64" if system == MACOS else "X64", "type": "read-only"},
            {"id": 20 + group.id, "name": group.name.lower(), "type": "custom"},
        ]
        if group.scaled_to_zero:  # the API has no labels for runners of scale sets
            labels = []
        if self._old_server:
            return state | {"os": "win" if system == WINDOWS else system, "labels": labels}
        return state | {
            "os": system,
            "runner_group_id": group.id,
            "ephemeral": group.ephemeral,
            "version": version,
            "labels": labels,
        }

    def _in_outage(self, place: int, draw: bytes, at: float) -> bool:
        slot, second = divmod(at + int.from_bytes(draw[:2], "big"), OUTAGE_PERIOD)
        length = MIN_OUTAGE + int.from_bytes(draw[2:4], "big") % (MAX_OUTAGE - MIN_OUTAGE)
        return second < length and self._outages.fraction(place, int(slot)) < OUTAGE_CHANCE

    def _busy(self, place: int, draw: bytes, at: float, demand: float) -> bool:
        period = MIN_JOB + int.from_bytes(draw[4:6], "big") % (MAX_JOB - MIN_JOB)
        slot, second = divmod(at + int.from_bytes(draw[6:8], "big"), period)
        return second < period * (1 - PAUSE) and self._draws.fraction(place, int(slot)) < demand


def _scale_set_name(group: RunnerGroup, number: int) -> str:
    """Return a name as the controller of runner scale sets gives one."""
    return f"{group.name}-{number & 0xFFFFF:05x}-runner-{number * 7919 & 0xFFFFF:05x}"


def _abandoned(group: RunnerGroup, member: int, size: int) -> bool:
    return group.default and size >= ABANDONED_FROM and member >= size - max(1, round(size * ABANDONED_SHARE))


def _version(draw: bytes, at: float) -> str:
    return newest_release(at - UPDATE_DAYS[draw[8] % len(UPDATE_DAYS)] * DAY)


def _system(group: RunnerGroup, member: int) -> str:
    if len(group.systems) == 1:
        return next(iter(group.systems))
    wheel = [system for system, weight in group.systems.items() for _ in range(weight)]
    # A stride that shares no factor with the wheel, so that small groups are mixed as well.
    return wheel[member * 3 % len(wheel)] if len(wheel) % 3 else wheel[member % len(wheel)]


def _sizes(groups: Sequence[RunnerGroup], size: int) -> list[int]:
    least = 1 if size >= len(groups) else 0
    sizes = [max(least if group.share else 0, int(size * group.share)) for group in groups]
    sizes[0] = max(0, size - sum(sizes[1:]))
    return sizes
