"""`docs/metrics.md`, `docs/configuration.md` and the generated tables of other pages. Pure."""

import json
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from exporter.collector import Collector, CollectorOptions
from exporter.config.environment import PREFIX
from exporter.config.loading import EnvironmentEnterprise
from exporter.config.settings import Enterprise, Settings
from exporter.doctor.advice import ADVICE, WARNINGS
from exporter.duration import Duration, format_duration
from exporter.metrics.metric import Metric
from exporter.reference.markdown import NOTE, code, replace_section, table
from exporter.reference.permissions import (
    app_permissions,
    endpoints_table,
    permissions_page,
    platform_name,
    scopes,
    scopes_table,
)
from exporter.telemetry.declarations import OWN_METRICS

SETTING_HEAD = ("Setting", "Environment variable", "Type", "Default", "Description")

CALLS_FILE = Path("docs/calls.json")
"""What `make calls` counted."""

METRICS = """# Metrics

{note}
The first label is `enterprise`: the `name` of the enterprise in the configuration, by default its slug. `github_status`
alone reads no enterprise: the label is empty in the exporter's metrics about it. The label `organization` is empty for
what belongs to the enterprise itself. What GitHub does not report is absent, never zero. Units are seconds, bytes (1 GB
is 10^9 bytes), US dollars and Unix timestamps; flags are 0 and 1. Values are as of the collector's last successful run,
see `ghe_exporter_collector_last_success_timestamp_seconds`.

{collectors}
## The exporter itself

These are rendered at every scrape, together with `process_*` and `python_*`.

{own}"""


def metrics_page(collectors: Sequence[Collector[Any]]) -> str:
    """`docs/metrics.md`."""
    own = table(
        ("Metric", "Type", "Labels", "Description"),
        ((f"`{metric.name}`", metric.type, code(metric.labels), metric.help) for metric in OWN_METRICS),
    )
    sections = "\n".join(collector_section(collector) for collector in collectors)
    return METRICS.format(note=NOTE, collectors=sections, own=own)


def collector_section(collector: Collector[Any]) -> str:
    """One collector: when it runs, what it requests, what it exposes."""
    state = "enabled" if collector.enabled else "disabled"
    max_age = format_duration(max(3 * collector.interval, collector.min_max_age))
    facts = (
        f"By default it is {state} and runs every {format_duration(collector.interval)}; "
        f"its last good result stays for {max_age}."
    )
    where = " and ".join(sorted(platform_name(platform) for platform in collector.platforms))
    metrics = table(
        ("Metric", "Labels", "Description"),
        ((f"`{metric.name}`", labels_of(metric), metric.help) for metric in collector.metrics),
    )
    endpoints = endpoints_table(collector.endpoints)
    return f"## {collector.name}\n\n{collector.help} {facts} Available on {where}.\n\n{metrics}\n{endpoints}"


def labels_of(metric: Metric) -> str:
    """The labels of *metric*, and where those come from that are not declared."""
    return code(metric.labels) + (f", those of `{metric.extended_by}`" if metric.extended_by else "")


def collectors_table(collectors: Sequence[Collector[Any]]) -> str:
    """The overview for the README."""
    return table(
        ("Collector", "Description", "Interval", "Classic token scope", "GitHub App permission"),
        (
            (
                f"[`{collector.name}`](docs/metrics.md#{collector.name})",
                collector.help + ("" if collector.enabled else " Disabled by default."),
                format_duration(collector.interval),
                code(scopes(collector)),
                app_permissions(collector),
            )
            for collector in collectors
        ),
    )


CONFIGURATION = """# Configuration

{note}
Settings come from the environment, a YAML file (`--config FILE` or `GHE_EXPORTER_CONFIG`) and defaults, in this order
of precedence. Durations carry a unit: `60s`, `15m`, `6h`. An unknown key, an unknown `GHE_EXPORTER_…`
variable or an invalid value is an error: the exporter prints one line that names the setting and exits with code 2.

## One enterprise from environment variables

If there is a file too, they override the entry of that name or slug, or add one. `GHE_EXPORTER_ENTERPRISE` may be left
out when the file lists one enterprise.

{alone}
## Settings

{settings}
## Enterprises

{enterprises}
## Collectors

Every collector has the settings `collectors.NAME.enabled`, `.interval` (at least 10s) and `.max_age` (how long the last
good result stays while runs fail: three intervals, but not less than the collector's minimum). The environment
variables are `GHE_EXPORTER_COLLECTORS__NAME__INTERVAL` and so on. Defaults:

{collectors}
Settings of single collectors:

{own}"""


def configuration_page(collectors: Sequence[Collector[Any]]) -> str:
    """`docs/configuration.md`."""
    common = CollectorOptions.model_fields.keys()
    rows = list(setting_rows(Settings, ""))
    return CONFIGURATION.format(
        note=NOTE,
        alone=table(
            ("Environment variable", "Description"),
            (
                (f"`{PREFIX}{name.upper()}`", str(field.description))
                for name, field in EnvironmentEnterprise.model_fields.items()
            ),
        ),
        settings=table(SETTING_HEAD, (row for row in rows if not row[0].startswith(("`enterprises", "`collectors")))),
        enterprises=table(
            ("Setting", "Type", "Default", "Description"),
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
    """The type in words."""
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
    """The default as it is written in the file."""
    if field.is_required():
        return "required"
    if field.default in (None, (), PydanticUndefined):  # the description has what is made when it is loaded
        return ""
    if isinstance(field.default, tuple):
        return f"`{json.dumps(field.default)}`"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def causes_table() -> str:
    """Every cause with its advice, for the page on troubleshooting."""
    rows = ((f"`{cause}`", advice.state.value, advice.text) for cause, advice in ADVICE.items())
    return table(("Cause", "State", "What to do"), rows)


def warnings_table() -> str:
    """Every warning with its advice."""
    return table(("Warning", "What to do"), ((f"`{warning}`", text) for warning, text in WARNINGS.items()))


def pages(root: Path, collectors: Sequence[Collector[Any]]) -> dict[Path, str]:
    """Every generated file below *root* and what it should hold."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    readme = replace_section(readme, "collectors", collectors_table(collectors))
    troubleshooting = (root / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    troubleshooting = replace_section(troubleshooting, "causes", causes_table())
    troubleshooting = replace_section(troubleshooting, "warnings", warnings_table())
    credentials = (root / "docs" / "credentials.md").read_text(encoding="utf-8")
    credentials = replace_section(credentials, "scopes", scopes_table(collectors))
    calls = json.loads((root / CALLS_FILE).read_text(encoding="utf-8"))
    return {
        root / "README.md": readme,
        root / "docs" / "troubleshooting.md": troubleshooting,
        root / "docs" / "credentials.md": credentials,
        root / "docs" / "metrics.md": metrics_page(collectors),
        root / "docs" / "permissions.md": permissions_page(collectors, calls),
        root / "docs" / "configuration.md": configuration_page(collectors),
    }
