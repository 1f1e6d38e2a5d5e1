"""What GitHub's public status page reports, so that it is known whether a problem is GitHub's or one's own.

Source: the "Status API" of Atlassian Statuspage, which GitHub uses, at https://www.githubstatus.com/api.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from exporter.collector import Collector, CollectorOptions, Platform, Target
from exporter.collectors.common.labels import snake_case
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Flag, Identity, Record, Text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Metric, Sample, Totals
from exporter.url import base_url

SUMMARY = Endpoint("/api/v2/summary.json", "", accept="application/json", versioned=False, anonymous=True)
STATUS_PAGE = "https://www.githubstatus.com"

COMPONENT_STATUS = Metric(
    "ghe_github_component_status",
    "Always 1; the current status of each component on the status page of GitHub.",
    ("component", "status"),
)
INCIDENTS = Metric("ghe_github_incidents", "Open incidents on the status page of GitHub by impact.", ("impact",))

BY_SEVERITY = ("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
CLOSED = frozenset({"resolved", "postmortem"})
NOTICE = "www."
"""A component of GitHub's page is no component, but a line that names the page's address."""


def origin(value: str) -> str:
    """The address of a status page.

    Raises:
        ValueError: it is something else.
    """
    return base_url(value.strip().removesuffix(SUMMARY.path), STATUS_PAGE)


class Options(CollectorOptions):
    """Where the status page is; the regions of GHE.com have pages of their own."""

    url: Annotated[str, AfterValidator(origin)] = Field(
        STATUS_PAGE, description=f"Address of the status page; `{SUMMARY.path}` is appended."
    )


class Component(Record):
    """A part of GitHub; `group` is true for a heading over others."""

    name: Identity
    status: Text = ""
    group: Flag = None


class Incident(Record):
    """A disturbance; its name and its updates are never read."""

    status: Text = ""
    impact: Text = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the page reports."""

    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]


def fetch(github: GitHub, _target: Target) -> Summary:
    """Read components and incidents.

    Raises:
        PayloadError: a list is missing; without it the page does not say that all is well.
    """
    answer = github.get_object(SUMMARY)
    components, incidents = answer.get("components"), answer.get("incidents")
    if not isinstance(components, list) or not isinstance(incidents, list):
        raise PayloadError(f"GET {SUMMARY.path}: no list of components or of incidents in the answer")
    return Summary(tuple(github.records(Component, components)), tuple(github.records(Incident, incidents)))


def samples(_target: Target, summary: Summary) -> Iterator[Sample]:
    """Map each component to its status, the worst where names are equal, and count what is not closed yet."""
    statuses: dict[str, str] = {}
    for component in summary.components:
        if not component.group and NOTICE not in component.name:
            name, status = snake_case(component.name), snake_case(component.status)
            statuses[name] = max(statuses.get(name, status), status, key=severity)
    for name, status in statuses.items():
        yield COMPONENT_STATUS(1, name, status)
    incidents = Totals(INCIDENTS)
    for incident in summary.incidents:
        if snake_case(incident.status) not in CLOSED:
            incidents.add(1, snake_case(incident.impact))
    yield from incidents.samples()


def severity(status: str) -> int:
    """The place of *status* from good to bad; one that is not known is worse than good and better than all others."""
    return BY_SEVERITY.index(status) * 2 if status in BY_SEVERITY else 1


COLLECTOR = Collector(
    name="github_status",
    help="Components and incidents of the status page of GitHub, once for all enterprises and without a credential.",
    metrics=(COMPONENT_STATUS, INCIDENTS),
    endpoints=(SUMMARY,),
    interval=60,
    enabled=False,
    for_process=True,
    platforms=frozenset(Platform),
    options=Options,
    fetch=fetch,
    samples=samples,
)
