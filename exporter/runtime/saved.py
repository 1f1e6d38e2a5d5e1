"""What outlives a restart of one level of a collector, and its form in the file.

A document is compressed: one line of JSON, then the texts that line gives the lengths of. It holds what `/metrics`
shows, when to run next, and what the collector declares as persisted; no message of an error, no secret.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import Reason
from exporter.metrics.exposition import RenderedFamily
from exporter.runtime.availability import Availability
from exporter.runtime.status import LevelKey, LevelStatus, Verdict

COMPRESSION_LEVEL = 1
"""A tenth of the size for little time."""
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error)
"""What decoding a document of other code may raise."""


@dataclass(frozen=True, slots=True)
class SavedResult:
    """The last good result; `collected_at` is a Unix time, the only one that means something to another process."""

    families: Mapping[str, RenderedFamily]
    collected_at: float


@dataclass(frozen=True, slots=True)
class SavedState:
    """The state of a level after a reading.

    Attributes:
        credentials_digest: with other credentials a refusal says nothing any more.
        interval: seconds from one reading to the next.
        result: None if there is none, or it is too old.
        memory: what the collector persists, by name: when it was remembered, and as JSON.
        verdicts: the API's last word on each credential of the enterprise.
        organizations: those that this collector found the enterprise to have.
        charged: requests of a reading that count against each resource of the rate limit.
    """

    credentials_digest: str
    interval: float
    status: LevelStatus
    availability: Availability
    failed_runs: int
    result: SavedResult | None = None
    memory: Mapping[str, tuple[float, Any]] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    organizations: tuple[str, ...] = ()
    charged: Mapping[str, float] = field(default_factory=dict)


def encode(saved: SavedState) -> bytes:
    """Write *saved* as a document."""
    status, available = saved.status, saved.availability
    families = saved.result.families if saved.result is not None else {}
    head = {
        "credentials_digest": saved.credentials_digest,
        "interval": saved.interval,
        "attempted_at": status.attempted_at,
        "succeeded_at": status.succeeded_at,
        "duration": status.duration,
        "success": status.success,
        "reason": status.reason,
        "next_at": status.next_at,
        "requests": status.requests,
        "offered": available.offered,
        "ever_worked": available.ever_worked,
        "refusals": available.refusals,
        "failed_runs": saved.failed_runs,
        "memory": saved.memory,
        "verdicts": saved.verdicts,
        "organizations": saved.organizations,
        "charged": saved.charged,
        "collected_at": saved.result.collected_at if saved.result is not None else None,
        "families": {name: (lines.series, len(lines.text)) for name, lines in families.items()},
    }
    texts = b"".join(lines.text for lines in families.values())
    return zlib.compress(b"\n".join((json.dumps(head).encode(), texts)), COMPRESSION_LEVEL)


def decode(document: bytes) -> SavedState:
    """Read a document.

    Raises:
        UNREADABLE: it was written by other code.
    """
    first, _, texts = zlib.decompress(document).partition(b"\n")
    head = json.loads(first)
    families: dict[str, RenderedFamily] = {}
    start = 0
    for name, (series, length) in head["families"].items():
        families[name] = RenderedFamily(texts[start : start + length], series)
        start += length
    status = LevelStatus(
        attempted_at=head["attempted_at"],
        succeeded_at=head["succeeded_at"],
        duration=head["duration"],
        success=head["success"],
        available=head["offered"],
        reason=None if head["reason"] is None else Reason(head["reason"]),
        next_at=head["next_at"],
        requests=head["requests"],
    )
    return SavedState(
        credentials_digest=head["credentials_digest"],
        interval=head["interval"],
        status=status,
        availability=Availability(head["offered"], head["ever_worked"], head["refusals"]),
        failed_runs=head["failed_runs"],
        result=None if head["collected_at"] is None else SavedResult(families, head["collected_at"]),
        memory={name: (at, value) for name, (at, value) in head["memory"].items()},
        charged={resource: float(requests) for resource, requests in head["charged"].items()},
        verdicts={name: Verdict(accepted, expires_at) for name, (accepted, expires_at) in head["verdicts"].items()},
        organizations=tuple(map(str, head["organizations"])),
    )


def row_name(level: LevelKey) -> str:
    """What the row of *level* is called in the file."""
    return json.dumps(level)


def level_of(row: str) -> LevelKey:
    """The level whose row is called *row*.

    Raises:
        UNREADABLE: it was written by other code.
    """
    return LevelKey(*json.loads(row))
