"""`ghe-exporter check` against the simulated GitHub, and servers that answer as a script says."""

import gc
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.commands import check as check_command
from exporter.simulator.server import Simulator
from tests.support.check_report import Check
from tests.support.harness import ImpatientClock
from tests.support.secret_marker import CANARY, TOKEN
from tests.support.wire import MakeWire, wires


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither proxies nor certificates are set."""
    for name in list(os.environ):
        if name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> ImpatientClock:
    """For the command and the simulated GitHub alike."""
    return ImpatientClock()


@pytest.fixture
def simulator(clock: ImpatientClock) -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3, now=clock.time) as running:
        yield running


@pytest.fixture
def configure(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set variables; those of one simulated enterprise unless given otherwise, none where the value is None."""

    def say(**variables: str | None) -> None:
        usual = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url}
        for name, value in (usual | variables).items():
            monkeypatch.delenv(f"GHE_EXPORTER_{name}", raising=False)
            if value is not None:
                monkeypatch.setenv(f"GHE_EXPORTER_{name}", value)

    return say


@pytest.fixture
def check(configure: Callable[..., None], capsys: pytest.CaptureFixture[str], clock: ImpatientClock) -> Check:
    """Run `check --json`, which does not wait; the exit code must be the one expected."""

    def run(expected: int, config: Path | None = None, **variables: str | None) -> dict[str, Any]:
        configure(**variables)
        code = check_command.run(config, as_json=True, clock=clock)
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        assert code == expected, out
        found: dict[str, Any] = json.loads(out)
        assert found["ok"] is (code == 0)
        return found

    return run


@pytest.fixture
def wire() -> Iterator[MakeWire]:
    """Start servers that are stopped when the test ends."""
    with wires() as make:
        yield make
        gc.collect()  # a client's TLS socket is part of a circle, and the server waits for its end
