"""Documentation from declarations: what is generated cannot be out of date. Pure: data to Markdown."""

import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from exporter.collector import Collector, CollectorOptions
from exporter.config.loading import EnvironmentEnterprise
from exporter.config.settings import PREFIX, Enterprise, Settings
from exporter.doctor.advice import ADVICE, CAUTIONS
from exporter.duration import Duration, format_duration
from exporter.reference.markdown import NOTE, code, in_place, table
from exporter.reference.permissions import app_permissions, endpoints_table, permissions_page, platform_name, scopes
from exporter.telemetry.declarations import OWN_METRICS

SETTING_HEAD = ("Setting", "Variable", "Type", "Default", "Meaning")

METRICS = """# Metrics

{note}
Every metric of a collector is a gauge and carries the label `enterprise` first. What GitHub does not tell is absent,
never zero. Units are seconds, bytes, US dollars and Unix timestamps; flags are 0 and 1. Values are as of the
collector's last successful run, which `ghe_exporter_collector_last_success_timestamp_seconds` shows.

{collectors}
## The exporter itself

Rendered at the scrape; beside these there are `process_*` and `python_*`.

{own}"""


def metrics_page(collectors: Sequence[Collector[Any]]) -> str:
    """`docs/metrics.md`."""
    own = table(
        ("Metric", "Type", "Labels", "Meaning"),
        ((f"`{metric.name}`", metric.type, code(metric.labels), metric.help) for metric in OWN_METRICS),
    )
    sections = "\n".join(collector_section(collector) for collector in collectors)
    return METRICS.format(note=NOTE, collectors=sections, own=own)


def collector_section(collector: Collector[Any]) -> str:
    """One collector: when it runs, what it asks, what it exposes."""
    state = "on" if collector.enabled else "off"
    max_age = format_duration(max(3 * collector.interval, collector.shortest_max_age))
    facts = (
        f"Default: {state}, every {format_duration(collector.interval)}; shown for {max_age} after the last success."
    )
    where = " and ".join(sorted(platform_name(platform) for platform in collector.platforms))
    metrics = table(
        ("Metric", "Labels", "Meaning"),
        ((f"`{metric.name}`", code(metric.labels), metric.help) for metric in collector.metrics),
    )
    endpoints = endpoints_table(collector.endpoints)
    return f"## {collector.name}\n\n{collector.help} {facts} Exists on {where}.\n\n{metrics}\n{endpoints}"


def collectors_table(collectors: Sequence[Collector[Any]]) -> str:
    """The overview for the README."""
    return table(
        ("Collector", "Tells", "Every", "Classic token scope", "GitHub App"),
        (
            (
                f"[`{collector.name}`](docs/metrics.md#{collector.name})",
                collector.help + ("" if collector.enabled else " Off by default."),
                format_duration(collector.interval),
                code(scopes(collector)),
                app_permissions(collector),
            )
            for collector in collectors
        ),
    )


def metrics_table(collectors: Sequence[Collector[Any]]) -> str:
    """Metric names per collector for the README."""
    return table(
        ("Collector", "Metrics"),
        (
            (f"`{collector.name}`", ", ".join(f"`{metric.name}`" for metric in collector.metrics))
            for collector in collectors
        ),
    )


CONFIGURATION = """# Configuration

{note}
Settings come from the environment, from a YAML file (`--config FILE` or `GHE_EXPORTER_CONFIG`) and from defaults, in
this order of precedence. Durations carry a unit: `60s`, `15m`, `6h`. An unknown key, an unknown `GHE_EXPORTER_…`
variable or a value that makes no sense ends the program with exit code 2 and one line that names the setting.

## One enterprise by environment alone

With a file, these override the entry of the same slug, or add one. `GHE_EXPORTER_ENTERPRISE` may be left out when the
file lists one enterprise.

{alone}
## Settings

{settings}
## Enterprises

{enterprises}
## Collectors

Every collector has the settings `collectors.NAME.enabled`, `.interval` (at least 10s) and `.max_age` (how long the last
good result stays when runs fail; three intervals, but never less than the collector's floor). The variables are
`GHE_EXPORTER_COLLECTORS__NAME__INTERVAL` and so on. Defaults:

{collectors}
Settings that only one collector has:

{own}"""


