"""For every test: none of our variables are set, and logging is as it was when the test ends."""

import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from exporter.config.environment import own_environment

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in own_environment():
        monkeypatch.delenv(name)
    yield
    structlog.reset_defaults()


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Let Ctrl-C interrupt: a shell that runs the tests in the background has it ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)
