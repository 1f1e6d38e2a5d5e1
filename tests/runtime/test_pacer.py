"""The pace of a whole exporter against the simulated GitHub, in a time that passes as fast as the work is done."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.config.settings import Settings
from exporter.runtime.status import Key
from exporter.simulator.server import Simulator
from tests.support.app_keys import pem
from tests.support.exporters import series
from tests.support.harness import FakeClock
from tests.support.passing_time import OtherTool, Timeline, let_pass, only

WINDOW = 100
LIMIT, RESERVE = 50, 5
EVEN = 25.0
"""The list of 1,000 runners has 10 pages, so that a window has room for four readings."""
RUNNERS, SYNC = Key("octo-corp", "runners"), Key("octo-corp", "license_sync")
COLLECTORS = only("licenses", "license_sync", runners={"interval": "10s"})
STRETCHED, RESTORED = "interval stretched to stay within the rate limit", "interval as configured again"


@pytest.fixture
def clock() -> FakeClock:
    """The clock of both sides."""
    return FakeClock()


Simulate = Callable[..., Simulator]


@pytest.fixture
def simulate(clock: FakeClock) -> Iterator[Simulate]:
    """Start a simulated GitHub that grants 50 requests in 100 seconds."""
    with ExitStack() as running:

        def start(**options: Any) -> Simulator:
            chosen = {"runners": 1000, "rate_limit": LIMIT, "rate_limit_seconds": WINDOW, **options}
            return running.enter_context(Simulator(users=30, organizations=3, now=clock.time, **chosen))

        yield start


def enterprise(simulator: Simulator, **others: Any) -> dict[str, Any]:
    return {"slug": "octo-corp", "api_url": simulator.url, "auth": {"token": "octo"}, **others}


def configured(*enterprises: dict[str, Any], collectors: Mapping[str, Any] = COLLECTORS, **others: Any) -> Settings:
    return Settings.model_validate({"enterprises": enterprises, "collectors": collectors, **others})


@contextmanager
def running(clock: FakeClock, chosen: Settings, *, keeps_state: bool = False) -> Iterator[Exporter]:
    """An exporter whose schedule is run by the test."""
    exporter = Exporter(clock=clock, randomness=random.Random(1), process_metrics=False, keeps_state=keeps_state)
    exporter.apply(chosen)
    try:
        yield exporter
    finally:
        exporter.stop()


class LeastLeft:
    """Notes the least that was ever left of any limit, and lets another tool work."""

    def __init__(self, exporter: Exporter, other: OtherTool | None = None) -> None:
        self._exporter, self._other = exporter, other
        self.remaining = float("inf")

    def __call__(self, now: float) -> None:
        if self._other is not None:
            self._other(now)
        for client in {level.client for each in self._exporter.collections.values() for level in each.levels.values()}:
            for usage in client.rate_limits.in_force(now).values():
                self.remaining = min(self.remaining, usage.window.remaining)


def refused(exporter: Exporter) -> float:
    """How many requests met a limit, at GitHub or before they were sent."""
    codes = series(exporter, "ghe_exporter_api_requests_total", "path", "code")
    failures = series(exporter, "ghe_exporter_collector_failures_total", "collector", "reason")
    at_github = sum(value for (_, code), value in codes.items() if code in {"403", "429"})
    return at_github + sum(value for (_, reason), value in failures.items() if reason == "rate_limited")


def after_first_window(exporter: Exporter, clock: FakeClock, look: Callable[[float], None], windows: int) -> Timeline:
    """Let the first window and the first reading after it pass, then *windows* more; what was seen in these."""
    let_pass(exporter, clock, 1.05 * WINDOW, look)
    return let_pass(exporter, clock, windows * WINDOW, look)


def test_fleet_twice_the_limit_is_read_evenly(clock: FakeClock, simulate: Simulate) -> None:
    """The data is as fresh as an even spread allows; nothing is refused and the reserve is never used."""
    chosen = configured(enterprise(simulate(runners=2000, rate_limit=100)))
    with running(clock, chosen) as exporter, capture_logs() as logs:
        look = LeastLeft(exporter)
        seen = after_first_window(exporter, clock, look, 2)
        assert seen.oldest[RUNNERS] <= 1.2 * EVEN
        assert refused(exporter) == 0
        assert look.remaining >= 10
        interval = series(exporter, "ghe_exporter_collector_interval_seconds", "collector")
        assert EVEN - 2 <= interval["runners",] <= 1.2 * EVEN
        assert (interval["licenses",], interval["license_sync",]) == (900, 900)
        assert series(exporter, "ghe_exporter_collector_configured_interval_seconds", "collector")["runners",] == 10
        assert series(exporter, "ghe_exporter_collector_requests", "collector")["runners",] == 20
    [line] = [entry for entry in logs if entry["event"] in {STRETCHED, RESTORED}]
    assert line["event"] == STRETCHED
    assert (line["collector"], line["configured_seconds"], line["requests_per_run"]) == ("runners", 10, 21)
    assert 20 <= line["interval_seconds"] <= 30
    assert (line["requests_left"], line["seconds_to_reset"]) == (68, 99)


def test_licenses_keep_their_interval_while_runners_wait(clock: FakeClock, simulate: Simulate) -> None:
    """What is never stretched is read as often as configured, however large the fleet is."""
    fixed = {"interval": "30s"}
    collectors = only(runners={"interval": "10s"}, licenses=fixed, license_sync=fixed)
    with running(clock, configured(enterprise(simulate(runners=2000)), collectors=collectors)) as exporter:
        look = LeastLeft(exporter)
        seen = after_first_window(exporter, clock, look, 3)
        assert seen.oldest[SYNC] <= 1.06 * 30
        assert seen.oldest[Key("octo-corp", "licenses")] <= 1.06 * 30
        assert seen.oldest[RUNNERS] <= 1.2 * 50  # two readings of 20 a window
        assert (refused(exporter), look.remaining >= RESERVE) == (0, True)


def test_enterprises_with_the_same_token_share_its_limit(clock: FakeClock, simulate: Simulate) -> None:
    """Each knows what the other has used, and both are read equally often."""
    simulator = simulate()
    both = enterprise(simulator, name="one"), enterprise(simulator, name="two", slug="octo-tenant")
    chosen = configured(*both, collectors=only(runners={"interval": "10s"}))
    with running(clock, chosen) as exporter:
        look = LeastLeft(exporter)
        seen = after_first_window(exporter, clock, look, 4)
        assert (refused(exporter), look.remaining >= RESERVE) == (0, True)
        cost = sum(series(exporter, "ghe_exporter_collector_requests", "enterprise").values())
        even = max(10.0, WINDOW / ((LIMIT - RESERVE) // cost))
        assert seen.oldest[Key("one", "runners")] <= 1.2 * even
        assert seen.oldest[Key("two", "runners")] <= 1.2 * even
    separate = configured(
        both[0], {**both[1], "auth": {"token": "other"}}, collectors=only(runners={"interval": "10s"})
    )
    with running(clock, separate) as exporter:
        seen = after_first_window(exporter, clock, LeastLeft(exporter), 1)
        assert seen.longest[Key("two", "runners")] == 10


@pytest.mark.slow
def test_organizations_are_read_as_often_as_the_enterprise(clock: FakeClock, simulate: Simulate) -> None:
    """Levels of one credential share its limit; one with a credential of its own is not stretched for the others."""
    organizations = [{"name": "octo-org-1"}, {"name": "octo-org-2", "auth": {"token": "other"}}]
    chosen = configured(
        enterprise(simulate(), organizations=organizations), collectors=only(runners={"interval": "10s"})
    )
    with running(clock, chosen) as exporter:
        look = LeastLeft(exporter)
        after_first_window(exporter, clock, look, 2)
        assert (refused(exporter), look.remaining >= RESERVE) == (0, True)
        levels = exporter.collections[RUNNERS].levels
        assert levels["octo-org-1"].pace.stretch > 1.5
        assert levels[""].pace.stretch > 1.5
        assert levels["octo-org-2"].pace.stretch == 1
        exporter._reconciler.set_organizations("octo-corp", ("octo-org-2",))
        seen = let_pass(exporter, clock, 2 * WINDOW, look)
        assert (refused(exporter), look.remaining >= RESERVE) == (0, True)
        assert seen.oldest[RUNNERS] <= 1.2 * EVEN + 5


@pytest.mark.slow
def test_installation_of_an_app_has_a_limit_of_its_own(clock: FakeClock, simulate: Simulate, tmp_path: Path) -> None:
    """What an App reads is paced by its installation's limit, runners by that of the token."""
    key = tmp_path / "app.pem"
    key.write_text(pem())
    app = {"app_id": "12345", "private_key_file": str(key)}
    described = enterprise(simulate(rate_limit=65), auth=app, runner_auth={"token": "octo"})
    collectors = only("runner_groups", runners={"interval": "10s"}, actions_cache={"interval": "10s"})
    with running(clock, configured(described, collectors=collectors)) as exporter:
        look = LeastLeft(exporter)
        seen = after_first_window(exporter, clock, look, 3)
        assert (refused(exporter), look.remaining >= 6.5) == (0, True)
        assert seen.oldest[RUNNERS] <= 1.2 * WINDOW / 5
        assert exporter.collections[RUNNERS].levels[""].pace.stretch > 1.5
        assert exporter.collections[Key("octo-corp", "actions_cache")].levels[""].pace.stretch == 1


