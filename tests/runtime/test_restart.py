"""A restart with state_dir: what is shown immediately, what is requested and when."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exporter.app import Exporter
from exporter.commands.demo import OPT_IN
from exporter.config.settings import Settings
from exporter.runtime.saved import level_of
from exporter.runtime.status import Key
from exporter.simulator.server import Simulator
from exporter.state.file import StateFile
from tests.support.exporters import RUN, ask, available, label_values, page, run_all, series
from tests.support.harness import FakeClock, read_all
from tests.support.restarts import LAST_SUCCESS, ORGANIZATIONS, domain, running, settings
from tests.support.tools import eventually

MINUTE, DAY = 60.0, 86_400.0


def run_due(exporter: Exporter, clock: FakeClock, seconds: float) -> None:
    """Let *seconds* pass and start what is due then."""
    clock.now += seconds
    exporter.schedule.run_due()


def asked(simulator: Simulator, before: dict[str, int]) -> dict[str, int]:
    """The requests since *before*."""
    return dict(Counter(simulator.request_counts()) - Counter(before))


def test_restart_serves_stored_data_immediately(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """The same domain metrics byte for byte, true ages, verdicts on credentials, ready, and not one request."""
    chosen = settings(simulator, tmp_path)
    with running(chosen, clock) as first:
        simulator.faults.set("http-500@actions/cache=1")
        run_all(first)
        exposed = domain(first)
        about = {
            name: series(first, name, *RUN)
            for name in (
                LAST_SUCCESS,
                *(f"ghe_exporter_collector_{name}" for name in ("success", "available", "duration_seconds")),
                "ghe_exporter_collector_interval_seconds",
            )
        }
        expiry = series(first, "ghe_token_expiration_timestamp_seconds", "credential")
    assert b"ghe_billing_repository_net_usd" in exposed
    clock.now += 50.0
    before = simulator.request_counts()
    with running(chosen, clock) as second:
        assert domain(second) == exposed
        assert {name: series(second, name, *RUN) for name in about} == about
        assert series(second, "ghe_up", "enterprise") == {("octo-corp",): 1}
        assert series(second, "ghe_token_expiration_timestamp_seconds", "credential") == expiry != {}
        assert not series(second, "ghe_rate_limit_remaining", "credential")
        assert ask(second, "/-/ready")[0] == "200"
        assert "known from before the restart" in ask(second, "/")[1]
        second.schedule.run_due()
    assert asked(simulator, before) == {}


def due(exporter: Exporter) -> dict[str, float]:
    """Seconds to the next run of each collector, as the status page shows them."""
    now = exporter.clock.time()
    return {
        key.collector: status.next_at - now
        for key, status in exporter.statuses.all().items()
        if status.next_at is not None
    }


def test_restart_asks_nothing_before_it_is_due(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """What ran ten minutes ago with an interval of fifteen runs in five; what is overdue runs now; nobody else does."""
    chosen = settings(simulator, tmp_path)
    with running(chosen, clock) as first:
        run_all(first)
        off = [name for name, value in available(first).items() if not value and not name.startswith("server")]
    assert off
    clock.now += 10 * MINUTE
    before = simulator.request_counts()
    with running(chosen, clock) as second:
        planned = due(second)
        assert planned["licenses"] == pytest.approx(5 * MINUTE, abs=5)
        assert planned["billing"] == pytest.approx(50 * MINUTE, abs=5)
        assert "runners" not in planned
        assert all(planned[name] == pytest.approx(DAY - 10 * MINUTE, abs=5) for name in off)
        second.schedule.run_due()
        assert asked(simulator, before) == {}
        run_due(second, clock, 3.0)
        eventually(lambda: "runners" in due(second), "the runners are read")
        paths = asked(simulator, before)
        assert paths
        frequent = ("/actions/runners", "/actions/runner-groups", "/audit-log")
        assert all(any(part in path for part in frequent) for path in paths), paths
        clock.now += 5 * MINUTE

        def are_licenses_read() -> bool:
            second.schedule.run_due()  # again and again: more is due than may begin at the same time
            return any("consumed-licenses" in path for path in asked(simulator, before))

        eventually(are_licenses_read, "licenses are read")
        assert not any("billing" in path for path in asked(simulator, before))


def test_restart_drops_data_older_than_max_age(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """What is older than max_age is not shown, its time of success is, and it is not ready before it has run."""
    chosen = settings(simulator, tmp_path)
    with running(chosen, clock) as first:
        run_all(first)
        at = series(first, LAST_SUCCESS, "collector")["runners",]
    clock.now += 20 * MINUTE
    with running(chosen, clock) as second:
        assert b"ghe_runners{" not in domain(second)
        assert b"ghe_license_seats_consumed{" in domain(second)
        assert series(second, LAST_SUCCESS, "collector")["runners",] == at
        for name in ("runners", "actions_activity"):  # what runs so often that nothing of it is young enough
            assert ask(second, "/-/ready")[0] == "503"
            read_all(second.collections[Key("octo-corp", name)])
        assert ask(second, "/-/ready")[0] == "200"


def test_restart_ignores_data_from_the_future(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """What says to come from the future has no known age: it is not shown and is read again immediately."""
    chosen = settings(simulator, tmp_path)
    with running(chosen, clock) as first:
        run_all(first)
    clock.now -= DAY
    with running(chosen, clock) as second:
        assert domain(second) == b""
        assert due(second) == {}


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        pytest.param({"enterprise_api_url": "http://127.0.0.1:9"}, None, id="address"),
        pytest.param({"enterprise_included": {"actions_minutes": 5}}, None, id="plan"),
        pytest.param({"collectors": {**OPT_IN, "runners": {"per_runner": False}}}, {"runners"}, id="option"),
        pytest.param({"collectors": {**OPT_IN, "licenses": {"enabled": False}}}, {"licenses"}, id="switched off"),
        pytest.param({"enterprise_slug": "octo-tenant"}, None, id="another enterprise"),
        pytest.param({"collectors": {**OPT_IN, "runners": {"interval": "2m"}}}, set(), id="interval"),
    ],
)
def test_restart_ignores_data_of_other_settings(
    changes: dict[str, Any], lost: set[str] | None, simulator: Simulator, clock: FakeClock, tmp_path: Path
) -> None:
    """Results that the new settings would not give are not shown, and soon not in the file any more either."""
    with running(settings(simulator, tmp_path), clock) as first:
        run_all(first)
        stored = set(first.collections)
    with running(settings(simulator, tmp_path, **changes), clock) as second:
        kept = set() if lost is None else {key for key in stored if key.collector not in lost}
        assert {key for key, status in second.statuses.all().items() if status.attempted_at is not None} == kept
        assert bool(kept) is (domain(second) != b"")
        store = second._persistence._store
        assert store is not None
        store.flush()
        assert {level_of(name).key for name in StateFile(tmp_path).read().rows} == kept


def test_restart_with_other_organizations_reads_the_new_ones(
    simulator: Simulator, clock: FakeClock, tmp_path: Path
) -> None:
    """An organization that is not configured any more is gone; a new one is read immediately."""
    with running(settings(simulator, tmp_path), clock) as first:
        run_all(first)
    with running(settings(simulator, tmp_path, enterprise_organizations=ORGANIZATIONS[:1]), clock) as second:
        levels = {organization for (organization,) in series(second, "ghe_runners", "organization")}
        assert levels == {"", "octo-org-1"}
        assert "runners" in due(second)
    with running(settings(simulator, tmp_path, enterprise_organizations=["octo-org-3"]), clock) as third:
        levels_of_runners = third.statuses.levels(Key("octo-corp", "runners"))
        assert {name for name, status in levels_of_runners.items() if status.next_at is None} == {"octo-org-3"}
        assert "licenses" in due(third)
        assert label_values(third, "organization") >= {""}


def test_restart_with_another_credential_retries_refusals(
    simulator: Simulator, clock: FakeClock, tmp_path: Path
) -> None:
    """What the old token was refused is asked again with the new one now, not tomorrow; good data keeps its rhythm."""
    simulator.faults.set("forbidden@actions/cache=1", "unauthorized@license-sync-status=1")
    with running(settings(simulator, tmp_path), clock) as first:
        run_all(first)
        assert available(first)["actions_cache"] == 0
    with running(settings(simulator, tmp_path), clock) as same:
        assert due(same)["actions_cache"] == pytest.approx(DAY, abs=5)
        assert "license_sync" not in due(same)  # rejected: a restart is how people say that they fixed it
    with running(settings(simulator, tmp_path, enterprise_auth={"token": "other"}), clock) as other:
        assert "actions_cache" not in due(other)
        assert due(other)["billing"] == pytest.approx(60 * MINUTE, abs=5)
        assert series(other, "ghe_up", "enterprise") == {}


def test_refusals_in_a_row_count_across_a_restart(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """What has worked is not called unavailable because of one refusal, and a row of refusals continues."""
    key = Key("octo-corp", "licenses")
    with running(settings(simulator, tmp_path), clock) as first:
        read_all(first.collections[key])
        simulator.faults.set("not-found@consumed-licenses=1")
        read_all(first.collections[key])
    for expected in (1, 0):
        with running(settings(simulator, tmp_path), clock) as again:
            read_all(again.collections[key])
            assert available(again)["licenses"] == expected


def test_final_days_are_not_asked_again(clock: FakeClock, tmp_path: Path) -> None:
    """Where a month is too large, a run after a restart asks for the days that are not final, and adds up the same."""
    key = Key("octo-corp", "billing_usage")

    with Simulator(users=1_500, runners=8, organizations=3, now=clock.time) as github:

        def read(exporter: Exporter) -> tuple[int, str]:
            before = github.request_counts()
            read_all(exporter.collections[key])
            lines = [line for line in page(exporter).splitlines() if "ghe_billing_organization_net_usd{" in line]
            return sum(asked(github, before).values()), "\n".join(lines)

        def chosen(folder: Path) -> Settings:
            return settings(github, folder, limits={"max_response_megabytes": 1})

        with running(chosen(tmp_path), clock) as first:
            all_days, _ = read(first)
        clock.now += 7 * 3600
        with running(chosen(tmp_path), clock) as second:
            few_days, sums = read(second)
        with running(chosen(tmp_path / "new"), clock) as fresh:
            assert read(fresh) == (all_days, sums)
    assert sums
    assert few_days < all_days / 2
