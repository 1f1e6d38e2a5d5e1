"""A telemetry for each test."""

import pytest

from tests.support.telemetry_harness import TelemetryHarness


@pytest.fixture
def harness() -> TelemetryHarness:
    """A telemetry without any report yet."""
    return TelemetryHarness()