def test_limit_is_shared_with_another_tool(clock: FakeClock, simulate: Simulate) -> None:
    """What others take of the same token is left to them, and the pace returns when they stop."""
    simulator = simulate()
    other = OtherTool(simulator.url, "octo", rate=0.2)
    with running(clock, configured(enterprise(simulator))) as exporter, capture_logs() as logs:
        look = LeastLeft(exporter, other)
        seen = after_first_window(exporter, clock, look, 4)
        assert seen.oldest[RUNNERS] <= 1.2 * WINDOW / 2  # 25 requests a window are two readings
        assert (refused(exporter), other.refused) == (0, 0)
        assert look.remaining >= RESERVE
        other.rate = 0
        let_pass(exporter, clock, WINDOW, look)
        assert let_pass(exporter, clock, 2 * WINDOW, look).oldest[RUNNERS] <= 1.2 * EVEN + 5
    assert [entry["event"] for entry in logs if entry["event"] in {STRETCHED, RESTORED}] == [STRETCHED]


def test_unchanged_answers_cost_nothing(clock: FakeClock, simulate: Simulate) -> None:
    """What is answered by 304 is read as often as configured, though it sends more than the limit allows."""
    collectors = only(usage_reports={"interval": "10s"}, runner_groups={"interval": "10s"})
    with running(clock, configured(enterprise(simulate(rate_limit=30)), collectors=collectors)) as exporter:
        seen = after_first_window(exporter, clock, LeastLeft(exporter), 3)
        assert sum(series(exporter, "ghe_exporter_api_not_modified_total", "path").values()) > 3 * 30
        assert refused(exporter) == 0
        assert all(seconds == 10 for seconds in seen.longest.values())


