"""AI credits: what is exposed adds up to what GitHub reported, bounded in models; nobody's own use is read."""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import isfinite
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors import ai_credits
from exporter.collectors.ai_credits import MAX_MODELS
from exporter.collectors.common.labels import OTHER
from tests.support.harness import CollectorHarness

PATH = "/enterprises/octo-corp/settings/billing/ai_credit/usage"
METRICS = {
    "ghe_ai_credits_used": "grossQuantity",
    "ghe_ai_credits_discounted": "discountQuantity",
    "ghe_ai_credits_paid": "netQuantity",
    "ghe_ai_credits_gross_usd": "grossAmount",
    "ghe_ai_credits_net_usd": "netAmount",
}
AMOUNT = st.one_of(st.none(), st.floats(0, 1e9), st.integers(0, 10**9), st.just(float("nan")), st.just("many"))
ITEMS = st.lists(
    st.fixed_dictionaries(
        {
            "product": st.sampled_from(["Copilot", "copilot", "Spark"]),
            "sku": st.sampled_from(["Copilot AI Credits", "copilot_ai_credits", "spark_ai_credits"]),
            "model": st.one_of(st.none(), st.integers(0, 70).map("Model {}".format), st.text(max_size=5)),
            **dict.fromkeys(METRICS.values(), AMOUNT),
        }
    ),
    max_size=90,
)


def harness(items: list[Mapping[str, Any]], **included: float) -> CollectorHarness:
    """A run with *items*."""
    made = CollectorHarness(ai_credits.COLLECTOR, {PATH: {"usageItems": items}}, included=included)
    made.run()
    assert made.status.success
    return made


@given(ITEMS)
def test_sums_are_those_of_the_rows(items: list[Mapping[str, Any]]) -> None:
    """Whatever the models: nothing is lost by putting some together, and there are at most 51 of them."""
    found = harness(items)
    models: set[str] = set()
    sums: dict[str, float] = defaultdict(float)
    for series, value in found.series.items():
        sums[series.partition("{")[0]] += value
        models.add(series.partition('model="')[2].rstrip('"}'))
    assert len(models) <= MAX_MODELS + 1
    for metric, field in METRICS.items():
        reported = [item[field] for item in items if isinstance(item[field], int | float) and isfinite(item[field])]
        assert sums.get(metric, 0) == pytest.approx(float(sum(map(Fraction, reported))), rel=1e-9, abs=1e-9)
        assert (metric in sums) == bool(reported)


def test_models_with_the_most_credits_have_series_of_their_own() -> None:
    found = harness([{"model": f"m{number:02}", "grossQuantity": number} for number in range(MAX_MODELS + 3)])
    shown = {series.partition('model="')[2].rstrip('"}'): value for series, value in found.series.items()}
    assert shown.pop(OTHER) == 0 + 1 + 2
    assert shown == {f"m{number:02}": number for number in range(3, MAX_MODELS + 3)}


def test_this_month_is_asked_for_and_no_person() -> None:
    assert harness([]).asked == [f"{PATH}?year=2026&month=11"]


def test_included_credits_are_exposed_before_any_is_used() -> None:
    assert harness([], ai_credits=19_000).series == {'ghe_ai_credits_included{enterprise="octo-corp"}': 19_000}
