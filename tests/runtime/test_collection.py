"""How a run ends: what is published, what is counted, when it is tried again."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from exporter.collector import Collector, Target
from exporter.collectors.licenses import COLLECTOR as LICENSES
from exporter.collectors.runner_groups import COLLECTOR as RUNNER_GROUPS
from exporter.errors import RateLimited, Reason, ServerError, Stopped, describe_bug
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge
from exporter.runtime.availability import Availability
from exporter.runtime.schedule import CannotStart
from tests.support.harness import NOW, CollectorHarness

PATH = "/enterprises/octo-corp/consumed-licenses"
GOOD = {"total_seats_consumed": 7, "users": []}
DAY = 86_400
CONSUMED = 'ghe_license_seats_consumed{enterprise="octo-corp"}'


def failing(status: int, **headers: str) -> dict[str, Any]:
    return {"status": status, "headers": headers, "body": "{}"}


def test_success_is_dated_and_due_again_after_the_interval() -> None:
    """A good run publishes, notes its time and is due after its interval with at most 5% of jitter."""
    harness = CollectorHarness(LICENSES, {PATH: GOOD})
    delay = harness.run()
    assert harness.series == {CONSUMED: 7}
    assert 855 <= delay <= 945
    assert (harness.status.success, harness.status.available, harness.status.reason) == (True, True, None)
    assert harness.status.succeeded_at == harness.status.attempted_at == NOW
    assert harness.status.requests == len(harness.asked) == 1
    assert harness.status.next_at == NOW + delay


def test_failure_keeps_the_last_good_result_until_max_age() -> None:
    """After a failure the old figures stay, with the old time of success, until max_age; then they disappear."""
    harness = CollectorHarness(LICENSES, {PATH: GOOD}, options={"interval": "10s", "max_age": "60s"})
    harness.run()
    harness.recorded[PATH] = failing(501)
    harness.clock.now += 59
    harness.run()
    harness.collection.expire()
    assert harness.series == {CONSUMED: 7}
    assert harness.status.success is False
    assert harness.status.succeeded_at == NOW
    harness.clock.now += 2
    harness.collection.expire()
    assert harness.text == ""


def test_what_made_no_sense_is_not_confirmed() -> None:
    """After an answer that could not be understood its ETag is not sent; a 304 would confirm it for ever."""
    harness = CollectorHarness(LICENSES, {PATH: {"headers": {"ETag": '"bad"'}, "body": []}})
    harness.run()
    assert harness.status.reason is Reason.PAYLOAD
    harness.recorded[PATH] = {"headers": {"ETag": '"good"'}, "body": GOOD}
    for _ in range(2):
        harness.run()
        assert harness.status.success
    assert harness.conditions == [None, None, '"good"']


@pytest.mark.parametrize(
    ("answer", "reason", "delay"),
    [
        (failing(500), Reason.SERVER_ERROR, 60),
        (failing(401), Reason.UNAUTHORIZED, 900),
        (failing(400), Reason.PAYLOAD, 900),
        ({"body": "<html>"}, Reason.PAYLOAD, 900),
        ({"body": ""}, Reason.PAYLOAD, 60),
        ({"body": '{"total_seats_consumed": 7, "us'}, Reason.PAYLOAD, 60),
        (failing(403), Reason.FORBIDDEN, DAY),
        (failing(404), Reason.UNAVAILABLE, DAY),
        (failing(410), Reason.UNAVAILABLE, DAY),
    ],
)
def test_each_failure_has_its_reason_and_its_next_try(answer: Any, reason: Reason, delay: float) -> None:
    """What passes by itself is tried again soon, what needs a person at the interval, what is not offered daily."""
    harness = CollectorHarness(LICENSES, {PATH: answer})
    got = harness.run() + (harness.status.duration or 0)
    assert harness.observer.reasons == [reason]
    assert harness.status.reason is reason
    assert delay * 0.95 <= got <= delay * 1.05


def test_passing_failures_back_off_up_to_the_interval() -> None:
    """One minute, then two, four, eight … but never later than the interval."""
    harness = CollectorHarness(LICENSES, {PATH: failing(501)})
    delays = [harness.run() for _ in range(6)]
    for delay, expected in zip(delays, (60, 120, 240, 480, 900, 900), strict=True):
        assert expected * 0.95 <= delay <= expected * 1.05


def test_a_rate_limit_is_waited_out() -> None:
    """A limited collector comes back just after the limit ends, sooner or later than its interval."""
    harness = CollectorHarness(LICENSES, {PATH: failing(429, **{"Retry-After": "120"})})
    assert 120 <= harness.run() <= 125.0
    assert harness.observer.reasons == [Reason.RATE_LIMITED]
    harness.clock.now += 60
    asked = len(harness.asked)
    assert 60 <= harness.run() <= 65.0
    assert len(harness.asked) == asked


def test_a_limit_met_late_in_a_run_is_waited_out() -> None:
    """However long the run took, it is tried again after the limit's end, and not before it only to fail unsent."""

    def fetch(_github: GitHub, _target: Target) -> None:
        harness.clock.now += 50
        raise RateLimited("a limit", retry_at=harness.clock.now + 60)

    harness = CollectorHarness(replace(broken_collector(""), fetch=fetch), {})
    delay = harness.run()
    assert 60 <= delay <= 65
    assert harness.status.next_at == NOW + 50 + delay


