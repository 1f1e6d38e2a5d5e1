"""A simulated hour with little left of the rate limit: who is read how often, and what a limit stops."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.errors import Reason
from exporter.runtime.status import Key
from exporter.simulator import Simulator
from tests.support.fault_harness import ALL, FaultHarness, Time, play, settings
from tests.support.harness import read_all

BUDGET = 50
RESERVE = 0.2
EVERY_MINUTE = ("licenses", "license_sync", "actions_cache", "runners")
CORP = "octo-corp"
TIMELINE = """
minutes  left  good runs                                                       refused, not sent
 0 to  5    43  licenses:5 license_sync:6 runners:3 actions_cache:3             -
 5 to 10    41  licenses:6 license_sync:5 runners:2 actions_cache:2             -
10 to 15    38  licenses:4 license_sync:5 runners:3 actions_cache:5             -
15 to 20    34  licenses:5 license_sync:5 runners:3 actions_cache:5             -
20 to 25    32  licenses:5 license_sync:5 runners:3 actions_cache:2             -
25 to 30    30  licenses:5 license_sync:5 runners:2 actions_cache:4             -
30 to 35    27  licenses:5 license_sync:5 runners:4 actions_cache:6             -
35 to 40    25  licenses:6 license_sync:5 runners:4 actions_cache:5             -
40 to 45    21  licenses:5 license_sync:5 runners:4 actions_cache:4             -
45 to 50    18  licenses:5 license_sync:5 runners:4 actions_cache:6             -
50 to 55    13  licenses:4 license_sync:5 runners:4 actions_cache:4             -
55 to 60    11  licenses:5 license_sync:5 runners:3 actions_cache:3             -
60 to 65    47  licenses:6 license_sync:5 runners:4 actions_cache:5             -
65 to 70    44  licenses:5 license_sync:5 runners:3 actions_cache:5             -
70 to 75    42  licenses:5 license_sync:5 runners:4 actions_cache:5             -
"""


def alone(collectors: tuple[str, ...], interval: str = "60s") -> dict[str, Any]:
    """Settings by which these collectors run, and no others."""
    return {name: {"interval": interval} if name in collectors else {"enabled": False} for name in ALL}


@pytest.fixture
def clock() -> Time:
    """Moves when somebody waits."""
    return Time()


@pytest.fixture
def simulator(clock: Time) -> Iterator[Simulator]:
    """Gives each token few requests an hour."""
    with Simulator(users=30, runners=6, organizations=1, rate_limit=BUDGET, now=clock.time) as running:
        yield running


@pytest.fixture
def harness(clock: Time) -> Iterator[FaultHarness]:
    """An exporter without settings."""
    made = FaultHarness(clock)
    with capture_logs():
        yield made
    made.exporter.stop()


def watched(harness: FaultHarness, seconds: float) -> tuple[Counter[Key], Counter[Key]]:
    """Good and refused runs of each collector in that time."""
    good: Counter[Key] = Counter()
    refused: Counter[Key] = Counter()

    def note(key: Key, reason: Reason | None) -> None:
        assert reason in {None, Reason.RATE_LIMITED, Reason.UNAVAILABLE}
        (refused if reason is Reason.RATE_LIMITED else good)[key] += 1

    play(harness, seconds, note)
    return good, refused


def names(runs: Mapping[Key, int]) -> str:
    """Each collector with its runs, in the order of the exposition."""
    counted = {key.collector: number for key, number in runs.items()}
    return " ".join(f"{name}:{counted[name]}" for name in ALL if name in counted) or "-"


def left(harness: FaultHarness) -> int:
    """What is left of the limit, as the exporter reports it."""
    start = "ghe_rate_limit_remaining{"
    return next(int(float(line.split(" ")[-1])) for line in harness.scrape().splitlines() if line.startswith(start))


def test_small_rate_limit_stretches_what_may_wait_and_spares_the_reserve(
    harness: FaultHarness, simulator: Simulator
) -> None:
    """What may be stretched is read less often, licenses keep their minute, and the reserve is never used."""
    harness.exporter.apply(
        settings({"slug": CORP, "api_url": simulator.url}, collectors=alone(EVERY_MINUTE), rate_limit_reserve=RESERVE)
    )
    lines = TIMELINE.splitlines()[1:2]
    for start in range(0, 75, 5):
        good, refused = watched(harness, 300)
        lines.append(f"{start:>2} to {start + 5:>2}  {left(harness):>4}  {names(good):<62}  {names(refused)}")
    assert "\n".join(lines) == TIMELINE.strip("\n"), "\n" + "\n".join(lines)


def test_nothing_is_sent_beyond_the_rate_limit(harness: FaultHarness, simulator: Simulator) -> None:
    """With everything switched on and far too little, the exporter itself stays within what it is given."""
    harness.exporter.apply(settings({"slug": CORP, "api_url": simulator.url}))
    for hour in range(1, 4):
        watched(harness, 3600)
        refusals = [line for line in harness.scrape().splitlines() if 'code="403"' in line]
        assert refusals == [], hour


def test_enterprises_do_not_affect_each_other(harness: FaultHarness, simulator: Simulator) -> None:
    """What one credential has used up is nothing to another one."""
    poor = {"slug": CORP, "api_url": simulator.url, "auth": {"token": "poor"}}
    rich = {"slug": "octo-tenant", "api_url": simulator.url, "auth": {"token": "rich"}}
    harness.exporter.apply(settings(poor, rich, collectors=alone(EVERY_MINUTE, "300s")))
    simulator.faults.set(f"rate-limit-secondary@{CORP}=1")
    good, refused = watched(harness, 900)
    assert {key.enterprise for key in refused} == {CORP}
    assert {key.enterprise for key in good} == {"octo-tenant"}


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        ("rate-limit-secondary", 60),
        ("rate-limit-secondary-retry-after", 150),
        ("retry-after", 150),
        ("rate-limit-primary", 3600),
    ],
)
def test_rate_limit_answer_stops_the_whole_credential_until_it_ends(
    harness: FaultHarness, simulator: Simulator, fault: str, least: float
) -> None:
    """After one answer that says so, nothing is sent before the time is over; then everything works again."""
    harness.exporter.apply(settings({"slug": CORP, "api_url": simulator.url}, collectors=alone(EVERY_MINUTE, "30s")))
    simulator.faults.retry_after_seconds = 150
    simulator.faults.set(f"{fault}=1")
    watched(harness, 1)
    assert simulator.requests == 1
    simulator.faults.clear()
    watched(harness, least - 5)
    assert simulator.requests == 1
    good, _ = watched(harness, 30)
    assert {key.collector for key in good} == set(EVERY_MINUTE)


def test_long_list_leaves_the_reserve_to_runners(harness: FaultHarness, clock: Time) -> None:
    """A walk of more pages than the window allows waits at the reserve, goes on after the reset and ends."""
    with Simulator(users=13_000, runners=6, organizations=1, rate_limit=100, now=clock.time) as simulator:
        collectors = alone(("runners",)) | {"license_users": {"enabled": True}}
        corp = {"slug": CORP, "api_url": simulator.url}
        # One at a time: this clock jumps over a wait, and an answer still on its way would be an hour late.
        harness.exporter.apply(settings(corp, collectors=collectors, max_concurrency=1))
        users, runners = harness.collection("license_users"), harness.collection("runners")
        read_all(users)
        assert harness.status("license_users").success
        assert clock.monotonic() > 3600
        assert simulator.requests == 130
        read_all(runners)
        assert harness.status("runners").success
