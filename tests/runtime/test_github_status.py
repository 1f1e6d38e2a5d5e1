"""The status page of GitHub: read once for the process, without a credential, whatever enterprises there are."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.app import Exporter
from exporter.commands.demo import DemoSettings
from exporter.config.settings import Settings
from exporter.runtime.status import Key
from exporter.simulator.server import Simulator
from tests.support.exporters import page, run_all
from tests.support.harness import FakeClock
from tests.support.secret_marker import CANARY, TOKEN
from tests.support.web_server import get
from tests.support.wire import Wire, reply

SUMMARY = "/api/v2/summary.json"
KEY = Key("", "github_status")
BODY = json.dumps(
    {
        "components": [{"name": "Actions", "status": "major_outage"}],
        "incidents": [{"impact": "major", "status": "open"}],
    }
).encode()


@pytest.fixture
def status_page() -> Iterator[Wire]:
    """A status page that reports an outage."""
    wire = Wire([reply(BODY)])
    wire.start()
    yield wire
    wire.stop()


def settings(simulator: Simulator, url: str | None, **others: Any) -> Settings:
    """Two enterprises and, at *url*, the status page."""
    enterprises = [
        {"slug": slug, "api_url": simulator.url, "auth": {"token": TOKEN}} for slug in ("octo-corp", "octo-tenant")
    ]
    collectors = {} if url is None else {"github_status": {"enabled": True, "url": url}}
    return DemoSettings.model_validate({"enterprises": enterprises, "collectors": collectors, **others})


def exporter(**options: Any) -> Exporter:
    """One whose runs happen when the test says so."""
    return Exporter(clock=FakeClock(), randomness=random.Random(1), process_metrics=False, **options)


def test_one_reading_without_a_credential_serves_all_enterprises(simulator: Simulator, status_page: Wire) -> None:
    """The page gets one request and no token; its metrics have no enterprise, those about it an empty one."""
    running = exporter()
    running.apply(settings(simulator, status_page.url))
    run_all(running)
    (asked,) = status_page.asked
    assert (asked.method, asked.target) == ("GET", SUMMARY)
    sent = {name.lower(): value for name, value in asked.headers.items()}
    assert sent.keys() == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert CANARY not in str(sent)
    shown = page(running)
    assert 'ghe_github_component_status{component="actions",status="major_outage"} 1\n' in shown
    assert 'ghe_github_incidents{impact="major"} 1\n' in shown
    assert 'ghe_exporter_collector_success{enterprise="",collector="github_status"} 1\n' in shown
    assert f'ghe_exporter_api_requests_total{{enterprise="",path="{SUMMARY}",code="200"}} 1\n' in shown
    assert 'ghe_up{enterprise=""}' not in shown
    assert "<h2>GitHub in general</h2>" in b"".join(get(running.application(), "/").body).decode()
    running.stop()


def test_password_of_netrc_is_not_sent(
    simulator: Simulator, status_page: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HTTP library would look one up for a request without a credential."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login octo password " + CANARY)
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    running = exporter()
    running.apply(settings(simulator, status_page.url))
    run_all(running)
    assert not [name for name in status_page.asked[0].headers if name.lower() == "authorization"]
    running.stop()


def test_reload_that_switches_it_off_removes_all_of_it(simulator: Simulator, status_page: Wire) -> None:
    """No series of it stays; the enterprises are not disturbed."""
    running = exporter()
    running.apply(settings(simulator, status_page.url))
    run_all(running)
    running.apply(settings(simulator, None))
    shown = page(running)
    assert 'enterprise=""' not in shown
    assert "ghe_github_component_status{" not in shown
    assert 'ghe_license_seats_consumed{enterprise="octo-corp"}' in shown
    running.stop()


def test_reload_with_another_address_drops_the_former_result(simulator: Simulator, status_page: Wire) -> None:
    """What another page said is not shown as if this one had."""
    running = exporter()
    running.apply(settings(simulator, status_page.url))
    run_all(running)
    running.apply(settings(simulator, simulator.url))
    assert "ghe_github_component_status{" not in page(running)
    running.collections[KEY].levels[""].run()
    assert 'ghe_github_component_status{component="actions",' in page(running)
    running.stop()


def test_restart_serves_the_stored_result(simulator: Simulator, status_page: Wire, tmp_path: Path) -> None:
    """Like that of any other collector, and nothing is asked before it is due."""
    chosen = settings(simulator, status_page.url, state_dir=str(tmp_path))
    first = exporter(keeps_state=True)
    first.apply(chosen)
    first.collections[KEY].levels[""].run()
    first.stop()
    second = exporter(keeps_state=True)
    second.apply(chosen)
    assert 'ghe_github_component_status{component="actions",status="major_outage"} 1\n' in page(second)
    assert len(status_page.asked) == 1
    second.stop()


def test_page_that_is_down_fails_this_collector_alone(simulator: Simulator) -> None:
    """The enterprises are read as ever."""
    running = exporter()
    running.apply(settings(simulator, "http://127.0.0.1:1"))
    run_all(running)
    status = running.statuses.get(KEY)
    assert status is not None
    assert (status.success, status.reason) == (False, "unreachable")
    assert 'ghe_exporter_collector_success{enterprise="octo-corp",collector="licenses"} 1\n' in page(running)
    assert 'ghe_up{enterprise="octo-corp"} 1\n' in page(running)
    running.stop()


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("https://www.githubstatus.com/", "https://www.githubstatus.com"),
        ("https://eu.githubstatus.com/api/v2/summary.json", "https://eu.githubstatus.com"),
        ("HTTPS://status.octo.example", "https://status.octo.example"),
    ],
)
def test_address_may_be_written_in_several_ways(simulator: Simulator, url: str, means: str) -> None:
    """With a slash at its end, or whole."""
    assert settings(simulator, url).collectors.github_status.url == means  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url", ["", "www.githubstatus.com", "ftp://octo.example", "https://a:b@octo.example", "https://octo.example/?x=1"]
)
def test_bad_address_is_refused(simulator: Simulator, url: str) -> None:
    """What is no address, or holds what should not be in one."""
    with pytest.raises(ValueError, match="url"):
        settings(simulator, url)
