"""`make monitor`: the demo with a real Prometheus and a real Alertmanager, started and ended as one."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from tests.support.programs import ROOT, ask
from tests.support.tools import eventually, free_port, tool

SCRIPT = (sys.executable, "scripts/monitor.py")
GROUPS = {
    group["name"]: len(group["rules"])
    for file in (ROOT / "alerts" / "rules").glob("*.yaml")
    for group in yaml.safe_load(file.read_text("utf-8"))["groups"]
}


@dataclass(frozen=True)
class Ports:
    """Where the three listen."""

    exporter: int
    prometheus: int
    alertmanager: int

    def options(self) -> list[str]:
        return [word for name, port in vars(self).items() for word in (f"--{name}-port", str(port))]

    def are_closed(self) -> bool:
        return all(ask(f"http://127.0.0.1:{port}/")[0] == 0 for port in vars(self).values())


@dataclass(frozen=True)
class Running:
    """The script while it runs; its temporary files live in a folder of its own."""

    process: "subprocess.Popen[str]"
    ports: Ports
    folder: Path
    out: Path

    def children(self) -> dict[str, int]:
        """Process ids of what it started, by program."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {Path(f"/proc/{pid}/comm").read_text().strip(): int(pid) for pid in pids}

    def says(self, words: str) -> bool:
        return words in self.out.read_text("utf-8") or self.process.poll() is not None

    def ended(self) -> int:
        """Its exit status, when nothing is left of it."""
        status = self.process.wait(timeout=40)
        assert self.ports.are_closed()
        assert list(self.folder.iterdir()) == []
        return status


@contextmanager
def monitor(tmp_path: Path) -> Iterator[Running]:
    """Run the script at free ports."""
    tool("prometheus")
    tool("prometheus-alertmanager")
    ports, folder, out = Ports(free_port(), free_port(), free_port()), tmp_path / "tmp", tmp_path / "out"
    folder.mkdir()
    command = (*SCRIPT, "--interval", "1s", *ports.options())
    with (
        out.open("wb") as file,
        subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, stdout=file, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        try:
            yield Running(process, ports, folder, out)
        finally:
            process.terminate()
            process.wait(timeout=40)


def data(url: str) -> Any:
    """What the API of Prometheus answers."""
    with urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]


def test_monitor_scrapes_and_evaluates_every_rule_until_ctrl_c(tmp_path: Path) -> None:
    """Target up, every rule evaluated without error, Alertmanager connected and configured; Ctrl-C ends all."""
    with monitor(tmp_path) as running:
        eventually(lambda: running.says("Ctrl-C ends all."), "it says where to look")
        api = f"http://127.0.0.1:{running.ports.prometheus}/api/v1"

        def scraped() -> bool:
            targets = data(f"{api}/targets?state=active")["activeTargets"]  # none before its service discovery has run
            return [(target["labels"]["job"], target["health"]) for target in targets] == [("ghe-exporter", "up")]

        def evaluated() -> bool:
            groups = data(f"{api}/rules")["groups"]
            assert {group["name"]: len(group["rules"]) for group in groups} == GROUPS
            states = [rule["health"] for group in groups for rule in group["rules"]]
            assert "err" not in states
            return set(states) == {"ok"}

        def connected() -> bool:
            managers = [manager["url"] for manager in data(f"{api}/alertmanagers")["activeAlertmanagers"]]
            return managers == [f"http://127.0.0.1:{running.ports.alertmanager}/api/v2/alerts"]

        eventually(scraped, "Prometheus has read the demo")
        eventually(evaluated, "every rule was evaluated")
        eventually(connected, "Prometheus knows Alertmanager")
        status = json.loads(ask(f"http://127.0.0.1:{running.ports.alertmanager}/api/v2/status")[1])
        assert "receiver: licensing" in status["config"]["original"]
        printed = re.findall(r"http://\S+", running.out.read_text("utf-8"))
        assert len(printed) == 4
        assert [url for url in printed if ask(url)[0] not in {200, 302}] == []

        running.process.send_signal(signal.SIGINT)
        assert running.ended() == 0


