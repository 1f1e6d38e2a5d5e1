"""Exports of usage that people and schedules have asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.simulator.company.activity import DAY, FIRST_MONDAY, HOUR, WEEK
from exporter.simulator.company.random_draws import Draws

COMPLETED = "completed"
FAILED = "failed"
PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class Export:
    """A report that is asked for again and again.

    Attributes:
        kind: Type of the report.
        every: Seconds from one to the next.
        takes: Seconds until one is ready.
        kept: How many are still listed.
        failing: Which of the kept ones has failed, the newest being 0.
    """

    kind: str
    every: int
    takes: int
    kept: int
    failing: int = -1


EXPORTS = (
    Export("ai_credit", every=HOUR, takes=HOUR, kept=3),
    Export("detailed", every=DAY, takes=600, kept=3),
    Export("summarized", every=WEEK, takes=300, kept=2),
    Export("premium_request", every=WEEK, takes=120, kept=2, failing=0),
)


class UsageReports:
    """The exports of one enterprise, newest first within each type."""

    def __init__(self, seed: int, enterprise: str, exports: Sequence[Export] = EXPORTS) -> None:
        self._draws = Draws(seed, enterprise, "usage-reports")
        self._enterprise = enterprise
        self._exports = exports

    def records(self, at: float) -> list[dict[str, Any]]:
        """Return the exports listed at *at*."""
        return [
            self._record(number, export, rank, at)
            for number, export in enumerate(self._exports)
            for rank in range(export.kept)
        ]

    def _record(self, number: int, export: Export, rank: int, at: float) -> dict[str, Any]:
        turn = int((at - FIRST_MONDAY) // export.every) - rank
        created_at = FIRST_MONDAY + turn * export.every
        created = datetime.fromtimestamp(created_at, UTC)
        status = FAILED if rank == export.failing else COMPLETED if at - created_at >= export.takes else PROCESSING
        record: dict[str, Any] = {
            "id": self._draws.uuid(number, turn),
            "report_type": export.kind,
            "start_date": f"{created - timedelta(days=30):%Y-%m-%d}",
            "end_date": f"{created - timedelta(days=1):%Y-%m-%d}",
            "status": status,
            "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}",
            "actor": "octo-billing",
        }
        if status == COMPLETED:
            signature = self._draws.digest(number, turn, 1).hex()
            path = f"enterprises/{self._enterprise}/metered_exports/{turn}"
            record["download_urls"] = [f"https://exports.example.com/{path}?sig={signature}"]
        return record
