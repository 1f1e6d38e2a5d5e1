"""Run the demo, Prometheus with the alert rules and Alertmanager with the example routes, all on this machine alone.

`python scripts/monitor.py [--interval 15s] [--exporter-port N] [--prometheus-port N] [--alertmanager-port N]`.
Ctrl-C or SIGTERM stops everything and leaves nothing behind; exit 0. Exit 1 if one of the three ends by itself, 2 if it
cannot begin. Needs Debian's prometheus and prometheus-alertmanager, or the same programs of another origin on the PATH.
"""

import argparse
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PROMETHEUS = ("prometheus",)
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")  # Debian's name, and its makers'
READY_SECONDS = 60.0
LOOK_SECONDS = 0.2
END_SECONDS = 10.0
LAST_LINES = 5


class CannotBeginError(Exception):
    """Why nothing was started, and how to fix it, in one line."""


class EndedError(Exception):
    """Which of the programs ended or never answered, and its last words."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the programs: how to start it, where it says that it is ready, and the port it takes."""

    name: str
    command: tuple[str, ...]
    port: int
    option: str
    service: str = ""
    """What Debian starts at the same port when the package is installed."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        """Whether it says so."""
        connection = HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def program(names: Sequence[str], package: str) -> str:
    """Where the first of *names* is that exists.

    Raises:
        CannotBeginError: none does.
    """
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    raise CannotBeginError(f"{names[0]} is not installed; on Debian and Ubuntu: sudo apt install {package}")


def require_free(part: Part) -> None:
    """Refuse to begin where somebody else listens.

    Raises:
        CannotBeginError: the port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that just closed do no harm
        try:
            probe.bind((LOOPBACK, part.port))
        except OSError:
            service = f" (Debian's own? sudo systemctl stop {part.service})" if part.service else ""
            raise CannotBeginError(
                f"port {part.port} for {part.name} is in use{service}; another one: make monitor ARGS='{part.option} N'"
            ) from None


def prometheus_settings(options: argparse.Namespace) -> str:
    """The configuration of Prometheus: JSON, which is YAML."""
    settings = {
        "global": {"scrape_interval": options.interval, "evaluation_interval": options.interval},
        "rule_files": [str(ROOT / "alerts" / "rules" / "*.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{LOOPBACK}:{options.alertmanager_port}"]}]}]},
        "scrape_configs": [
            {
                "job_name": "ghe-exporter",
                "static_configs": [{"targets": [f"{LOOPBACK}:{options.exporter_port}"]}],
            }
        ],
    }
    return json.dumps(settings, indent=2)


def parts(options: argparse.Namespace, folder: Path) -> list[Part]:
    """What to start, with data that live in *folder*."""
    demo = (sys.executable, "-m", "exporter", "demo", "--listen", f"{LOOPBACK}:{options.exporter_port}")
    prometheus = (
        program(PROMETHEUS, "prometheus"),
        f"--config.file={folder / 'prometheus.json'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={LOOPBACK}:{options.prometheus_port}",
    )
    alertmanager = (
        program(ALERTMANAGER, "prometheus-alertmanager"),
        f"--config.file={ROOT / 'alerts' / 'alertmanager.example.yaml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={LOOPBACK}:{options.alertmanager_port}",
        "--cluster.listen-address=",  # one instance gossips with nobody
    )
    return [
        Part("demo", demo, options.exporter_port, "--exporter-port"),
        Part("Alertmanager", alertmanager, options.alertmanager_port, "--alertmanager-port", "prometheus-alertmanager"),
        Part("Prometheus", prometheus, options.prometheus_port, "--prometheus-port", "prometheus"),
    ]


