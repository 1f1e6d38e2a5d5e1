"""The management API of a server, against the simulated one: where its password goes, and how often."""

import base64
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.commands.demo import DemoSettings
from exporter.config.settings import Settings
from exporter.runtime.status import Key, Status
from exporter.simulator.server import Simulator
from tests.support.exporters import ask, page
from tests.support.fault_harness import Time
from tests.support.harness import read_all
from tests.support.secret_marker import CANARY, PASSWORD, TOKEN
from tests.support.wire import MakeWire, reply, wires

KEY = Key("octo-server", "server_management")
WRONG = f"bad {PASSWORD}"
INTERVAL = 300.0


@pytest.fixture
def clock() -> Time:
    """Jumps over waits."""
    return Time()


@pytest.fixture
def simulator(clock: Time) -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=1, now=clock.time) as running:
        yield running


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """The file with the right password."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


@pytest.fixture
def exporter(clock: Time) -> Iterator[Exporter]:
    """An exporter that runs what the test runs."""
    made = Exporter(clock=clock, randomness=random.Random(1), process_metrics=False)
    yield made
    made.stop()


@pytest.fixture
def wire() -> Iterator[MakeWire]:
    """Make a server that answers as a script says."""
    with wires() as make:
        yield make


def settings(simulator: Simulator, **enterprise: Any) -> Settings:
    """The server alone, with the collector switched on."""
    server = {"slug": "octo-server", "api_url": simulator.server_url, "auth": {"token": TOKEN}, **enterprise}
    return DemoSettings.model_validate({"enterprises": [server], "collectors": {KEY.collector: {"enabled": True}}})


def managed(simulator: Simulator, password: Path, **others: Any) -> Settings:
    """The server with its management API."""
    auth = {"username": "octo", "password_file": str(password)}
    return settings(simulator, **{"manage_url": simulator.manage_url, "manage_auth": auth, **others})


def status(exporter: Exporter) -> Status:
    """How the last run ended."""
    found = exporter.statuses.get(KEY)
    assert found is not None
    return found


def asked(simulator: Simulator) -> int:
    """How many requests the management API got, all of them GET."""
    counts = simulator.request_counts()
    assert all(key.startswith("GET ") for key in counts)
    return sum(times for key, times in counts.items() if "/manage/" in key)


def test_right_password_reads_everything_by_six_requests(
    exporter: Exporter, simulator: Simulator, password: Path
) -> None:
    exporter.apply(managed(simulator, password))
    read_all(exporter.collections[KEY])
    assert status(exporter).success
    assert asked(simulator) == 6
    text = page(exporter)
    assert 'ghe_server_service_healthy{enterprise="octo-server",hostname="ghes-replica.octo.example.com"' in text
    assert "replication is in sync" not in text


def test_wrong_password_is_sent_once_a_run_and_ever_more_rarely(
    exporter: Exporter, simulator: Simulator, password: Path, clock: Time
) -> None:
    """The run ends with the first 401, no jitter brings the next one forward, and a day sees few: no console locks."""
    password.write_text(WRONG)
    exporter.apply(managed(simulator, password))
    sent: list[float] = []
    while clock.monotonic() < 24 * 3600:
        before = asked(simulator)
        delay = read_all(exporter.collections[KEY])
        assert asked(simulator) - before <= 1
        assert delay >= INTERVAL
        sent += [clock.monotonic()] * (asked(simulator) - before)
        assert status(exporter).reason == "unauthorized"
        assert status(exporter).available
        clock.jump(delay)
    pauses = [later - earlier for earlier, later in pairwise(sent)]
    assert INTERVAL <= pauses[0] < 2 * INTERVAL
    assert all(later > earlier for earlier, later in pairwise(pauses))
    assert len(sent) < 10


def test_rejected_password_that_is_right_after_all_is_sent_again(
    exporter: Exporter, simulator: Simulator, password: Path, clock: Time
) -> None:
    """Somebody else may have locked the console for a while."""
    exporter.apply(managed(simulator, password))
    simulator.faults.set("unauthorized@/manage/=1")
    clock.jump(read_all(exporter.collections[KEY]))
    simulator.faults.clear()
    read_all(exporter.collections[KEY])
    assert status(exporter).success


def test_corrected_password_file_is_read_without_a_reload(
    exporter: Exporter, simulator: Simulator, password: Path
) -> None:
    password.write_text(WRONG)
    exporter.apply(managed(simulator, password))
    read_all(exporter.collections[KEY])
    assert not status(exporter).success
    password.write_text(PASSWORD)
    read_all(exporter.collections[KEY])
    assert status(exporter).success


def test_password_of_either_kind_does_not_change_ghe_up(
    exporter: Exporter, simulator: Simulator, password: Path
) -> None:
    """It is about GitHub's API alone, and so is every other series of a credential."""
    exporter.apply(managed(simulator, password))
    for content in (WRONG, PASSWORD):
        password.write_text(content)
        read_all(exporter.collections[KEY])
        assert "\nghe_up{" not in page(exporter)
    password.write_text(WRONG)
    read_all(exporter.collections[Key("octo-server", "server")])
    read_all(exporter.collections[KEY])
    assert 'ghe_up{enterprise="octo-server"} 1' in page(exporter)
    assert "manage_auth" not in page(exporter)


