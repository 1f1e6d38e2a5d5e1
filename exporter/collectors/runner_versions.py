"""When GitHub stops giving jobs to the versions of the runner application that are in use."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf

from exporter.collector import Collector, Persisted, Target
from exporter.collectors.common.separate_reads import read_each
from exporter.collectors.runners import ENTERPRISE_RUNNERS, ORGANIZATION_RUNNERS
from exporter.github.endpoint import Endpoint
from exporter.github.models import Identity, Record, Text, Timestamp
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

ENTERPRISE_SCHEDULE = Endpoint(
    "/enterprises/{enterprise}/actions/runners/deprecations/{version}", "manage_runners:enterprise"
)
ORGANIZATION_SCHEDULE = Endpoint(
    "/orgs/{organization}/actions/runners/deprecations/{version}", "admin:org", "organization_self_hosted_runners"
)

DEPRECATION = gauge(
    "ghe_runner_version_deprecation_timestamp_seconds",
    "When GitHub stops giving jobs to self-hosted runners of a version in use; absent while that is not scheduled.",
    "version",
)

MAX_VERSIONS = 20
"""How many versions are asked for at a level, those with the most runners first."""
VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,63}")
DATES = "dates"

Dates = Mapping[str, float | None]


class InstalledRunner(Record):
    """A runner; of its fields only what is read."""

    id: Identity
    version: Text = ""


class Schedule(Record):
    """What GitHub plans for a version. The end of registration is documented as well, but has not been seen."""

    runtime_deprecates_at: Timestamp = None


def fetch(github: GitHub, target: Target) -> Dates:
    """Ask for each version in use. GitHub answers 404 for one that it does not know.

    A date that was known stays when its version cannot be read this time: without it an alert would end.
    """
    endpoint = ORGANIZATION_SCHEDULE if target.organization else ENTERPRISE_SCHEDULE
    versions = versions_in_use(github, target)
    read = read_each(github, versions, lambda version: deprecated_at(github, endpoint, version))
    former: Dates = target.memory.recall(DATES, inf) or {}
    kept = {version: former[version] for version in versions if version in former and version not in read.refused}
    dates = kept | dict(read.found)
    target.memory.remember(DATES, dates)
    return dates


def deprecated_at(github: GitHub, endpoint: Endpoint, version: str) -> float | None:
    """When *version* gets no more jobs; None while that is not scheduled."""
    return github.record(Schedule, github.get_object(endpoint, version=version)).runtime_deprecates_at


def versions_in_use(github: GitHub, target: Target) -> Sequence[str]:
    """The versions with the most runners of the level, then by name; old servers and dead registrations have none."""
    endpoint = ORGANIZATION_RUNNERS if target.organization else ENTERPRISE_RUNNERS
    versions: dict[str, str] = {}
    for page in github.pages(endpoint, "runners"):
        versions.update((runner.id, runner.version) for runner in github.records(InstalledRunner, page.items))
    counts = Counter(version for version in versions.values() if VERSION.fullmatch(version))
    return sorted(counts, key=lambda version: (-counts[version], version))[:MAX_VERSIONS]


def samples(_target: Target, dates: Dates) -> Iterator[Sample]:
    """Map the dates."""
    for version, moment in dates.items():
        yield DEPRECATION(moment, version)


COLLECTOR = Collector(
    name="runner_versions",
    help="When GitHub stops giving jobs to the versions of the runner application that are in use.",
    metrics=(DEPRECATION,),
    endpoints=(ENTERPRISE_RUNNERS, ORGANIZATION_RUNNERS, ENTERPRISE_SCHEDULE, ORGANIZATION_SCHEDULE),
    interval=6 * 3600,
    organizations=True,
    persisted={DATES: Persisted(dump=dict, load=dict)},
    fetch=fetch,
    samples=samples,
)
