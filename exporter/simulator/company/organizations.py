"""Which organizations an enterprise has at a time, and their custom properties."""

from collections.abc import Sequence
from typing import Any

CYCLE_SECONDS = 48 * 3600
AWAY_FROM, AWAY_UNTIL = 2 * 3600, 4 * 3600
"""In this part of each cycle the last organization belongs to another enterprise."""
MIN_PRESENT = 2

TEAMS = ("platform", "data", "mobile", "web", "research")
COST_CENTERS = ("Platform engineering", "Data science", "Mobile apps", "Platform engineering")
REGIONS = (["eu"], ["eu", "us"], ["apac"])
FIRST_ID = 4_001


def present(organizations: Sequence[str], at: float) -> Sequence[str]:
    """Return those of *organizations* that the enterprise has at the time *at*."""
    is_away = AWAY_FROM <= at % CYCLE_SECONDS < AWAY_UNTIL and len(organizations) > MIN_PRESENT
    return organizations[:-1] if is_away else organizations


def property_values(number: int, login: str) -> dict[str, Any]:
    """Return the custom properties of organization *number* in GitHub's terms."""
    values: dict[str, Any] = {
        "team": TEAMS[number % len(TEAMS)],
        "cost_center": COST_CENTERS[number % len(COST_CENTERS)],
        "regions": REGIONS[number % len(REGIONS)],
        "audited": "true" if number % 2 else "false",
        "contact": f"{login}@acme.example.com",
        "handbook": f"https://handbook.acme.example.com/{login}",
    }
    properties = [{"property_name": name, "value": value} for name, value in values.items()]
    return {"organization_id": FIRST_ID + number, "organization_login": login, "properties": properties}
