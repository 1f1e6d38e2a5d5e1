"""Which days of usage are asked for, and when again."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from exporter.collectors.billing_usage import COLLECTOR
from tests.collectors.test_billing import BILLING, DAY, at
from tests.support.harness import Bench

USAGE = f"{BILLING}/usage"
CENTERS = f"{BILLING}/cost-centers"
NET = 'ghe_billing_organization_net_usd{enterprise="octo-corp",organization="octo-org",product="actions"}'


def usage(amount: float) -> dict[str, Any]:
    return {"usageItems": [{"product": "actions", "organizationName": "octo-org", "netAmount": amount}]}


def centers(*names: str) -> dict[str, Any]:
    return {"costCenters": [{"id": name, "name": name, "state": "active", "resources": []} for name in names]}


def asked(bench: Bench, start: int = 0) -> list[tuple[int, str]]:
    """Day and cost centre of each usage asked for since request number *start*."""
    urls = (urlsplit(url) for url in bench.asked[start:])
    queries = (parse_qs(url.query) for url in urls if url.path == USAGE)
    return [(int(query["day"][0]), query.get("cost_center_id", [""])[0]) for query in queries]


def days(numbers: Iterable[int], *names: str) -> list[tuple[int, str]]:
    listed = list(numbers)
    return [(day, name) for name in names for day in listed]


def test_every_day_of_the_month_so_far_is_asked_for_once_per_cost_center() -> None:
    """Year, month and day are always given; without a cost centre GitHub tells what has none."""
    bench = Bench(COLLECTOR, {CENTERS: centers("web", "data"), USAGE: usage(1)}, now=at("2026-11-03T10:00:00"))
    bench.run()
    assert asked(bench) == days(range(1, 4), "", "data", "web")
    assert all("year=2026&month=11&day=" in url for url in bench.asked if url.startswith(f"{USAGE}?"))
    assert bench.asked[0] == f"{CENTERS}?state=active"
    assert bench.series[NET] == 9


def test_days_older_than_three_are_not_asked_for_again() -> None:
    """A final day is kept; the last three days and today are asked for at each run."""
    bench = Bench(COLLECTOR, {CENTERS: centers(), USAGE: usage(1)}, now=at("2026-11-10T10:00:00"))
    bench.run()
    assert asked(bench) == days(range(1, 11), "")
    first = len(bench.asked)
    bench.recorded[USAGE] = usage(2)
    bench.run()
    assert asked(bench, first) == days(range(7, 11), "")
    assert bench.series[NET] == 6 * 1 + 4 * 2


def test_a_day_is_asked_for_once_more_when_it_is_final() -> None:
    """What was read while GitHub still added to it does not become final."""
    bench = Bench(COLLECTOR, {CENTERS: centers(), USAGE: usage(1)}, now=at("2026-11-05T10:00:00"))
    bench.run()
    bench.clock.now += DAY
    bench.recorded[USAGE] = usage(3)
    first = len(bench.asked)
    bench.run()
    assert asked(bench, first) == days(range(2, 7), "")
    assert bench.series[NET] == 1 + 5 * 3


def test_days_read_before_a_failure_are_kept() -> None:
    """A run that fails half-way does not start over; no day counts twice."""
    now = at("2026-11-10T10:00:00")
    bench = Bench(
        COLLECTOR, {CENTERS: centers(), USAGE: usage(1), f"{USAGE}?day=5": {"status": 500, "body": ""}}, now=now
    )
    bench.run()
    assert not bench.status.success
    del bench.recorded[f"{USAGE}?day=5"]
    first = len(bench.asked)
    bench.run()
    assert asked(bench, first) == days(range(5, 11), "")
    assert bench.series[NET] == 10


def test_a_new_month_starts_over() -> None:
    """After midnight in UTC only the new month counts, and what was final in the old one is forgotten."""
    bench = Bench(COLLECTOR, {CENTERS: centers(), USAGE: usage(1)}, now=at("2026-12-31T23:59:59"))
    bench.run()
    assert bench.series[NET] == 31
    bench.clock.now += 1
    first = len(bench.asked)
    bench.run()
    assert asked(bench, first) == days([1], "")
    assert "year=2027&month=1&day=1" in bench.asked[-1]
    assert bench.series[NET] == 1


def test_a_new_cost_center_is_read_from_the_first_day_and_a_deleted_one_no_more() -> None:
    """The sums are those of the cost centres there are, as a second exporter that starts now would have them."""
    bench = Bench(COLLECTOR, {CENTERS: centers("old"), USAGE: usage(1)}, now=at("2026-11-06T10:00:00"))
    bench.run()
    assert bench.series[NET] == 12
    bench.recorded[CENTERS] = centers("new")
    first = len(bench.asked)
    bench.run()
    assert asked(bench, first) == [*days(range(3, 7), ""), *days(range(1, 7), "new")]
    assert bench.series[NET] == 12


def test_without_cost_centers_the_rest_is_read_all_the_same() -> None:
    """An enterprise that has no cost centres, or a credential that may not see them."""
    for refusal in ({"status": 404, "body": {}}, {"status": 403, "body": {"message": "Must have admin rights"}}):
        bench = Bench(COLLECTOR, {CENTERS: refusal, USAGE: usage(1)}, now=at("2026-11-01T10:00:00"))
        bench.run()
        assert bench.series[NET] == 1


def test_cost_centers_that_fail_fail_the_run() -> None:
    """Sums without the cost centres would be wrong, not merely old."""
    bench = Bench(COLLECTOR, {CENTERS: {"status": 500, "body": ""}, USAGE: usage(1)})
    bench.run()
    assert not bench.status.success
    assert bench.text == ""
