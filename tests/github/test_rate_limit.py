"""What may be asked next under GitHub's rate limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.github.rate_limit import (
    MAX_RESOURCES,
    MAX_WAIT_SECONDS,
    MAX_WINDOWS,
    RateLimits,
    RateLimitWindow,
    SharedRateLimits,
    WindowUsage,
)
from tests.github.conftest import NOW

PATH, OTHER_PATH = "/enterprises/{enterprise}/license-sync-status", "/scim/v2/enterprises/{enterprise}/Users"


def core(remaining: float, reset: float = NOW + 1800, limit: float = 1000, resource: str = "core") -> RateLimitWindow:
    """A window of one resource."""
    return RateLimitWindow(resource, limit, remaining, reset)


def noted(limits: RateLimits, *windows: RateLimitWindow, now: float = NOW, path: str = PATH) -> RateLimitWindow:
    """Note answers that report *windows*; the window in force after the last."""
    return [limits.note(path, window, now, counts=True) for window in windows][-1]


def verdicts(limits: RateLimits, now: float = NOW, path: str = PATH) -> tuple[float | None, float | None]:
    """When essential and other work may continue."""
    return limits.wait_until(path, now, essential=True), limits.wait_until(path, now, essential=False)


def test_everything_may_be_asked_before_the_first_answer() -> None:
    """Nothing is known of a limit."""
    limits = RateLimits(0.1)
    assert verdicts(limits) == (None, None)
    assert limits.in_force(NOW) == {}


@pytest.mark.parametrize(
    ("remaining", "expected"),
    [
        (1000, (None, None)),
        (100, (None, None)),
        (99, (None, NOW + 1800)),
        (1, (None, NOW + 1800)),
        (0, (NOW + 1800, NOW + 1800)),
        (-1, (NOW + 1800, NOW + 1800)),
    ],
)
def test_only_essential_work_uses_the_reserve(remaining: float, expected: tuple[float | None, float | None]) -> None:
    """Below the reserve only essential work continues until the reset; with nothing left, none does."""
    limits = RateLimits(0.1)
    noted(limits, core(remaining))
    assert verdicts(limits) == expected


def test_without_reserve_everything_continues_to_the_last_request() -> None:
    """A reserve of 0 holds nothing back."""
    limits = RateLimits(0)
    noted(limits, core(1))
    assert verdicts(limits) == (None, None)


def test_ended_window_stops_nothing() -> None:
    """After the reset an old window says nothing."""
    limits = RateLimits(0.1)
    noted(limits, core(0))
    assert verdicts(limits, NOW + 1799.9) == (NOW + 1800, NOW + 1800)
    assert verdicts(limits, NOW + 1800) == (None, None)
    assert limits.in_force(NOW + 1800) == {}


def test_late_answer_does_not_give_back_what_is_used() -> None:
    """Answers of one window may come out of order."""
    limits = RateLimits(0.1)
    assert noted(limits, core(0), core(3)) == core(0)
    assert verdicts(limits) == (NOW + 1800, NOW + 1800)


def test_lowest_of_alternating_windows_is_in_force() -> None:
    """Answers that alternate between two windows change neither the verdict nor what is shown."""
    low, high = core(30, NOW + 22 * 60), core(990, NOW + 43 * 60)
    limits = RateLimits(0.1)
    for _ in range(3):
        assert noted(limits, low, high) == low
        assert noted(limits, high, low) == low
    assert verdicts(limits) == (None, NOW + 22 * 60)
    assert verdicts(limits, NOW + 22 * 60) == (None, None)
    assert noted(limits, high, now=NOW + 22 * 60) == high


def test_second_window_stops_everything_when_it_is_exhausted_too() -> None:
    """When the lowest window ends, the next one counts."""
    limits = RateLimits(0.1)
    noted(limits, core(0, NOW + 60), core(0, NOW + 3600))
    assert verdicts(limits, NOW + 61) == (NOW + 3600, NOW + 3600)


def test_reset_that_is_off_by_a_second_belongs_to_the_same_window() -> None:
    """GitHub derives the reset from the time that is left, so it may differ by a second."""
    limits = RateLimits(0.1)
    noted(limits, core(900, NOW + 1800), core(899, NOW + 1801), core(898, NOW + 1800))
    assert limits.in_force(NOW) == {"core": WindowUsage(core(898), own=3, used=3)}


@pytest.mark.parametrize(
    ("readings", "own", "others"),
    [
        ([(900, True)], 1, 0),
        ([(900, True), (899, True), (898, True)], 3, 0),
        ([(899, True), (900, True), (897, True), (898, True)], 4, 0),
        ([(900, True), (880, True), (879, True)], 3, 19),
        ([(900, True), (900, False), (900, False)], 1, 0),
        ([(900, False), (890, False)], 0, 10),
    ],
    ids=["one answer", "ours alone", "out of order", "others too", "304 is free", "only 304"],
)
def test_use_by_others_is_what_our_answers_do_not_explain(
    readings: list[tuple[float, bool]], own: int, others: float
) -> None:
    """Our answers other than 304 are counted per window, and the rest of the drop is somebody else's."""
    limits = RateLimits(0.1)
    noted(limits, core(17, NOW + 60, resource="scim"), path=OTHER_PATH)
    for remaining, counts in readings:
        limits.note(PATH, core(remaining), NOW, counts=counts)
    usage = limits.in_force(NOW)["core"]
    assert (usage.own, usage.others) == (own, others)
    assert usage.window.remaining == min(remaining for remaining, _ in readings)


