"""Larger runners hosted by GitHub. No API reports how many of them run jobs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from exporter.collector import Collector, Target
from exporter.collectors.common.labels import snake_case
from exporter.errors import NOT_OFFERED
from exporter.github.endpoint import Endpoint
from exporter.github.models import Identity, Number, Record, Text, record
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, Totals, gauge

HOSTED_RUNNERS = Endpoint("/enterprises/{enterprise}/actions/hosted-runners", "manage_runners:enterprise")
ORGANIZATION_HOSTED_RUNNERS = Endpoint(
    "/orgs/{organization}/actions/hosted-runners", "manage_runners:org", "organization_administration"
)
LIMITS = Endpoint("/enterprises/{enterprise}/actions/hosted-runners/limits", "manage_runners:enterprise")

SIZE = ("organization", "runner_group_id", "platform", "machine_size")
RUNNERS = gauge("ghe_hosted_runners", "Definitions of larger runners hosted by GitHub.", *SIZE, "status")
MAXIMUM = gauge(
    "ghe_hosted_runners_maximum", "Machines that those of these definitions that are ready may run at a time.", *SIZE
)
READY = "ready"
PUBLIC_IPS = gauge("ghe_hosted_runner_public_ips", "Public IP addresses in use.")
PUBLIC_IPS_MAXIMUM = gauge("ghe_hosted_runner_public_ips_maximum", "Public IP addresses allowed.")


class MachineSize(Record):
    """A size of machine; of its facts only the name."""

    id: Text = ""


class HostedRunner(Record):
    """A definition from which GitHub starts machines."""

    id: Identity
    runner_group_id: Text = ""
    platform: Text = ""
    machine_size_details: Annotated[MachineSize, BeforeValidator(record)] = MachineSize()
    status: Text = ""
    maximum_runners: Number = None


class PublicIps(Record):
    """Public addresses of the enterprise's hosted runners."""

    current_usage: Number = None
    maximum: Number = None


class Limits(Record):
    """Limits of hosted runners; GitHub reports only those of addresses."""

    public_ips: Annotated[PublicIps, BeforeValidator(record)] = PublicIps()


HAS_RUNNERS = "has runners"


@dataclass(frozen=True, slots=True)
class Hosted:
    """The definitions and the limits."""

    runners: tuple[HostedRunner, ...]
    limits: Limits


def fetch(github: GitHub, target: Target) -> Hosted:
    """Read the definitions of the level, each once; for the enterprise also the limits."""
    if target.organization:
        try:
            runners = definitions(github, ORGANIZATION_HOSTED_RUNNERS)
        except NOT_OFFERED:  # most organizations use those of the enterprise
            if target.memory.recall(HAS_RUNNERS, math.inf):
                raise  # this one has its own, and a refusal is no proof that they are gone
            return Hosted((), Limits())
        target.memory.remember(HAS_RUNNERS, bool(runners))
        return Hosted(runners, Limits())
    return Hosted(definitions(github, HOSTED_RUNNERS), limits(github))


def definitions(github: GitHub, endpoint: Endpoint) -> tuple[HostedRunner, ...]:
    """Every definition, once."""
    pages = github.pages(endpoint, "runners")
    return tuple({runner.id: runner for page in pages for runner in github.records(HostedRunner, page.items)}.values())


def limits(github: GitHub) -> Limits:
    """The limits; nothing where GitHub does not offer them."""
    try:
        return github.record(Limits, github.get_object(LIMITS))
    except NOT_OFFERED:
        return Limits()


def samples(target: Target, hosted: Hosted) -> Iterator[Sample]:
    """Map counts per size; a maximum only where a definition has one, and 0 where none of them is ready."""
    counts, maximum = Totals(RUNNERS), Totals(MAXIMUM)
    for runner in hosted.runners:
        size = target.organization, runner.runner_group_id, runner.platform, runner.machine_size_details.id
        status = snake_case(runner.status)
        counts.add(1, *size, status)
        if runner.maximum_runners is not None:
            maximum.add(runner.maximum_runners if status == READY else 0, *size)
    yield from counts.samples()
    yield from maximum.samples()
    yield PUBLIC_IPS(hosted.limits.public_ips.current_usage)
    yield PUBLIC_IPS_MAXIMUM(hosted.limits.public_ips.maximum)


COLLECTOR = Collector(
    name="hosted_runners",
    help="Larger runners hosted by GitHub, of the enterprise and its organizations, by group, size and status.",
    metrics=(RUNNERS, MAXIMUM, PUBLIC_IPS, PUBLIC_IPS_MAXIMUM),
    endpoints=(HOSTED_RUNNERS, ORGANIZATION_HOSTED_RUNNERS, LIMITS),
    interval=900,
    organizations=True,
    fetch=fetch,
    samples=samples,
)
