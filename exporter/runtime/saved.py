"""What outlives a restart of one collector for one enterprise, and its form in the file.

A document is compressed: one line of JSON, then the texts that line gives the lengths of. It holds what `/metrics`
shows, when to run next, and what the collector declares as lasting; no message of an error, no secret.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import Reason
from exporter.metrics.exposition import Lines
from exporter.runtime.availability import Availability
from exporter.runtime.snapshot import Result
from exporter.runtime.status import Status, Verdict

LEVEL = 1
"""Of compression: a tenth of the size for little time."""
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error)
"""What decoding a document of other code may raise."""

Written = Mapping[str, Mapping[str, tuple[float, Any]]]
"""Per organization and name: when it was remembered, and as JSON."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The state after a run.

    Attributes:
        fingerprint: of everything that shapes a result; a result with another one is of no use.
        credentials_digest: of the credentials; with other ones a refusal says nothing any more.
        levels: whose data was asked for.
        verdicts: what the API told of each credential.
    """

    fingerprint: str
    credentials_digest: str
    levels: tuple[str, ...]
    status: Status
    availability: Availability
    failed_runs: int
    results: Mapping[str, Result]
    memories: Written
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


def encode(kept: Kept) -> bytes:
    """Write *kept* down."""
    status, available = kept.status, kept.availability
    texts: list[bytes] = []
    results: dict[str, Any] = {}
    for organization, result in kept.results.items():
        families = {name: (lines.series, len(lines.text)) for name, lines in result.families.items()}
        results[organization] = {"at": result.collected_at, "families": families}
        texts += [lines.text for lines in result.families.values()]
    head = {
        "credentials_digest": kept.credentials_digest,
        "levels": kept.levels,
        "interval": status.interval,
        "attempted_at": status.attempted_at,
        "succeeded_at": status.succeeded_at,
        "duration": status.duration,
        "success": status.success,
        "reason": status.reason,
        "next_at": status.next_at,
        "offered": available.offered,
        "ever_worked": available.ever_worked,
        "refusals": available.refusals,
        "failed_runs": kept.failed_runs,
        "memories": kept.memories,
        "verdicts": kept.verdicts,
        "results": results,
    }
    return zlib.compress(b"\n".join((json.dumps(head).encode(), b"".join(texts))), LEVEL)


def decode(fingerprint: str, document: bytes) -> Kept:
    """Read a document again.

    Raises:
        UNREADABLE: it was written by other code.
    """
    first, _, texts = zlib.decompress(document).partition(b"\n")
    head = json.loads(first)
    results: dict[str, Result] = {}
    start = 0
    for organization, told in head["results"].items():
        families: dict[str, Lines] = {}
        for name, (series, length) in told["families"].items():
            families[name] = Lines(texts[start : start + length], series)
            start += length
        results[organization] = Result(families, told["at"])
    status = Status(
        head["interval"],
        attempted_at=head["attempted_at"],
        succeeded_at=head["succeeded_at"],
        duration=head["duration"],
        success=head["success"],
        available=head["offered"],
        reason=None if head["reason"] is None else Reason(head["reason"]),
        next_at=head["next_at"],
    )
    return Kept(
        fingerprint=fingerprint,
        credentials_digest=head["credentials_digest"],
        levels=tuple(head["levels"]),
        status=status,
        availability=Availability(head["offered"], head["ever_worked"], head["refusals"]),
        failed_runs=head["failed_runs"],
        results=results,
        memories={
            level: {name: (at, value) for name, (at, value) in told.items()} for level, told in head["memories"].items()
        },
        verdicts={name: Verdict(accepted, expires_at) for name, (accepted, expires_at) in head["verdicts"].items()},
    )
