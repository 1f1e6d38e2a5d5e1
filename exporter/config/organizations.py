"""Organizations in the settings: which are read, and which of their properties become labels."""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from exporter.collectors import COLLECTORS
from exporter.collectors.common.labels import snake_case
from exporter.config.auth import Auth, Section

AUTO = "auto"
SLUG = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
MAX_PROPERTIES = 5
MAX_PROPERTY_CHARACTERS = 100
LABEL = re.compile(r"[a-z][a-z0-9_]*")
TARGET_LABELS = frozenset(
    {"job", "instance", "namespace", "pod", "service", "container", "endpoint", "node", "cluster", "le", "quantile"}
)
"""Labels that Prometheus, its operator or its formats give a meaning of their own."""
OWN_LABELS = frozenset(label for collector in COLLECTORS for metric in collector.metrics for label in metric.labels) - {
    "cost_center"
}
"""Labels of our metrics, to which a join would add the property; a cost center is the same thing everywhere."""


def _slug(value: str) -> str:
    if not re.fullmatch(SLUG, value):
        raise ValueError("must be the name as it stands in GitHub's URLs: letters, digits, hyphens")
    return value


def texts(value: Any) -> Any:
    """The list in a text such as `a,b`, which an environment variable holds; what is no text is left to validation."""
    if isinstance(value, str):
        return [text.strip() for text in value.split(",") if text.strip()]
    return value


def _names(value: Any) -> Any:
    return [{"name": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def organizations_of(value: Any) -> Any:
    """The mapping that `auto` and a list are short for; in a variable, a list is `a,b` and a mapping JSON."""
    if isinstance(value, str):
        if value.strip().lower() == AUTO:
            return {"auto": True}
        value = _mapping(value) or texts(value)
    return {"named": value} if isinstance(value, list) else value


def _mapping(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _glob(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_*?!\[\]-]{1,100}", value):
        raise ValueError("must be a login, with * for any characters, ? for any one and [ab] for a or b")
    return value


def _property(value: str) -> str:
    name = value.strip()
    label = snake_case(name)
    if not name or len(name) > MAX_PROPERTY_CHARACTERS or not LABEL.fullmatch(label):
        raise ValueError("must be the name of a property that begins with a letter")
    if label in OWN_LABELS | TARGET_LABELS:
        raise ValueError(f"would be the label {label}, which has a meaning of its own; give the property another name")
    return name


def refuse_repeated(names: Iterable[str]) -> None:
    """Refuse what is in *names* twice; GitHub ignores the case of letters.

    Raises:
        ValueError: a name is.
    """
    seen = set()
    for name in names:
        if name.lower() in seen:
            raise ValueError(f"{name} is listed twice")
        seen.add(name.lower())


Slug = Annotated[str, AfterValidator(_slug)]
Glob = Annotated[str, AfterValidator(_glob)]
PropertyName = Annotated[str, AfterValidator(_property)]


class Organization(Section):
    """An organization whose runners are read as well."""

    name: Slug = Field(description="Login of the organization.")
    auth: Auth | None = Field(None, description="A credential of its own.")


class Organizations(Section):
    """The organizations whose own runners are read."""

    auto: bool = Field(
        default=False,
        description="Also read those that the collector `organizations` finds; `organizations: auto` says the same.",
    )
    include: tuple[Glob, ...] = Field((), max_length=100, description="Of those found, only these, such as `acme-*`.")
    exclude: tuple[Glob, ...] = Field((), max_length=100, description="Of those found, not these.")
    max: int = Field(500, ge=1, le=5_000, description="How many of those found are read, in alphabetical order.")
    named: Annotated[tuple[Organization, ...], BeforeValidator(_names)] = Field(
        (), description="Read in any case, as names or as `{name, auth}`; `organizations: [NAME, …]` says the same."
    )

    @field_validator("named")
    @classmethod
    def _distinct(cls, named: tuple[Organization, ...]) -> tuple[Organization, ...]:
        refuse_repeated(organization.name for organization in named)
        return named

    @model_validator(mode="after")
    def _only_of_those_found(self) -> "Organizations":
        useless = self.model_fields_set & {"include", "exclude", "max"}
        if useless and not self.auto:
            raise ValueError(f"{min(useless)} is about organizations that are found, and needs auto: true")
        return self
