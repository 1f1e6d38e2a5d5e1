"""Time and waiting, as a value that tests replace."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where the rest of the package gets time from."""

    def time(self) -> float:
        """Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for durations and deadlines."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until *event* is set or *seconds* have passed; return whether it is set."""
        ...


class SystemClock:
    """The machine's clocks."""

    def time(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until *event* is set or *seconds* have passed; return whether it is set."""
        return event.wait(seconds)


def unix_offset(clock: Clock) -> float:
    """What is to be added to a reading of the monotonic clock to get Unix time, as the wall clock is set now."""
    return clock.time() - clock.monotonic()
