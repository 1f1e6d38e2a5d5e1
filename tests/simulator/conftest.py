"""A simulated GitHub on a real socket, at a time the test decides."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from exporter.simulator import Simulator

Get = Callable[..., requests.Response]


@pytest.fixture
def moments() -> list[float]:
    """The time, whose last entry is now: a Friday morning."""
    return [datetime(2026, 11, 20, 11, 3, 20, tzinfo=UTC).timestamp()]


@pytest.fixture
def simulator(moments: list[float]) -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(now=lambda: moments[-1]) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A client with an accepted token."""
    with requests.Session() as client:
        client.headers["Authorization"] = "Bearer octo-token"
        yield client


@pytest.fixture
def get(simulator: Simulator, session: requests.Session) -> Get:
    """Ask the simulated GitHub for a path."""

    def ask(path: str, **options: Any) -> requests.Response:
        return session.get(f"{simulator.url}{path}", timeout=10, **options)

    return ask
