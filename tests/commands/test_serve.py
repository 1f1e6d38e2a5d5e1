"""`ghe-exporter serve` as a process: it starts, collects, reloads, keeps secrets and ends."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import yaml

from exporter.cli import main
from exporter.commands.serve import serve
from exporter.config import loading
from exporter.config.environment import own_environment
from exporter.errors import ConfigurationError
from exporter.simulator.server import Simulator
from tests.support.programs import ask, meanwhile, run, serving, started, value
from tests.support.secret_marker import CANARY, TOKEN, the_line
from tests.support.tools import eventually, free_port

RELOADED = "ghe_exporter_config_last_reload_successful"
SEATS = "ghe_license_seats_consumed"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings are."""
    return tmp_path / "settings.yaml"


def write(file: Path, simulator: Simulator, *slugs: str, **others: object) -> None:
    """Put the settings for simulated enterprises into *file*, each with a token, and so a rate limit, of its own."""
    enterprises = [
        {
            "slug": slug,
            "api_url": simulator.server_url if slug == "octo-server" else simulator.url,
            "auth": {"token": f"{TOKEN}{number}"},
        }
        for number, slug in enumerate(slugs)
    ]
    file.write_text(yaml.safe_dump({"enterprises": enterprises, **others}))


def one(simulator: Simulator) -> dict[str, str]:
    """One enterprise by environment alone."""
    return {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_serve_becomes_ready_and_ends_on_a_signal(number: int, simulator: Simulator) -> None:
    """It becomes ready, serves what it collected, and ends with 0 on a signal; standard output stays empty."""
    with serving(**one(simulator)) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        text = program.ask("/metrics")[1]
        assert value(text, SEATS, enterprise="octo-corp")
        assert value(text, "ghe_up", enterprise="octo-corp") == 1
        assert value(text, "process_cpu_seconds_total")
        assert "octo-corp" in program.ask("/")[1]
        asked = simulator.requests
        for _ in range(20):
            program.ask("/metrics")
        assert simulator.requests == asked
        assert program.end(number) == 0
        assert program.out() == ""
        assert "stopping" in program.err()
        assert "Traceback" not in program.err()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_serve_ends_while_github_hangs(number: int, simulator: Simulator) -> None:
    """While GitHub does not answer it is healthy but not ready, and it still ends in time."""
    simulator.faults.set("hang=1")
    with serving(**one(simulator)) as program:
        eventually(lambda: simulator.requests >= 4, "requests wait for an answer")
        assert [program.ask(path)[0] for path in ("/-/healthy", "/-/ready", "/metrics")] == [200, 503, 200]
        assert program.end(number) == 0
        assert "Traceback" not in program.err()


def test_sighup_applies_right_settings_only(simulator: Simulator, file: Path) -> None:
    """SIGHUP brings in what is new and drops what is gone; wrong settings change nothing but one metric."""
    write(file, simulator, "octo-corp", "octo-legacy")
    with serving("--config", str(file)) as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        assert program.value(SEATS, enterprise="octo-legacy")
        assert program.value(RELOADED) == 1

        write(file, simulator, "octo-corp", "octo-tenant")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: "octo-legacy" not in program.ask("/metrics")[1], "the old one is gone")
        eventually(lambda: bool(program.value(SEATS, enterprise="octo-tenant")), "the new one is read")
        assert program.value(SEATS, enterprise="octo-corp")

        file.write_text(f"enterprises: [{{slug: acme, auth: {{token: {TOKEN}, tokn: x}}}}]")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: program.value(RELOADED) == 0, "the reload has failed")
        text = program.ask("/metrics")[1]
        assert 'enterprise="acme"' not in text
        assert value(text, SEATS, enterprise="octo-corp")
        unknown = "enterprises[0].auth.tokn: there is no such setting"
        eventually(lambda: unknown in program.err(), "the log says why")

        write(file, simulator, "octo-corp")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: program.value(RELOADED) == 1, "the reload has succeeded")
        assert program.end() == 0
        assert CANARY not in program.out() + program.err()


