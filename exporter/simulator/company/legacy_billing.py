"""Billing as it was before the enhanced platform: three small answers about the current month."""

from typing import Any

from exporter.simulator.company.activity import DAY
from exporter.simulator.company.periods import Month, Stretch
from exporter.simulator.company.skus import Profile

INCLUDED_MINUTES = 50_000
INCLUDED_TRANSFER = 100
MINUTES_OF_A_MONTH = {"UBUNTU": 21_300, "MACOS": 1_900, "WINDOWS": 4_700, "ubuntu_4_core": 800}
PAID_SIZES = frozenset({"ubuntu_4_core"})
TRANSFER_OF_A_MONTH = 131
STORAGE = 34


class LegacyBilling:
    """What an enterprise on the old platform uses; whole numbers, as they were."""

    def actions(self, at: float) -> dict[str, Any]:
        """Minutes by machine."""
        share = _worked(at)
        breakdown = {machine: int(minutes * share) for machine, minutes in MINUTES_OF_A_MONTH.items()}
        return {
            "total_minutes_used": sum(breakdown.values()),
            "total_paid_minutes_used": sum(breakdown[machine] for machine in PAID_SIZES),
            "included_minutes": INCLUDED_MINUTES,
            "minutes_used_breakdown": breakdown,
        }

    def packages(self, at: float) -> dict[str, Any]:
        """Data transfer in gigabytes."""
        used = int(TRANSFER_OF_A_MONTH * _worked(at))
        return {
            "total_gigabytes_bandwidth_used": used,
            "total_paid_gigabytes_bandwidth_used": max(0, used - INCLUDED_TRANSFER),
            "included_gigabytes_bandwidth": INCLUDED_TRANSFER,
        }

    def shared_storage(self, at: float) -> dict[str, Any]:
        """Storage, estimated for the whole month."""
        return {
            "days_left_in_billing_cycle": int((Month.of(at).stop - at) // DAY),
            "estimated_paid_storage_for_month": 0,
            "estimated_storage_for_month": STORAGE,
        }


def _worked(at: float) -> float:
    month = Month.of(at)
    return Profile.WORKED.share(Stretch(month, month.start, at))