@pytest.mark.slow
def test_pace_ends_when_the_fleet_shrinks(clock: FakeClock, simulate: Simulate) -> None:
    """An interval is as configured again when its readings fit, which the log says once."""
    simulator = simulate()
    with running(clock, configured(enterprise(simulator))) as exporter, capture_logs() as logs:
        let_pass(exporter, clock, 2 * WINDOW)
        exporter.apply(configured(enterprise(simulator), collectors=only(runners={"interval": "60s"})))
        let_pass(exporter, clock, 3 * WINDOW)
        assert series(exporter, "ghe_exporter_collector_interval_seconds", "collector")["runners",] == 60
    assert [entry["event"] for entry in logs if entry["event"] in {STRETCHED, RESTORED}] == [STRETCHED, RESTORED]


@pytest.mark.slow
def test_reload_keeps_the_pace(clock: FakeClock, simulate: Simulate) -> None:
    """Settings that change nothing about runners cost no reading of them that is not due."""
    chosen = configured(enterprise(simulate()), collectors=only(runners={"interval": "10s"}))
    with running(clock, chosen) as exporter:
        look = LeastLeft(exporter)
        let_pass(exporter, clock, 110, look)
        for _ in range(4):
            exporter.apply(chosen)
            let_pass(exporter, clock, 22, look)
        assert (refused(exporter), look.remaining >= RESERVE) == (0, True)
        let_pass(exporter, clock, WINDOW, look)
        assert let_pass(exporter, clock, WINDOW, look).oldest[RUNNERS] <= 1.2 * EVEN


