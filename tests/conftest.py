"""For every test: none of our variables are set, and logging is as it was when the test ends."""

from collections.abc import Iterator

import pytest
import structlog

from exporter import configuration


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in configuration.own_environment():
        monkeypatch.delenv(name)
    yield
    structlog.reset_defaults()
