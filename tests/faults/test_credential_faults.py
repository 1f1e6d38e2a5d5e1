"""What GitHub may get wrong about a credential, against the simulated GitHub."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.app import Exporter
from exporter.config.settings import Settings
from exporter.runtime.status import Key
from exporter.simulator import Simulator
from tests.support.app_keys import pem
from tests.support.fault_harness import Time
from tests.support.harness import read_all

LICENSES = Key("octo-corp", "licenses")


@pytest.fixture
def clock() -> Time:
    """Jumps over waits."""
    return Time()


@pytest.fixture
def simulator(clock: Time) -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=1, rate_limit=5000, now=clock.time) as running:
        yield running


@pytest.fixture
def exporter(simulator: Simulator, clock: Time, tmp_path: Path) -> Iterator[Exporter]:
    """An exporter that reads one enterprise as a GitHub App."""
    (tmp_path / "app.pem").write_text(pem())
    auth = {"app_id": "12345", "private_key_file": str(tmp_path / "app.pem")}
    made = Exporter(clock=clock, randomness=random.Random(1), process_metrics=False)
    enterprise = {"slug": "octo-corp", "api_url": simulator.url, "auth": auth}
    made.apply(Settings.model_validate({"enterprises": [enterprise]}))
    yield made
    made.stop()


def value(exporter: Exporter, name: str) -> float:
    """The value of the only series of *name*."""
    page = b"".join(exporter.exposition.page().plain(exporter.telemetry.chunks(openmetrics=False))).decode()
    (line,) = [line for line in page.splitlines() if line.startswith(f"{name}{{")]
    return float(line.rpartition(" ")[2])


def test_new_token_is_not_replaced_and_the_app_stays_up(exporter: Exporter, simulator: Simulator) -> None:
    """The first run of an App waits until GitHub knows its token; nothing fails and nothing alerts."""
    simulator.faults.set("new-token=1")
    read_all(exporter.collections[LICENSES])
    status = exporter.statuses.get(LICENSES)
    assert status is not None
    assert status.success
    assert value(exporter, "ghe_up") == 1
    assert sum(times for key, times in simulator.request_counts().items() if key.startswith("POST ")) == 1


def test_alternating_windows_do_not_make_the_rate_limit_jump(exporter: Exporter, simulator: Simulator) -> None:
    """The lower of two windows is shown, whichever the last answer came from."""
    shown: list[tuple[float, float]] = []
    for number in range(6):
        simulator.faults.set(*(["rate-limit-windows=1"] if number % 2 == 0 else []))
        read_all(exporter.collections[LICENSES])
        remaining, reset = (f"ghe_rate_limit_{name}" for name in ("remaining", "reset_timestamp_seconds"))
        shown.append((value(exporter, remaining), value(exporter, reset)))
    assert len({reset for _, reset in shown}) == 1
    assert all(remaining <= 2_500 for remaining, _ in shown)
    assert shown == sorted(shown, reverse=True)
