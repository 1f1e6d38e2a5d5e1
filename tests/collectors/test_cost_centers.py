"""Cost centers whose spend hangs: everything else is published, and the next run asks for them last."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from exporter.collectors.cost_centers import COLLECTOR
from exporter.errors import Reason
from tests.support.bills import BILLING, SUMMARY
from tests.support.harness import CollectorHarness

CENTERS = f"{BILLING}/cost-centers"
HANGS = requests.ReadTimeout()


def bench_of(names: str, **summaries: Any) -> CollectorHarness:
    """A run over cost centers, each with a summary of its own or the usual one."""
    usual = {"usageItems": [{"product": "Actions", "sku": "actions_linux", "netAmount": 1}]}
    recorded = {CENTERS: {"costCenters": [{"id": name, "name": name, "state": "active"} for name in names]}}
    recorded |= {f"{SUMMARY}?cost_center_id={name}": summaries.get(name, usual) for name in names}
    return CollectorHarness(COLLECTOR, recorded, options={"spend": True})


def asked(harness: CollectorHarness) -> list[str]:
    """The cost centers whose summary was asked for since the last call, repetitions left out."""
    queries = [parse_qs(urlsplit(url).query) for url in harness.asked]
    harness.asked.clear()
    return list(dict.fromkeys(query["cost_center_id"][0] for query in queries if "cost_center_id" in query))


def spend(harness: CollectorHarness) -> set[str]:
    prefix = 'ghe_cost_center_net_usd{enterprise="octo-corp",cost_center_id="'
    return {name.removeprefix(prefix)[0] for name in harness.series if name.startswith(prefix)}


def test_a_spend_that_hangs_hides_no_other() -> None:
    harness = bench_of("abc", b=HANGS)
    harness.run()
    assert spend(harness) == {"a", "c"}
    assert len([name for name in harness.series if name.startswith("ghe_cost_center_info{")]) == 3
    assert (harness.status.success, harness.status.reason) == (False, Reason.TIMEOUT)


def test_spends_that_hang_every_time_are_asked_for_last() -> None:
    """Three in a row end the asking; the run after begins with those that were not reached."""
    harness = bench_of("abcde", a=HANGS, b=HANGS, c=HANGS)
    harness.run()
    assert (asked(harness), spend(harness)) == (["a", "b", "c"], set())
    harness.run()
    assert (asked(harness), spend(harness)) == (["d", "e", "a", "b", "c"], {"d", "e"})


def test_a_list_that_hangs_fails_the_run_and_keeps_the_last_data() -> None:
    harness = bench_of("ab")
    harness.run()
    harness.recorded[CENTERS] = HANGS
    harness.run()
    assert spend(harness) == {"a", "b"}
    assert harness.status.reason is Reason.TIMEOUT
