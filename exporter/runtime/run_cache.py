"""What a collector keeps from run to run."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from exporter.clock import Clock, unix_offset
from exporter.collector import Persisted
from exporter.runtime.saved import UNREADABLE


@dataclass(slots=True)
class RunCache:
    """Lives as long as the configuration; what the collector declares as persisted also outlives the process."""

    clock: Clock
    values: dict[str, tuple[float, Any]] = field(default_factory=dict)

    def recall(self, key: str, max_age: float) -> Any | None:
        """What was remembered under *key* at most *max_age* seconds ago."""
        at, value = self.values.get(key, (float("-inf"), None))
        return value if self.clock.monotonic() - at <= max_age else None

    def remember(self, key: str, value: Any) -> None:
        """Keep *value* under *key*."""
        self.values[key] = self.clock.monotonic(), value

    def dump(self, persisted: Mapping[str, Persisted]) -> dict[str, tuple[float, Any]]:
        """When each persisted thing was remembered, in Unix time, and as JSON."""
        offset = unix_offset(self.clock)
        return {
            key: (at + offset, persisted[key].dump(value))
            for key, (at, value) in self.values.items()
            if key in persisted
        }

    def load(self, dumped: Mapping[str, tuple[float, Any]], persisted: Mapping[str, Persisted]) -> None:
        """Remember what `dump` returned, at its true age."""
        offset = unix_offset(self.clock)
        for key, (at, value) in dumped.items():
            with suppress(*UNREADABLE):  # other code that calls itself the same
                self.values[key] = at - offset, persisted[key].load(value)
