"""Copilot's usage report: totals of 28 days, as a file of one JSON object a line."""

from datetime import UTC, datetime
from typing import Any

from exporter.simulator.company.activity import DAY, FIRST_MONDAY, WORKING_DAYS
from exporter.simulator.company.copilot import Copilot
from exporter.simulator.company.random_draws import Draws

DAYS = 28
WEEKEND = 0.15
FEATURES = {
    "code_completion": (30, 0.31),
    "chat_panel_ask_mode": (4, 0.22),
    "chat_panel_agent_mode": (7, 0.46),
    "agent_edit": (9, 0.58),
}
"""Suggestions of a person and day, and the share of them that is accepted."""
ADOPTION_DAYS = 400
"""How long the agent takes to be used by nearly everybody."""


class CopilotUsage:
    """How the people with a seat use it."""

    def __init__(self, seed: int, enterprise: str, copilot: Copilot) -> None:
        self._draws = Draws(seed, enterprise, "copilot usage")
        self._copilot = copilot

    def last_day(self, at: float) -> int:
        """Return the number of the newest day that the report at *at* has: yesterday's, once it is noon."""
        return int((at - DAY / 2) // DAY) - 1

    def report(self, at: float) -> list[dict[str, Any]]:
        """Return the records of the file at *at*."""
        last = self.last_day(at)
        return [
            {
                "enterprise_id": "1",
                "report_start_day": written(last - DAYS + 1),
                "report_end_day": written(last),
                "day_partition": written(last),
                "entity_id_partition": 0,
                "day_totals": [self._totals(day) for day in range(last - DAYS + 1, last + 1)],
            }
        ]

    def _totals(self, day: int) -> dict[str, Any]:
        people = self._copilot.people(day * DAY)
        is_workday = (day * DAY - FIRST_MONDAY) // DAY % 7 < WORKING_DAYS
        daily = int(people * (0.5 + 0.1 * self._draws.fraction(day)) * (1 if is_workday else WEEKEND))
        agents = min(0.9, 0.2 + (day - FIRST_MONDAY // DAY) % ADOPTION_DAYS / ADOPTION_DAYS)
        features = [
            {
                "feature": feature,
                "code_generation_activity_count": daily * suggestions,
                "code_acceptance_activity_count": int(daily * suggestions * accepted),
            }
            for feature, (suggestions, accepted) in FEATURES.items()
        ]
        created = daily // 2
        return {
            "day": written(day),
            "enterprise_id": "1",
            "daily_active_users": daily,
            "weekly_active_users": int(people * 0.75),
            "monthly_active_users": int(people * 0.85),
            "monthly_active_chat_users": int(people * 0.6),
            "monthly_active_agent_users": int(people * 0.85 * agents),
            "daily_active_cli_users": daily // 9,
            "code_generation_activity_count": sum(each["code_generation_activity_count"] for each in features),
            "code_acceptance_activity_count": sum(each["code_acceptance_activity_count"] for each in features),
            "totals_by_feature": features,
            "pull_requests": {
                "total_created": created,
                "total_created_by_copilot": int(created * agents * 0.3),
                "total_reviewed": int(created * 0.9),
                "total_reviewed_by_copilot": int(created * 0.5),
                "total_merged": int(created * 0.8),
                "total_merged_created_by_copilot": int(created * agents * 0.2),
            },
        }


def written(day: int) -> str:
    """Return the date of a *day* counted from 1970."""
    return f"{datetime.fromtimestamp(day * DAY, UTC):%Y-%m-%d}"
