"""Self-hosted runners and larger runners: for those who keep CI running."""

from alerts import thresholds as limit
from dashboards import alert_colors
from dashboards import queries as q
from dashboards import runners_queries as r
from dashboards.frame import Board, Panels, choice, runbooks
from dashboards.panels import Column, bars, lines, stat, table, timeline
from dashboards.parts import (
    COUNT,
    COUNTED,
    COUNTED_FROM_ZERO,
    CRITICAL,
    NONE,
    NONE_OF_THEM,
    RUNNER_STATES,
    SERVED,
    SHARE,
    SHARED,
    WARNING,
    Look,
    Query,
)
from dashboards.waiting import waiting

MAX_ROWS = 25
NO_RUNNER = "no self-hosted runner in this choice"
HEADINGS = {"enterprise": "Enterprise", "organization": "Organization", "runner_group": "Group"}
HEAT = [
    (None, "#1f2f46"),
    (0.2, "#24508c"),
    (0.4, "#3274d9"),
    (0.6, "#8ab8ff"),
    (0.8, "#ffee52"),
    (limit.RUNNERS_SATURATED, WARNING),
]


def _now() -> Panels:
    return [
        stat(
            "Online",
            "Runners connected to GitHub, busy ones included.",
            f"sum({r.ONLINE})",
            look=COUNTED,
            no_value=NO_RUNNER,
        ),
        stat(
            "Busy",
            "Runners that execute a job at this moment. GitHub may lag by some seconds.",
            f"sum({r.BUSY})",
            look=COUNTED,
            no_value=NO_RUNNER,
        ),
        stat(
            "Offline",
            "Registered runners without a connection. Single ones are everyday life where machines come and go; look "
            "at the list of offline runners below for those that should be there.",
            f"sum({r.OFFLINE})",
            look=COUNTED,
            no_value=NO_RUNNER,
        ),
        stat(
            "Utilization",
            "Busy runners as a share of those online. Above the alert's limit for long, jobs wait: add runners. Far "
            "below it all day: take some away.",
            f"sum({r.BUSY}) / (sum({r.ONLINE}) > 0)",
            look=alert_colors.SATURATED,
            filled=True,
            no_value="no runner online",
            links=runbooks("GitHubRunnersSaturated"),
        ),
        stat(
            "Worst group",
            "The largest share of offline runners in a group, where the alerts would count it: groups of ephemeral "
            "runners alone are left out. 100%: nothing runs there, and the alert pages.",
            q.worst_group(r.CHOSEN),
            look=alert_colors.OFFLINE,
            filled=True,
            no_value=NO_RUNNER,
            links=runbooks("GitHubRunnersAllOffline", "GitHubRunnersManyOffline"),
        ),
        stat(
            "Outdated",
            "Runners whose application is older than the newest that GitHub offers. GitHub stops sending jobs to "
            "runners that stay behind for 30 days. Runners without a known version are left out. Not filtered "
            "by group, since versions are counted by organization.",
            f"sum({r.OUTDATED}) or vector(0) and on () count({r.JUDGED})",
            look=COUNTED,
            no_value="versions not reported",
            links=runbooks("GitHubRunnersOutdated"),
        ),
    ]


def _groups() -> Panels:
    ephemeral = q.one("ghe_runner_group_ephemeral_runners", *q.GROUP, where=r.CHOSEN)
    return [
        timeline(
            "Heat of groups",
            "Utilization of each group over time: dark is idle, light blue is well used, orange is saturated: jobs "
            f"wait. Gaps: nothing was online. The {MAX_ROWS} busiest groups of the time shown; idle ones are left "
            "out. Compare rows to move runners among groups.",
            Query(
                r.in_words(f"{r.UTILIZATION} and {r.SAME_GROUP} topk({MAX_ROWS}, avg_over_time{r.PAST} > 0)"), r.LEGEND
            ),
            look=Look(SHARE, 0, 0, 1, steps=HEAT),
            no_value=NO_RUNNER,
            size=(24, 14),
            points=72,
            cells=True,
            links=runbooks("GitHubRunnersSaturated"),
        ),
        table(
            "Groups",
            "The groups as they are now, those that lost most runners first, then the busiest. Lost is empty for "
            "groups of ephemeral runners alone, which no alert judges. Utilization is the busy share of the online "
            "runners.",
            HEADINGS,
            [
                Column("Online", r.filled(r.ONLINE), COUNTED, 80),
                Column("Busy", r.filled(r.BUSY), COUNTED, 70),
                Column("Offline", r.filled(r.OFFLINE), COUNTED, 90),
                Column("Ephemeral", r.filled(ephemeral), COUNTED, 115),
                Column("Lost", r.filled(q.lasting(q.lost(r.CHOSEN), r.CHOSEN)), alert_colors.OFFLINE, 80, "color-text"),
                Column("Utilization", r.filled(r.UTILIZATION), alert_colors.SATURATED, 130, "gauge"),
            ],
            no_value=NO_RUNNER,
            size=(16, 10),
            sort=["-Lost", "-Utilization"],
            links=runbooks("GitHubRunnersAllOffline", "GitHubRunnersManyOffline", "GitHubRunnersSaturated"),
            widths={"Enterprise": 110, "Organization": 125},
        ),
        bars(
            "Share of time saturated",
            f"How much of the time shown each group was at {limit.RUNNERS_SATURATED:.0%} or more. A group that is "
            "saturated for hours a day needs more runners; autoscaled groups are always full and may be ignored.",
            [Query(f"sort_desc({r.in_words(f'topk(12, {r.SATURATED})')})", r.LEGEND)],
            look=SHARED,
            no_value=NO_RUNNER,
            size=(8, 10),
        ),
    ]


