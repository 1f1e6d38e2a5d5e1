"""Units of storage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.common.month import Month
from exporter.collectors.common.units import byte_hours

NOVEMBER = Month(2026, 11, 21)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("gigabyte_hours", 1e9),
        ("gigabyte_hour", 1e9),
        ("gigabyte_months", 720e9),
        ("gigabytes_months", 720e9),
        ("gb_months", 720e9),
        ("megabyte_days", 24e6),
        ("terabyte_hours", 1e12),
        ("byte_hours", 1),
    ],
)
def test_units_of_storage_become_byte_hours(unit: str, expected: float) -> None:
    assert byte_hours(unit, NOVEMBER) == expected


@pytest.mark.parametrize("unit", ["gigabytes", "minutes", "hours", "user_months", "ai_units", "unknown", ""])
def test_other_units_are_no_storage(unit: str) -> None:
    assert byte_hours(unit, NOVEMBER) is None


@given(st.integers(2000, 2100), st.integers(1, 12))
def test_a_gigabyte_month_is_a_gigabyte_all_month(year: int, month: int) -> None:
    """A gigabyte kept from the first to the last second averages to a gigabyte, whatever the month's length."""
    billed = Month(year, month, 1)
    assert billed.hours in {672, 696, 720, 744}
    assert byte_hours("gigabyte_months", billed) == pytest.approx(1e9 * billed.hours_elapsed(billed.end))
    assert billed.previous.end == billed.start
