"""`ghe-exporter demo`: the whole product without any credential."""

import os
import re
import signal

import pytest

from exporter.cli import main
from exporter.collectors import COLLECTORS
from exporter.commands.demo import demo_settings
from exporter.config.organizations import Organizations
from tests.support.programs import ask, meanwhile, started, value
from tests.support.tools import eventually, free_port

ENTERPRISES = ("octo-corp", "octo-legacy", "octo-tenant", "octo-server")
SMALL = ("--users", "40", "--runners", "12", "--organizations", "2")


def test_demo_shows_four_enterprises_until_sigterm() -> None:
    """It prints the URLs to open, shows all four enterprises, and ends cleanly on SIGTERM."""
    with started("demo", "--listen", "127.0.0.1:0", *SMALL) as program:
        eventually(lambda: "Ctrl-C" in program.out(), "it says where to look")
        found = re.findall(r"http://127\.0\.0\.1:\d+\S*", program.out())
        status_page, metrics, github = found
        program.url = metrics.removesuffix("/metrics")
        assert status_page == f"{program.url}/"
        assert github != program.url
        eventually(lambda: all(program.value("ghe_up", enterprise=slug) == 1 for slug in ENTERPRISES), "all are up")
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        assert program.value("ghe_license_seats_consumed", enterprise="octo-corp")
        assert all(f"<h2>{slug}</h2>" in program.ask("/")[1] for slug in ENTERPRISES)
        assert program.end(signal.SIGTERM) == 0
        assert "Some collectors are unavailable on purpose: octo-legacy " in program.out()
        assert "plain HTTP" not in program.err()
        assert "Traceback" not in program.err()


def test_environment_has_no_influence() -> None:
    """Settings of the person who tries it, right or wrong, have no influence."""
    variables = {"LISTEN": "nowhere", "ENTERPRISE": "acme", "COLLECTORS__RUNNERS__ENABLED": "false", "LIMITS": "["}
    with started("demo", "--listen", "127.0.0.1:0", *SMALL, **variables) as program:
        eventually(lambda: "Ctrl-C" in program.out() or program.process.poll() is not None, "it starts")
        program.url = re.findall(r"http://127\.0\.0\.1:\d+", program.out())[0]
        eventually(lambda: program.value("ghe_runners", enterprise="octo-corp") is not None, "runners are read")
        assert 'enterprise="acme"' not in program.ask("/metrics")[1]
        assert program.end(signal.SIGINT) == 0


def test_reload_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A reload changes nothing, and a signal ends it."""
    listen = f"127.0.0.1:{free_port()}"

    def look() -> None:
        url = f"http://{listen}"
        eventually(lambda: ask(f"{url}/-/ready")[0] == 200, "every collector has run")
        assert ask(f"{url}/-/reload", "POST")[0] == 404
        os.kill(os.getpid(), signal.SIGHUP)
        eventually(lambda: "configuration reloaded" in capsys.readouterr().err, "it is reloaded")
        assert value(ask(f"{url}/metrics")[1], "ghe_license_seats_consumed", enterprise="octo-corp")

    with meanwhile(look):
        assert main(["demo", "--listen", listen, *SMALL]) == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--users", "0"], "ghe-exporter: users and organizations must be at least 1, runners at least 0\n"),
    ],
)
def test_senseless_option_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that makes no sense ends with 2 and one line."""
    assert main(["demo", *arguments]) == 2
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(("organizations", "read"), [(1, ["octo-org-1"]), (5, ["octo-org-1", "octo-org-2"])])
def test_every_collector_is_on_for_every_enterprise(organizations: int, read: list[str]) -> None:
    """Every collector is on, for every simulated enterprise at its address, and organizations that exist are read."""
    settings = demo_settings("http://127.0.0.1:1", ":0", organizations)
    addresses = {enterprise.slug: enterprise.api_url for enterprise in settings.enterprises}
    assert addresses == dict.fromkeys(ENTERPRISES, "http://127.0.0.1:1") | {"octo-server": "http://127.0.0.1:1/api/v3"}
    assert settings.enterprises[0].organizations == Organizations(auto=True, include=tuple(read))
    assert all(collector.is_enabled(settings.options_of(collector)) for collector in COLLECTORS)
