"""How often levels are read so that the rate limit lasts: the plan itself, without any clock."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.github.rate_limit import MAX_WAIT_SECONDS, RateLimits, RateLimitWindow, WindowUsage
from exporter.runtime.pacing import TOLERANCE, Budget, Demand, budget_of, is_oversize, plan, seconds_for
from exporter.runtime.status import LevelKey

NOW = 1_795_000_000.0
HOUR = 3600.0


def level(collector: str, organization: str = "", enterprise: str = "acme") -> LevelKey:
    return LevelKey(enterprise, collector, organization)


def demand(collector: str, cost: float, interval: float, age: float = 0.0, organization: str = "") -> Demand:
    """A level that was read *age* seconds ago."""
    return Demand(level(collector, organization), cost, interval, age)


def hour(left: float, seconds: float = HOUR, whole: float | None = None) -> Budget:
    """What is left of a window of an hour."""
    return Budget(left, seconds, left if whole is None else whole, HOUR, left)


def planned_cost(demands: Sequence[Demand], intervals: dict[LevelKey, float], seconds: float) -> float:
    """What the readings take that begin before the window ends."""
    total = 0.0
    for each in demands:
        at = max(0.0, intervals[each.level] - each.age)
        while at < seconds - 1e-6:
            total += each.cost
            at += intervals[each.level]
    return total + sum(each.under_way for each in demands)


def usage(
    remaining: float, *, own: int = 0, others: float = 0, since: float = 0, earlier: float | None = None
) -> WindowUsage:
    """A window of 5,000 an hour, seen *since* seconds, of which half an hour is left."""
    window = RateLimitWindow("core", 5000, remaining, NOW + HOUR / 2)
    return WindowUsage(
        window, own, own + others, 0, NOW - since, NOW, HOUR, None if earlier is None else earlier / HOUR
    )


def test_everything_that_fits_stays_as_configured() -> None:
    """Nothing is stretched as long as the limit has room for it."""
    demands = [demand("runners", 75, 60), demand("scim", 1, 3600), demand("license_users", 0, 60)]
    assert plan(demands, hour(4600)) == {each.level: each.interval for each in demands}
    assert plan([], hour(0)) == {}


def test_single_collector_is_read_in_even_steps() -> None:
    """Of readings that cost 20 each, 90 requests allow four, the next of which begins with the next window."""
    [interval] = plan([demand("runners", 20, 10)], Budget(70, 100, 90, 100, 80)).values()
    assert interval == pytest.approx(25, rel=0.005)
    [later] = plan([demand("runners", 20, 10, age=1)], Budget(50, 74, 90, 100, 60)).values()
    assert later == pytest.approx(25, rel=0.005)


def test_only_the_most_expensive_is_stretched_where_it_is_most_of_the_cost() -> None:
    """The cheap ones, stretched as well, would hardly make it fresher."""
    cheap = [demand(name, 3, 900, age=300) for name in ("budgets", "scim", "copilot")]
    intervals = plan([demand("runners", 100, 60), *cheap], hour(4500))
    assert intervals[level("runners")] == pytest.approx(HOUR / 44.7, rel=0.02)
    assert all(intervals[each.level] == each.interval for each in cheap)


def test_equally_expensive_collectors_are_stretched_evenly() -> None:
    """Two that cost about the same share the limit; none is starved for the other."""
    intervals = plan([demand("runners", 50, 60), demand("hosted_runners", 49, 60)], hour(2970))
    assert intervals[level("runners")] == intervals[level("hosted_runners")] == pytest.approx(120, rel=0.04)


def test_levels_of_a_collector_have_one_interval() -> None:
    """A hundred organizations of one collector are stretched together, however small each is."""
    levels = [demand("runners", 2, 60, age=number / 2, organization=f"org-{number}") for number in range(100)]
    intervals = plan([*levels, demand("scim", 5, 3600)], hour(4500))
    assert {
        round(seconds, 6) for organization, seconds in intervals.items() if organization.collector == "runners"
    } == {round(intervals[level("runners", "org-0")], 6)}
    assert intervals[level("runners", "org-0")] == pytest.approx(60 * 12_000 / 4500, rel=0.05)


def test_licenses_are_never_stretched() -> None:
    """What is not to be stretched keeps its interval, even if nothing is left."""
    licenses = replace(demand("licenses", 1, 900), stretches=False, essential=True)
    runners = replace(demand("runners", 100, 60, age=30), essential=True)
    for left in (1000.0, 50.0, 0.0, -100.0):
        intervals = plan([licenses, runners], hour(left, whole=4500))
        assert intervals[licenses.level] == 900
    assert intervals[runners.level] == 30 + HOUR


def test_reading_larger_than_what_is_left_waits_for_the_next_window() -> None:
    """It does not begin, and nothing planned uses the reserve."""
    assert plan([demand("runners", 100, 60, age=60)], hour(99, 600, whole=4500)) == {level("runners"): 660}
    assert plan([demand("runners", 100, 60, age=60)], hour(100, 600, whole=4500))[level("runners")] < 660


def test_reading_larger_than_a_whole_window_begins_with_one() -> None:
    """It would wait for ever; it begins when a window is fresh, and has the time of several."""
    huge = demand("runners", 10_000, 60, age=5000)
    assert is_oversize(huge, hour(4500))
    assert plan([huge], hour(4400, whole=4500))[huge.level] < 5000
    assert plan([huge], hour(2000, 600, whole=4500))[huge.level] == 5600
    assert seconds_for(huge, hour(4500)) == 3 * HOUR
    assert seconds_for(demand("runners", 100, 60), hour(4500)) == 0


def test_reading_under_way_has_its_requests_already() -> None:
    """What it has still to send is spoken for."""
    under_way = replace(demand("license_users", 1000, 21_600), under_way=800)
    runners = demand("runners", 100, 60, age=60)
    assert plan([under_way, runners], hour(850, 600, whole=4500))[runners.level] == 660


def test_below_the_reserve_only_essential_work_continues() -> None:
    """Runners share what is left; everything else waits for the reset, and licenses do not wait."""
    licenses = replace(demand("licenses", 1, 900), stretches=False, essential=True)
    runners = replace(demand("runners", 100, 60), essential=True)
    scim = demand("scim", 2, 600, age=500)
    intervals = plan([licenses, runners, scim], Budget(0, 1000, 4500, HOUR, 400, is_reserve_reached=True))
    assert intervals[scim.level] == 1500
    assert intervals[licenses.level] == 900
    assert intervals[runners.level] == pytest.approx(1000 / 4, rel=0.01)


@pytest.mark.parametrize(
    ("described", "left"),
    [
        (usage(3000, own=1000, since=1800), 2500),
        (usage(3000, own=1000, others=500, since=1800), 2500 - 480.77),
        (usage(3000, own=1000, others=500, since=1800, earlier=1000), 2500 - 500),
        (usage(3000, others=10, since=10), 2500 - 20),
        (usage(600, others=4000, since=1800), 10),
        (usage(400, own=4600, since=1800), 0),
    ],
    ids=["alone", "others", "others as before", "first seconds", "others take all", "reserve reached"],
)
def test_budget_leaves_the_reserve_and_what_others_take(described: WindowUsage, left: float) -> None:
    """Others continue at the rate that was seen, which begins with that of the window before."""
    budget = budget_of(described, 0.1, NOW)
    assert budget.left == pytest.approx(left, abs=0.1)
    assert (budget.seconds, budget.length) == (HOUR / 2, HOUR)
    assert budget.is_reserve_reached is (left == 0)


def test_others_never_take_everything() -> None:
    """A tenth of what is above the reserve stays ours, whatever others took in the window before."""
    budget = budget_of(usage(4500, earlier=50_000, since=1), 0.1, NOW)
    assert (budget.left, budget.whole) == (400, 450)


demands_of_a_credential = st.lists(
    st.builds(
        Demand,
        st.builds(level, st.sampled_from("abcdefgh"), st.sampled_from(["", "one", "two"])),
        st.integers(0, 300),
        st.sampled_from([10.0, 60.0, 900.0, 3600.0, 21_600.0]),
        st.floats(0, 30_000),
        st.sampled_from([0.0, 0.0, 7.0]),
        st.sampled_from([True, True, True, False]),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda each: each.level,
)
budgets = st.builds(
    Budget,
    st.floats(-500, 5000),
    st.floats(0, HOUR),
    st.floats(0, 5000),
    st.sampled_from([100.0, HOUR]),
    st.floats(-500, 5000),
    st.booleans(),
)


@settings(deadline=None, max_examples=100)
@given(demands_of_a_credential, budgets)
def test_any_plan_is_sane(demands: list[Demand], budget: Budget) -> None:
    """No interval is shorter than its own, none reaches beyond the reset without need, and the fixed ones stay."""
    intervals = plan(demands, budget)
    assert intervals.keys() == {each.level for each in demands}
    for each in demands:
        seconds = intervals[each.level]
        assert each.interval <= seconds <= max(each.interval, each.age + budget.seconds) + 1e-6
        if not each.stretches:
            assert seconds == each.interval


@settings(deadline=None, max_examples=100)
@given(demands_of_a_credential, st.floats(500, 5000), st.floats(60, HOUR))
def test_planned_readings_fit_what_is_left(demands: list[Demand], left: float, seconds: float) -> None:
    """Whatever is due before the reset costs no more than the budget, unless the fixed ones alone cost more."""
    budget = Budget(left, seconds, 5000, HOUR, left)
    fixed = [each for each in demands if not each.stretches]
    intervals = plan(demands, budget)
    if not any(is_oversize(each, budget, HOUR * sum(f.cost / f.interval for f in fixed)) for each in demands):
        alone = planned_cost(fixed, intervals, seconds) + sum(each.under_way for each in demands if each.stretches)
        assert planned_cost(demands, intervals, seconds) <= max(left, alone) + 1e-6


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([10.0, 30.0, 60.0])), min_size=1, max_size=8))
def test_worst_interval_is_close_to_that_of_an_even_spread(collectors: list[tuple[int, float]]) -> None:
    """Of collectors that are read often, none is stretched much more than if all were stretched alike."""
    demands = [demand(f"c{number}", cost, interval) for number, (cost, interval) in enumerate(collectors)]
    rate = sum(each.cost / each.interval for each in demands)
    left = rate * HOUR / 3
    intervals = plan(demands, hour(left))
    worst = max(intervals[each.level] / each.interval for each in demands)
    # Readings are whole, so each collector may have one less than its share.
    share = left - sum(each.cost for each in demands)
    assert worst <= 3 * TOLERANCE * max(1.0, left / share if share > 0 else 10) * 1.01


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-10, 6000), st.floats(-1e12, 1e12), st.floats(0, 5000)), max_size=20),
    st.floats(0, 0.9),
)
def test_any_headers_give_a_budget_of_a_bounded_window(answers: list[tuple[int, float, float]], reserve: float) -> None:
    """Whatever answers report, what follows is a number for a window that ends."""
    limits, now = RateLimits(reserve), NOW
    for limit, reset, later in answers:
        now += later
        limits.note("/x", RateLimitWindow("core", limit, limit // 2, reset), now, counts=True)
        limits.note("/x", RateLimitWindow("core", limit, limit // 2, now + reset % 9000), now, counts=True)
        for known in limits.forecast(now).values():
            budget = budget_of(known, reserve, now)
            assert 0 <= budget.seconds <= budget.length <= MAX_WAIT_SECONDS
            assert budget.left <= budget.remaining <= 6000
            assert 0 <= budget.whole <= 6000
            assert plan([demand("runners", 100, 60)], budget)[level("runners")] >= 60
