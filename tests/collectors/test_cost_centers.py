"""Cost centers whose spend hangs: everything else is published, and the next run asks for them last."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from exporter.collectors.cost_centers import COLLECTOR
from exporter.errors import Reason
from tests.collectors.test_billing import BILLING, SUMMARY
from tests.support.harness import Bench

CENTERS = f"{BILLING}/cost-centers"
HANGS = requests.ReadTimeout()


def bench_of(names: str, **summaries: Any) -> Bench:
    """A run over cost centers, each with a summary of its own or the usual one."""
    usual = {"usageItems": [{"product": "Actions", "sku": "actions_linux", "netAmount": 1}]}
    recorded = {CENTERS: {"costCenters": [{"id": name, "name": name, "state": "active"} for name in names]}}
    recorded |= {f"{SUMMARY}?cost_center_id={name}": summaries.get(name, usual) for name in names}
    return Bench(COLLECTOR, recorded, options={"spend": True})


def asked(bench: Bench) -> list[str]:
    """The cost centers whose summary was asked for since the last call, repetitions left out."""
    queries = [parse_qs(urlsplit(url).query) for url in bench.asked]
    bench.asked.clear()
    return list(dict.fromkeys(query["cost_center_id"][0] for query in queries if "cost_center_id" in query))


def spend(bench: Bench) -> set[str]:
    prefix = 'ghe_cost_center_net_usd{enterprise="octo-corp",cost_center_id="'
    return {name.removeprefix(prefix)[0] for name in bench.series if name.startswith(prefix)}


def test_a_spend_that_hangs_hides_no_other() -> None:
    bench = bench_of("abc", b=HANGS)
    bench.run()
    assert spend(bench) == {"a", "c"}
    assert len([name for name in bench.series if name.startswith("ghe_cost_center_info{")]) == 3
    assert (bench.status.success, bench.status.reason) == (False, Reason.TIMEOUT)


def test_spends_that_hang_every_time_are_asked_for_last() -> None:
    """Three in a row end the asking; the run after begins with those that were not reached."""
    bench = bench_of("abcde", a=HANGS, b=HANGS, c=HANGS)
    bench.run()
    assert (asked(bench), spend(bench)) == (["a", "b", "c"], set())
    bench.run()
    assert (asked(bench), spend(bench)) == (["d", "e", "a", "b", "c"], {"d", "e"})


def test_a_list_that_hangs_fails_the_run_and_keeps_the_last_data() -> None:
    bench = bench_of("ab")
    bench.run()
    bench.recorded[CENTERS] = HANGS
    bench.run()
    assert spend(bench) == {"a", "b"}
    assert bench.status.reason is Reason.TIMEOUT
