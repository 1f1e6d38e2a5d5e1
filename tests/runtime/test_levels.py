"""The levels of a collector, the enterprise and its organizations: each is read and published for itself."""

from dataclasses import replace

from exporter.collector import Target
from exporter.collectors.runner_groups import COLLECTOR as RUNNER_GROUPS
from exporter.errors import Reason
from exporter.github.reader import GitHub
from tests.support.harness import NOW, CollectorHarness
from tests.support.runs import DAY, broken_collector, failing


def test_one_failing_organization_hides_no_other() -> None:
    """What was read is published, the failing organization keeps its last data, and the run counts as failed."""
    groups = {"runner_groups": [{"id": 1, "name": "Default"}]}
    first, second = "/orgs/octo-org/actions/runner-groups", "/orgs/octo-web/actions/runner-groups"
    enterprise = "/enterprises/octo-corp/actions/runner-groups"
    harness = CollectorHarness(
        RUNNER_GROUPS, {enterprise: groups, first: groups, second: groups}, organizations=("octo-org", "octo-web")
    )
    harness.run()
    harness.recorded[first] = failing(404)
    harness.recorded[second] = {"runner_groups": [{"id": 1, "name": "Renamed"}]}
    harness.run()
    assert 'organization="octo-org",runner_group_id="1",runner_group="Default"' in harness.text
    assert 'organization="octo-web",runner_group_id="1",runner_group="Renamed"' in harness.text
    assert (harness.status.success, harness.status.available, harness.status.reason) == (
        False,
        True,
        Reason.UNAVAILABLE,
    )


def test_level_is_published_when_it_is_read() -> None:
    """An organization that was not read yet keeps nothing of the others from being shown."""
    groups = {"runner_groups": [{"id": 1, "name": "Default"}]}
    paths = ("/enterprises/octo-corp", "/orgs/octo-org", "/orgs/octo-web")
    harness = CollectorHarness(
        RUNNER_GROUPS,
        {f"{path}/actions/runner-groups": groups for path in paths},
        organizations=("octo-org", "octo-web"),
    )
    harness.run("octo-web")
    assert 'organization="octo-web"' in harness.text
    assert 'organization="octo-org"' not in harness.text
    assert (harness.status.success, harness.status.succeeded_at, harness.status.is_ready) == (None, None, True)
    harness.clock.now += 5
    harness.run("", "octo-org")
    assert (harness.status.success, harness.status.succeeded_at) == (True, NOW)


def test_each_level_has_the_deadline_of_a_run() -> None:
    """Time that another level took counts for nothing: no level waits for another."""
    deadlines: dict[str, float] = {}

    def fetch(github: GitHub, target: Target) -> None:
        deadlines[target.organization] = github._run.deadline - harness.clock.monotonic()
        harness.clock.now += 290

    collector = replace(broken_collector(""), fetch=fetch, samples=lambda _target, _fetched: [], organizations=True)
    harness = CollectorHarness(collector, {}, organizations=("octo-org", "octo-web"))
    harness.run()
    assert deadlines == {"": 300, "octo-org": 300, "octo-web": 300}
    assert harness.status.duration == 290


def test_refused_organization_is_tried_at_the_interval() -> None:
    """It is a failure where the enterprise is read; only what is refused everywhere is probed once a day."""
    groups = {"runner_groups": [{"id": 1, "name": "Default"}]}
    path, organization = "/enterprises/octo-corp/actions/runner-groups", "/orgs/octo-org/actions/runner-groups"
    harness = CollectorHarness(RUNNER_GROUPS, {path: groups, organization: failing(404)}, organizations=("octo-org",))
    harness.run("")
    assert harness.run("octo-org") <= 945
    assert (harness.status.success, harness.status.available, harness.status.reason) == (
        False,
        True,
        Reason.UNAVAILABLE,
    )

    harness = CollectorHarness(
        RUNNER_GROUPS, {path: failing(404), organization: failing(404)}, organizations=("octo-org",)
    )
    assert harness.run("") <= 945, "the organization was not asked yet"
    assert harness.run("octo-org") >= DAY * 0.95
    assert harness.run("") >= DAY * 0.95
    assert harness.status.available is False


def test_organization_comes_and_goes_without_disturbing_others() -> None:
    """The levels that stay keep their state and their tasks."""
    collector = replace(broken_collector(""), organizations=True)
    harness = CollectorHarness(collector, {}, organizations=("octo-org", "octo-web"))
    harness.collection.plan({}, {})
    levels, tasks = dict(harness.collection.levels), dict(harness.collection.tasks)
    harness.collection.set_organizations(("octo-web", "octo-new"))
    harness.collection.plan({}, {})
    assert list(harness.collection.levels) == ["", "octo-web", "octo-new"]
    key = harness.assignment.key
    for name in ("", "octo-web"):
        assert harness.collection.levels[name] is levels[name]
        assert harness.collection.tasks[key.level(name)] is tasks[key.level(name)]
    assert key.level("octo-org") not in harness.collection.tasks
