"""Visual Studio subscriptions that include a license of GitHub Enterprise."""

from typing import Any

from exporter.simulator.company.licenses import Licenses
from exporter.simulator.company.people import CLOUD_AND_SERVER, VISUAL_STUDIO_MATCHED, VISUAL_STUDIO_UNMATCHED
from exporter.simulator.company.random_draws import Draws

KINDS = 256
"""The thresholds of the kinds of people are bytes."""


class Subscriptions:
    """The subscriptions of one enterprise: as many as its people have on average, those without an account first."""

    def __init__(self, seed: int, enterprise: str, licenses: Licenses) -> None:
        self._draws = Draws(seed, enterprise, "subscriptions")
        self._licenses = licenses

    def places(self, at: float, *, unmatched_only: bool = False) -> range:
        """Return the places of all subscriptions, or of those that no account is known for."""
        stop = VISUAL_STUDIO_UNMATCHED if unmatched_only else VISUAL_STUDIO_MATCHED
        return range(round(self._licenses.seats(at).consumed * (stop - CLOUD_AND_SERVER) / KINDS))

    def records(self, at: float, places: range) -> list[dict[str, Any]]:
        """Return the subscriptions at *places* in GitHub's terms."""
        unmatched = self.places(at, unmatched_only=True)
        return [
            {
                "visual_studio_subscription_email": f"octo-subscriber-{place}@globex.example.com",
                "subscription_id": self._draws.uuid(place),
                "username": None if place in unmatched else f"octo-subscriber-{place}",
                "manual_match": False,
            }
            for place in places
        ]
