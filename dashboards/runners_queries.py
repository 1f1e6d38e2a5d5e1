"""What the rows of the runners' dashboard ask in common."""

from alerts import thresholds as limit
from dashboards import queries as q

CHOSEN = 'organization=~"$organization", runner_group=~"$runner_group"'
SAME_GROUP = "on (enterprise, organization, runner_group)"
LEGEND = "{{runner_group}}{{organization}} ({{enterprise}})"

BUSY, ONLINE, OFFLINE = (q.runners(state, *q.GROUP, where=CHOSEN) for state in ("busy", q.ONLINE, "offline"))
UTILIZATION = q.ratio(BUSY, ONLINE)
PAST = f"(({UTILIZATION})[$__range:5m] @ end())"
SATURATED = f"avg_over_time(({UTILIZATION} >= bool {limit.RUNNERS_SATURATED})[$__range:5m])"

_BY_VERSION = ("ghe_runners_by_version", "organization", "os", "version")
VERSIONS = q.one(*_BY_VERSION, where='organization=~"$organization"')
NEWEST = q.one("ghe_runner_application_info", "os", "version")
JUDGED = q.one(*_BY_VERSION, where='organization=~"$organization", version!=""') + f" and on (enterprise, os) {NEWEST}"
"""Runners with a known version, where the newest one is known too."""
OUTDATED = f"{JUDGED} unless on (enterprise, os, version) {NEWEST}"


def filled(expr: str) -> str:
    """Groups for a table, which joins by the labels that two queries share: none may lack one."""
    return q.named(q.named(expr, "organization", "(enterprise)"), "runner_group", "(no group)")


def in_words(expr: str) -> str:
    """Groups for LEGEND; those of the enterprise itself are in no organization."""
    within = f'label_replace({expr}, "organization", " in $1", "organization", "(.+)")'
    return q.named(within, "runner_group", "(no group)")