def test_restart_continues_with_the_known_cost(clock: FakeClock, simulate: Simulate, tmp_path: Path) -> None:
    """A new process knows what readings cost, so that it keeps the reserve from the first answer."""
    simulator = simulate()
    chosen = configured(enterprise(simulator), state_dir=str(tmp_path))
    with running(clock, chosen, keeps_state=True) as exporter:
        exporter._persistence.start()
        let_pass(exporter, clock, 130)
    with running(clock, chosen, keeps_state=True) as exporter:
        exporter._persistence.start()
        costs = exporter.collections[RUNNERS].levels[""].pace.costs
        assert costs is not None
        assert 8 <= costs["core"] <= 11
        look = LeastLeft(exporter)
        let_pass(exporter, clock, 70, look)
        assert (refused(exporter), look.remaining >= RESERVE) == (0, True)
        let_pass(exporter, clock, WINDOW, look)
        assert let_pass(exporter, clock, WINDOW, look).oldest[RUNNERS] <= 1.2 * EVEN


@pytest.mark.slow
def test_reading_larger_than_the_limit_still_succeeds(clock: FakeClock, simulate: Simulate) -> None:
    """A list with more pages than a window allows is read over several windows, and nothing is refused."""
    with running(clock, configured(enterprise(simulate(runners=11_000, rate_limit=100)))) as exporter:
        let_pass(exporter, clock, 3 * WINDOW)  # the first reading has no known cost
        for _ in range(4):  # on a slow machine the clock outruns the first reading
            seen = let_pass(exporter, clock, 6 * WINDOW)
            if RUNNERS in seen.oldest:
                break
        assert seen.oldest[RUNNERS] <= 5 * WINDOW
        codes = series(exporter, "ghe_exporter_api_requests_total", "path", "code")
        assert not {"403", "429"} & {code for _, code in codes}


@pytest.mark.slow
def test_data_stays_as_long_as_the_interval_in_force(clock: FakeClock, simulate: Simulate) -> None:
    """A reading that is stretched beyond `max_age` does not make the data come and go."""
    collectors = only(runners={"interval": "10s", "max_age": "20s"})
    described = enterprise(simulate(runners=4000))
    with running(clock, configured(described, collectors=collectors)) as exporter:
        let_pass(exporter, clock, WINDOW)
        missing: list[float] = []

        def look(now: float) -> None:
            exporter._expire()
            if b"ghe_runners{" not in b"".join(exporter.exposition.page().plain(())):
                missing.append(now)

        seen = let_pass(exporter, clock, 3 * WINDOW, look)
        assert seen.oldest[RUNNERS] > 80
        assert missing == []


def test_server_without_a_limit_is_read_as_configured(clock: FakeClock, simulate: Simulate) -> None:
    """Without rate limit headers nothing is paced."""
    simulator = simulate()
    described = {"slug": "octo-server", "api_url": simulator.server_url, "auth": {"token": "octo"}}
    with running(clock, configured(described)) as exporter:
        seen = after_first_window(exporter, clock, LeastLeft(exporter), 2)
        assert seen.oldest[Key("octo-server", "runners")] <= 10.6
