"""What the rows of the runners' dashboard ask in common."""

from alerts import thresholds as limit
from dashboards import queries as q

CHOSEN = 'organization=~"$organization", runner_group=~"$runner_group"'
SAME_GROUP = "on (enterprise, organization, runner_group)"
LEGEND = "{{runner_group}}{{organization}} ({{enterprise}})"
LABEL_LEGEND = "{{label}}{{organization}} ({{enterprise}})"

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
_SUPPORTED_UNTIL = q.one("ghe_runner_version_deprecation_timestamp_seconds", "version")
SUPPORT_LEFT = f"(min by (version) ({_SUPPORTED_UNTIL} and on (enterprise, version) ({VERSIONS} > 0)) - time()) / 86400"
"""Days for which GitHub still gives jobs to each version in use."""

LABEL = ("organization", "label")
IN_ORGANIZATION = 'organization=~"$organization"'


def labeled(state: str, where: str = IN_ORGANIZATION) -> str:
    """Runners in *state*, a regular expression, by label; each counts under all of its labels."""
    chosen = ", ".join(filter(None, (f'state=~"{state}"' if state else "", where)))
    return q.total("ghe_runner_label_runners", *LABEL, of=("state",), where=chosen)


LABEL_BUSY, LABEL_ONLINE = labeled("busy"), labeled(q.ONLINE)
LABEL_UTILIZATION = q.ratio(LABEL_BUSY, LABEL_ONLINE)
EXPECTED = f"({q.one('ghe_runner_label_expected', 'label')} == 1)"
SERVED = f"(sum by (enterprise, label) ({labeled(q.ONLINE, '')}) > bool 0) and on (enterprise, label) {EXPECTED}"
"""Whether an expected label has an online runner, of the enterprise or of any organization."""
_LASTING = 'label!="(other)"'
_REGISTERED = labeled("", f"{IN_ORGANIZATION}, {_LASTING}")
_EPHEMERAL = q.one("ghe_runner_label_ephemeral_runners", *LABEL, where=IN_ORGANIZATION)
LABEL_FULL = (
    f"({q.ratio(*(labeled(state, f'{IN_ORGANIZATION}, {_LASTING}') for state in ('busy', q.ONLINE)))}"
    f" >= bool {limit.LABEL_SATURATED:g} unless {_EPHEMERAL} >= {_REGISTERED})"
)
"""Whether all online runners of a label are busy; as for the alert, without labels of ephemeral runners alone."""
LABEL_SATURATED = f"avg_over_time({LABEL_FULL}[$__range:5m])"


def in_enterprise(expr: str) -> str:
    """*expr* for a table, with a name for the runners of the enterprise itself."""
    return q.named(expr, "organization", "(enterprise)")


def in_organization(expr: str) -> str:
    """*expr* for a legend; what is the enterprise's own is in no organization."""
    return f'label_replace({expr}, "organization", " in $1", "organization", "(.+)")'


def filled(expr: str) -> str:
    """Groups for a table, which joins by the labels that two queries share: none may lack one."""
    return q.named(in_enterprise(expr), "runner_group", "(no group)")


def in_words(expr: str) -> str:
    """Groups for LEGEND."""
    return q.named(in_organization(expr), "runner_group", "(no group)")