def test_fixed_token_file_is_used_after_sighup(simulator: Simulator, tmp_path: Path) -> None:
    """A token file that was wrong and has been fixed is used after SIGHUP."""
    path = tmp_path / "token"
    path.write_text("bad-token\n")
    variables = {**one(simulator), "TOKEN_FILE": str(path), "COLLECTORS__RUNNERS__INTERVAL": "10s"}
    del variables["TOKEN"]
    with serving(**variables) as program:
        eventually(lambda: program.value("ghe_up", enterprise="octo-corp") == 0, "the token is rejected")
        path.write_text(f"{TOKEN}\n")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: program.value("ghe_up", enterprise="octo-corp") == 1, "the new token is used")
        assert program.end() == 0


@pytest.mark.parametrize(
    ("arguments", "others"), [(["--web.enable-lifecycle"], {}), ([], {"web": {"enable_lifecycle": True}})]
)
def test_post_reloads_where_enabled(
    arguments: list[str], others: dict[str, object], simulator: Simulator, file: Path
) -> None:
    """Where it is enabled, by flag or in the file, POST /-/reload does the same and reports what is wrong."""
    write(file, simulator, "octo-corp", **others)
    with serving("--config", str(file), *arguments) as program:
        assert program.ask("/-/reload")[0] == 405
        assert program.ask("/-/reload", "POST") == (200, "reloaded\n")
        file.write_text("enterprises: []")
        status, body = program.ask("/-/reload", "POST")
        assert (status, body) == (500, f"{file}: enterprises: must have at least one entry\n")
        assert program.value(RELOADED) == 0
        assert program.end() == 0


def test_post_reload_is_404_by_default(simulator: Simulator) -> None:
    """Where it is not enabled there is no such path."""
    with serving(**one(simulator)) as program:
        assert program.ask("/-/reload", "POST")[0] == 404
        assert program.end() == 0


def test_reload_changes_log_level_and_format(simulator: Simulator, file: Path) -> None:
    """A reload also changes what is logged, and how."""
    write(file, simulator, "octo-corp", log_level="error")
    with serving("--config", str(file)) as program:
        assert program.err() == ""
        write(file, simulator, "octo-corp", log_level="info", log_format="json")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: '"event": "configuration reloaded"' in program.err(), "the reload is logged as JSON")
        assert program.end() == 0


def test_sighup_while_starting_is_ignored(simulator: Simulator) -> None:
    """A reload that comes before it can be obeyed does not end the process."""
    address = f"127.0.0.1:{free_port()}"
    with started("serve", url=f"http://{address}", LISTEN=address, **one(simulator)) as program:
        status = Path(f"/proc/{program.process.pid}/status")
        eventually(lambda: mask(status, signal.SIGHUP) != "", "SIGHUP does not end it any more")
        assert mask(status, signal.SIGHUP) == "SigIgn"
        for _ in range(20):
            program.process.send_signal(signal.SIGHUP)
        eventually(lambda: program.answers("/-/healthy") or program.process.poll() is not None, "it answers")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: "configuration reloaded" in program.err(), "it reloads")
        assert program.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_signal_to_end_while_starting_is_obeyed(number: int, simulator: Simulator) -> None:
    """It ends with 0, as later."""
    with started("serve", LISTEN=f"127.0.0.1:{free_port()}", **one(simulator)) as program:
        status = Path(f"/proc/{program.process.pid}/status")
        eventually(lambda: mask(status, signal.SIGTERM) != "", "signals are handled")
        assert mask(status, signal.SIGHUP) == "SigIgn"
        assert program.end(number) == 0
        assert "Traceback" not in program.err()


def mask(status: Path, number: int) -> str:
    """Whether a process ignores (SigIgn) or catches (SigCgt) a signal, by its *status* in /proc; else empty."""
    masks = dict(line.split(":\t") for line in status.read_text().splitlines() if line.startswith("Sig"))
    return next((name for name in ("SigIgn", "SigCgt") if int(masks[name], 16) >> (number - 1) & 1), "")


def test_address_in_use_exits_with_1(simulator: Simulator) -> None:
    """An address that somebody else listens at ends with 1 and one line, whatever else there is to warn of."""
    listen = simulator.url.removeprefix("http://")
    done = run("serve", LISTEN=listen, **one(simulator))
    assert (done.code, done.out) == (1, "")
    assert the_line(done.err).startswith(f"listen: cannot listen at {listen}: ")


