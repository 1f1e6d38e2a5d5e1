"""The kinds of panels that the dashboards use, each with settings that suit them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grafana_foundation_sdk.models import dashboard

from dashboards.parts import Link, Look, Options, Query, override, panel, thresholds, unjudged, value_mappings

LAST: Options = {"calcs": ["lastNotNull"], "fields": "", "values": False}
WIDE = 12
ABSENT = "-"
LINES: Options = {
    "drawStyle": "line",
    "lineWidth": 2,
    "fillOpacity": 0,
    "gradientMode": "none",
    "showPoints": "never",
    "spanNulls": False,
    "lineInterpolation": "stepAfter",
}


def stat(
    title: str,
    description: str,
    expr: str | Sequence[Query],
    *,
    look: Look,
    no_value: str,
    legend: str = "",
    size: tuple[int, int] = (4, 4),
    filled: bool = False,
    overrides: Sequence[Any] = (),
    links: Sequence[Link] = (),
) -> dashboard.Panel:
    """One large number, or one with its name per series or query; *filled* where its color judges."""
    options: Options = {
        "colorMode": "background" if filled else "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": LAST,
        "textMode": "value" if isinstance(expr, str) and not legend else "value_and_name",
        "wideLayout": True,
    }
    queries = [Query(expr, legend or title)] if isinstance(expr, str) else expr
    return panel(
        *("stat", title, description, [replace(query, instant=True) for query in queries]),
        size=size,
        look=unjudged(look),
        no_value=no_value,
        options=options,
        overrides=overrides,
        links=links,
    )


def bars(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    look: Look,
    no_value: str,
    size: tuple[int, int] = (8, 8),
    overrides: Sequence[Any] = (),
    links: Sequence[Link] = (),
) -> dashboard.Panel:
    """Horizontal bars, one per series, the longest first."""
    options: Options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "reduceOptions": LAST,
        "showUnfilled": True,
        "valueMode": "color",
        "text": {"titleSize": 11, "valueSize": 15},  # room is made for the most letters at 12, not for the widest
        "namePlacement": "left",
        "sizing": "manual",
        "minVizHeight": 16,
        "maxVizHeight": 28,
        "minVizWidth": 8,
    }
    look = replace(look, minimum=0 if look.minimum is None else look.minimum)
    return panel(
        *(
            "bargauge",
            title,
            description,
            [replace(query, instant=True) for query in queries],
        ),
        size=size,
        look=unjudged(look),
        no_value=no_value,
        options=options,
        overrides=overrides,
        links=links,
    )


def lines(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    look: Look,
    no_value: str,
    size: tuple[int, int] = (12, 8),
    overrides: Sequence[Any] = (),
    stacked: bool = False,
    threshold: bool = False,
    custom: Options | None = None,
    legend: bool = True,
    calcs: Sequence[str] = ("lastNotNull",),
    links: Sequence[Link] = (),
    since: str | None = None,
) -> dashboard.Panel:
    """Values over time; *threshold* draws the alert's limit into the picture."""
    wide = size[0] >= WIDE
    drawn = LINES | (custom or {})
    if stacked:
        drawn |= {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 45, "lineWidth": 1}
    if threshold:
        drawn |= {"thresholdsStyle": {"mode": "dashed"}}
    options: Options = {
        "legend": {
            "showLegend": legend,
            "displayMode": "table" if wide else "list",
            "placement": "right" if wide else "bottom",
            "calcs": list(calcs) if wide else [],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    look = replace(look, color="palette-classic" if not look.color else look.color, custom=drawn)
    return panel(
        *("timeseries", title, description, queries),
        size=size,
        look=look,
        no_value=no_value,
        options=options,
        overrides=overrides,
        links=links,
        since=since,
    )


def timeline(
    title: str,
    description: str,
    query: Query,
    *,
    look: Look,
    no_value: str,
    size: tuple[int, int] = (12, 8),
    points: int | None = None,
    cells: bool = False,
    links: Sequence[Link] = (),
) -> dashboard.Panel:
    """States over time, one bar per series; with *cells* the levels of a value, one cell per step."""
    options: Options = {
        "showValue": "never",
        "rowHeight": 0.9,
        "legend": {"showLegend": not cells, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    options |= {"colWidth": 0.97} if cells else {"mergeValues": True, "alignValue": "left"}
    look = replace(look, custom={"fillOpacity": 90, "lineWidth": 0})
    if look.mappings:
        look = replace(look, color="fixed")  # by thresholds, Grafana would pass over the mappings
    return panel(
        *("status-history" if cells else "state-timeline", title, description, [query]),
        size=size,
        look=look,
        no_value=no_value,
        options=options,
        points=points,
        links=links,
    )


@dataclass(frozen=True)
class Column:
    """A column of a table that a query fills."""

    name: str
    expr: str
    look: Look | None = None
    width: int | None = None
    kind: str = "auto"  # also color-text, color-background, gauge, hidden


def _cell(column: Column) -> Any:
    look = unjudged(column.look or Look())
    properties: dict[str, Any] = {"unit": look.unit, "thresholds": thresholds(look.steps), "noValue": ABSENT}
    bounds = {"decimals": look.decimals, "min": look.minimum, "max": look.maximum}
    properties |= {key: value for key, value in bounds.items() if value is not None}
    if look.mappings:
        properties["mappings"] = value_mappings(look.mappings)
    if column.kind == "gauge":
        properties["custom.cellOptions"] = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    elif column.kind != "auto":
        properties["custom.cellOptions"] = {"type": column.kind, "mode": "basic"}
    if column.width:
        properties["custom.width"] = column.width
    return override(column.name, properties)


def table(
    title: str,
    description: str,
    labels: Mapping[str, str],
    columns: Sequence[Column],
    *,
    no_value: str,
    size: tuple[int, int] = (12, 8),
    sort: Sequence[str] = (),
    widths: Mapping[str, int] | None = None,
    hidden: Sequence[str] = (),
    shown: Mapping[str, Options] | None = None,
    links: Sequence[Link] = (),
) -> dashboard.Panel:
    """Rows by label set: a column per label (*labels* gives their headings), then one per query.

    *sort* names columns, those with the largest first marked by a minus. *widths* and *shown*, by heading, change how
    labels look.
    """
    values = {f"Value #{chr(ord('A') + index)}": column.name for index, column in enumerate(columns)}
    if len(columns) == 1:
        values["Value"] = columns[0].name
    unseen = {column.name for column in columns if column.kind == "hidden"}
    left_out = ["Time", *hidden, *(name for name, heading in values.items() if heading in unseen)]
    organize: Options = {
        "excludeByName": dict.fromkeys(left_out, True),
        "indexByName": {name: index for index, name in enumerate([*labels, *values])},
        "renameByName": {**labels, **values},
    }
    overrides = [_cell(column) for column in columns if column.kind != "hidden"]
    overrides += [override(name, {"noValue": ABSENT}) for name in labels.values()]
    overrides += [override(name, {"custom.width": width}) for name, width in (widths or {}).items()]
    overrides += [override(name, properties) for name, properties in (shown or {}).items()]
    options: Options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
    }
    options["sortBy"] = [{"displayName": name.lstrip("-"), "desc": name.startswith("-")} for name in sort]
    return panel(
        *("table", title, description, [Query(column.expr, table=True) for column in columns]),
        size=size,
        look=Look(custom={"align": "auto", "filterable": True, "minWidth": 90}),
        no_value=no_value,
        options=options,
        overrides=overrides,
        transformations=[
            dashboard.DataTransformerConfig(id_val="merge", options={}),
            dashboard.DataTransformerConfig(id_val="organize", options=organize),
        ],
        links=links,
    )
