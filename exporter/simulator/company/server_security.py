"""Security features of a GitHub Enterprise Server: in how many repositories each is on, and who commits there."""

from collections.abc import Mapping

from exporter.simulator.company.advanced_security import Committers

ENABLED: Mapping[str, float] = {
    "nonarchived": 0.9,
    "secret_scanning_enabled": 0.62,
    "secret_scanning_push_protection_enabled": 0.51,
    "code_scanning_enabled": 0.44,
    "code_scanning_pr_reviews_enabled": 0.39,
    "code_scanning_default_setup_enabled": 0.27,
    "code_scanning_default_setup_eligible": 0.12,
    "dependabot_alerts_enabled": 0.81,
    "dependabot_security_updates_enabled": 0.58,
    "dependabot_version_updates_enabled": 0.35,
    "advanced_security_enabled": 0.62,
}
"""Shares of the repositories."""


def security_products(repositories: int, committers: Committers) -> dict[str, int]:
    """Return the numbers of a server that has bought the bundle of both products."""
    return {
        "total_repos": repositories,
        **{f"{feature}_repos": round(repositories * share) for feature, share in ENABLED.items()},
        "active_committers": committers.active,
        "purchased_committers": committers.purchased,
        "maximum_committers": committers.maximum,
        "secret_protection_licenses": 0,
        "secret_protection_active_committers": 0,
        "code_security_licenses": 0,
        "code_security_active_committers": 0,
    }
