"""How a run ends: what is published, what is counted, when it is tried again."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from exporter.collector import Collector, Target
from exporter.collectors.licenses import COLLECTOR as LICENSES
from exporter.errors import RateLimited, Reason, ServerError, Stopped, describe_bug
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge
from exporter.runtime.schedule import CannotStart
from tests.support.harness import NOW, CollectorHarness
from tests.support.runs import CONSUMED, DAY, GOOD, PATH, broken_collector, failing


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


def test_bug_is_a_reason_that_reveals_no_data() -> None:
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
