"""Self-hosted runners and larger runners: for those who keep CI running."""

from alerts import thresholds as limit
from dashboards import queries as q
from dashboards.frame import Board, Panels, choice, runbooks
from dashboards.panels import Column, bars, lines, stat, table, timeline
from dashboards.parts import (
    COUNTED,
    COUNTED_FROM_ZERO,
    RUNNER_STATES,
    SHARE,
    SHARED,
    WARNING,
    Look,
    Query,
    judged,
)

CHOSEN = 'organization=~"$organization", runner_group=~"$runner_group"'
GROUP = ("organization", "runner_group")
NO_RUNNER = "no self-hosted runner in this choice"
HEADINGS = {"enterprise": "Enterprise", "organization": "Organization", "runner_group": "Group"}
LEGEND = "{{runner_group}} {{organization}} ({{enterprise}})"

BUSY, ONLINE, OFFLINE, ALL = (q.runners(state, where=CHOSEN) for state in ("busy", q.ONLINE, "offline", ""))
UTILISATION = q.ratio(q.runners("busy", *GROUP, where=CHOSEN), q.runners(q.ONLINE, *GROUP, where=CHOSEN))
PAST = f"(({UTILISATION})[$__range:5m] @ end())"
BY_GROUP = "on (enterprise, organization, runner_group)"
SATURATED = f"avg_over_time(({UTILISATION} >= bool {limit.RUNNERS_SATURATED})[$__range:5m])"
FULL = judged(warning=limit.RUNNERS_SATURATED)
LOST = judged(warning=limit.RUNNERS_OFFLINE_SHARE, critical=1)
HEAT = [
    (None, "#1f2f46"),
    (0.2, "#24508c"),
    (0.4, "#3274d9"),
    (0.6, "#8ab8ff"),
    (0.8, "#ffee52"),
    (limit.RUNNERS_SATURATED, WARNING),
]

VERSIONS = q.one("ghe_runners_by_version", "organization", "os", "version", where='organization=~"$organization"')
NEWEST = q.one("ghe_runner_application_info", "os", "version")
OUTDATED = f"(({VERSIONS} unless on (enterprise, os, version) {NEWEST}) and on (enterprise, os) {NEWEST})"


def _now() -> Panels:
    return [
        stat(
            "Online",
            "Runners connected to GitHub, busy ones included.",
            f"sum({ONLINE})",
            look=COUNTED,
            no_value=NO_RUNNER,
        ),
        stat(
            "Busy",
            "Runners that execute a job at this moment. GitHub may lag by some seconds.",
            f"sum({BUSY})",
            look=COUNTED,
            no_value=NO_RUNNER,
        ),
        stat(
            "Offline",
            "Registered runners without a connection. Single ones are everyday life where machines come and go; look "
            "at the list of offline runners below for those that should be there.",
            f"sum({OFFLINE})",
            look=COUNTED,
            no_value=NO_RUNNER,
        ),
        stat(
            "Utilisation",
            "Busy runners as a share of those online. Above the alert's limit for long, jobs wait: add runners. Far "
            "below it all day: take some away.",
            f"sum({BUSY}) / (sum({ONLINE}) > 0)",
            look=Look(SHARE, 0, 0, 1, steps=FULL),
            filled=True,
            no_value="no runner online",
            links=runbooks("GitHubRunnersSaturated"),
        ),
        stat(
            "Worst group, share offline",
            "The largest share of offline runners in any group chosen. 100%: nothing runs there, and the alert pages.",
            f"max({q.ratio(q.runners('offline', *GROUP, where=CHOSEN), q.runners('', *GROUP, where=CHOSEN))})",
            look=Look(SHARE, 0, 0, 1, steps=LOST),
            filled=True,
            no_value=NO_RUNNER,
            links=runbooks("GitHubRunnersAllOffline", "GitHubRunnersManyOffline"),
        ),
        stat(
            "Not the newest version",
            "Runners whose application is older than the newest that GitHub offers. GitHub stops sending jobs to "
            "runners that stay behind for 30 days. Not filtered by group, since versions are counted by organization.",
            f"sum({OUTDATED}) or vector(0) and on () count({VERSIONS})",
            look=COUNTED,
            no_value="versions not told",
            links=runbooks("GitHubRunnersOutdated"),
        ),
    ]


