"""Seats, who uses them, license sync and Advanced Security: for whoever buys licenses."""

from alerts import thresholds as limit
from dashboards import alert_colors
from dashboards import queries as q
from dashboards.copilot import copilot
from dashboards.frame import Board, Panels, choice, runbooks
from dashboards.panels import Column, bars, lines, stat, table, timeline
from dashboards.parts import (
    COUNTED,
    COUNTED_FROM_ZERO,
    SUCCEEDED,
    VERDICT,
    Look,
    Query,
    dashed,
    override,
)
from dashboards.products import products
from dashboards.servers import connected, managed

CHOSEN = 'organization=~"$organization"'
DAY = 86400
METERED = "metered license, or no data"
WINDOW = f"{limit.FORECAST_WINDOW_DAYS}d"
SERVER = ("hostname", "server_id")
SYNCED = "ghe_license_sync_last_timestamp_seconds"
SYNC_AGE = f"(time() - {q.one(SYNCED, *SERVER)}) / {DAY}"
SAME_SERVER = "on (enterprise, hostname, server_id)"
MAX_SERVERS = 12
UNMATCHED = 'matched="false"'


def _growth() -> str:
    return f"max by (enterprise) (deriv(ghe_license_seats_consumed{{{q.HERE}}}[{WINDOW}]))"


def _seats() -> Panels:
    return [
        stat(
            "Seats used, of those purchased",
            "Share of the purchased seats in use, per enterprise. Orange: order more now. Red: nobody can be added "
            "until seats are bought or people are removed.",
            q.SEATS_USED,
            look=alert_colors.SEATS,
            legend="{{enterprise}}",
            filled=True,
            size=(5, 5),
            no_value=METERED,
            links=runbooks("GitHubSeatsExhausted", "GitHubSeatsNearlyExhausted"),
        ),
        stat(
            "Seats left",
            "Purchased seats that nobody uses. Negative: more people than seats, which GitHub allows for a while and "
            "bills. Many left at renewal: buy fewer.",
            q.SEATS_LEFT,
            look=COUNTED,
            legend="{{enterprise}}",
            size=(5, 5),
            no_value=METERED,
        ),
        stat(
            f"Change in {limit.FORECAST_WINDOW_DAYS} days",
            "People who joined less those who left, as seats. It needs as many days of history in Prometheus; a young "
            "Prometheus shows the change since its first sample.",
            f"max by (enterprise) (delta(ghe_license_seats_consumed{{{q.HERE}}}[{WINDOW}]))",
            look=COUNTED,
            legend="{{enterprise}}",
            size=(5, 5),
            no_value="no history yet",
        ),
        stat(
            "Days until exhausted",
            f"Days until all seats are used if the growth of the last {limit.FORECAST_WINDOW_DAYS} days continues. "
            f"Below {limit.FORECAST_DAYS} days an alert warns if the license is nearly full: order seats. 0: none is "
            "left.",
            f"clamp_min({q.SEATS_LEFT}, 0) / ({_growth()} > 0) / {DAY} or clamp_min({q.SEATS_LEFT} <= 0, 0)",
            look=alert_colors.DAYS_OF_SEATS,
            legend="{{enterprise}}",
            size=(4, 5),
            no_value="not growing, or metered",
            links=runbooks("GitHubSeatsForecast"),
        ),
        stat(
            f"In {limit.PREDICTION_DAYS} days",
            f"Seats that will be used in {limit.PREDICTION_DAYS} days at the growth of the last "
            f"{limit.FORECAST_WINDOW_DAYS} days, metered licenses too. For a budget or an order.",
            f"max by (enterprise) (predict_linear(ghe_license_seats_consumed{{{q.HERE}}}[{WINDOW}], "
            f"{limit.PREDICTION_DAYS} * {DAY}))",
            look=COUNTED,
            legend="{{enterprise}}",
            size=(5, 5),
            no_value="no history yet",
        ),
        lines(
            "Seats consumed against purchased",
            "The dashed line is what was bought. Consumed above it is billed or refused; far below it is money for "
            "nothing. Filter by enterprise when the scales differ.",
            [Query(q.SEATS, "{{enterprise}}"), Query(q.PURCHASED, "{{enterprise}} purchased")],
            look=COUNTED_FROM_ZERO,
            overrides=[override("/ purchased$/", dashed(), regexp=True)],
            no_value="no data of collector licenses",
            size=(16, 9),
        ),
        lines(
            "Seats left over time",
            "Purchased less consumed seats. Sinking: the day it meets zero is when new people cannot work. Steady and "
            "high: seats to give back at renewal.",
            [Query(q.SEATS_LEFT, "{{enterprise}}")],
            look=COUNTED,
            no_value=METERED,
            size=(8, 9),
        ),
    ]


