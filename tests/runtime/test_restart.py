"""A restart with state_dir: what is shown at once, what is asked and when, and that a kill is harmless."""

import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.collectors import COLLECTORS
from exporter.commands.demo import OPT_IN
from exporter.config.settings import Settings
from exporter.runtime.saved import decode, level_of
from exporter.runtime.status import Key
from exporter.simulator.server import Simulator
from exporter.state.file import FILE_NAME, StateFile
from tests.runtime.test_app import ask, available, label_values, page, run_all, series
from tests.support.harness import FakeClock, read_all
from tests.support.programs import Program, run, serving
from tests.support.secret_marker import CANARY, TOKEN
from tests.support.tools import eventually

LAST_SUCCESS = "ghe_exporter_collector_last_success_timestamp_seconds"
RUN = ("enterprise", "collector")
MINUTE, DAY = 60.0, 86_400.0
ORGANIZATIONS = ["octo-org-1", "octo-org-2"]


class Even(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3, now=clock.time) as running:
        yield running


def settings(simulator: Simulator, folder: Path, **changes: Any) -> Settings:
    """Settings for one enterprise; *changes* whose names begin with `enterprise_` are about that."""
    enterprise = {"slug": "octo-corp", "api_url": simulator.url, "auth": {"token": TOKEN}}
    enterprise |= {"organizations": ORGANIZATIONS}
    enterprise |= {
        name.removeprefix("enterprise_"): changes.pop(name) for name in list(changes) if name.startswith("enterprise_")
    }
    return Settings.model_validate({"state_dir": folder, "enterprises": [enterprise], "collectors": OPT_IN, **changes})


@contextmanager
def running(chosen: Settings, clock: FakeClock, *, keeps_state: bool = True) -> Iterator[Exporter]:
    """An exporter that runs what the test runs, and stops cleanly."""
    exporter = Exporter(clock=clock, randomness=Even(), process_metrics=False, keeps_state=keeps_state)
    exporter.apply(chosen)
    try:
        yield exporter
    finally:
        exporter.stop()


def domain(exporter: Exporter) -> bytes:
    """What collectors expose."""
    return b"".join(exporter.exposition.page().plain(()))


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
    """What says to come from the future has no known age: it is not shown and is read again at once."""
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
    """An organization that is not configured any more is gone; a new one is read at once."""
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
    """What has worked is not called unavailable because of one refusal, and a row of refusals goes on."""
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