def _labels() -> Panels:
    none = "no label is counted"
    rows = f"group by (enterprise, organization, label) ({r.LABEL_ONLINE})"
    served = f"{rows} * on (enterprise, label) group_left () ({r.SERVED}) or 2 * {rows}"
    return [
        [
            stat(
                "Unserved labels",
                "Expected labels (expected_labels) for which no runner is online, neither of the enterprise nor of any "
                "organization: jobs that ask for one wait, and the alert pages.",
                f"sum(1 - ({r.SERVED}))",
                look=Look(COUNT, 0, steps=[(None, CRITICAL)], mappings=NONE_OF_THEM),
                filled=True,
                size=(4, 5),
                no_value="expected_labels is not set",
                links=runbooks("GitHubRunnerLabelUnserved"),
            ),
            stat(
                "Saturated labels",
                "Labels all of whose online runners are busy, without those of ephemeral runners alone. If this lasts, "
                "jobs that ask for them wait.",
                f"sum({r.LABEL_FULL})",
                look=COUNTED,
                size=(4, 5),
                no_value=none,
                links=runbooks("GitHubRunnerLabelSaturated"),
            ),
        ],
        table(
            "Labels",
            "The runners that a job can be given, by label. A runner counts under each of its labels, so do not add "
            "them up; a job needs a runner that has all labels it asks for. (other) are labels beyond max_labels. "
            "Expected shows labels of expected_labels, and whether a runner of any organization serves them.",
            {"enterprise": "Enterprise", "organization": "Organization", "label": "Label"},
            [
                Column("Expected", r.in_enterprise(served), Look(NONE, mappings=SERVED), 125, "color-text"),
                Column("Idle", r.in_enterprise(r.labeled("idle")), COUNTED, 60),
                Column("Busy", r.in_enterprise(r.LABEL_BUSY), COUNTED, 65),
                Column("Offline", r.in_enterprise(r.labeled("offline")), COUNTED, 85),
                Column("Utilization", r.in_enterprise(r.LABEL_UTILIZATION), alert_colors.LABEL_SATURATED, 110, "gauge"),
            ],
            no_value=none,
            size=(13, 10),
            sort=["Expected", "-Utilization"],
            widths={"Enterprise": 100, "Organization": 115},
            links=runbooks("GitHubRunnerLabelUnserved", "GitHubRunnerLabelSaturated"),
        ),
        bars(
            "Share of time a label is saturated",
            "How much of the time shown every online runner of a label was busy, for the labels that were most often. "
            "Above zero for long: jobs that ask for the label have been waiting.",
            [Query(f"sort_desc({r.in_organization(f'topk(12, {r.LABEL_SATURATED} > 0)')})", r.LABEL_LEGEND)],
            look=SHARED,
            no_value="never",
            size=(7, 10),
            links=runbooks("GitHubRunnerLabelSaturated"),
        ),
    ]


def _time() -> Panels:
    return [
        lines(
            "Runners by state",
            "All chosen runners. Idle is the reserve; where it vanishes, jobs queue. A growing offline band: machines "
            "are lost faster than they return.",
            [Query(f"sum by (state) ({q.runners('', 'state', where=r.CHOSEN)})", "{{state}}")],
            look=COUNTED_FROM_ZERO,
            overrides=RUNNER_STATES,
            stacked=True,
            no_value=NO_RUNNER,
            calcs=("lastNotNull", "max"),
        ),
        lines(
            "Utilization of the fullest groups",
            "The five groups with the highest utilization in the time shown, each point the average of the half hour "
            "before it. On the dashed line jobs have been waiting for that long, and the alert warns.",
            [
                Query(
                    r.in_words(
                        f"avg_over_time(({r.UTILIZATION})[30m:1m]) and {r.SAME_GROUP} topk(5, avg_over_time{r.PAST})"
                    ),
                    r.LEGEND,
                )
            ],
            look=alert_colors.SATURATED,
            threshold=True,
            no_value=NO_RUNNER,
            links=runbooks("GitHubRunnersSaturated"),
        ),
    ]


