"""How `check` counts the calls of a configuration and compares them with rate limits."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from exporter.clock import SystemClock
from exporter.collector import Platform
from exporter.commands.check import check
from exporter.commands.demo import demo_settings
from exporter.doctor.calls import Budget, CollectorCalls, CredentialUse, advised, budgets, described, rounded_up
from exporter.doctor.report import EnterpriseReport, document
from exporter.github.rate_limit import RateLimitWindow
from exporter.reference.pages import CALLS_FILE
from exporter.reference.permissions import SIZES, Size
from exporter.simulator.server import Simulator
from scripts.count_calls import COLLECTORS, STARTED, count

ROOT = Path(__file__).resolve().parents[2]
COUNTED = json.loads((ROOT / CALLS_FILE).read_text(encoding="utf-8"))
TOLERATED_SHARE = 0.02
TOLERATED_CALLS = 4.0
"""An hour: what is kept for a quarter of an hour is asked for three or four times, and a full last page is followed by
an empty one."""
WITHOUT_TOTAL = {"actions_activity"}
"""The audit log has cursors and announces no total; the collector keeps to half of the limit that it has to itself."""
SPENDING = {"cost_centers spend", "advanced_security organizations_breakdown"}
"""Options that the settings of the demo switch on."""


def report_of(size: Size) -> EnterpriseReport:
    """What `check` finds for the big enterprise of a simulated GitHub of that size."""
    with Simulator(
        users=size.users,
        runners=size.runners,
        organizations=size.organizations,
        same_size=True,
        now=lambda: STARTED,
    ) as simulator:
        settings = demo_settings(simulator.url, "127.0.0.1:0", size.organizations)
        settings = settings.model_copy(update={"enterprises": settings.enterprises[:1]})
        return check(settings, SystemClock(), threading.Event())[0]


@pytest.mark.parametrize(
    "size",
    [pytest.param(size, marks=() if size is SIZES[0] else pytest.mark.slow) for size in SIZES],
    ids=lambda size: size.name,
)
def test_calls_found_by_check_are_those_counted(size: Size) -> None:
    """For each collector, `check` arrives with a few requests at what the simulator counts in an hour of runs."""
    rows, wrong = COUNTED[Platform.CLOUD.value], []
    for found in report_of(size).calls:
        if found.organization or not found.per_hour or found.collector in WITHOUT_TOTAL:
            continue
        name = next((row for row in SPENDING if row.startswith(f"{found.collector} ")), found.collector)
        counted, expected = rows[name][size.name], sum(found.per_hour.values())
        if abs(counted - expected) > max(TOLERATED_CALLS, TOLERATED_SHARE * counted):
            wrong.append(f"{found.collector}: check says {expected}, the simulator counted {counted} an hour")
    assert not wrong, "\n".join(wrong)


def test_committed_calls_are_those_the_simulator_counts() -> None:
    """Counted again for the smallest size; a collector that changed is to be counted again: `make calls ARGS=NAME`."""
    again = count(COLLECTORS, SIZES[:1])
    for platform, rows in again.items():
        assert {name: row["small"] for name, row in rows.items()} == pytest.approx(
            {name: row["small"] for name, row in COUNTED[platform].items() if "small" in row}
        ), "run `make calls`, for a collector that changed with ARGS=NAME"


def test_every_collector_was_counted() -> None:
    """A collector that the simulator offers is in the table; `make docs` counts those that are missing."""
    counted = {name.partition(" ")[0] for rows in COUNTED.values() for name in rows}
    assert {collector.name for collector in COLLECTORS} <= counted


def calls(collector: str, interval: float, per_hour: float | None, **given: Any) -> CollectorCalls:
    """What a collector sends."""
    usual = {"enterprise": "acme", "organization": "", "credential": "auth"}
    counted = None if per_hour is None else {given.pop("resource", "core"): per_hour}
    return CollectorCalls(collector=collector, interval=interval, per_hour=counted, **(usual | given))


def use(enterprise: str = "acme", shares: str = "token", limit: float = 5_000, name: str = "auth") -> CredentialUse:
    """A credential with one limit."""
    return CredentialUse(enterprise, name, shares, 0.1, {"core": RateLimitWindow("core", limit, limit, 0)})


def only(credentials: list[CredentialUse], collectors: list[CollectorCalls]) -> Budget:
    """The one budget."""
    (budget,) = budgets(credentials, collectors)
    return budget


def test_what_fits_leaves_the_intervals_alone() -> None:
    """Up to the limit less the reserve, no interval is to be longer."""
    budget = only([use()], [calls("runners", 60, 4_496), calls("licenses", 900, 4)])
    assert (budget.calls, budget.allowed, budget.spare, budget.fits) == (4_500, 4_500, 0, True)
    assert budget.intervals_that_fit() == {}
    assert described(budget) == (
        "acme auth: 4,500 calls an hour of 4,500 (limit core 5,000, 10% in reserve): fits, 0 to spare"
    )


def test_one_call_too_many_does_not_fit() -> None:
    """The boundary belongs to what fits."""
    assert not only([use()], [calls("runners", 60, 4_501)]).fits


def test_most_expensive_interval_is_lengthened_until_all_fits() -> None:
    """The advice is an interval that people write, and with it the calls fit."""
    budget = only([use()], [calls("runners", 60, 6_000), calls("runner_groups", 900, 200), calls("licenses", 900, 4)])
    (longer,) = budget.intervals_that_fit().values()
    assert longer == 90
    assert 6_000 * 60 / longer + 204 <= budget.allowed
    assert advised(budget) == "set collectors.runners.interval to 90s (now 1m)"
    assert "1,704 too many" in described(budget)


def test_several_intervals_are_lengthened_where_one_would_be_far_longer() -> None:
    """Nobody wants runners once an hour so that a list of people may be read as often as before."""
    budget = only([use(limit=1_000)], [calls("runners", 60, 900), calls("scim", 3_600, 850)])
    assert set(budget.intervals_that_fit()) == {"runners", "scim"}


def test_licenses_are_never_lengthened() -> None:
    """They stay, and where nothing else is left there is other advice."""
    budget = only([use(limit=3)], [calls("licenses", 900, 4)])
    assert budget.intervals_that_fit() == {}
    assert "several credentials" in advised(budget)


def test_one_token_in_two_enterprises_is_one_budget() -> None:
    """Calls of all who share a token count together; another credential has a limit of its own."""
    found = list(
        budgets(
            [use(), use("globex"), use("octo", shares="other")],
            [
                calls("runners", 60, 3_000),
                calls("runners", 60, 3_000, enterprise="globex"),
                calls("runners", 60, 10, enterprise="octo"),
            ],
        )
    )
    assert [(budget.calls, budget.fits) for budget in found] == [(6_000, False), (10, True)]
    assert found[0].credentials == (("acme", "auth"), ("globex", "auth"))
    assert found[0].by_collector() == [("runners", 60, 6_000)]


def test_only_calls_of_the_resource_count() -> None:
    """GitHub limits some endpoints by themselves."""
    budget = only([use()], [calls("runners", 60, 60), calls("scim", 3_600, 9_000, resource="scim")])
    assert budget.calls == 60


def test_server_without_limits_has_no_budget() -> None:
    """Where no answer reports a limit, nothing is said."""
    unlimited = CredentialUse("acme", "auth", "token", 0.1)
    assert list(budgets([unlimited], [calls("runners", 60, 60)])) == []
    assert list(budgets([use(limit=0)], [calls("runners", 60, 60)])) == []


def test_collector_that_fails_is_named() -> None:
    """Its calls are not known, so the sum is too low and says so."""
    budget = only([use()], [calls("runners", 60, 60), calls("billing", 3_600, None)])
    assert budget.unknown == ("billing",)
    assert "without billing, which cannot be counted" in described(budget)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(61, 70), (280, 300), (900.1, 1_080), (3_700, 3_900), (50_000, 50_400)]
)
def test_intervals_are_rounded_up(seconds: float, expected: float) -> None:
    """To a multiple of a round number, never down."""
    assert seconds <= rounded_up(seconds) == pytest.approx(expected, rel=0.15)


def test_json_names_the_interval_that_fits() -> None:
    """A script finds what is sent, what is allowed and what to change; a limit that is too small is a warning alone."""
    with Simulator(users=200, runners=400, organizations=2, rate_limit=600) as simulator:
        reports = check(demo_settings(simulator.url, "127.0.0.1:0", 2), SystemClock(), threading.Event())
    found = document(reports, 0)
    budget = next(each for each in found["rate_limit_budgets"] if each["resource"] == "core")
    assert (budget["limit"], budget["reserve"], budget["fits"]) == (600, 60, False)
    assert budget["spare_calls_per_hour"] == pytest.approx(540 - budget["calls_per_hour"])
    runners = budget["collectors"][0]
    assert (runners["collector"], runners["interval_seconds"]) == ("runners", 60)
    assert runners["interval_seconds_that_fits"] > 60
    assert found["ok"] is all(report.ok for report in reports)
    warned = [item["warning"] for item in found["enterprises"][0]["warnings"]]
    assert "rate_limit_too_small" in warned
