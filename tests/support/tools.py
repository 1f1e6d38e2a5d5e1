"""What tests need beside Python: other programs, and the product as a process of its own."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

PATIENCE_SECONDS = 60.0
LOOKS_PER_SECOND = 20


def tool(name: str) -> str:
    """Where the program *name* is; without it the test is skipped, or fails where everything must run."""
    found = shutil.which(name)
    if found is not None:
        return found
    missing = f"needs the program {name}"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def promtools() -> list[Any]:
    """Every promtool that rules must hold with, as parameters: those that PROMTOOLS lists, else the usual names.

    Ranges are open on the left since Prometheus 3, so its promtool is another judge. No distribution has both majors:
    only the first is asked for where everything must run.
    """
    first, *more = os.environ.get("PROMTOOLS", os.pathsep.join(["promtool", "promtool3"])).split(os.pathsep)
    return [
        pytest.param(first, id="promtool"),
        *(
            pytest.param(
                name,
                id=f"also-{number}",
                marks=pytest.mark.skipif(not shutil.which(name), reason=f"there is no {name}"),
            )
            for number, name in enumerate(more, start=1)
        ),
    ]


def free_port() -> int:
    """A port that was free a moment ago, for programs that cannot choose one themselves."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(attempt: Callable[[], bool], what: str) -> None:
    """Ask *attempt* again and again until it says yes."""
    never = threading.Event()
    for _ in range(int(PATIENCE_SECONDS * LOOKS_PER_SECOND)):
        if attempt():
            return
        never.wait(1 / LOOKS_PER_SECOND)
    pytest.fail(f"{what}: not within {PATIENCE_SECONDS:.0f} s")


def answers(url: str) -> bool:
    """Whether *url* answers with success."""
    try:
        with urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except HTTPError as error:
        error.close()
        return False
    except URLError:
        return False


@contextmanager
def process(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program that ends with the test, at the latest by force."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as running:
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(timeout=20)
            except subprocess.TimeoutExpired:
                running.kill()


@contextmanager
def running_demo() -> Iterator[str]:
    """The whole product on a simulated GitHub, every collector tried once; its URL."""
    command = (sys.executable, "-m", "exporter", "demo", "--listen", "127.0.0.1:0", "--users", "120", "--runners", "20")
    with process(*command) as demo:
        assert demo.stdout is not None
        url = next(found[1] for line in demo.stdout if (found := re.search(r"(http://127\.0\.0\.1:\d+)/metrics", line)))
        eventually(lambda: answers(f"{url}/-/ready"), "the demo is ready")
        yield url