def _machines() -> Panels:
    labels = ("organization", "runner_group", "runner_id", "runner")
    offline = f"{q.one('ghe_runner_online', *labels, where=r.CHOSEN)} == 0"
    info = q.one("ghe_runner_info", *labels, "os", "version", where=r.CHOSEN)
    joined = f"{info} and on (enterprise, organization, runner_id) ({offline})"
    return [
        table(
            "Offline runners",
            "Every runner that is registered but not connected. Start the machine or its service; remove those that "
            "will not return, so that they do not hide the others.",
            {"runner": "Runner", "runner_group": "Group", "organization": "Organization", "enterprise": "Enterprise"}
            | {"os": "System", "version": "Version"},
            [Column("Offline", r.filled(joined), kind="hidden")],
            no_value="No runner is offline (or single runners are not exported)",
            size=(12, 9),
            sort=["Runner"],
            widths={"Runner": 230, "Enterprise": 110, "System": 90, "Version": 90},
            hidden=["runner_id"],
            links=runbooks("GitHubRunnersManyOffline"),
        ),
        bars(
            "Versions",
            "Runners by version of their application. A long tail of old versions: automatic update is off or blocked; "
            "rebuild the image. Not filtered by group.",
            [Query(f"sort_desc({q.named(f'sum by (version) ({r.VERSIONS})', 'version', 'unknown')})", "{{version}}")],
            look=COUNTED,
            no_value="versions not reported",
            size=(4, 9),
        ),
        bars(
            "Support left",
            "Days for which GitHub still gives jobs to each version in use; below zero it gives none. The alert warns "
            f"{limit.RUNNER_SUPPORT_DAYS} days before: rebuild the image. Versions without a date are left out. Not "
            "filtered by group.",
            [Query(f"sort({r.SUPPORT_LEFT})", "{{version}}")],
            look=alert_colors.RUNNER_SUPPORT,
            no_value="no end of support announced",
            size=(4, 9),
            links=runbooks("GitHubRunnersLoseSupport", "GitHubRunnersLostSupport"),
        ),
        bars(
            "Systems",
            "Registered runners by operating system.",
            [Query(f"sort_desc(sum by (os) ({q.runners('', 'os', where=r.CHOSEN)}))", "{{os}}")],
            look=COUNTED,
            no_value=NO_RUNNER,
            size=(4, 9),
        ),
    ]


def _hosted() -> Panels:
    labels = ("runner_group_id", "platform", "machine_size")
    addresses = q.ratio(q.one("ghe_hosted_runner_public_ips"), q.one("ghe_hosted_runner_public_ips_maximum"))
    return [
        table(
            "Larger runners hosted by GitHub",
            "Definitions of larger runners by status, and how many machines they may run at a time. Stuck or shutdown: "
            "look at the definition in the enterprise's settings.",
            {"enterprise": "Enterprise", "platform": "Platform", "machine_size": "Size", "status": "Status"},
            [
                Column(
                    "Definitions",
                    f"sum by (enterprise, platform, machine_size, status) "
                    f"({q.one('ghe_hosted_runners', *labels, 'status')})",
                    width=110,
                ),
            ],
            no_value="no larger runner is defined",
            size=(11, 8),
            sort=["Enterprise"],
        ),
        bars(
            "Maximum machines",
            "Machines that the definitions of larger runners may run at a time, by platform. It bounds the bill.",
            [
                Query(
                    f"sort_desc(sum by (enterprise, platform) ({q.one('ghe_hosted_runners_maximum', *labels)}))",
                    "{{platform}} ({{enterprise}})",
                )
            ],
            look=COUNTED,
            no_value="no larger runner is defined",
            size=(8, 8),
        ),
        bars(
            "Public addresses used",
            "Public IP addresses of larger runners as a share of those allowed. At 100% no further runner with a fixed "
            "address can be defined.",
            [Query(addresses, "{{enterprise}}")],
            look=SHARED,
            no_value="no larger runner",
            size=(5, 8),
        ),
    ]


def board() -> Board:
    """The dashboard."""
    organizations = 'label_values(ghe_runners{enterprise=~"$enterprise"}, organization)'
    groups = 'label_values(ghe_runners{enterprise=~"$enterprise", organization=~"$organization"}, runner_group)'
    return Board(
        uid="ghe-runners",
        title="Runners",
        description="Are there enough runners, and do they work? Groups, saturation, offline machines, versions.",
        rows=[
            ("Now", _now()),
            ("Groups", _groups()),
            ("Labels", _labels()),
            ("Over time", _time()),
            ("Waiting", waiting()),
            ("Machines", _machines()),
            ("Larger runners", _hosted()),
        ],
        since="now-6h",
        refresh="1m",
        variables=[
            # The runners of the enterprise itself have no organization.
            choice("organization", "Organization", organizations, everything=".*"),
            choice("runner_group", "Runner group", groups, everything=".*"),
        ],
    )
