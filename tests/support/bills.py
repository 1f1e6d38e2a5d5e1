"""What an enterprise's bill is read from, recorded."""

from datetime import UTC, datetime

BILLING = "/enterprises/octo-corp/settings/billing"
SUMMARY = f"{BILLING}/usage/summary"
LEGACY = {
    f"{BILLING}/actions": {"total_minutes_used": 305, "total_paid_minutes_used": 0, "included_minutes": 3000},
    f"{BILLING}/packages": {"total_gigabytes_bandwidth_used": 50},
    f"{BILLING}/shared-storage": {"estimated_storage_for_month": 40},
}
DAY = 24 * 3600
MOVED = {"status": 410, "body": {"message": "This endpoint has been moved.", "status": "410"}}


def at(moment: str) -> float:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
