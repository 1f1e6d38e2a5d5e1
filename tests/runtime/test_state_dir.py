"""The folder of state_dir: who writes to it, what is in it, and what a reload or an unusable one changes."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.runtime.saved import decode
from exporter.simulator.server import Simulator
from exporter.state.file import FILE_NAME, StateFile
from tests.support.exporters import run_all, series
from tests.support.harness import FakeClock
from tests.support.programs import run
from tests.support.restarts import domain, running, settings
from tests.support.secret_marker import CANARY, TOKEN


def test_reload_moves_to_another_state_dir(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> None:
    """A reload with the same folder continues, with another one moves there, and without one lets it go."""
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
