"""Self-hosted runners: counts per group and system, and one series set per runner."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pydantic import Field, field_validator

from exporter.collector import Collector, CollectorOptions, Platform, Target
from exporter.collectors.common.labels import boolean, operating_system
from exporter.collectors.common.patterns import bounded_pattern
from exporter.collectors.common.runner_labels import (
    LABEL_EPHEMERAL,
    LABEL_EXPECTED,
    LABEL_RUNNERS,
    LabelChoice,
    Labels,
    label_samples,
)
from exporter.collectors.runner_groups import ENTERPRISE_GROUPS, ORGANIZATION_GROUPS, groups_of
from exporter.errors import NOT_OFFERED, GitHubError, Unavailable
from exporter.github.endpoint import Endpoint
from exporter.github.models import Runner
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

ENTERPRISE_RUNNERS = Endpoint("/enterprises/{enterprise}/actions/runners", "manage_runners:enterprise")
ORGANIZATION_RUNNERS = Endpoint("/orgs/{organization}/actions/runners", "admin:org", "organization_self_hosted_runners")
ENTERPRISE_GROUP_RUNNERS = Endpoint(
    "/enterprises/{enterprise}/actions/runner-groups/{runner_group_id}/runners", "manage_runners:enterprise"
)
ORGANIZATION_GROUP_RUNNERS = Endpoint(
    "/orgs/{organization}/actions/runner-groups/{runner_group_id}/runners",
    "admin:org",
    "organization_self_hosted_runners",
)

RUNNER = ("organization", "runner_group", "runner_id", "runner")
RUNNERS = gauge("ghe_runners", "Self-hosted runners by state.", "organization", "runner_group", "os", "state")
ONLINE = gauge("ghe_runner_online", "Whether the runner is connected to GitHub.", *RUNNER, dropped_with="per runner")
BUSY = gauge(
    "ghe_runner_busy", "Whether the runner executes a job; GitHub may lag.", *RUNNER, dropped_with="per runner"
)
INFO = gauge(
    "ghe_runner_info", "Always 1; what a runner is.", *RUNNER, "os", "version", "ephemeral", dropped_with="per runner"
)
BY_VERSION = gauge("ghe_runners_by_version", "Self-hosted runners by version.", "organization", "os", "version")
EPHEMERAL = gauge(
    "ghe_runner_group_ephemeral_runners",
    "Runners of a group that take one job only, dead registrations included; 0 where there is none.",
    "organization",
    "runner_group",
)

STATES = ("idle", "busy", "offline")
GROUPS_KEPT_SECONDS = 900


class RunnersOptions(CollectorOptions):
    """Settings of the collector `runners`."""

    per_runner: bool = Field(default=True, description="Expose one series set per runner beside the counts.")
    labels: Labels = Field(
        "custom", description="Count runners by the labels that people chose (`custom`), by `all` or by `none`."
    )
    max_labels: int = Field(
        100, ge=0, description="How many labels have series of their own; runners of the others count as `(other)`."
    )
    label_from_name: str | None = Field(
        None,
        description="Regular expression whose first group is one more label in a runner's name, for scale sets, whose "
        "runners have none: `^(.+)-[a-z0-9]{5}-runner-[a-z0-9]{5}$`.",
    )

    @field_validator("label_from_name")
    @classmethod
    def _ends(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            bounded_pattern(pattern)
        return pattern


@dataclass(frozen=True, slots=True)
class Membership:
    """Names of the groups by id and, from servers whose runners do not report their group, groups by runner id."""

    names: dict[str, str]
    by_runner: dict[str, str]

    def group_of(self, runner: Runner) -> str:
        """The name of the runner's group; empty when unknown."""
        return self.names.get(runner.runner_group_id or self.by_runner.get(runner.id, ""), "")


@dataclass(frozen=True, slots=True)
class Fleet:
    """The runners of one level and their groups."""

    runners: tuple[Runner, ...]
    membership: Membership


def fetch(github: GitHub, target: Target) -> Fleet:
    """Read the runners of the level and the names of their groups."""
    runners = tuple(all_runners(github, target).values())
    return Fleet(runners, membership(github, target, runners) if runners else Membership({}, {}))


def all_runners(github: GitHub, target: Target) -> dict[str, Runner]:
    """Every runner once, by id.

    GitHub computes each page at request time, so a runner that moves between pages is missed or listed twice. Where the
    number of distinct runners is not the one announced, one more pass fills the gaps.
    """
    runners, complete = one_pass(github, target)
    if complete:
        return runners
    again, complete = one_pass(github, target)
    return again if complete else runners | again


