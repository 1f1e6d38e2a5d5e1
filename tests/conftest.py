"""For every test: none of our variables are set, and logging and garbage collection are as before when it ends."""

import gc
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from exporter.config.environment import own_environment

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


COSTLY_FIXTURES = frozenset(
    {
        "tests/alerts/test_paging.py",
        "tests/dashboards/test_backfill.py",
        "tests/dashboards/test_queries.py",
        "tests/deploy/test_package.py",
        "tests/end_to_end/test_prometheus.py",
        "tests/simulator/test_demo_estate.py",
        "tests/web/test_browser.py",
    }
)
"""Files whose tests stay on one worker, for what they share takes longer than they do."""


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Any test on any worker, but for those that share costly fixtures.

    It stands for --dist loadgroup, whose marks pytest 9.2 ignores: https://github.com/pytest-dev/pytest-xdist/issues/1386.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in COSTLY_FIXTURES else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    """Deal tests out so with --dist loadgroup."""
    return GroupScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in own_environment():
        monkeypatch.delenv(name)
    yield
    structlog.reset_defaults()
    gc.unfreeze()


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Let Ctrl-C interrupt: a shell that runs the tests in the background has it ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)
