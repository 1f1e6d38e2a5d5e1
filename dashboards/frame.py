"""What every dashboard has around its panels: variables, links, annotations, and where the panels stand."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.models import dashboard, prometheus

from dashboards import queries as q
from dashboards.parts import SOURCE, Link

TAG = "github-enterprise"
RUNBOOKS = "https://runbooks.example.com/ghe-exporter"
"""As in the rules; whoever replaces it there replaces it here."""

COLUMNS = 24
PASSED_ON = "${datasource:queryparam}&${enterprise:queryparam}&${__url_time_range}"

Panels = Sequence[dashboard.Panel | list[dashboard.Panel]]  # a list stands one below the other
Row = tuple[str, Panels]


def to(uid: str, title: str) -> Link:
    """A panel's link to another dashboard of these; enterprise and time go along."""
    return Link(title, f"/d/{uid}?{PASSED_ON}")


def runbooks(*alerts: str) -> list[Link]:
    """Links from a panel to what the alerts about it ask to be done."""
    return [Link(f"Runbook {alert}", f"{RUNBOOKS}/{alert}", outside=True) for alert in alerts]


@dataclass(frozen=True)
class Board:
    """A dashboard: its name, whom it is for, and its rows from large to small."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    since: str
    refresh: str
    variables: Sequence[dashboard.VariableModel] = field(default=())
    timezone: str = "browser"


def choice(name: str, label: str, query: str, *, everything: str = ".+") -> dashboard.VariableModel:
    """A variable with the values of a label; *everything* is what All matches."""
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=name,
        label=label,
        datasource=SOURCE,
        query={"qryType": 1, "query": query, "refId": f"variable-{name}"},
        definition=query,
        current=dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]),
        multi=True,
        include_all=True,
        all_value=everything,
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC,
    )


def _variables(board: Board) -> list[dashboard.VariableModel]:
    source = dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        query="prometheus",
        current=dashboard.VariableOption(selected=True, text="default", value="default"),
    )
    enterprise = choice("enterprise", "Enterprise", "label_values(ghe_exporter_collector_interval_seconds, enterprise)")
    return [source, enterprise, *board.variables]


def _annotation(name: str, color: str, expr: str, title: str, text: str) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name=name,
        datasource=SOURCE,
        enable=True,
        hide=False,
        icon_color=color,
        expr=expr,
        title_format=title,
        text_format=text,
        step="60s",
        target=prometheus.Dataquery(expr=expr, ref_id="Anno", datasource=SOURCE),
    )


def _annotations() -> dashboard.AnnotationContainer:
    critical = 'ALERTS{alertname=~"GitHub.+", alertstate="firing", severity="critical", enterprise=~"$enterprise|"}'
    # An hour, so that no step of a long range passes it by.
    reset = f"{q.START} > {q.one('ghe_billing_period_start_timestamp_seconds', at='offset 1h')}"
    return dashboard.AnnotationContainer(
        list_val=[
            _annotation(
                "Critical alerts",
                "red",
                f"max by (alertname, enterprise) ({critical})",
                "{{alertname}}",
                "{{enterprise}}",
            ),
            _annotation(
                *("Billing month begins", "blue", reset, "New billing month"),
                "{{enterprise}}: allowances and usage begin at zero again",
            ),
        ]
    )


def _links() -> list[dashboard.DashboardLink]:
    return [
        dashboard.DashboardLink(
            type_val=dashboard.DashboardLinkType.DASHBOARDS,
            title="GitHub Enterprise",
            tags=[TAG],
            icon="external link",
            tooltip="The other dashboards, for the same enterprise and time",
            include_vars=True,
            keep_time=True,
        )
    ]


def _number(title: str) -> int:
    # From the title, so that links to a panel outlive the panels around it.
    return 1 + zlib.crc32(title.encode()) % 1_000_000


def _place(rows: Sequence[Row]) -> list[dashboard.Panel | dashboard.RowPanel]:
    """Set panels from left to right; a line is as high as its highest panel."""
    placed: list[dashboard.Panel | dashboard.RowPanel] = []
    top = 0
    for title, panels in rows:
        placed.append(
            dashboard.RowPanel(
                title=title,
                id_val=_number(f"row {title}"),
                grid_pos=dashboard.GridPos(x=0, y=top, w=COLUMNS, h=1),
                panels=[],
            )
        )
        top, left, height = top + 1, 0, 0
        for each in panels:
            stack = each if isinstance(each, list) else [each]
            positions = [panel.grid_pos or dashboard.GridPos() for panel in stack]
            width = max(position.w for position in positions)
            if left + width > COLUMNS:
                top, left, height = top + height, 0, 0
            down = 0
            for panel, position in zip(stack, positions, strict=True):
                position.x, position.y = left, top + down
                down += position.h
                panel.grid_pos, panel.id_val = position, _number(panel.title or "")
                placed.append(panel)
            left, height = left + width, max(height, down)
        top += height
    return placed


def build(board: Board) -> dashboard.Dashboard:
    """Everything that Grafana wants to know."""
    return dashboard.Dashboard(
        uid=board.uid,
        title=f"GitHub Enterprise / {board.title}",
        description=board.description,
        tags=[TAG],
        timezone=board.timezone,
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=board.since, to="now"),
        refresh=board.refresh,
        panels=_place(board.rows),
        templating=dashboard.DashboardDashboardTemplating(list_val=_variables(board)),
        annotations=_annotations(),
        links=_links(),
    )
