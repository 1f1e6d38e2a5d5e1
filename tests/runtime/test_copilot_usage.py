"""The usage report of Copilot through the whole exporter: read without the token, and its link shown nowhere."""

import random
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.commands.demo import DemoSettings
from exporter.runtime.status import Key
from exporter.simulator.api.routes.copilot import SIGNATURE
from exporter.simulator.server import Simulator
from tests.support.exporters import page
from tests.support.harness import FakeClock
from tests.support.secret_marker import CANARY, TOKEN
from tests.support.web_server import get
from tests.support.wire import Wire, reply

KEY = Key("octo-corp", "copilot_usage")
REPORT = b'{"download_links": ["%s/x?sig=octo-pre-signed"]}'


def exporter(url: str, **options: Any) -> Exporter:
    """One that reads the report of octo-corp at *url*, and has run once."""
    made = Exporter(clock=FakeClock(), randomness=random.Random(1), process_metrics=False)
    enterprise = {"slug": "octo-corp", "api_url": url, "auth": {"token": TOKEN}}
    collectors = {"copilot_usage": {"enabled": True, **options}}
    made.apply(DemoSettings.model_validate({"enterprises": [enterprise], "collectors": collectors}))
    made.collections[KEY].levels[""].run()
    return made


def everything(running: Exporter) -> str:
    """What is exposed and shown."""
    return page(running) + b"".join(get(running.application(), "/").body).decode()


def test_newest_day_is_exposed(simulator: Simulator) -> None:
    """Through the link that the answer holds."""
    running = exporter(simulator.url)
    shown = page(running)
    assert 'ghe_copilot_usage_active_users{enterprise="octo-corp",window="month",kind="any"}' in shown
    assert 'ghe_copilot_usage_code_acceptances{enterprise="octo-corp",feature="agent_edit"}' in shown
    assert 'path="/{download_link}",code="200"} 1\n' in shown
    assert 'ghe_exporter_collector_requests{enterprise="octo-corp",collector="copilot_usage"} 2\n' in shown
    assert simulator.request_counts()["GET /copilot-usage-reports/octo-corp"] == 1
    assert SIGNATURE not in everything(running)
    running.stop()


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "500 Oops", "302 Found"])
def test_neither_link_nor_token_goes_astray(status: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the other host answers."""
    elsewhere = Wire([reply(b"no report", "Location: https://octo.example/?sig=octo-pre-signed", status=status)])
    elsewhere.start()
    api = Wire([reply(REPORT % elsewhere.url.encode())])
    api.start()
    with capture_logs() as logs:
        running = exporter(api.url)
        shown = f"{everything(running)}{logs}{caplog.text}"
        running.stop()
    for wire in (api, elsewhere):
        wire.stop()
    assert "octo-pre-signed" not in shown
    assert CANARY not in shown
    assert CANARY in str(api.asked)
    assert CANARY not in str(elsewhere.asked)
    assert {asked.target for asked in elsewhere.asked} == {"/x?sig=octo-pre-signed"}
    assert 'success{enterprise="octo-corp",collector="copilot_usage"} 0\n' in shown


@pytest.mark.parametrize("hosts", ["", [""], [1]])
def test_bad_patterns_are_refused(simulator: Simulator, hosts: object) -> None:
    """Patterns are texts that are not empty."""
    with pytest.raises(ValueError, match="download_hosts"):
        exporter(simulator.url, download_hosts=hosts)
