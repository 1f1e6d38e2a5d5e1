"""The exporter can change nothing on GitHub: what the whole product sends, as it arrives at a server."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.app import Exporter
from exporter.cli import main
from exporter.collectors import COLLECTORS
from exporter.config.settings import Settings
from exporter.simulator.server import Simulator
from tests.support.app_keys import pem
from tests.support.fault_harness import Time
from tests.support.harness import read_all

FAULTS = ("", "redirect=1", "http-502=0.3", "unauthorized=0.3")


@pytest.fixture
def clock() -> Time:
    """Jumps over waits."""
    return Time()


@pytest.fixture
def simulator(clock: Time) -> Iterator[Simulator]:
    """Notes the method of every request, whatever it is."""
    with Simulator(users=130, runners=8, organizations=2, now=clock.time) as running:
        yield running


@pytest.fixture
def enterprises(simulator: Simulator, tmp_path: Path) -> list[dict[str, Any]]:
    """One by a GitHub App and a token, one by a token, one on a server, each with an organization of its own."""
    (tmp_path / "app.pem").write_text(pem())
    app = {"app_id": "12345", "private_key_file": str(tmp_path / "app.pem")}
    token = {"token": "octo"}
    corp = {
        "slug": "octo-corp",
        "auth": app,
        "runner_auth": token,
        "organizations": [{"name": "octo-org-1", "auth": app}],
    }
    return [
        {"api_url": simulator.url, **corp},
        {"api_url": simulator.url, "slug": "octo-legacy", "auth": token},
        {"api_url": simulator.url, "slug": "octo-tenant", "auth": token},
        {"api_url": simulator.server_url, "slug": "octo-server", "auth": token},
    ]


def assert_only_reads(simulator: Simulator) -> None:
    """Every request was a GET, or the POST by which an App gets its token."""
    asked = simulator.request_counts()
    others = {key for key in asked if not key.startswith("GET ")}
    assert asked
    assert {key for key in others if not key.startswith("POST /app/installations/")} == set()
    assert {key for key in others if not key.endswith("/access_tokens")} == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_collectors_send_get_alone(
    simulator: Simulator, clock: Time, enterprises: list[dict[str, Any]], fault: str
) -> None:
    """Whatever GitHub answers, every collector of every kind of enterprise reads and does nothing else."""
    simulator.faults.set(*filter(None, [fault]))
    collectors = {collector.name: {"enabled": True} for collector in COLLECTORS}
    exporter = Exporter(clock=clock, randomness=random.Random(1), process_metrics=False)
    exporter.apply(Settings.model_validate({"enterprises": enterprises, "collectors": collectors}))
    try:
        for collection in exporter.collections.values():
            read_all(collection)
    finally:
        exporter.stop()
    assert_only_reads(simulator)


def test_check_sends_get_alone(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that checks credentials reads as well."""
    for name, value in {"ENTERPRISE": "octo-corp", "TOKEN": "octo", "API_URL": simulator.url}.items():
        monkeypatch.setenv(f"GHE_EXPORTER_{name}", value)
    assert main(["check"]) == 0
    assert_only_reads(simulator)