def _groups() -> Panels:
    return [
        timeline(
            "Heat of groups",
            "Utilisation of each group over time: dark is idle, light blue is well used, orange is saturated: jobs "
            "wait. Gaps: nothing was online. Groups idle all the time are left out. Compare rows to move runners among "
            "groups.",
            Query(f"{UTILISATION} and {BY_GROUP} (max_over_time{PAST} > 0)", LEGEND),
            look=Look(SHARE, 0, 0, 1, steps=HEAT),
            no_value=NO_RUNNER,
            size=(24, 14),
            points=72,
            cells=True,
        ),
        table(
            "Groups",
            "The groups as they are now. Utilisation is the busy share of the online runners; an empty cell there "
            "means that nothing is online.",
            HEADINGS,
            [
                Column("Online", q.runners(q.ONLINE, *GROUP, where=CHOSEN), width=75),
                Column("Busy", q.runners("busy", *GROUP, where=CHOSEN), width=70),
                Column("Offline", q.runners("offline", *GROUP, where=CHOSEN), width=75),
                Column("Utilisation", UTILISATION, Look(SHARE, 0, 0, 1, steps=FULL), 170, "gauge"),
            ],
            no_value=NO_RUNNER,
            size=(14, 10),
            sort="Utilisation",
        ),
        bars(
            "Share of time saturated",
            f"How much of the time shown each group was at {limit.RUNNERS_SATURATED:.0%} or more. A group that is "
            "saturated for hours a day needs more runners; autoscaled groups are always full and may be ignored.",
            [Query(f"sort_desc(topk(12, {SATURATED}))", LEGEND)],
            look=SHARED,
            no_value=NO_RUNNER,
            size=(10, 10),
        ),
    ]


def _time() -> Panels:
    return [
        lines(
            "Runners by state",
            "All chosen runners. Idle is the reserve; where it vanishes, jobs queue. A growing offline band: machines "
            "are lost faster than they return.",
            [Query(f"sum by (state) ({q.runners('', 'state', where=CHOSEN)})", "{{state}}")],
            look=COUNTED_FROM_ZERO,
            overrides=RUNNER_STATES,
            stacked=True,
            no_value=NO_RUNNER,
            calcs=("lastNotNull", "max"),
        ),
        lines(
            "Utilisation of the fullest groups",
            "The five groups with the highest utilisation in the time shown, each point the average of the half hour "
            "before it. On the dashed line jobs have been waiting for that long, and the alert warns.",
            [Query(f"avg_over_time(({UTILISATION})[30m:1m]) and {BY_GROUP} topk(5, avg_over_time{PAST})", LEGEND)],
            look=Look(SHARE, 0, 0, 1, steps=FULL),
            threshold=True,
            no_value=NO_RUNNER,
            links=runbooks("GitHubRunnersSaturated"),
        ),
    ]


def _machines() -> Panels:
    labels = ("organization", "runner_group", "runner_id", "runner")
    offline = f"{q.one('ghe_runner_online', *labels, where=CHOSEN)} == 0"
    told = q.one("ghe_runner_info", *labels, "os", "version", where=CHOSEN)
    joined = f"{told} and on (enterprise, organization, runner_id) ({offline})"
    return [
        table(
            "Offline runners",
            "Every runner that is registered but not connected. Start the machine or its service; remove those that "
            "will not return, so that they do not hide the others.",
            {"runner": "Runner", "runner_group": "Group", "organization": "Organization", "enterprise": "Enterprise"}
            | {"os": "System", "version": "Version"},
            [Column("Offline", q.named(joined, "organization", "(enterprise)"), kind="hidden")],
            no_value="No runner is offline (or single runners are not exported)",
            size=(12, 9),
            sort="Runner",
            descending=False,
            widths={"Group": 125, "Organization": 130, "Enterprise": 115, "System": 85, "Version": 90},
            hidden=["runner_id"],
            links=runbooks("GitHubRunnersManyOffline"),
        ),
        bars(
            "Versions",
            "Runners by version of their application. A long tail of old versions: automatic update is off or blocked; "
            "rebuild the image. Not filtered by group.",
            [Query(f"sort_desc({q.named(f'sum by (version) ({VERSIONS})', 'version', 'not told')})", "{{version}}")],
            look=COUNTED,
            no_value="versions not told",
            size=(6, 9),
        ),
        bars(
            "Systems",
            "Registered runners by operating system.",
            [Query(f"sort_desc(sum by (os) ({q.runners('', 'os', where=CHOSEN)}))", "{{os}}")],
            look=COUNTED,
            no_value=NO_RUNNER,
            size=(6, 9),
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
            sort="Enterprise",
            descending=False,
        ),
        bars(
            "Machines at most",
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
            ("Over time", _time()),
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
