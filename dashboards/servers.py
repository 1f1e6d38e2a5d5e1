"""GitHub Enterprise Servers: what connected ones send to the cloud, and what the management API of a server reports."""

from dashboards import queries as q
from dashboards.frame import Panels, runbooks
from dashboards.panels import Column, bars, stat, table, timeline
from dashboards.parts import COUNT, COUNTED, CRITICAL, DAYS, GOOD, NEUTRAL, NONE, QUIET, WARNING, Look, Query

DAY = 86400
CONNECTED = ("hostname", "server_id")
SERVICE = ("hostname", "service_name")
MAX_SERVICES = 12
NOT_SENT = "no server sends statistics"
NOT_MANAGED = "no management API configured"
HEALTH = {"0": ("not healthy", CRITICAL), "1": ("ok", GOOD)}
VALID = {"0": ("not valid", WARNING), "1": ("valid", GOOD)}
HEALTHY = q.one("ghe_server_service_healthy", *SERVICE)
UNHEALTHY = f"count by (enterprise, hostname) ({HEALTHY} == 0) or 0 * count by (enterprise, hostname) ({HEALTHY})"


def connected() -> Panels:
    """Connected servers and who of their people is dormant; for the row on license sync."""
    users = "ghe_connected_server_users"
    age = f"(time() - {q.one('ghe_connected_server_statistics_timestamp_seconds', *CONNECTED)}) / {DAY}"
    dormant = q.one("ghe_connected_server_dormant_users", *CONNECTED)

    def counted(state: str) -> str:
        return q.one(users, *CONNECTED, where=f'state="{state}"')

    return [
        bars(
            "Dormant people by server",
            "Users of connected servers who have not been active for long; the server decides how long that is, 90 "
            "days by default. Each takes a seat: suspend them to give it back. Needs Server Statistics in GitHub "
            "Connect.",
            [Query(f"sort_desc({dormant})", "{{hostname}}")],
            look=COUNTED,
            size=(10, 8),
            no_value=NOT_SENT,
        ),
        table(
            "Connected servers",
            "What each connected server sends once a day. Old figures: the server cannot reach GitHub, or Server "
            "Statistics was switched off.",
            {"enterprise": "Enterprise", "hostname": "Server", "version": "Version"},
            [
                Column("Info", q.one("ghe_connected_server_info", *CONNECTED, "version"), kind="hidden"),
                Column("Users", counted("total"), Look(COUNT), 80),
                Column("Admins", counted("admin"), Look(COUNT), 85),
                Column("Suspended", counted("suspended"), Look(COUNT), 105),
                Column("Dormant", dormant, Look(COUNT), 115),
                Column("Age", age, Look(DAYS, 1, steps=[(None, NEUTRAL)]), 95),
            ],
            no_value=NOT_SENT,
            size=(14, 8),
            sort=["-Dormant"],
            widths={"Enterprise": 105, "Version": 85},
            hidden=["server_id"],
        ),
    ]


def managed() -> Panels:
    """Servers whose management API is read, and the security features of servers."""
    nodes = q.one("ghe_server_node_info", "hostname", "version", "platform", "replica")
    features = q.one("ghe_server_security_repositories", "feature", where='feature!="total"')
    committers = q.one("ghe_server_security_committers", "product", "kind", where='kind=~"active|purchased"')
    statuses = q.one("ghe_server_service_status", *SERVICE, "status", where='status!="ok"')
    return [
        table(
            "Nodes",
            "Nodes of each server and whether they are in maintenance. Services that are not healthy: the replica "
            "lacks data, so do not fail over to it. Versions that differ: an upgrade is under way, or was left half "
            "done.",
            {
                "enterprise": "Enterprise",
                "hostname": "Node",
                "version": "Version",
                "platform": "Platform",
                "replica": "Replica",
                "status": "Maintenance",
            },
            [
                Column("Info", nodes, kind="hidden"),
                Column("Status", q.one("ghe_server_maintenance", "hostname", "status"), kind="hidden"),
                Column("Not healthy", UNHEALTHY, Look(COUNT), 140),
            ],
            no_value=NOT_MANAGED,
            size=(13, 8),
            sort=["-Not healthy", "Enterprise"],
            widths={"Enterprise": 105, "Version": 85, "Platform": 90, "Replica": 80, "Maintenance": 115},
            links=runbooks("GitHubServerReplicationUnhealthy", "GitHubServerInMaintenance"),
        ),
        timeline(
            "Services over time",
            "Health of replicated services, or of those of a cluster. Red for 15 minutes pages: the node would lose "
            f"data if it took over now. A gap: the status is not known. The {MAX_SERVICES} that were worst.",
            Query(
                f"{HEALTHY} and on (enterprise, hostname, service_name) "
                f"bottomk({MAX_SERVICES}, avg_over_time(({HEALTHY})[$__range:5m] @ end()))",
                "{{hostname}} {{service_name}}",
            ),
            look=Look("bool", mappings=HEALTH),
            no_value=NOT_MANAGED,
            links=runbooks("GitHubServerReplicationUnhealthy"),
            size=(11, 8),
        ),
        table(
            "Services that are not ok",
            "Status of each service that is anything but ok, as the server reports it. Empty is good if the "
            "management API is read. The reason is in the output of `ghe-repl-status -v`.",
            {"enterprise": "Enterprise", "hostname": "Node", "service_name": "Service", "status": "Status"},
            [Column("Now", statuses, kind="hidden")],
            no_value="all services are ok, or none is read",
            size=(9, 11),
            sort=["Status"],
            widths={"Enterprise": 105, "Service": 125, "Status": 85},
            links=runbooks("GitHubServerReplicationUnhealthy"),
        ),
        bars(
            "Repositories by security feature",
            "Repositories of the server in which each feature is on. Far fewer than there are: repositories that "
            "nobody protects.",
            [Query(f"sort_desc({features})", "{{feature}} ({{enterprise}})")],
            look=COUNTED,
            size=(9, 11),
            no_value="no server configured",
        ),
        [
            stat(
                "License of the server",
                "Whether the server itself finds its license valid, for what it is used for.",
                q.one("ghe_server_management_license_valid"),
                look=Look(NONE, steps=[(None, QUIET)], mappings=VALID),
                legend="{{enterprise}}",
                size=(6, 4),
                no_value=NOT_MANAGED,
                links=runbooks("GitHubServerLicenseInvalid"),
            ),
            bars(
                "Committers of the server",
                "Active committers of Advanced Security on the server, those bought, and those its license file has.",
                [
                    Query(f"{committers} > 0", "{{kind}}: {{product}}"),
                    Query(q.one("ghe_server_license_advanced_security_seats"), "license file"),
                ],
                look=COUNTED,
                size=(6, 7),
                no_value="not bought, or no server",
            ),
        ],
    ]
