"""The form in which `ghe-exporter check` reports: lines, a table, JSON, the exit code."""

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Callable

import pytest

from exporter.cli import main
from exporter.simulator.server import Simulator
from tests.support.check_report import Check
from tests.support.programs import ROOT, command, environment, run
from tests.support.secret_marker import CANARY, TOKEN, the_line
from tests.support.tools import PATIENCE_SECONDS, eventually


def test_json_has_the_documented_keys(check: Check) -> None:
    """The object that scripts read has these keys, whatever was found."""
    found = check(0)
    assert set(found) == {"version", "ok", "enterprises", "rate_limit_budgets"}
    assert found["version"] == 1
    (enterprise,) = found["enterprises"]
    assert set(enterprise) == {"enterprise", "api_url", "platform", "ok", "credentials", "warnings", "checks"}
    assert (enterprise["enterprise"], enterprise["platform"]) == ("octo-corp", "cloud")
    (credential,) = enterprise["credentials"]
    assert (credential["credential"], credential["kind"]) == ("auth", "classic")
    assert "read:enterprise" in credential["scopes"]
    assert abs(credential["clock_difference_seconds"]) <= 2
    assert credential["expires"].endswith("Z")
    (limit,) = credential["rate_limits"]
    assert (limit["resource"], limit["limit"]) == ("core", 5000)
    assert 4900 < limit["remaining"] < 5000
    keys = {"collector", "organization", "credential", "endpoint", "state", "reason", "cause", "advice", "detail"}
    assert all(set(item) == keys for item in enterprise["checks"])
    scim = next(item for item in enterprise["checks"] if item["collector"] == "scim")
    assert (scim["state"], scim["reason"], scim["cause"]) == ("unavailable", "unavailable", "not_offered")


def test_wrong_slug_is_reported_once(simulator: Simulator) -> None:
    """The cause stands at the top, once, and no line of the table is long."""
    done = run("check", ENTERPRISE="acme", TOKEN="demo", API_URL=simulator.url)
    assert (done.code, done.err) == (1, "")
    assert done.out.count("GitHub shows nothing of the enterprise acme") == 1
    top, table = done.out.split("\n\n", maxsplit=1)
    assert "  Problem: GitHub shows nothing of the enterprise acme" in top
    assert max(map(len, table.splitlines())) < 200
    assert done.out.splitlines()[-1] == "Problems to fix: 1"


def test_sso_url_is_not_printed(check: Check, simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """The header's URL holds an identifier of a person's request: it is not printed, in neither form."""
    simulator.faults.set("sso=1")
    assert "authorization_request" not in json.dumps(check(1))
    assert main(["check"]) == 1
    assert "authorization_request" not in "".join(capsys.readouterr())


def test_redirected_report_is_plain_lines(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str], simulator: Simulator
) -> None:
    """Redirected, a line per endpoint that no width cuts, without control characters; logs go elsewhere."""
    configure(TOKEN="scopes=read:enterprise", ORGANIZATIONS="octo-org-1")
    simulator.faults.set("http-500@license-sync=1")
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "not encrypted" not in out
    lines = out.splitlines()
    assert lines[0] == f"octo-corp at {simulator.url} (GitHub Enterprise Cloud)"
    assert lines[1].startswith("  auth: token of unknown kind") is False
    assert "scopes read:enterprise" in lines[1]
    billing = next(line for line in lines if " billing " in line)
    assert billing.split()[:4] == [
        "octo-corp",
        "billing",
        "/enterprises/{enterprise}/settings/billing/usage/summary",
        "unavailable",
    ]
    assert billing.endswith("give it manage_billing:enterprise, then save it on GitHub.")
    assert any("runners (octo-org-1)" in line for line in lines)
    assert lines[-1].startswith("Problems to fix: ")


def test_terminal_gets_a_colored_table(simulator: Simulator) -> None:
    """On a terminal there is a table in colors."""
    ours, theirs = pty.openpty()
    variables = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url, "LOG_LEVEL": "error"}
    with subprocess.Popen(
        command("check"),
        cwd=ROOT,
        env=environment(**variables) | {"TERM": "xterm", "COLUMNS": "160"},
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 4096):
                seen += piece
        except OSError:  # Linux' way to say that nobody has the other end any more
            pass
        assert process.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    assert b"\x1b[32mok" in seen
    assert "─".encode() in seen
    assert b"Nothing to fix." in seen
    assert CANARY.encode() not in seen


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_wrong_settings_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Settings that cannot be used end with 2 and one line on standard error."""
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "no enterprise" in the_line(err)


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_exits_with_130(
    configure: Callable[..., None], simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends it with 130, although requests are still waited for."""
    configure()
    simulator.faults.set("hang=1")
    waiting: list[int] = []

    def interrupt() -> None:
        eventually(lambda: simulator.requests > 0, "a request waits")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        assert main(["check"]) == 130
        waiting.append(simulator.requests)
    finally:
        thread.join()
        simulator.stop()
    for left in threading.enumerate():
        if left.name == "check":
            left.join(PATIENCE_SECONDS)
    assert waiting == [1]
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