def test_refusals_after_success_count_only_from_the_third() -> None:
    """A collector that worked is unavailable only after three refusals in a row, and works again when it is read."""
    harness = CollectorHarness(LICENSES, {PATH: GOOD})
    harness.run()
    harness.recorded[PATH] = failing(404)
    available = []
    for _ in range(3):
        harness.run()
        available.append(harness.status.available)
    assert available == [True, True, False]
    assert harness.series == {CONSUMED: 7}
    harness.recorded[PATH] = GOOD
    harness.run()
    assert harness.status.available is True


@pytest.mark.parametrize("status", [403, 404])
def test_a_web_page_switches_nothing_off(status: int) -> None:
    """A filter's or gateway's page is a failure, however often, where the collector worked before."""
    page = {"status": status, "body": "<html>Blocked"}
    harness = CollectorHarness(LICENSES, {PATH: GOOD})
    harness.run()
    harness.recorded[PATH] = page
    for _ in range(4):
        assert harness.run() <= 900 * 1.05
        assert (harness.status.available, harness.status.success) == (True, False)
    harness = CollectorHarness(LICENSES, {PATH: page})
    harness.run()
    assert harness.status.available is False


def test_refusals_after_success_are_probed_at_growing_intervals() -> None:
    """An outage that answers 404 does not cost a day; what stays refused is asked for daily in the end."""
    harness = CollectorHarness(LICENSES, {PATH: {"total_seats_consumed": 7}})
    harness.run()
    harness.recorded[PATH] = failing(404)
    delays = [harness.run() for _ in range(11)]
    assert harness.status.available is False
    expected = (900, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, DAY, DAY, DAY)
    for delay, seconds in zip(delays, expected, strict=True):
        assert seconds * 0.95 <= delay <= seconds * 1.05


def test_unavailable_stays_so_while_probes_fail_otherwise() -> None:
    """A server error at a daily probe does not make an unavailable collector look broken."""
    harness = CollectorHarness(LICENSES, {PATH: failing(404)})
    harness.run()
    harness.recorded[PATH] = failing(500)
    assert harness.run() <= 900 * 1.05, "a probe that failed otherwise is repeated soon, not tomorrow"
    assert harness.status.available is False


def test_another_failure_breaks_a_row_of_refusals() -> None:
    """Only refusals in a row make a collector unavailable."""
    state = Availability()
    state.worked()
    for step in (state.refused, state.refused, state.failed, state.refused, state.refused):
        step()
        assert state.offered


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


def test_partial_failure_publishes_the_rest_and_fails_the_run() -> None:
    """One value that could not be had hides no other, and the run is not shown as a success."""
    metric = gauge("ghe_read", "What was read.")

    def fetch(github: GitHub, _target: Target) -> int:
        github.partial(ServerError("GET /summary of a cost center: 503"))
        return 7

    collector = replace(
        broken_collector(""), metrics=(metric,), fetch=fetch, samples=lambda _target, value: [metric(value)]
    )
    harness = CollectorHarness(collector, {})
    delay = harness.run()
    assert harness.series == {'ghe_read{enterprise="octo-corp"}': 7}
    assert harness.observer.reasons == [Reason.SERVER_ERROR]
    assert (harness.status.success, harness.status.available, harness.status.succeeded_at) == (False, True, None)
    assert harness.status.problem == "GET /summary of a cost center: 503"
    assert delay <= 63


