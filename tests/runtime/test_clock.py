"""The machine's clocks."""

import threading
import time

from exporter.clock import SystemClock


def test_time_is_unix_time() -> None:
    """The time is Unix time, between what two other readings say."""
    before = time.time()
    now = SystemClock().time()
    assert before <= now <= time.time()


def test_monotonic_clock_never_goes_back() -> None:
    """The clock for durations never goes back."""
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_wait_ends_with_the_event_or_the_time() -> None:
    """Waiting ends with the event or with the time, and returns which."""
    event = threading.Event()
    assert not SystemClock().wait(event, 0.001)
    event.set()
    assert SystemClock().wait(event, 3_600)
