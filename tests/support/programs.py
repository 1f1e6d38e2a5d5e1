"""The product as a process of its own: started, asked, signalled, and read to the end."""

import _thread
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from tests.support.tools import PATIENCE_SECONDS, eventually, free_port

ROOT = Path(__file__).parents[2]
END_SECONDS = 10.0
"""The time in which the product promises to end."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a program that has ended left behind."""

    code: int
    out: str
    err: str


def command(*arguments: str) -> list[str]:
    """The command line of the product."""
    return [sys.executable, "-m", "exporter", *arguments]


def environment(**variables: str) -> dict[str, str]:
    """The environment without settings of ours and without proxies, and *variables*, whose prefix is left out."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("GHE_EXPORTER_") and not name.upper().endswith("_PROXY")
    }
    return inherited | {f"GHE_EXPORTER_{name}": value for name, value in variables.items()}


def run(*arguments: str, **variables: str) -> Done:
    """Run the product to its end."""
    done = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and body that *url* answers; 0 where nobody does."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def value(text: str, name: str, **labels: str) -> float | None:
    """The value of the first series *name* in an exposition whose labels include *labels*; None if there is none."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels.items() >= labels.items():
                return sample.value
    return None


class Program:
    """The product while it runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: IO[bytes], err: IO[bytes], url: str) -> None:
        self.process = process
        self.url = url
        self._out = out
        self._err = err

    def out(self) -> str:
        """What it has printed so far."""
        return self._read(self._out)

    def err(self) -> str:
        """What it has logged so far."""
        return self._read(self._err)

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Status and body that it answers; 0 where it does not."""
        return ask(self.url + path, method, **headers)

    def answers(self, path: str) -> bool:
        """Whether it answers with success."""
        return self.ask(path)[0] == 200

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one of its series now."""
        return value(self.ask("/metrics")[1], name, **labels)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code, which must come in time."""
        self.process.send_signal(number)
        return self.process.wait(timeout=END_SECONDS)

    @staticmethod
    def _read(file: IO[bytes]) -> str:
        return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


@contextmanager
def started(*arguments: str, url: str = "", **variables: str) -> Iterator[Program]:
    """Run the product until the block ends, at the latest."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command(*arguments), cwd=ROOT, env=environment(**variables), stdout=out, stderr=err)
        try:
            yield Program(process, out, err, url)
        finally:
            process.kill()
            process.wait()


@contextmanager
def serving(*arguments: str, **variables: str) -> Iterator[Program]:
    """`serve` at a free port, once it answers."""
    address = f"127.0.0.1:{free_port()}"
    with started("serve", *arguments, url=f"http://{address}", LISTEN=address, **variables) as program:
        eventually(lambda: program.answers("/-/healthy") or program.process.poll() is not None, "serve answers")
        assert program.process.poll() is None, program.err()
        yield program


@contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Do *action* in a thread as soon as this process handles SIGTERM, then send it one.

    For commands that run in this process until a signal comes. What went wrong in *action* is in the list.
    """
    problems: list[BaseException] = []

    def act() -> None:
        try:
            eventually(lambda: signal.getsignal(signal.SIGTERM) is not former, "the command handles signals")
            action()
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            problems.append(error)
        finally:
            if signal.getsignal(signal.SIGTERM) is former:
                _thread.interrupt_main()
            else:
                os.kill(os.getpid(), signal.SIGTERM)

    former = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield problems
    finally:
        thread.join()
    if problems:
        raise problems[0]
