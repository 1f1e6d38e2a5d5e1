"""How a working week goes: pure functions of Unix time, in UTC."""

from math import cos, pi, sin
from typing import NamedTuple

HOUR = 3_600
DAY = 24 * HOUR
WEEK = 7 * DAY
CYCLE_DAYS = 28
CYCLE = CYCLE_DAYS * DAY

FIRST_MONDAY = 1_704_067_200
"""2024-01-01 00:00:00 UTC; earlier times work too, with negative cycles."""

WORKING_DAYS = 5
WORK_STARTS = 7
WORK_ENDS = 19
WORKING_DAYS_OF_CYCLE = CYCLE_DAYS // 7 * WORKING_DAYS

NIGHT_LOAD = 0.12
WEEKEND_LOAD = 0.08
PEAK_LOAD = 0.8


class Progress(NamedTuple):
    """Where a moment lies in the four-week cycles of a company."""

    cycle: int
    worked: float
    """Share of the cycle's working time that has passed, from 0 to 1."""


def progress(at: float) -> Progress:
    """Return the four-week cycle of *at* and how much of its working time has passed."""
    cycle, second = divmod(at - FIRST_MONDAY, CYCLE)
    day, second = divmod(second, DAY)
    week, weekday = divmod(day, 7)
    worked = week * WORKING_DAYS + min(weekday, WORKING_DAYS)
    if weekday < WORKING_DAYS:
        worked += min(1.0, max(0.0, (second / HOUR - WORK_STARTS) / (WORK_ENDS - WORK_STARTS)))
    return Progress(int(cycle), worked / WORKING_DAYS_OF_CYCLE)


def load(at: float) -> float:
    """Return how busy a company is at *at*, from 0 (dead) to 1 (everybody waits for a build)."""
    second = (at - FIRST_MONDAY) % WEEK
    weekday, second = divmod(second, DAY)
    if weekday >= WORKING_DAYS:
        return WEEKEND_LOAD
    hour = second / HOUR
    if not WORK_STARTS <= hour < WORK_ENDS:
        return NIGHT_LOAD
    daylight = sin(pi * (hour - WORK_STARTS) / (WORK_ENDS - WORK_STARTS))
    return NIGHT_LOAD + (PEAK_LOAD - NIGHT_LOAD) * daylight


def effort(at: float) -> float:
    """Return the `load` added up until *at*, in hours of full load; between two moments it never falls."""
    week, second = divmod(at - FIRST_MONDAY, WEEK)
    weekday, second = divmod(second, DAY)
    day = _day_effort(DAY / HOUR)
    whole = week * (WORKING_DAYS * day + (7 - WORKING_DAYS) * WEEKEND_LOAD * DAY / HOUR)
    if weekday >= WORKING_DAYS:
        return whole + WORKING_DAYS * day + ((weekday - WORKING_DAYS) * DAY + second) / HOUR * WEEKEND_LOAD
    return whole + weekday * day + _day_effort(second / HOUR)


def _day_effort(hour: float) -> float:
    length = WORK_ENDS - WORK_STARTS
    worked = min(1.0, max(0.0, (hour - WORK_STARTS) / length))
    return NIGHT_LOAD * hour + (PEAK_LOAD - NIGHT_LOAD) * length / pi * (1 - cos(pi * worked))
