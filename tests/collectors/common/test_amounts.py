"""Sums that do not depend on the order or the number of rows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.common.amounts import Amounts, totals

FLOATS = st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50)


@given(FLOATS)
def test_a_total_is_what_fsum_gives(values: list[float]) -> None:
    """However values cancel out, the sum is the exact one, rounded once."""
    assert totals((("key",), value) for value in values) == {("key",): math.fsum(values)}


@given(FLOATS, FLOATS)
def test_merged_totals_are_what_fsum_gives_over_both(ones: list[float], others: list[float]) -> None:
    """Sums of sums lose nothing, also when keys become one."""
    both = Amounts()
    for values, key in ((ones, ("one",)), (others, ("other",))):
        part = Amounts()
        for value in values:
            part.add(value, key)
        both.merge(part, rename=lambda _: ("both",))
    assert both.totals() == {("both",): math.fsum(ones + others)}


def test_no_reported_amount_gives_no_sum() -> None:
    """A key without any reported amount has no total; zero is one."""
    assert totals([(("missing",), None), (("zero",), 0.0)]) == {("zero",): 0}


@pytest.mark.parametrize("values", [[1e308, 1e308], [1e308, 1e308, -1e308, -1e308, -1e308, -1e308]])
def test_what_no_float_can_hold_is_left_out(values: list[float]) -> None:
    """A sum beyond the largest float is left out, and is no error."""
    assert totals((("key",), value) for value in values) == {}
