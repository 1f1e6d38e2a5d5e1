"""`ghe-exporter simulate`, and what commands have in common."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.commands.signals import SIGNALS, received_signals
from exporter.simulator.faults.kinds import KINDS
from exporter.simulator.server import Simulator
from tests.support.programs import ask, meanwhile, started
from tests.support.secret_marker import the_line
from tests.support.tools import eventually, free_port


def test_simulate_answers_like_github_until_sigterm() -> None:
    """It prints how to use it, answers as GitHub does, and ends cleanly on SIGTERM."""
    listen = f"127.0.0.1:{free_port()}"
    options = ("--users", "7", "--runners", "3", "--organizations", "2", "--latency-ms", "1", "--seed", "9")
    with started("simulate", "--listen", listen, *options, url=f"http://{listen}") as program:
        eventually(lambda: "octo-server" in program.out(), "it says how to use it")
        assert f"  export GHE_EXPORTER_API_URL=http://{listen} " in program.out()
        path = "/enterprises/octo-corp/consumed-licenses"
        assert program.ask(path)[0] in {401, 403}
        status, body = program.ask(path, Authorization="Bearer octo", User_Agent="test")
        assert status == 200
        assert 0 < len(re.findall('"license_type":', body)) <= 7
        assert program.end(signal.SIGTERM) == 0
        assert program.err() == ""


def test_simulate_applies_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults of the command line happen, and a signal ends it."""
    listen = f"127.0.0.1:{free_port()}"
    statuses: list[int] = []

    def look() -> None:
        # Signals are handled before it listens.
        eventually(lambda: ask(f"http://{listen}/rate_limit")[0] > 0, "it answers")
        statuses.extend(ask(f"http://{listen}/{path}")[0] for path in ("meta", "rate_limit"))

    with meanwhile(look):
        assert main(["simulate", "--listen", listen, "--fault", "http-502@meta=1", "--fault", "gone=1"]) == 0
    assert statuses == [502, 410]
    assert listen in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--fault", "flood=1"], f"fault 'flood=1': unknown kind 'flood', known are {', '.join(KINDS)}"),
        (["--fault", "hang"], f"fault 'hang': expected KIND=RATE or KIND@PATHPART=RATE, kinds are {', '.join(KINDS)}"),
        (["--fault", "hang=often"], "fault 'hang=often': the rate 'often' is not a number from 0 to 1"),
        (["--fault", "hang=1", "--fault", "gone=2"], "fault 'gone=2': the rate '2' is not from 0 to 1"),
        (["--users", "0"], "users and organizations must be at least 1, runners at least 0"),
    ],
)
def test_senseless_fault_or_size_is_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault or size that makes no sense ends with 2 and one line, which lists the kinds of faults."""
    assert main(["simulate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, the_line(err)) == ("", line)


@pytest.mark.parametrize("command", ["simulate", "demo"])
def test_address_in_use_exits_with_1(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An address that somebody else listens at ends with 1 and names it last."""
    with Simulator(users=1, organizations=1) as other:
        listen = other.url.removeprefix("http://")
        assert main([command, "--listen", listen]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"listen: cannot listen at {listen}: " in err.splitlines()[-1]
    assert "Traceback" not in err


def test_former_signal_handlers_are_restored() -> None:
    """After a command the process handles signals as it did before."""
    former = [signal.getsignal(number) for number in SIGNALS]
    with received_signals() as signals:
        for number in SIGNALS:
            signal.raise_signal(number)
        assert [signals.receive() for _ in SIGNALS] == list(SIGNALS)
    assert [signal.getsignal(number) for number in SIGNALS] == former


def test_signal_to_another_thread_ends_the_waiting() -> None:
    """One that another thread receives ends the waiting, and so must one that comes just before the waiting begins."""
    received, late = threading.Event(), []

    def other_thread() -> None:
        eventually(lambda: is_asleep(threading.main_thread()), "the main thread waits")
        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
        if not received.wait(10):
            late.append(signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)  # or this test would never end

    with received_signals() as signals:
        thread = threading.Thread(target=other_thread)
        thread.start()
        assert signals.receive() == signal.SIGHUP
        received.set()
        thread.join()
    assert late == []


def is_asleep(thread: threading.Thread) -> bool:
    """Whether *thread* is waiting for something."""
    return Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()[0] == "S"