def test_each_credential_goes_to_its_own_address_only(
    exporter: Exporter, simulator: Simulator, password: Path, wire: MakeWire
) -> None:
    """The management API gets the password and never the token, GitHub's API the token and never the password."""
    api, management = wire(reply(b"{}")), wire(reply(b"{}"))
    exporter.apply(managed(simulator, password, api_url=f"{api.url}/api/v3", manage_url=management.url))
    for name in (KEY.collector, "server", "server_security"):
        read_all(exporter.collections[Key("octo-server", name)])
    basic = base64.b64encode(f"octo:{PASSWORD}".encode()).decode()
    assert {each.headers["authorization"] for each in management.asked} == {f"Basic {basic}"}
    assert {each.headers["authorization"] for each in api.asked} == {f"Bearer {TOKEN}"}
    assert all(each.target.startswith("/manage/v1/") for each in management.asked)
    assert all(each.target.startswith("/api/v3/") for each in api.asked)
    assert {each.method for each in (*management.asked, *api.asked)} == {"GET"}


def test_redirect_to_another_port_is_refused(
    exporter: Exporter, simulator: Simulator, password: Path, wire: MakeWire
) -> None:
    """The password stays where manage_url says."""
    elsewhere = wire(reply(b"{}"))
    management = wire(reply(b"", f"Location: {elsewhere.url}/manage/v1/version", status="302 Found"))
    exporter.apply(managed(simulator, password, manage_url=management.url))
    read_all(exporter.collections[KEY])
    assert status(exporter).reason == "payload"
    assert management.asked
    assert elsewhere.asked == []


def test_without_manage_url_nothing_is_asked(exporter: Exporter, simulator: Simulator) -> None:
    """The collector is not available, which is no failure."""
    exporter.apply(settings(simulator))
    assert KEY not in exporter.collections
    assert status(exporter).available is False
    assert status(exporter).reason is None
    assert asked(simulator) == 0
    available = 'ghe_exporter_collector_available{enterprise="octo-server",collector="server_management"} 0'
    assert available in page(exporter)


def test_password_is_shown_and_logged_nowhere(exporter: Exporter, simulator: Simulator, password: Path) -> None:
    """Neither it nor its base64 is in a log line or on a page."""
    with capture_logs() as logs:
        for content in (WRONG, PASSWORD):
            password.write_text(content)
            exporter.apply(managed(simulator, password))
            read_all(exporter.collections[KEY])
    status_page = ask(exporter, "/")[1]
    digests = {each.assignment.credentials_digest for each in exporter.collections.values()}
    shown = f"{logs}{status_page}{page(exporter)}{digests}"
    assert CANARY not in shown
    assert base64.b64encode(f"octo:{PASSWORD}".encode()).decode() not in shown
    assert len(digests) == 1


def test_password_changes_no_digest(exporter: Exporter, simulator: Simulator, password: Path) -> None:
    """So few passwords could be meant that even a few digits confirm a guess."""
    digests = set()
    for content in (WRONG, PASSWORD):
        password.write_text(content)
        exporter.apply(managed(simulator, password))
        digests.add(exporter.collections[KEY].assignment.credentials_digest)
    assert len(digests) == 1


def test_another_manage_url_drops_what_was_read_from_the_first(
    exporter: Exporter, simulator: Simulator, password: Path
) -> None:
    """Only for the collector that reads it."""
    found = []
    for url in (simulator.manage_url, "https://github.octo.example:8443"):
        exporter.apply(managed(simulator, password, manage_url=url))
        found.append({key.collector: each.assignment.fingerprint for key, each in exporter.collections.items()})
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {KEY.collector}


def test_maintenance_and_broken_replication_are_exposed(
    exporter: Exporter, simulator: Simulator, password: Path
) -> None:
    exporter.apply(managed(simulator, password))
    simulator.faults.set("server-maintenance=0.5", "replication-broken=1")
    read_all(exporter.collections[KEY])
    text = page(exporter)
    assert text.count('ghe_server_maintenance{enterprise="octo-server",') == 2
    assert 'hostname="ghes-primary.octo.example.com",status="on"} 1' in text
    assert 'hostname="ghes-replica.octo.example.com",status="off"} 1' in text
    assert text.count("ghe_server_service_healthy{") == 8
    assert 'service_name="mysql"} 0' in text


def test_part_that_worked_before_fails_the_run_and_hides_no_other(
    exporter: Exporter, simulator: Simulator, password: Path
) -> None:
    """A refusal of what never worked is how an older server answers; of what did, it is a failure."""
    exporter.apply(managed(simulator, password))
    simulator.faults.set("not-found@/manage/v1/maintenance=1")
    read_all(exporter.collections[KEY])
    assert status(exporter).success
    simulator.faults.clear()
    read_all(exporter.collections[KEY])
    simulator.faults.set("not-found@/manage/v1/maintenance=1")
    read_all(exporter.collections[KEY])
    assert status(exporter).reason == "unavailable"
    assert status(exporter).available
    assert "ghe_server_service_healthy{" in page(exporter)
    assert "ghe_server_maintenance{" not in page(exporter)
