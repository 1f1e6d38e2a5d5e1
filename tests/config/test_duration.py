"""Durations as settings write them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from exporter.duration import MAX_SECONDS, Duration, format_duration, parse_duration


class Setting(BaseModel):
    """A model with a duration, as settings have them."""

    interval: Duration | None = None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("60s", 60),
        ("15m", 900),
        ("6h", 21_600),
        ("1h30m", 5_400),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("1m500ms", 60.5),
        ("0s", 0),
        (" 10s ", 10),
        ("3650d", MAX_SECONDS),
    ],
)
def test_duration_is_the_sum_of_its_parts(value: str, expected: float) -> None:
    """A duration is the sum of its parts."""
    assert parse_duration(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "60",
        60,
        60.0,
        None,
        True,
        [],
        "s",
        "1.5h",
        "-1m",
        "1 h",
        "60S",
        "1y",
        "m5",
        "5m\n6",
        "\N{BENGALI DIGIT TWO}s",
    ],
)
def test_value_without_number_and_unit_is_refused_with_advice(value: Any) -> None:
    """What is not a number with a unit is refused with advice."""
    with pytest.raises(ValueError, match="write it with a unit, as 60s, 15m or 6h"):
        parse_duration(value)


@pytest.mark.parametrize("value", ["3651d", "9" * 400 + "s", "9" * 9_000 + "w"])
def test_duration_beyond_the_limit_is_refused(value: str) -> None:
    """A duration that nothing could wait for is refused, however many digits it has."""
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (10, "10s"),
        (90, "90s"),
        (60, "1m"),
        (900, "15m"),
        (3_600, "1h"),
        (5_400, "90m"),
        (86_400, "24h"),
        (1_234_567, "1234567s"),
        (0.5, "0.5s"),
    ],
)
def test_seconds_are_written_in_the_largest_whole_unit(seconds: float, expected: str) -> None:
    """Seconds are written in the largest unit without a fraction."""
    assert format_duration(seconds) == expected


@settings(deadline=None)
@given(st.integers(0, MAX_SECONDS))
def test_written_duration_is_read_as_the_same(seconds: int) -> None:
    """What is written can be read again."""
    assert parse_duration(format_duration(seconds)) == seconds


def test_setting_is_seconds_and_may_be_left_out() -> None:
    """A setting written as a duration is seconds, and may be left out."""
    assert Setting.model_validate({"interval": "1m"}).interval == 60
    assert Setting().interval is None


@pytest.mark.parametrize("value", [60, "1.5h", True, "9" * 400 + "s"])
def test_setting_that_is_no_duration_is_a_validation_error(value: Any) -> None:
    """A setting that is no duration is a validation error, not a crash."""
    with pytest.raises(ValidationError):
        Setting.model_validate({"interval": value})
