"""The organizations of the enterprise, and what custom properties say of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from exporter.collector import Collector, FoundOrganizations, Target
from exporter.collectors.common.labels import LOGIN, snake_case
from exporter.collectors.common.property_values import property_value
from exporter.github.endpoint import Endpoint
from exporter.github.models import Record, Text, text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

PROPERTY_VALUES = Endpoint(
    "/enterprises/{enterprise}/org-properties/values",
    "read:enterprise",
    "enterprise_custom_properties_for_organizations",
)

ORGANIZATIONS = gauge("ghe_enterprise_organizations", "Organizations of the enterprise.")
INFO = gauge(
    "ghe_organization_info",
    "Always 1; an organization and the custom properties that organization_properties names, empty if it has none.",
    "organization",
    extended_by="organization_properties",
)

MAX_PROPERTIES = 200
"""Properties of an organization that are looked at; GitHub allows 100."""
LEFT_OUT = "property values left out that are no short names"


def values_by_name(value: Any) -> dict[str, Any]:
    """Values by the name of the property in lower case; none when they are missing or no list."""
    items = value[:MAX_PROPERTIES] if isinstance(value, list) else []
    return {
        text(item.get("property_name")).strip().lower(): item.get("value") for item in items if isinstance(item, dict)
    }


class Organization(Record):
    """An organization; of its properties the name and value."""

    organization_login: Annotated[Text, StringConstraints(pattern=rf"^{LOGIN.pattern}$")]
    properties: Annotated[Mapping[str, Any], BeforeValidator(values_by_name)] = {}


@dataclass(frozen=True, slots=True)
class Organizations:
    """Every organization by its login, with the values of the wanted properties by their labels."""

    labels: Mapping[str, Mapping[str, str]]
    is_complete: bool


def fetch(github: GitHub, target: Target) -> Organizations:
    """Read the list; of each organization only the properties that the settings name are kept."""
    wanted = {name.lower(): snake_case(name) for name in target.organization_properties}
    labels: dict[str, dict[str, str]] = {}
    logins: set[str] = set()
    items = records = left_out = 0
    for page in github.pages(PROPERTY_VALUES, key=""):
        items += len(page.items)
        for organization in github.records(Organization, page.items):
            records += 1
            login = organization.organization_login
            if login.lower() in logins:  # the list moved while it was read
                continue
            logins.add(login.lower())
            values = {label: property_value(organization.properties.get(name)) for name, label in wanted.items()}
            left_out += sum(value is None for value in values.values())
            labels[login] = {label: value for label, value in values.items() if value}
    if left_out:
        github.note(LEFT_OUT, values=left_out)
    return Organizations(labels, is_complete=records == items)


def samples(target: Target, organizations: Organizations) -> Iterator[Sample]:
    """Map the number, and the values under the labels that this family has in every enterprise."""
    info = INFO.with_labels(target.property_labels)
    yield ORGANIZATIONS(len(organizations.labels))
    for login, values in organizations.labels.items():
        yield info(1, login, *(values.get(label, "") for label in target.property_labels))


def found(organizations: Organizations) -> FoundOrganizations:
    """The logins, for settings that have every organization read."""
    return FoundOrganizations(tuple(organizations.labels), organizations.is_complete)


COLLECTOR = Collector(
    name="organizations",
    help="Organizations of the enterprise and their custom properties.",
    metrics=(ORGANIZATIONS, INFO),
    endpoints=(PROPERTY_VALUES,),
    interval=3600,
    fetch=fetch,
    samples=samples,
    found=found,
)
