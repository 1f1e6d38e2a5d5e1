"""Billed usage of the simulated companies: sums that agree, months that turn, a pace that is too fast."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from math import fsum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.company.activity import DAY, FIRST_MONDAY, HOUR, effort, load
from exporter.simulator.company.billing import ALLOWANCES, Billing
from exporter.simulator.company.estate import Estate
from exporter.simulator.company.ledger import Account, Usage
from exporter.simulator.company.periods import Month, Period
from exporter.simulator.company.skus import SKUS, Pool

FRIDAY = datetime(2026, 11, 20, 11, 3, 20, tzinfo=UTC).timestamp()
MONTHS = [Month(2026, 2), Month(2026, 8), Month(2026, 11), Month(2026, 12), Month(2027, 5)]

moments = st.floats(datetime(2026, 1, 1, tzinfo=UTC).timestamp(), datetime(2027, 12, 31, tzinfo=UTC).timestamp())


def billing(slug: str = "octo-corp", **sizes: Any) -> Billing:
    """Return the billing of an enterprise that has some."""
    found = Estate(**sizes).enterprise(slug)
    assert found is not None
    assert found.billing is not None
    return found.billing


def everybody(_: Account) -> bool:
    return True


def of_month(at: float) -> Period:
    month = Month.of(at)
    return Period(month.year, month.month)


def totals(
    found: Billing, period: Period, at: float, wanted: Callable[[Account], bool] = everybody
) -> dict[str, Usage]:
    return {sku.id: usage for sku, usage in found.ledger.totals(period, at, wanted)}


def minutes(found: Billing, at: float) -> tuple[float, float]:
    """Minutes of the month so far in price equivalents: what an allowance may cover, and what it covers."""
    spent = totals(found, of_month(at), at, lambda account: account.sku.pool is Pool.MINUTES and not account.is_free)
    skus = {sku.id: sku.equivalent for sku in SKUS}
    return (
        fsum(usage.gross * skus[sku] for sku, usage in spent.items()),
        fsum(usage.discount * skus[sku] for sku, usage in spent.items()),
    )


def upper_bound(found: Billing, at: float) -> float:
    """What is known of the covered minutes from outside: all discounts of standard runners."""
    skus = [sku for sku in SKUS if sku.pool is Pool.MINUTES]
    spent = totals(found, of_month(at), at)
    return fsum(spent[sku.id].discount * sku.equivalent for sku in skus if sku.id in spent)


def test_effort_is_the_sum_of_the_load() -> None:
    """The closed form is what adding up the load gives."""
    for start, hours in ((FIRST_MONDAY, 24), (FRIDAY, 100), (FRIDAY - 400 * DAY, 300)):
        step = 60
        added = fsum(load(start + second) for second in range(step // 2, hours * HOUR, step)) * step / HOUR
        assert effort(start + hours * HOUR) - effort(start) == pytest.approx(added, rel=1e-3)


@given(moments, st.sampled_from(["octo-corp", "octo-tenant"]), st.integers(1, 900), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_rows_of_all_days_and_cost_centers_are_the_summary(
    at: float, slug: str, users: int, organizations: int
) -> None:
    """For any company and time: default rows and those of each cost center add up to the summary, by product."""
    found = billing(slug, users=users, organizations=organizations)
    parts: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for center in ("", *(center.id for center in found.cost_centers.named("active"))):
        for entry in found.ledger.entries(of_month(at), at, center):
            assert entry.account.cost_center == center
            assert 0 <= entry.usage.discount <= entry.usage.gross * (1 + 1e-12)
            parts[entry.account.sku.id].append(entry.usage)
    summary = totals(found, of_month(at), at)
    assert parts.keys() == summary.keys()
    for sku, usage in summary.items():
        assert fsum(gross for gross, _ in parts[sku]) == pytest.approx(usage.gross, rel=1e-9)
        assert fsum(discount for _, discount in parts[sku]) == pytest.approx(usage.discount, rel=1e-9, abs=1e-9)


@given(moments, moments)
@settings(max_examples=40, deadline=None)
def test_usage_only_grows_within_a_month(one: float, other: float) -> None:
    """Later in the same month nothing is less."""
    found, (first, second) = billing(), sorted((one, other))
    if Month.of(first) != Month.of(second):
        second = min(second, Month.of(first).stop - 1)
    before, after = (totals(found, of_month(first), at) for at in (first, second))
    for sku, usage in before.items():
        assert after[sku].gross >= usage.gross
        assert after[sku].discount >= usage.discount - 1e-9


@pytest.mark.parametrize("month", MONTHS)
def test_a_month_begins_with_nothing(month: Month) -> None:
    """At 00:00 UTC on the 1st everything is used up afresh, and the month before is final."""
    found = billing()
    assert totals(found, of_month(month.start), month.start) == {}
    assert 0 < minutes(found, month.start + 60)[0] < 5
    previous = of_month(month.start - 1)
    final = totals(found, previous, month.start)
    assert final == totals(found, previous, month.start + 9 * DAY)
    assert final["actions_linux"].gross == pytest.approx(
        totals(found, previous, month.start - 1)["actions_linux"].gross, rel=1e-4
    )


def test_minutes_are_used_in_working_hours_and_storage_all_day() -> None:
    """Minutes are used in working hours, storage all day long."""
    found = billing()
    tuesday = datetime(2026, 11, 17, tzinfo=UTC).timestamp()
    spent = [totals(found, of_month(tuesday), tuesday + hour * HOUR) for hour in (0, 6, 9, 15)]
    night, day = (spent[stop]["actions_linux"].gross - spent[stop - 1]["actions_linux"].gross for stop in (1, 3))
    assert day > 5 * night
    kept = [each["actions_storage"].gross for each in spent]
    assert kept[3] - kept[2] == pytest.approx(kept[1] - kept[0])


@pytest.mark.parametrize("month", MONTHS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_minutes_are_ahead_of_pace(month: Month, seed: int) -> None:
    """In the middle of a month the allowance is not used up, but at this pace it will be; at its end it is."""
    found = billing(seed=seed)
    allowance = ALLOWANCES[Pool.MINUTES]
    for day in range(9, 19):
        at = month.start + day * DAY + 12 * HOUR
        used, covered = minutes(found, at)
        elapsed = (at - month.start) / (month.stop - month.start)
        assert covered == pytest.approx(used)
        assert covered < upper_bound(found, at) < allowance < upper_bound(found, at) / elapsed
    used, covered = minutes(found, month.stop - 1)
    assert used > 1.1 * allowance
    assert covered == pytest.approx(allowance)
    assert allowance < upper_bound(found, month.stop - 1) < 1.2 * allowance


def test_what_is_free_and_what_an_allowance_never_covers() -> None:
    """Self-hosted minutes and those of public repositories cost nothing; larger runners and caches do everywhere."""
    found = billing()
    at = Month.of(FRIDAY).stop - 1
    spent = totals(found, of_month(at), at)
    public = totals(found, of_month(at), at, lambda account: bool(account.repository and account.repository.public))
    assert spent["actions_self_hosted_linux"].gross > spent["actions_linux"].gross
    for sku in ("actions_self_hosted_linux", "actions_self_hosted_windows"):
        assert spent[sku].discount == spent[sku].gross > 0
    for sku in ("actions_linux", "actions_storage"):
        assert public[sku].discount == public[sku].gross > 0
        assert public[sku].gross < 0.2 * spent[sku].gross
    for sku in ("actions_linux_4_core", "actions_macos_xl", "actions_cache_storage", "actions_custom_image_storage"):
        assert spent[sku].discount == 0 < spent[sku].gross


@pytest.mark.parametrize("month", MONTHS)
def test_storage_is_close_to_the_allowance(month: Month) -> None:
    """On average there is almost as much as the plan includes, and none of it is paid for."""
    found = billing()
    for day in (1, 15, 27):
        at = month.start + day * DAY
        spent = totals(found, of_month(at), at)
        kept = [spent[sku] for sku in ("actions_storage", "packages_storage")]
        average = fsum(each.gross for each in kept) / (day * 24)
        assert 0.9 * ALLOWANCES[Pool.STORAGE] < average < ALLOWANCES[Pool.STORAGE]
        assert fsum(each.discount for each in kept) == pytest.approx(fsum(each.gross for each in kept))


def test_a_pool_has_one_profile() -> None:
    """Otherwise the shares of an allowance would not add up."""
    for pool in Pool:
        assert len({sku.profile for sku in SKUS if sku.pool is pool}) == 1


def test_licenses_cost_what_the_people_with_them_cost() -> None:
    """Licenses by person cost what the people with them cost."""
    enterprise = Estate().enterprise("octo-corp")
    assert enterprise is not None
    assert enterprise.copilot is not None
    assert enterprise.billing is not None
    month = Month.of(FRIDAY)
    spent = totals(enterprise.billing, Period(*month), month.stop)
    people = spent["copilot_for_business"].gross + spent["copilot_enterprise"].gross
    assert people == pytest.approx(enterprise.copilot.most, rel=0.03)


def test_same_seed_same_ledger() -> None:
    """The same seed and time give the same numbers, another seed others."""
    assert totals(billing(), of_month(FRIDAY), FRIDAY) == totals(billing(), of_month(FRIDAY), FRIDAY)
    assert totals(billing(seed=2), of_month(FRIDAY), FRIDAY) != totals(billing(), of_month(FRIDAY), FRIDAY)


@pytest.mark.parametrize(("users", "organizations"), [(1, 1), (1, 900), (100_000, 3), (1_000_000, 1_000)])
def test_rows_of_a_day_are_bounded_for_any_size(users: int, organizations: int) -> None:
    """Whatever the size of the company, a day has some thousands of rows at most."""
    ledger = billing(users=users, organizations=organizations).ledger
    assert 10 < len(ledger.accounts) < 10_000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, Period(2026, 11)),
        ({"year": "2026"}, Period(2026)),
        ({"month": "3"}, Period(2026, 3)),
        ({"day": "3"}, Period(2026, 11, 3)),
        ({"year": "2025", "month": "2", "day": "28"}, Period(2025, 2, 28)),
    ],
)
def test_missing_period_is_this_month_or_this_year(query: dict[str, str], expected: Period) -> None:
    """What is not said is this month or this year."""
    assert Period.of(query, FRIDAY, whole_year=False) == expected
    assert Period.of({}, FRIDAY, whole_year=True) == Period(2026)


@pytest.mark.parametrize(
    "query", [{"month": "13"}, {"month": "2", "day": "30"}, {"year": "x"}, {"year": "-1"}, {"year": "2026", "day": "1"}]
)
def test_impossible_periods_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Period.of(query, FRIDAY, whole_year=False)


def test_two_years_are_answered() -> None:
    """The future and what is older than two years have no usage."""
    found = billing()
    assert totals(found, Period(2027), FRIDAY) == {}
    assert totals(found, Period(2024, 11), FRIDAY) == {}
    assert totals(found, Period(2024, 12), FRIDAY)