def test_vanished_secret_ends_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token file that goes after the settings were read ends the start, and nothing listens or runs any more."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    port, threads = free_port(), threading.active_count()
    for name, text in {"ENTERPRISE": "octo-corp", "TOKEN_FILE": str(file), "LISTEN": f"127.0.0.1:{port}"}.items():
        monkeypatch.setenv(f"GHE_EXPORTER_{name}", text)
    settings = loading.load()
    file.unlink()
    with pytest.raises(ConfigurationError, match=f"cannot read the file {file}"):
        serve(settings, reload=loading.load, web_config=None, enable_lifecycle=False)
    assert threading.active_count() == threads
    with socket.create_server(("127.0.0.1", port)):
        pass


FAULTS = {
    "octo-corp": ("unauthorized", "html", "foreign-redirect", "malformed-json"),
    "octo-legacy": ("http-500", "truncated", "forbidden", "reset"),
    "octo-tenant": ("rate-limit-primary", "bad-gzip", "redirect-loop", "empty"),
    "octo-server": ("", "", "foreign-link", "hostile-labels"),
}
PATHS = ("consumed-licenses", "license-sync-status", "actions/runners", "actions/runner-groups")


def test_no_secret_appears_anywhere(simulator: Simulator, file: Path) -> None:
    """Whatever goes wrong, the token is in no log at any level, on no page and in no metric."""
    simulator.faults.set(
        *(
            f"{kind}@{slug}/{path}=1"
            for slug, kinds in FAULTS.items()
            for kind, path in zip(kinds, PATHS, strict=True)
            if kind
        )
    )
    write(file, simulator, *FAULTS, log_level="debug", log_format="json")
    with serving("--config", str(file), "--web.enable-lifecycle") as program:
        eventually(lambda: program.answers("/-/ready"), "every collector has run")
        file.write_text(f"enterprises: [{{slug: acme, auth: {{token: {TOKEN} x}}, api_url: 'https://octo:{TOKEN}@x'}}]")
        shown = [
            *(program.ask(path)[1] for path in ("/", "/metrics", "/-/ready", "/nothing", "/metrics?collect[]=x")),
            program.ask("/metrics", Accept="application/openmetrics-text")[1],
            program.ask("/-/reload", "POST")[1],
        ]
        assert all(shown)
        assert program.end() == 0
        logged = [json.loads(line) for line in program.err().splitlines()]
        shown += [program.out(), program.err()]
    reasons = {entry["reason"] for entry in logged if "reason" in entry}
    assert reasons >= {"unauthorized", "payload", "server_error", "forbidden", "rate_limited"}
    assert {"collected", "collector failed", "stopping"} <= {entry["event"] for entry in logged}
    assert not [text for text in shown if CANARY in text]


def test_main_serves_and_reloads(
    simulator: Simulator, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command itself: it serves, reloads on SIGHUP, good or bad, and hands its exit code back."""
    for name in own_environment():
        monkeypatch.delenv(name)
    listen = f"127.0.0.1:{free_port()}"
    write(file, simulator, "octo-corp", listen=listen, log_level="warning")

    def seen(name: str, **labels: str) -> float | None:
        return value(ask(f"http://{listen}/metrics")[1], name, **labels)

    def look() -> None:
        eventually(lambda: bool(seen(SEATS, enterprise="octo-corp")), "licenses are read")
        file.write_text("enterprises: []")
        os.kill(os.getpid(), signal.SIGHUP)
        eventually(lambda: seen(RELOADED) == 0, "the reload has failed")
        write(file, simulator, "octo-tenant", log_level="error")
        os.kill(os.getpid(), signal.SIGHUP)
        eventually(lambda: seen(SEATS, enterprise="octo-corp") is None, "the reload has succeeded")

    try:
        with meanwhile(look):
            assert main(["serve", "--config", str(file)]) == 0
    finally:
        structlog.reset_defaults()
    out, err = capsys.readouterr()
    assert out == ""
    assert "must have at least one entry" in err
