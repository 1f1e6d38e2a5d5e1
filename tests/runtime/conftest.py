"""An exporter and the simulated GitHub that it reads, by a clock that stands still."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exporter.app import Exporter
from exporter.simulator.server import Simulator
from tests.support.exporters import Never
from tests.support.harness import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3, now=clock.time) as running:
        yield running


@pytest.fixture
def moving() -> Iterator[Simulator]:
    """A small simulated GitHub in real time."""
    with Simulator(users=30, runners=8, organizations=3) as running:
        yield running


@pytest.fixture
def make_exporter(clock: FakeClock) -> Iterator[Callable[..., Exporter]]:
    """Make exporters that run what the test runs."""
    made: list[Exporter] = []

    def make(**options: Any) -> Exporter:
        made.append(Exporter(clock=clock, randomness=Never(), process_metrics=False, **options))
        return made[-1]

    yield make
    for exporter in made:
        exporter.stop()


@pytest.fixture
def exporter(make_exporter: Callable[..., Exporter]) -> Exporter:
    """An exporter that runs what the test runs."""
    return make_exporter()