def _who() -> Panels:
    people = "no data of collector license_users"
    accounts = q.named(
        f"sum by (license_type, account) ({q.one('ghe_license_users', 'license_type', 'account')})",
        *("license_type", "visual studio", "visual_studio_subscription"),
    )
    accounts = q.named(q.named(accounts, "account", "both", "cloud_and_server"), "account", "no account", "none")
    organizations = q.one("ghe_license_organization_users", "organization", "role", where=CHOSEN)
    return [
        bars(
            "People by license and account",
            "Who takes seats: kind of license, and whether the person has an account on GitHub, on a server, or both. "
            "Many with only a server account after a sync: check that e-mail addresses match.",
            [Query(f"sort_desc({accounts})", "{{license_type}}: {{account}}")],
            look=COUNTED,
            size=(6, 8),
            no_value=people,
        ),
        bars(
            "Largest organizations",
            "People with a license by organization; a person in two organizations counts in both but takes one seat. "
            "Start here to ask who still needs access. Filtered by organization.",
            [
                Query(
                    f"sort_desc(topk(12, sum by (enterprise, organization) ({organizations})))",
                    "{{organization}} ({{enterprise}})",
                )
            ],
            look=COUNTED,
            size=(10, 8),
            no_value=people,
        ),
        bars(
            "Two-factor login",
            "People with a license by state of two-factor login. Disabled is a risk: require it in the enterprise's "
            "settings. Unknown are people known by a server alone.",
            [
                Query(
                    f"sum by (state) ({q.one('ghe_license_two_factor_users', 'state')})",
                    "{{state}}",
                )
            ],
            look=COUNTED,
            size=(4, 8),
            no_value=people,
        ),
        [
            stat(
                "Invitations",
                "Invited people who have not accepted; each takes a seat. Withdraw old invitations to free seats.",
                f"sum({q.one('ghe_license_pending_invitation_users')})",
                look=COUNTED,
                no_value=people,
            ),
            stat(
                "Visual Studio",
                "People whose seat comes with a Visual Studio subscription and is paid there. Unmatched are those "
                "subscriptions for which GitHub knows no account: whoever uses one takes a second seat. Match them in "
                "the enterprise's settings.",
                [
                    Query(f"sum({q.one('ghe_license_visual_studio_users')})", "people"),
                    Query(f"sum({q.one('ghe_visual_studio_subscriptions', where=UNMATCHED)})", "unmatched"),
                ],
                look=COUNTED,
                no_value=people,
            ),
        ],
    ]


def _sync() -> Panels:
    sync = "no server connected for license sync"
    success = q.one("ghe_license_sync_success", *SERVER)
    status = f"{q.one('ghe_license_sync_status', *SERVER, 'status')} == 1"
    people = q.one("ghe_license_server_users", "hostname")
    return [
        table(
            "License sync by server",
            "Last sync of every connected GitHub Enterprise Server. While it fails or is old, people on both sides "
            "may be counted twice and paid twice: check GitHub Connect on that server. Those that never synchronized "
            "or failed come first.",
            {"enterprise": "Enterprise", "hostname": "Server", "status": "Last answer"},
            [
                Column("Status", status, kind="hidden"),
                Column("Last sync", SYNC_AGE, alert_colors.SYNC_AGE, 115, "color-text"),
                Column("Result", success, VERDICT, 90, "color-background"),
            ],
            no_value=sync,
            size=(12, 9),
            sort=["Result", "-Last sync"],
            widths={"Enterprise": 115, "Last answer": 110},
            hidden=["server_id"],
            links=runbooks("GitHubLicenseSyncFailed", "GitHubLicenseSyncStale"),
        ),
        lines(
            "Time since the last sync",
            f"It should fall to zero once a week. The dashed line is {limit.SYNC_STALE_DAYS} days, where the alert "
            f"warns: the server cannot reach GitHub, or Connect is off. The {MAX_SERVERS} oldest.",
            [
                Query(
                    f"{SYNC_AGE} and {SAME_SERVER} bottomk({MAX_SERVERS}, {q.one(SYNCED, *SERVER, at='@ end()')})",
                    "{{hostname}}",
                )
            ],
            look=alert_colors.SYNC_AGE,
            threshold=True,
            no_value=sync,
            links=runbooks("GitHubLicenseSyncStale"),
            size=(12, 9),
        ),
        timeline(
            "Sync results over time",
            "Result of the newest sync of each server at each time. Orange: it failed, and the figures of that server "
            f"are those of an earlier sync. The {MAX_SERVERS} that failed for longest.",
            Query(
                f"{success} and {SAME_SERVER} bottomk({MAX_SERVERS}, avg_over_time(({success})[$__range:5m] @ end()))",
                "{{hostname}}",
            ),
            look=Look("bool", mappings=SUCCEEDED),
            no_value=sync,
            size=(12, 8),
        ),
        bars(
            "People by server",
            "People with an account on each server, as of its last sync. A server that shrank to nothing: its sync "
            "is broken or it was retired.",
            [Query(f"sort_desc({people})", "{{hostname}}")],
            look=COUNTED,
            no_value="no server, or no data",
            size=(12, 8),
        ),
    ]


def board() -> Board:
    """The dashboard."""
    return Board(
        uid="ghe-licenses",
        title="Licenses",
        description="Seats bought and used, who uses them, license sync, and the licenses of other products.",
        rows=[
            ("Seats", _seats()),
            ("Who uses seats", _who()),
            ("License sync", [*_sync(), *connected()]),
            ("Copilot", copilot()),
            ("Other products", products()),
            ("GitHub Enterprise Servers", managed()),
        ],
        since="now-30d",
        refresh="15m",
        variables=[
            choice(
                *("organization", "Organization"),
                f"label_values(ghe_license_organization_users{{{q.HERE}}}, organization)",
                everything=".*",
            )
        ],
    )
