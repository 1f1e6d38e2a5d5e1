"""The vocabulary of all dashboards: units, colors, thresholds, mappings, queries and the frame of a panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grafana_foundation_sdk.cog.variants import Dataquery as AnyQuery
from grafana_foundation_sdk.models import common, dashboard, prometheus

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

# One meaning per color. Green, orange and red only judge, at the thresholds of the alerts; the rest does not.
GOOD, WARNING, CRITICAL = "green", "orange", "red"
NEUTRAL, LIMIT, QUIET = "blue", "#8e8e8e", "#5a7ea6"

COUNT = "locale"  # 12,345 where `short` says 12.3 K
SHARE = "percentunit"
MONEY = "currencyUSD"
SECONDS = "s"
BYTES = "decbytes"
DAYS = "suffix: days"
IN_INTERVALS = "suffix: intervals"
RATE = "reqpm"
NONE = "none"

Options = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """One query of a panel and the name of what it gives."""

    expr: str
    legend: str = ""
    instant: bool = False
    table: bool = False


@dataclass(frozen=True)
class Link:
    """Where a panel leads; *outside* of Grafana in a window of its own."""

    title: str
    url: str
    outside: bool = False


@dataclass(frozen=True)
class Look:
    """How the values of a panel, or one field of it, are shown."""

    unit: str = COUNT
    decimals: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    steps: Sequence[tuple[float | None, str]] = ((None, NEUTRAL),)
    mappings: Mapping[str, tuple[str, str]] | None = None
    color: str = ""
    custom: Options = field(default_factory=dict)


def judged(*, warning: float | None = None, critical: float | None = None) -> list[tuple[float | None, str]]:
    """Thresholds of a value that is good while it is low."""
    steps: list[tuple[float | None, str]] = [(None, GOOD)]
    if warning is not None:
        steps.append((warning, WARNING))
    if critical is not None:
        steps.append((critical, CRITICAL))
    return steps


def judged_falling(*, critical: float | None, warning: float) -> list[tuple[float | None, str]]:
    """Thresholds of a value that is good while it is high."""
    if critical is None:
        return [(None, WARNING), (warning, GOOD)]
    return [(None, CRITICAL), (critical, WARNING), (warning, GOOD)]


def unjudged(look: Look) -> Look:
    """*look* for what may have no value, which Grafana gives the lowest color: it must not judge."""
    (_, base), *above = look.steps
    return replace(look, steps=[(None, QUIET), (-1e12, base), *above]) if above else look


COUNTED = Look(COUNT, 0)
COUNTED_FROM_ZERO = Look(COUNT, 0, 0)
SHARED = Look(SHARE, 0, 0, 1)
DOLLARS = Look(MONEY, 2)
YES_NO = {"0": ("no", QUIET), "1": ("yes", NEUTRAL)}
SUCCEEDED = {"0": ("failed", WARNING), "1": ("ok", GOOD)}
VERDICT = Look(NONE, steps=((None, "transparent"),), mappings=SUCCEEDED)
DISTURBED = {"0": ("up", GOOD), "1": ("disturbed", WARNING)}
ACCEPTED = {"0": ("rejected", CRITICAL), "1": ("accepted", GOOD)}
SERVED = {"0": ("no runner", CRITICAL), "1": ("served", GOOD), "2": ("no", QUIET)}
NONE_OF_THEM = {"0": ("none", GOOD)}


def value_mappings(texts: Mapping[str, tuple[str, str]]) -> list[dashboard.ValueMapping]:
    """Values shown as words."""
    results = {
        value: dashboard.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(texts.items())
    }
    return [dashboard.ValueMap(options=results)]


def thresholds(steps: Sequence[tuple[float | None, str]]) -> dashboard.ThresholdsConfig:
    """Absolute thresholds."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value=value, color=color) for value, color in steps],
    )


def override(name: str, properties: Mapping[str, Any], *, regexp: bool = False) -> Any:
    """Show one field differently."""
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byRegexp" if regexp else "byName", options=name),
        properties=[dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
    )


def fixed(color: str) -> Options:
    """A color of its own, for an override."""
    return {"mode": "fixed", "fixedColor": color}


def dashed(color: str = LIMIT) -> Options:
    """The properties of a line that is a limit, not a measurement."""
    return {
        "color": fixed(color),
        "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
        "custom.fillOpacity": 0,
        "custom.lineWidth": 2,
    }


RUNNER_STATES = [
    override("busy", {"color": fixed(NEUTRAL)}),
    override("idle", {"color": fixed(LIMIT)}),
    override("offline", {"color": fixed(CRITICAL)}),
]
"""Lines by state of runners."""

INCLUDED_DASHED = [override("/ included$/", dashed(), regexp=True)]
"""Lines of which one is what the plan includes."""
PACE_DOTTED = override(
    "/ even pace$/", dashed(NEUTRAL) | {"custom.lineStyle": {"fill": "dot", "dash": [2, 6]}}, regexp=True
)
"""The line of what would be used by now if use were even over the month."""


def _link(link: Link) -> dashboard.DashboardLink:
    made = dashboard.DashboardLink(title=link.title, url=link.url, target_blank=link.outside)
    made.type_val = dashboard.DashboardLinkType.LINK
    return made


def _target(query: Query, ref_id: str) -> AnyQuery:
    return prometheus.Dataquery(
        expr=query.expr,
        ref_id=ref_id,
        datasource=SOURCE,
        legend_format=query.legend or None,
        instant=query.instant or query.table,
        range_val=not (query.instant or query.table),
        format_val=prometheus.PromQueryFormat.TABLE if query.table else prometheus.PromQueryFormat.TIME_SERIES,
    )


def _field_config(look: Look, no_value: str) -> dashboard.FieldConfig:
    mode = look.color or dashboard.FieldColorModeId.THRESHOLDS
    return dashboard.FieldConfig(
        unit=look.unit,
        decimals=look.decimals,
        min_val=look.minimum,
        max_val=look.maximum,
        mappings=value_mappings(look.mappings) if look.mappings else [],
        thresholds=thresholds(look.steps),
        color=dashboard.FieldColor(
            mode=dashboard.FieldColorModeId(mode), fixed_color="text" if mode == "fixed" else None
        ),
        no_value=no_value,
        custom=look.custom or None,
    )


def panel(
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    size: tuple[int, int],
    look: Look,
    no_value: str,
    options: Options,
    overrides: Sequence[Any] = (),
    transformations: Sequence[dashboard.DataTransformerConfig] = (),
    links: Sequence[Link] = (),
    points: int | None = None,
    since: str | None = None,
) -> dashboard.Panel:
    """A panel of any kind; the layout decides where it stands. *since* is a time of its own, as `6h`."""
    return dashboard.Panel(
        type_val=kind,
        title=title,
        description=description,
        datasource=SOURCE,
        targets=[_target(query, chr(ord("A") + index)) for index, query in enumerate(queries)],
        grid_pos=dashboard.GridPos(w=size[0], h=size[1]),
        options=options,
        field_config=dashboard.FieldConfigSource(defaults=_field_config(look, no_value), overrides=list(overrides)),
        transformations=list(transformations),
        links=[_link(link) for link in links] or None,
        max_data_points=points,
        time_from=since,
    )