@pytest.mark.parametrize(
    "odd",
    [
        core(0, NOW + 365 * 86_400),
        core(0, NOW - 86_400),
        core(0, NOW + MAX_WAIT_SECONDS + 1),
        core(0, limit=0),
        core(-7, limit=-1000),
        core(2000),
    ],
    ids=["next year", "yesterday", "longer than any window", "limit of 0", "negative", "more than the limit"],
)
def test_window_that_makes_no_sense_is_ignored(odd: RateLimitWindow) -> None:
    """It stops nothing, and the last window that made sense stays in force."""
    limits = RateLimits(0.1)
    assert odd.contradicts(NOW)
    noted(limits, odd)
    assert verdicts(limits) == (None, None)
    assert limits.in_force(NOW) == limits.forecast(NOW) == {}
    assert noted(limits, core(99), odd) == core(99)
    assert verdicts(limits) == (None, NOW + 1800)


def test_doubt_is_worth_one_line_in_the_log() -> None:
    """Only the first window that makes no sense is reported; a reset of the last minute is none."""
    limits = RateLimits(0.1)
    assert [limits.doubt(), limits.doubt()] == [True, False]
    assert not core(0, NOW - 59).contradicts(NOW)
    assert not core(990).contradicts(NOW)


def test_requests_under_way_count_before_they_are_answered() -> None:
    """Requests that are sent together do not use more than is left."""
    limits = RateLimits(0.1)
    noted(limits, core(103))
    sent = [limits.begin(PATH, NOW, essential=False) for _ in range(6)]
    assert sent == [None, None, None, None, NOW + 1800, NOW + 1800]
    limits.abandon(PATH)
    assert limits.begin(PATH, NOW, essential=False) is None
    for _ in range(99):
        assert limits.begin(PATH, NOW, essential=True) is None
    assert limits.begin(PATH, NOW, essential=True) == NOW + 1800


def test_answers_in_any_order_leave_what_github_left() -> None:
    """An answer that counts requests whose own answers are still to come does not count them twice."""
    limits = RateLimits(0.1)
    noted(limits, core(104))
    for _ in range(4):
        limits.begin(PATH, NOW, essential=False)
    limits.note(PATH, core(100), NOW, counts=True)
    assert limits.in_force(NOW)["core"].left == 100
    assert limits.in_force(NOW)["core"].others == 0
    assert limits.begin(PATH, NOW, essential=False) is None


def test_next_window_is_foreseen_from_the_last() -> None:
    """It has the whole limit, lasts as long as the longest one seen, and others go on as they did."""
    limits = RateLimits(0.1)
    assert limits.forecast(NOW) == {}
    limits.note(PATH, core(1000, NOW + 100), NOW, counts=False)
    limits.note(PATH, core(800, NOW + 100), NOW + 90, counts=True)
    assert limits.forecast(NOW + 99) == limits.in_force(NOW + 99)
    usage = limits.forecast(NOW + 130)["core"]
    assert (usage.window, usage.own, usage.used) == (core(1000, NOW + 230), 0, 0)
    assert (usage.since, usage.length) == (NOW + 130, 100)
    assert usage.earlier_rate == pytest.approx(199 / 92)