def test_reload_moves_to_another_state_dir(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """A reload with the same folder goes on, with another one moves there, and without one lets it go."""
    with running(settings(simulator, tmp_path), clock) as exporter:
        run_all(exporter)
        exposed = domain(exporter)
        exporter.apply(settings(simulator, tmp_path))
        assert domain(exporter) == exposed
        exporter.apply(settings(simulator, tmp_path / "other"))
        assert domain(exporter) == exposed
        run_all(exporter)
        exporter.apply(settings(simulator, tmp_path / "other", state_dir=None))
        assert StateFile(tmp_path).read().rows.keys() == StateFile(tmp_path / "other").read().rows.keys() != set()
        exporter.apply(settings(simulator, tmp_path, enterprise_api_url="http://127.0.0.1:9"))
        assert domain(exporter) == b""


@pytest.mark.parametrize("keeps_state", [True, False])
def test_only_serve_writes_state(keeps_state: bool, simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """Other commands read the same settings and leave the folder alone."""
    folder = tmp_path / "state"
    with running(settings(simulator, folder), clock, keeps_state=keeps_state) as exporter:
        run_all(exporter)
        assert series(exporter, "ghe_exporter_state_last_write_successful") == {}
    assert folder.exists() is keeps_state


def test_collect_writes_no_state(simulator: Simulator, tmp_path: Path) -> None:
    """One pass is no service."""
    folder = tmp_path / "state"
    done = run("collect", ENTERPRISE="octo-corp", TOKEN=TOKEN, API_URL=simulator.url, STATE_DIR=str(folder))
    assert done.out
    assert not folder.exists()


def test_unusable_state_dir_is_a_warning(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """Everything is collected; a warning and a metric say that nothing is kept."""
    folder = tmp_path / "state"
    folder.write_text("a file")
    with capture_logs() as logs, running(settings(simulator, folder), clock) as exporter:
        run_all(exporter)
        assert series(exporter, "ghe_license_seats_consumed", "enterprise")
        assert series(exporter, "ghe_exporter_state_last_write_successful") == {(): 0}
    logged = [entry for entry in logs if "state_dir" in entry]
    assert [entry["log_level"] for entry in logged] == ["warning"]
    assert logged[0]["problem"] == "File exists: state_dir must be a folder"


# As processes.


def write(file: Path, simulator: Simulator, folder: Path, **others: Any) -> None:
    """Settings for two enterprises."""
    enterprises: list[dict[str, Any]] = [
        {"slug": slug, "api_url": simulator.url, "auth": {"token": TOKEN}} for slug in ("octo-corp", "octo-legacy")
    ]
    enterprises[0]["organizations"] = ORGANIZATIONS
    described = {"state_dir": str(folder), "enterprises": enterprises, "collectors": OPT_IN, **others}
    file.write_text(yaml.safe_dump(described))


def exposed_by(program: Program) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every series of the domain and the last successes; the exposition is valid."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(program.ask("/metrics")[1])
        for sample in family.samples
        if sample.name == LAST_SUCCESS or (sample.name.startswith("ghe_") and "_exporter_" not in sample.name)
        if not sample.name.startswith("ghe_rate_limit")
    }


@pytest.fixture
def moving() -> Iterator[Simulator]:
    """A small simulated GitHub in real time."""
    with Simulator(users=30, runners=8, organizations=3) as running:
        yield running


def number_of_levels(program: Program) -> int:
    """How many levels of how many collectors it reads: two enterprises, of which one has two organizations."""
    collectors = program.ask("/metrics")[1].count("\nghe_exporter_collector_duration_seconds{")
    return collectors + len(ORGANIZATIONS) * sum(collector.organizations for collector in COLLECTORS)


def rows(folder: Path) -> int:
    """How many levels the file knows."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        try:
            found: int = connection.execute("SELECT count(*) FROM rows").fetchone()[0]
        except sqlite3.OperationalError:  # nothing has been written yet
            return 0
        return found


def test_restart_after_kill_serves_the_same_page(moving: Simulator, tmp_path: Path) -> None:
    """Killed without warning, it comes back ready with the same page, and asks nothing but what is due."""
    folder, file = tmp_path / "state", tmp_path / "settings.yaml"
    slow = {"runners": {"interval": "1h"}, **OPT_IN}
    write(file, moving, folder, collectors=slow)
    with serving("--config", str(file)) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        eventually(lambda: rows(folder) == number_of_levels(program), "everything is kept")
        before = exposed_by(program)
        program.process.kill()
    requests = moving.requests
    with serving("--config", str(file)) as program:
        assert program.ask("/-/ready")[0] == 200
        assert exposed_by(program) == before
        eventually(lambda: bool(program.value("ghe_exporter_state_last_write_successful")), "it is written to")
        second_run = program.err()
        assert program.end() == 0
        assert moving.requests == requests
    assert "warning" not in second_run.replace("not encrypted", "").splitlines()[-1]
    assert CANARY not in second_run


def test_kill_at_any_moment_leaves_a_sound_file(moving: Simulator, tmp_path: Path) -> None:
    """Killed again and again while collectors run and are written down: never a complaint, and never a step back."""
    folder, file = tmp_path / "state", tmp_path / "settings.yaml"
    busy = {name: {"interval": "10s"} for name in ("licenses", "license_sync", "runners", "runner_groups")}
    write(file, moving, folder, collectors=busy)
    moments = random.Random(4)
    newest: dict[str, float] = {}
    for _ in range(6):
        with serving("--config", str(file)) as program:
            wanted = moving.requests + moments.randrange(1, 40)
            eventually(
                lambda wanted=wanted: moving.requests >= wanted or program.answers("/-/ready"),  # type: ignore[misc]
                "something was asked",
            )
            program.process.send_signal(signal.SIGKILL)
            program.process.wait()
            assert "moved aside" not in program.err()
        saved = {name: decode(row.document).result for name, row in StateFile(folder).read().rows.items()}
        ages = {name: result.collected_at if result is not None else 0.0 for name, result in saved.items()}
        assert all(ages.get(name, 0) >= at for name, at in newest.items())
        newest = ages
    assert newest


def test_state_file_holds_no_secret_and_no_person(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """Neither the token nor anybody's login or address gets into the file, in any row, plain or compressed."""
    simulator.faults.set("unauthorized@license-sync-status=1", "html@actions/cache=1")
    with running(settings(simulator, tmp_path), clock) as exporter:
        run_all(exporter)
        licenses = simulator.estate.enterprise("octo-corp")
        assert licenses is not None
        assert licenses.licenses is not None
        people = licenses.licenses.users(clock.now, 0, 5)
    raw = (tmp_path / FILE_NAME).read_bytes()
    assert TOKEN.encode() not in raw
    documents = "".join(repr(decode(row.document)) for row in StateFile(tmp_path).read().rows.values())
    assert "ghe_license_users" in documents
    assert CANARY not in documents
    assert "@" not in documents
    logins = {person["github_com_login"] for person in people} - {""}
    assert logins
    assert not [login for login in logins if login in documents]


def make_foreign(path: Path) -> None:
    """A database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize("kind", ["text", "foreign", "cut"])
def test_serve_moves_a_bad_file_aside(kind: str, moving: Simulator, tmp_path: Path) -> None:
    """It starts, says so in one warning, keeps the bad file for a look, and goes on."""
    folder, file = tmp_path / "state", tmp_path / "settings.yaml"
    folder.mkdir()
    bad: dict[str, Callable[[Path], object]] = {
        "text": lambda path: path.write_text("not a database\n" * 500),
        "foreign": make_foreign,
        "cut": lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\x10\x00\x01\x01" * 30),
    }
    bad[kind](folder / FILE_NAME)
    write(file, moving, folder)
    with serving("--config", str(file)) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        eventually(lambda: bool(program.value("ghe_exporter_state_last_write_successful")), "it is written to")
        assert program.end() == 0
        assert program.err().count("moved aside") == 1
        assert "Traceback" not in program.err()
    assert len(list(folder.glob("*.corrupt-*"))) == 1
    assert rows(folder) > 0