def test_sigterm_during_start_ends_everything(tmp_path: Path) -> None:
    """SIGTERM before everything answers ends it just as well."""
    with monitor(tmp_path) as running:
        eventually(lambda: len(running.children()) == 3, "all are started")
        running.process.send_signal(signal.SIGTERM)
        assert running.ended() == 0
        assert running.process.communicate()[1] == ""


def test_end_of_one_program_stops_the_others_and_is_reported(tmp_path: Path) -> None:
    """If one program ends, the others are stopped and the reason is said."""
    with monitor(tmp_path) as running:
        eventually(lambda: running.says("Ctrl-C ends all."), "it has started")
        (alertmanager,) = (pid for name, pid in running.children().items() if "-aler" in name)
        os.kill(alertmanager, signal.SIGKILL)
        assert running.ended() == 1
        assert running.process.communicate()[1].startswith("monitor: Alertmanager ended by itself with status -9")


def refused(*options: str, **environment: str) -> str:
    """The one line with which it does not begin."""
    done = subprocess.run(
        [*SCRIPT, *options],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr.strip()


@pytest.mark.parametrize("missing", ["prometheus", "prometheus-alertmanager"])
def test_missing_program_is_reported_with_how_to_install_it(missing: str, tmp_path: Path) -> None:
    """Without one of the programs it says how to install it."""
    for name in {"prometheus", "prometheus-alertmanager"} - {missing}:
        (tmp_path / name).touch(mode=0o755)
    line = refused(PATH=str(tmp_path))
    assert line == f"monitor: {missing} is not installed; on Debian and Ubuntu: sudo apt install {missing}"


@pytest.mark.parametrize(
    ("name", "option", "service"),
    [
        ("demo", "--exporter-port", ""),
        ("Prometheus", "--prometheus-port", " (Debian's own? sudo systemctl stop prometheus)"),
        ("Alertmanager", "--alertmanager-port", " (Debian's own? sudo systemctl stop prometheus-alertmanager)"),
    ],
)
def test_taken_port_is_reported_with_the_option_to_change_it(
    name: str, option: str, service: str, tmp_path: Path
) -> None:
    """Where somebody else listens, it says who might, and which option to use."""
    for program in ("prometheus", "prometheus-alertmanager"):
        (tmp_path / program).touch(mode=0o755)
    free = Ports(free_port(), free_port(), free_port())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        line = refused(*free.options(), option, str(number), PATH=str(tmp_path))
    assert line == f"monitor: port {number} for {name} is in use{service}; another one: make monitor ARGS='{option} N'"


def test_same_port_for_two_programs_is_refused(tmp_path: Path) -> None:
    """Two programs at one port would each take the other's answer for its own."""
    for program in ("prometheus", "prometheus-alertmanager"):
        (tmp_path / program).touch(mode=0o755)
    number = free_port()
    line = refused(*Ports(number, number, free_port()).options(), PATH=str(tmp_path))
    assert line.startswith("monitor: two programs cannot share a port")


@pytest.mark.parametrize(
    ("option", "word", "kind"),
    [("--interval", "soon", "duration"), ("--interval", "0s", "duration"), ("--exporter-port", "0", "port")],
)
def test_invalid_value_is_refused_with_its_option(option: str, word: str, kind: str) -> None:
    """A value that makes no sense is refused by name."""
    done = subprocess.run([*SCRIPT, option, word], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(f"error: argument {option}: invalid {kind} value: '{word}'\n")


def test_make_monitor_runs_the_script() -> None:
    """`make monitor` runs this script."""
    shown = subprocess.run(
        ["make", "-n", "monitor", "ARGS=--interval 5s"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ".venv/bin/python scripts/monitor.py --interval 5s" in shown.stdout