def configuration_page(collectors: Sequence[Collector[Any]]) -> str:
    """`docs/configuration.md`."""
    common = CollectorOptions.model_fields.keys()
    rows = list(setting_rows(Settings, ""))
    return CONFIGURATION.format(
        note=NOTE,
        alone=table(
            ("Variable", "Meaning"),
            (
                (f"`{PREFIX}{name.upper()}`", str(field.description))
                for name, field in EnvironmentEnterprise.model_fields.items()
            ),
        ),
        settings=table(SETTING_HEAD, (row for row in rows if not row[0].startswith(("`enterprises", "`collectors")))),
        enterprises=table(
            ("Setting", "Type", "Default", "Meaning"),
            ((row[0], *row[2:]) for row in setting_rows(Enterprise, "enterprises[].")),
        ),
        collectors=table(
            ("Collector", "Enabled", "Interval", "Max age"),
            (
                (
                    f"`{collector.name}`",
                    str(collector.enabled).lower(),
                    format_duration(collector.interval),
                    format_duration(collector.max_age_with(collector.options())),
                )
                for collector in collectors
            ),
        ),
        own=table(
            SETTING_HEAD,
            (
                row
                for row in rows
                if row[0].startswith("`collectors.") and row[0].rpartition(".")[2].strip("`") not in common
            ),
        ),
    )


def setting_rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str, str]]:
    """One row per setting, depth first."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        section, many = section_of(field.annotation)
        if section is None or many:
            variable = f"`{PREFIX}{key.upper().replace('.', '__')}`"
            yield f"`{key}`", variable, type_name(field.annotation), default_of(field), str(field.description or "")
        if section is not None and section is not Enterprise:
            yield from setting_rows(section, f"{key}[]." if many else f"{key}.")


def section_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model inside an annotation, and whether there may be several of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for argument in get_args(annotation):
        section, _ = section_of(argument)
        if section is not None:
            return section, get_origin(annotation) is tuple
    return None, False


def type_name(annotation: Any) -> str:
    """How a person would call the type."""
    if annotation == Duration:
        return "duration"
    if get_origin(annotation) is Annotated:
        return type_name(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) in {Union, types.UnionType}:
        return type_name(next(choice for choice in get_args(annotation) if choice is not type(None)))
    if get_origin(annotation) is tuple:
        return "list"
    plain = {str: "text", SecretStr: "secret", bool: "true or false", int: "number", float: "number", Path: "path"}
    return plain.get(annotation, str(getattr(annotation, "__name__", annotation)))


def default_of(field: FieldInfo) -> str:
    """The default as it would be written."""
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None or field.default == ():
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def causes_table() -> str:
    """Every cause with its advice, for the page on troubleshooting."""
    rows = ((f"`{cause}`", advice.state.value, advice.text) for cause, advice in ADVICE.items())
    return table(("Cause", "State", "What to do"), rows)


def cautions_table() -> str:
    """Every warning with its advice."""
    return table(("Warning", "What to do"), ((f"`{caution}`", text) for caution, text in CAUTIONS.items()))


def pages(root: Path, collectors: Sequence[Collector[Any]]) -> dict[Path, str]:
    """Every generated file below *root* and what it should hold."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    readme = in_place(readme, "collectors", collectors_table(collectors))
    readme = in_place(readme, "metrics", metrics_table(collectors))
    troubleshooting = (root / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    troubleshooting = in_place(troubleshooting, "causes", causes_table())
    troubleshooting = in_place(troubleshooting, "cautions", cautions_table())
    return {
        root / "README.md": readme,
        root / "docs" / "troubleshooting.md": troubleshooting,
        root / "docs" / "metrics.md": metrics_page(collectors),
        root / "docs" / "permissions.md": permissions_page(collectors),
        root / "docs" / "configuration.md": configuration_page(collectors),
    }
