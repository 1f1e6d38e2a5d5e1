"""What a GitHub Enterprise Server reports about itself: its license and its statistics."""

from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.simulator.company.activity import CYCLE, DAY, FIRST_MONDAY, progress

PURCHASED_FOR = 1.08
RENEWED_BEFORE = timedelta(days=60)
EXPIRES = (2, 6)
"""Month and day."""

STATISTICS = {
    "repos": {"total_repos": 2.1, "root_repos": 1.9, "fork_repos": 0.2, "org_repos": 1.6, "total_pushes": 310.0},
    "hooks": {"total_hooks": 0.27, "active_hooks": 0.23, "inactive_hooks": 0.04},
    "pages": {"total_pages": 0.36},
    "orgs": {"total_teams": 0.6, "total_team_members": 3.1},
    "pulls": {"total_pulls": 86.0, "merged_pulls": 70.0, "mergeable_pulls": 14.0, "unmergeable_pulls": 2.0},
    "issues": {"total_issues": 79.0, "open_issues": 13.0, "closed_issues": 66.0},
    "milestones": {"total_milestones": 0.7, "open_milestones": 0.6, "closed_milestones": 0.1},
    "gists": {"total_gists": 1.78, "private_gists": 1.51, "public_gists": 0.27},
    "comments": {"total_commit_comments": 0.6, "total_gist_comments": 2.8, "total_issue_comments": 366.0},
}
"""How many of each there are for each person."""

GROWTH = 0.01
"""How much more there is of everything after four weeks."""


class Appliance:
    """A GitHub Enterprise Server with so many *users* and *organizations*."""

    def __init__(self, users: int, organizations: int) -> None:
        self._users = users
        self._organizations = organizations

    def license(self, at: float) -> dict[str, Any]:
        """Return the license; it is renewed in time."""
        seats = max(self._users + 1, int(self._users * PURCHASED_FOR))
        used = self.used(at)
        now = datetime.fromtimestamp(at, UTC)
        expiry = datetime(now.year, *EXPIRES, 12, 41, 52, tzinfo=UTC)
        while expiry - now < RENEWED_BEFORE:
            expiry = expiry.replace(year=expiry.year + 1)
        return {
            "seats": seats,
            "seats_used": used,
            "seats_available": seats - used,
            "kind": "standard",
            "days_until_expiration": int((expiry.timestamp() - at) // DAY),
            # A server writes neither the T nor the zone as ISO 8601 has it.
            "expire_at": f"{expiry - timedelta(hours=6):%Y/%m/%d %H:%M:%S} -0600",
        }

    def statistics(self, at: float) -> dict[str, dict[str, int]]:
        """Return how many there are of everything."""
        grown = 1 + max(0.0, GROWTH * (at - FIRST_MONDAY) / CYCLE)
        groups = {
            group: {item: int(self._users * each * grown) for item, each in items.items()}
            for group, items in STATISTICS.items()
        }
        groups["orgs"] = {"total_orgs": self._organizations, "disabled_orgs": 0, **groups["orgs"]}
        groups["repos"]["total_wikis"] = self._organizations
        groups["comments"]["total_pull_request_comments"] = groups["pulls"]["total_pulls"] // 2
        groups["users"] = {"total_users": self.used(at) + 1, "admin_users": 2, "suspended_users": 1}
        return groups

    def used(self, at: float) -> int:
        """Return how many people have a seat; more join in working hours."""
        return max(1, int(self._users * (0.97 + 0.03 * progress(at).worked)))
