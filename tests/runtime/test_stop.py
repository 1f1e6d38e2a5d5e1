"""What ends with the exporter: its threads, its sockets, and requests under way."""

import gc
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.app import Exporter
from exporter.simulator.server import Simulator
from tests.support.exporters import ELSEWHERE, RUN, page, series, settings
from tests.support.programs import started
from tests.support.tools import eventually, free_port

CONCURRENCY = 4


def runs() -> list[threading.Thread]:
    """Runs under way, and the schedule."""
    return [thread for thread in threading.enumerate() if thread.name.startswith(("run ", "schedule"))]


def sockets() -> set[str]:
    """The sockets that this process has open."""
    gc.collect()  # frames of an exception that was dealt with may hold an answer, and it a connection
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists the folder
            found.add(str(descriptor.readlink()))
    return {target for target in found if target.startswith("socket:")}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_nothing_is_left_after_stop() -> None:
    """After stop, threads and sockets are as they were before."""
    address = f"127.0.0.1:{free_port()}"
    url = f"http://{address}"
    with started("simulate", "--listen", address, url=url) as simulator:
        eventually(lambda: simulator.ask("/")[0] > 0, "the simulated GitHub answers")
        threads, before = len(runs()), sockets()
        exporter = Exporter(randomness=random.Random(1))
        exporter.apply(settings({"slug": "octo-corp", "api_url": url, "organizations": ["octo-org-1"]}))
        exporter.start()
        eventually(exporter.statuses.is_ready, "every collector has run")
        assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 1}
        assert sockets() - before
        exporter.stop()
        eventually(lambda: len(runs()) == threads, "every thread has ended")
        eventually(lambda: sockets() <= before, "every socket is closed")


@pytest.mark.parametrize(
    ("give_up", "stays"),
    [
        pytest.param(lambda exporter, _: exporter.apply(settings(ELSEWHERE)), False, id="remove"),
        pytest.param(
            lambda exporter, url: exporter.apply(settings({"slug": "octo-corp", "api_url": url})), True, id="move"
        ),
        pytest.param(lambda exporter, _: exporter.stop(), True, id="stop"),
    ],
)
def test_requests_under_way_are_given_up(
    give_up: Callable[[Exporter, str], None], stays: bool, moving: Simulator
) -> None:
    """A run that still waits for an answer when its settings are replaced, or at the end, is not counted as failed."""
    moving.faults.set("hang=1")
    exporter = Exporter(randomness=random.Random(1), process_metrics=False)
    exporter.apply(settings({"slug": "octo-corp", "api_url": moving.url}))
    exporter.start()
    eventually(lambda: moving.requests >= CONCURRENCY, "requests wait for an answer")
    under_way = [thread for thread in runs() if "octo-corp" in thread.name]
    assert under_way
    with Simulator(users=30, runners=8, organizations=3) as other:
        give_up(exporter, other.url)
        moving.stop()
        eventually(lambda: not any(thread.is_alive() for thread in under_way), "every run has ended")
        exporter.stop()
    failures = series(exporter, "ghe_exporter_collector_failures_total", *RUN, "reason")
    assert not [key for key, value in failures.items() if value and key[2] != "unavailable" and key[0] == "octo-corp"]
    assert ("octo-corp" in page(exporter)) is stays