class Monitor:
    """The programs while they run. What happens, a signal or an end, arrives in one queue."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events: SimpleQueue[Part | int] = SimpleQueue()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def interrupt(self, number: int, _frame: object) -> None:
        """Handle a signal."""
        self._events.put(number)

    def start(self, part: Part) -> None:
        """Start *part* in a session of its own, so that Ctrl-C reaches this program alone and the order is ours."""
        with self._log(part).open("wb") as log:
            process = subprocess.Popen(
                part.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._running[part.name] = process
        threading.Thread(target=self._watch, args=(part, process), daemon=True).start()

    def is_interrupted(self) -> bool:
        """Whether a signal came; wait a moment for one.

        Raises:
            EndedError: a program ended.
        """
        try:
            # Never for ever: where another thread receives a signal, its handler runs when this one wakes up.
            event = self._events.get(timeout=LOOK_SECONDS)
        except Empty:
            return False
        if isinstance(event, Part):
            code = self._running[event.name].returncode
            raise EndedError(f"{event.name} ended by itself with status {code}{self._last_words(event)}")
        return True

    def wait_until_ready(self, waiting: Sequence[Part]) -> bool:
        """Return True once all are ready, False if a signal came before.

        Raises:
            EndedError: a program ended or is not ready in time.
        """
        late = time.monotonic() + READY_SECONDS
        for part in waiting:
            while not part.is_ready():
                if self.is_interrupted():
                    return False
                if time.monotonic() > late:
                    raise EndedError(f"{part.name} is not ready after {READY_SECONDS:.0f} s{self._last_words(part)}")
        return True

    def stop(self) -> None:
        """End everything, by force what does not end in time."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch(self, part: Part, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        self._events.put(part)

    def _log(self, part: Part) -> Path:
        return self._folder / f"{part.name}.log"

    def _last_words(self, part: Part) -> str:
        lines = self._log(part).read_text("utf-8", errors="replace").split("\n")
        said = [line for line in lines if line.strip()][-LAST_LINES:]
        return "; it said last:\n" + "\n".join(f"  {line}" for line in said) if said else ""


def introduce(demo: Part, alertmanager: Part, prometheus: Part) -> None:
    """Print which URLs to open."""
    print(
        f"\n  The demo with Prometheus and Alertmanager; nothing leaves this machine, and alerts go nowhere\n\n"
        f"  status page   {demo.url}/\n"
        f"  metrics       {demo.url}/metrics\n"
        f"  Prometheus    {prometheus.url}/\n"
        f"  Alertmanager  {alertmanager.url}/\n\n"
        "  Ctrl-C ends all.\n",
        flush=True,
    )


def run(options: argparse.Namespace) -> None:
    """Run until a signal comes.

    Raises:
        CannotBeginError: nothing was started.
        EndedError: one program ended, so the others were stopped.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ghe-monitor-")))
        (folder / "prometheus.json").write_text(prometheus_settings(options), encoding="utf-8")
        wanted = parts(options, folder)
        if len({part.port for part in wanted}) < len(wanted):
            raise CannotBeginError("two programs cannot share a port; give every -port option its own number")
        for part in wanted:
            require_free(part)
        monitor = Monitor(folder)
        stack.callback(monitor.stop)
        for number in SIGNALS:
            signal.signal(number, monitor.interrupt)
        for part in wanted:
            monitor.start(part)
        if monitor.wait_until_ready(wanted):
            introduce(*wanted)
            while not monitor.is_interrupted():
                pass


def fail(code: int, why: Exception) -> NoReturn:
    """Say why and exit."""
    sys.stderr.write(f"monitor: {why}\n")
    sys.exit(code)


def port(text: str) -> int:
    """A TCP port."""
    number = int(text)
    if not 0 < number < 1 << 16:
        raise ValueError
    return number


def duration(text: str) -> str:
    """A duration as Prometheus writes it."""
    if re.fullmatch(r"[1-9]\d*(ms|s|m)", text) is None:
        raise ValueError
    return text


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options and run."""
    reader = argparse.ArgumentParser(prog="monitor", description=(__doc__ or "").partition("\n")[0])
    reader.add_argument(
        "--interval", type=duration, default="15s", metavar="D", help="of scrapes and rules; default: %(default)s"
    )
    reader.add_argument("--exporter-port", type=port, default=10204, metavar="N", help="default: %(default)s")
    reader.add_argument("--prometheus-port", type=port, default=9090, metavar="N", help="default: %(default)s")
    reader.add_argument("--alertmanager-port", type=port, default=9093, metavar="N", help="default: %(default)s")
    options = reader.parse_args(arguments)
    try:
        run(options)
    except CannotBeginError as error:
        fail(2, error)
    except EndedError as error:
        fail(1, error)


if __name__ == "__main__":
    main()
