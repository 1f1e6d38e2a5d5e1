"""Streams of the audit log of an enterprise."""

from datetime import UTC, datetime
from typing import Any

CREATED_AT = "2025-03-11T08:12:45Z"
FORGOTTEN_DAYS = 2
"""How long the stream of the enterprise that nobody looks after has been paused."""
DAY = 86_400


def streams(slug: str, at: float) -> list[dict[str, Any]]:
    """Return the streams of an enterprise in GitHub's terms."""
    if slug == "octo-corp":
        return [_stream(1, "Splunk", "US"), _stream(2, "Azure Blob Storage", "octo-audit")]
    if slug == "octo-legacy":
        return [_stream(7, "Google Cloud Storage", "octo-legacy-audit", (at // DAY - FORGOTTEN_DAYS) * DAY)]
    return []


def _stream(number: int, kind: str, details: str, paused_at: float | None = None) -> dict[str, Any]:
    paused = None if paused_at is None else datetime.fromtimestamp(paused_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": number,
        "stream_type": kind,
        "stream_details": details,
        "enabled": paused is None,
        "created_at": CREATED_AT,
        "updated_at": paused or CREATED_AT,
        "paused_at": paused,
    }