def test_threads_compute_one_at_a_time() -> None:
    """Answers become samples under the lock of all collectors, which is not held while GitHub is asked."""
    held = []

    def fetch(_github: GitHub, _target: Target) -> None:
        held.append(is_held(harness.snapshots.lock))

    def samples(_target: Target, _fetched: object) -> list[Sample]:
        held.append(is_held(harness.snapshots.lock))
        return []

    harness = CollectorHarness(replace(broken_collector(""), fetch=fetch, samples=samples), {})
    harness.run()
    assert [*held, is_held(harness.snapshots.lock)] == [False, True, False]


def is_held(lock: Any) -> bool:
    """Whether somebody holds *lock*, seen from another thread."""
    with ThreadPoolExecutor(1) as pool:
        free = pool.submit(lambda: lock.acquire(blocking=False) and (lock.release() or True)).result()
    return not free


def broken_collector(secret: str) -> Collector[Any]:
    metric = gauge("ghe_broken", "Never seen.")

    def samples(_target: Target, _fetched: object) -> list[Sample]:
        raise KeyError(secret)

    return Collector(
        name="broken",
        help="Broken.",
        metrics=(metric,),
        endpoints=(),
        interval=60,
        fetch=lambda _github, _target: None,
        samples=samples,
    )


def test_a_bug_is_a_reason_and_tells_nothing_of_the_data() -> None:
    """An unexpected exception ends the run as `bug`, and what is reported names the place, not the data."""
    harness = CollectorHarness(broken_collector("octocat@example.com"), {})
    harness.run()
    assert harness.observer.reasons == [Reason.BUG]
    assert "KeyError at samples" in harness.status.problem
    assert "octocat" not in harness.status.problem


def test_an_exception_without_a_traceback_can_be_described() -> None:
    """Even an exception that was never raised has a description."""
    assert describe_bug(ValueError("x")).startswith("ValueError")


def test_undeclared_samples_are_a_bug_and_publish_nothing() -> None:
    """A collector that yields what it did not declare fails as a whole; the last good result stays."""
    other = gauge("ghe_other", "Not declared.")
    collector = Collector(
        name="broken",
        help="Broken.",
        metrics=(gauge("ghe_declared", "Declared."),),
        endpoints=(),
        interval=60,
        fetch=lambda _github, _target: None,
        samples=lambda _target, _fetched: [other(1)],
    )
    harness = CollectorHarness(collector, {})
    harness.run()
    assert harness.observer.reasons == [Reason.BUG]
    assert harness.text == ""


def test_a_collector_that_worked_before_a_reload_is_not_given_up_at_once() -> None:
    """Success before the configuration was loaded anew counts: one refusal is a failure, not a verdict."""
    harness = CollectorHarness(LICENSES, {PATH: failing(404)})
    harness.collection.levels[""].remember_success()
    harness.run()
    assert harness.status.available is True


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


def test_nothing_is_published_after_other_settings_came_into_force() -> None:
    """Also not where they do so at the last moment, while the end of a reading waits for the lock of a reload."""

    class LastMoment(random.Random):
        def uniform(self, a: float, b: float) -> float:
            del b
            harness.is_over.set()
            return a

    harness = CollectorHarness(LICENSES, {PATH: GOOD}, randomness=LastMoment())
    with pytest.raises(Stopped):
        harness.run()
    assert harness.text == ""
    assert (harness.status.success, harness.saved, harness.observer.reasons) == (None, {}, [])


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_age_does_not_depend_on_the_wall_clock(jump: float) -> None:
    """A clock that is set, back or forward, neither keeps results for ever nor drops them."""
    harness = CollectorHarness(LICENSES, {PATH: GOOD}, options={"interval": "10s", "max_age": "60s"})
    harness.run()
    harness.clock.set_by(jump)
    harness.clock.now += 59
    harness.collection.expire()
    assert harness.series == {CONSUMED: 7}
    harness.clock.now += 2
    harness.collection.expire()
    assert harness.text == ""


def test_unforeseen_exception_is_a_failure() -> None:
    """A reading that could not even begin, or broke down in our own code, is counted and shown."""
    harness = CollectorHarness(LICENSES, {PATH: GOOD})
    level = harness.collection.levels[""]
    level.fail(CannotStart())
    assert (harness.status.success, harness.status.reason) == (False, Reason.BUG)
    assert "refuses to start a thread" in harness.status.problem
    level.fail(OSError("octocat@example.com"))
    assert harness.observer.reasons == [Reason.BUG, Reason.BUG]
    assert "octocat" not in harness.status.problem
    harness.run()
    assert harness.status.success


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