def one_pass(github: GitHub, target: Target) -> tuple[dict[str, Runner], bool]:
    """Walk the list once; also whether it had all that its last page announced, if it did.

    A malformed record may have been announced as well, and is as malformed the second time.
    """
    endpoint = ORGANIZATION_RUNNERS if target.organization else ENTERPRISE_RUNNERS
    runners: dict[str, Runner] = {}
    malformed, total = 0, None
    for page in github.pages(endpoint, "runners"):
        total = page.total_count
        listed = tuple(github.records(Runner, page.items))
        malformed += len(page.items) - len(listed)
        runners.update((runner.id, runner) for runner in listed)
    return runners, total is None or len(runners) <= total <= len(runners) + malformed


def membership(github: GitHub, target: Target, runners: tuple[Runner, ...]) -> Membership:
    """Group names, kept for a while; asked for sooner when a runner names a new group."""
    known: Membership | None = target.memory.recall("membership", GROUPS_KEPT_SECONDS)
    if known is not None and all(runner.runner_group_id in known.names for runner in runners if runner.runner_group_id):
        return known
    try:
        found = read_membership(github, target, reported=any(runner.runner_group_id for runner in runners))
    except NOT_OFFERED:
        found = Membership({}, {})
    except GitHubError:
        # An older name of the group is better than runners without any.
        stale: Membership | None = target.memory.recall("membership", float("inf"))
        if stale is None:
            raise
        return stale
    target.memory.remember("membership", found)
    return found


def read_membership(github: GitHub, target: Target, *, reported: bool) -> Membership:
    """Ask for the groups and, where runners do not report their group, for the runners of each.

    A group that vanishes meanwhile is skipped; the runners of the others keep theirs.
    """
    groups = groups_of(github, target)
    names = {group.id: group.name for group in groups}
    by_runner: dict[str, str] = {}
    if not reported:
        endpoint = ORGANIZATION_GROUP_RUNNERS if target.organization else ENTERPRISE_GROUP_RUNNERS
        for group in groups:
            with suppress(Unavailable):
                for page in github.pages(endpoint, "runners", runner_group_id=group.id):
                    for runner in github.records(Runner, page.items):
                        by_runner.setdefault(runner.id, group.id)
    return Membership(names, by_runner)


def state_of(runner: Runner) -> str:
    """A runner that is not online is offline, also when GitHub still calls it busy."""
    if runner.status.lower() != "online":
        return "offline"
    return "busy" if runner.busy else "idle"


def samples(target: Target, fleet: Fleet) -> Iterator[Sample]:
    """Map counts for every group and system that has a runner, then the runners."""
    organization = target.organization
    states: Counter[tuple[str, str, str]] = Counter()
    ephemeral: Counter[str] = Counter()
    versions: Counter[tuple[str, str]] = Counter()
    for runner in fleet.runners:
        group, system = fleet.membership.group_of(runner), operating_system(runner.os)
        states.update({(group, system, state): int(state == state_of(runner)) for state in STATES})
        ephemeral[group] += runner.ephemeral is True
        versions[system, runner.version] += 1
        if target.options.per_runner:
            yield from per_runner(organization, group, runner)
    for (group, system, state), runners in states.items():
        yield RUNNERS(runners, organization, group, system, state)
    for group, runners in ephemeral.items():
        yield EPHEMERAL(runners, organization, group)
    for (system, version), runners in versions.items():
        yield BY_VERSION(runners, organization, system, version)
    yield from label_samples(
        organization,
        ((runner, state_of(runner)) for runner in fleet.runners),
        label_choice(target),
        target.options.max_labels,
        STATES,
    )


def label_choice(target: Target) -> LabelChoice:
    """Which labels the settings want."""
    pattern = target.options.label_from_name
    return LabelChoice(
        target.options.labels,
        re.compile(pattern) if pattern else None,
        frozenset(label.lower() for label in target.expected_labels),
    )


def per_runner(organization: str, group: str, runner: Runner) -> Iterator[Sample]:
    """Map one runner; busy as GitHub reports it."""
    key = organization, group, runner.id, runner.name
    yield ONLINE(state_of(runner) != "offline", *key)
    yield BUSY(runner.busy, *key)
    yield INFO(1, *key, operating_system(runner.os), runner.version, boolean(runner.ephemeral))


COLLECTOR = Collector(
    name="runners",
    help="State of self-hosted runners of the enterprise and of each configured organization.",
    metrics=(RUNNERS, EPHEMERAL, ONLINE, BUSY, INFO, BY_VERSION, LABEL_RUNNERS, LABEL_EPHEMERAL, LABEL_EXPECTED),
    endpoints=(
        ENTERPRISE_RUNNERS,
        ORGANIZATION_RUNNERS,
        ENTERPRISE_GROUPS,
        ORGANIZATION_GROUPS,
        ENTERPRISE_GROUP_RUNNERS,
        ORGANIZATION_GROUP_RUNNERS,
    ),
    interval=60,
    organizations=True,
    essential=True,
    platforms=frozenset(Platform),
    options=RunnersOptions,
    fetch=fetch,
    samples=samples,
)
