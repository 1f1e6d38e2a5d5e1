"""An exporter with a state_dir, stopped and started again as often as a test wants."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exporter.app import Exporter
from exporter.commands.demo import OPT_IN
from exporter.config.settings import Settings
from exporter.simulator.server import Simulator
from tests.support.harness import FakeClock
from tests.support.secret_marker import TOKEN

LAST_SUCCESS = "ghe_exporter_collector_last_success_timestamp_seconds"
ORGANIZATIONS = ["octo-org-1", "octo-org-2"]


class Even(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def settings(simulator: Simulator, folder: Path, **changes: Any) -> Settings:
    """Settings for one enterprise; *changes* whose names begin with `enterprise_` are about that."""
    enterprise = {"slug": "octo-corp", "api_url": simulator.url, "auth": {"token": TOKEN}}
    enterprise |= {"organizations": ORGANIZATIONS}
    enterprise |= {
        name.removeprefix("enterprise_"): changes.pop(name) for name in list(changes) if name.startswith("enterprise_")
    }
    return Settings.model_validate({"state_dir": folder, "enterprises": [enterprise], "collectors": OPT_IN, **changes})


@contextmanager
def running(chosen: Settings, clock: FakeClock, *, keeps_state: bool = True) -> Iterator[Exporter]:
    """An exporter that runs what the test runs, and stops cleanly."""
    exporter = Exporter(clock=clock, randomness=Even(), process_metrics=False, keeps_state=keeps_state)
    exporter.apply(chosen)
    try:
        yield exporter
    finally:
        exporter.stop()


def domain(exporter: Exporter) -> bytes:
    """What collectors expose."""
    return b"".join(exporter.exposition.page().plain(()))