def test_credentials_that_github_counts_together_share_their_limits() -> None:
    """Same host and same key: what one has used the other knows, as long as somebody uses them."""
    shared = SharedRateLimits()
    one, same = shared.of("api.github.com", "a", 0.1), shared.of("api.github.com", "a", 0.2)
    assert one is same
    assert one.reserve == 0.2
    others = [shared.of("api.github.com", "b", 0.1), shared.of("api.acme.ghe.com", "a", 0.1)]
    assert one not in others
    noted(one, core(17))
    del one, same
    assert shared.of("api.github.com", "a", 0.1).in_force(NOW) == {}


def test_primary_limit_stops_its_resource_alone() -> None:
    """An exhausted window stops the paths of its resource, and no other."""
    limits = RateLimits(0.1)
    noted(limits, core(900))
    noted(limits, core(0, NOW + 600, resource="scim"), path=OTHER_PATH)
    assert verdicts(limits, path=OTHER_PATH) == (NOW + 600, NOW + 600)
    assert verdicts(limits) == (None, None)
    assert verdicts(limits, NOW + 600, path=OTHER_PATH) == (None, None)


def test_path_never_asked_counts_as_core() -> None:
    """A path that was never asked is assumed to use the resource core."""
    limits = RateLimits(0.1)
    noted(limits, core(0))
    assert verdicts(limits, path=OTHER_PATH) == (NOW + 1800, NOW + 1800)


def test_pause_stops_everything_and_is_never_shortened() -> None:
    """A secondary limit stops the whole credential, and a shorter one that comes later does not shorten it."""
    limits = RateLimits(0.1)
    noted(limits, core(900))
    noted(limits, core(900, resource="scim"), path=OTHER_PATH)
    limits.pause(NOW + 300)
    limits.pause(NOW + 60)
    assert verdicts(limits, NOW + 299) == (NOW + 300, NOW + 300)
    assert verdicts(limits, NOW + 299, path=OTHER_PATH) == (NOW + 300, NOW + 300)
    assert verdicts(limits, NOW + 300) == (None, None)


def test_memory_is_bounded_whatever_headers_say() -> None:
    """A server that makes up resources and resets uses up no memory, and the lowest window stays."""
    limits = RateLimits(0.1)
    lowest = core(17, NOW + 900)
    noted(limits, lowest)
    for number in range(500):
        noted(limits, core(500, NOW + 1000 + 10 * number), core(500, resource=f"made_up_{number}"))
    assert noted(limits, core(600, NOW + 5)) == lowest
    assert len(limits.in_force(NOW)) <= MAX_RESOURCES + 1
    assert sum(len(known.windows) for known in limits._known.values()) <= MAX_WINDOWS + MAX_RESOURCES


resets = st.one_of(
    st.floats(NOW - 100, NOW + 40_000),
    st.integers(-(10**12), 10**12),
    st.sampled_from([0.0, -1.0, 1e300, NOW * 1000, NOW - 4 * 10**9, NOW + 4 * 10**9]),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 1000), resets, st.booleans(), st.floats(0, 5000)), min_size=1, max_size=40))
def test_any_reset_gives_a_bounded_wait(answers: list[tuple[int, float, bool, float]]) -> None:
    """Resets in the past, far ahead or of another century stop nothing for ever, and an exhausted window is obeyed."""
    limits, now = RateLimits(0.1), NOW
    for remaining, reset, counts, later in answers:
        now += later
        window = core(remaining, reset)
        in_force = limits.note(PATH, window, now, counts=counts)
        waits = verdicts(limits, now)
        assert all(wait is None or now < wait <= now + MAX_WAIT_SECONDS for wait in waits)
        if window.is_sane(now):
            assert in_force.remaining <= remaining
            assert (waits[0] is not None) >= (remaining <= 0)
        if all(each >= 100 for each, *_ in answers):
            assert waits == (None, None)
    assert verdicts(limits, now + MAX_WAIT_SECONDS) == (None, None)
