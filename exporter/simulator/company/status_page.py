"""GitHub's public status page: all is well, but for an incident now and then."""

from typing import Any

from exporter.simulator.company.random_draws import Draws

COMPONENTS = (
    "Git Operations",
    "Webhooks",
    "API Requests",
    "Issues",
    "Pull Requests",
    "Actions",
    "Packages",
    "Pages",
    "Codespaces",
    "Copilot",
)
NOTICE = "Visit www.githubstatus.com for more information"
PERIOD = 6 * 3600
"""One incident in so many seconds."""
INCIDENT_SECONDS = 25 * 60
DISTURBANCES = (("degraded_performance", "minor"), ("partial_outage", "major"), ("major_outage", "critical"))
OPERATIONAL = "operational"


class StatusPage:
    """The page, as a function of a seed and a time."""

    def __init__(self, seed: int) -> None:
        self._draws = Draws(seed, "status page")

    def summary(self, at: float) -> dict[str, Any]:
        """Return what the page reports at *at*."""
        place, status, impact = self._incident(at)
        components = [
            {"id": f"c{number}", "name": name, "status": status if number == place else OPERATIONAL, "group": False}
            for number, name in enumerate((*COMPONENTS, NOTICE))
        ]
        incident = {"id": f"i{at // PERIOD:.0f}", "status": "investigating", "impact": impact}
        if place is not None:
            incident["name"] = f"Disruption with {COMPONENTS[place]}"
        return {
            "page": {"id": "kctbh9vrtdwd", "name": "GitHub", "url": "https://www.githubstatus.com"},
            "components": components,
            "incidents": [] if place is None else [incident],
            "scheduled_maintenances": [],
            "status": {
                "indicator": impact,
                "description": "All Systems Operational" if place is None else "Disruption",
            },
        }

    def _incident(self, at: float) -> tuple[int | None, str, str]:
        """The component that is disturbed, how, and with which impact."""
        period, elapsed = divmod(at, PERIOD)
        begins = self._draws.fraction(int(period), 0) * (PERIOD - INCIDENT_SECONDS)
        if not begins <= elapsed < begins + INCIDENT_SECONDS:
            return None, OPERATIONAL, "none"
        place = int(self._draws.fraction(int(period), 1) * len(COMPONENTS))
        status, impact = DISTURBANCES[int(self._draws.fraction(int(period), 2) * len(DISTURBANCES))]
        return place, status, impact
