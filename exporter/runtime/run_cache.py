"""What a collector keeps from run to run."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from exporter.clock import Clock
from exporter.collector import Lasting
from exporter.runtime.saved import UNREADABLE


@dataclass(slots=True)
class RunMemory:
    """Lives as long as the configuration; what the collector declares as lasting also outlives the process."""

    clock: Clock
    values: dict[str, tuple[float, Any]] = field(default_factory=dict)

    def recall(self, key: str, max_age: float) -> Any | None:
        """What was remembered under *key* at most *max_age* seconds ago."""
        at, value = self.values.get(key, (float("-inf"), None))
        return value if self.clock.monotonic() - at <= max_age else None

    def remember(self, key: str, value: Any) -> None:
        """Keep *value* under *key*."""
        self.values[key] = self.clock.monotonic(), value

    def write_down(self, lasting: Mapping[str, Lasting]) -> dict[str, tuple[float, Any]]:
        """When each lasting thing was remembered, in Unix time, and as JSON."""
        offset = self.clock.time() - self.clock.monotonic()
        return {
            key: (at + offset, lasting[key].dump(value)) for key, (at, value) in self.values.items() if key in lasting
        }

    def read_again(self, written: Mapping[str, tuple[float, Any]], lasting: Mapping[str, Lasting]) -> None:
        """Remember what `write_down` told, at its true age."""
        offset = self.clock.time() - self.clock.monotonic()
        for key, (at, value) in written.items():
            with suppress(*UNREADABLE):  # other code that calls itself the same
                self.values[key] = at - offset, lasting[key].load(value)
