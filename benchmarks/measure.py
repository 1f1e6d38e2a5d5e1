"""What every benchmark needs: processes of its own, quantiles, the kernel's figures, and a report."""

import argparse
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 20.0
POLL_SECONDS = 0.25
SETTLED_READINGS = 8
"""So many times the same size in a row, and it is written."""


class Child(NamedTuple):
    """A process that was started and what its first line said."""

    process: subprocess.Popen[str]
    first_line: str

    def ask(self, line: str) -> str:
        """Write *line* to it; return the line it answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def python(module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Run *module* in a process of its own that says on its first line that it is ready; end it afterwards.

    What it writes to standard error is shown only if it does not start.
    """
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        try:
            first_line = process.stdout.readline().strip()
            if not first_line:
                process.wait(STOP_SECONDS)
                errors.seek(0)
                raise RuntimeError(f"{module} did not start: {errors.read()[-2000:]}")
            yield Child(process, first_line)
        finally:
            process.terminate()
            process.communicate(timeout=STOP_SECONDS)


def run_python(module: str, *arguments: object) -> Any:
    """Run *module* to its end in a process of its own; return the JSON it prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def wait_until(met: Callable[[], bool], seconds: float) -> None:
    """Look again and again until *met*.

    Raises:
        TimeoutError: that takes longer than *seconds*.
    """
    pause = threading.Event()
    for _ in range(math.ceil(seconds / POLL_SECONDS)):
        if met():
            return
        pause.wait(POLL_SECONDS)
    raise TimeoutError(f"not done after {seconds:.0f} s")


def wait_until_stored(folder: Path, seconds: float) -> int:
    """Wait until the files of *folder* have not grown for a while; return their size.

    Raises:
        TimeoutError: that takes longer than *seconds*.
    """
    sizes: list[int] = []

    def is_stored() -> bool:
        sizes.append(sum(path.stat().st_size for path in folder.iterdir()))
        return len(sizes) > SETTLED_READINGS and len(set(sizes[-SETTLED_READINGS:])) == 1

    wait_until(is_stored, seconds)
    return sizes[-1]


def free_port() -> int:
    """A port that was free a moment ago, for programs that cannot choose one themselves."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of *values* that at least *share* of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median_of(rounds: Sequence[Sequence[float]], share: float) -> float:
    """The median over *rounds* of each round's quantile, which one disturbed round does not move."""
    return statistics.median(quantile(values, share) for values in rounds)


def peak_bytes(pid: int) -> int:
    """The most memory that process ever had in RAM: VmHWM of Linux."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def cpu_seconds(pid: int) -> float:
    """Processor time that process has used, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Check(NamedTuple):
    """One figure and the most it may be, or the least."""

    name: str
    value: float
    target: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure keeps to the target."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{self.name}: {self.value:.4g} (target {sign} {self.target:g}) {'met' if self.met else 'MISSED'}"


def report(benchmark: str, checks: Sequence[Check], figures: Mapping[str, Any]) -> None:
    """Print *checks* for people and, as the last line, everything as JSON."""
    for check in checks:
        print(check)
    judged = [{**check._asdict(), "met": check.met} for check in checks]
    print(json.dumps({"benchmark": benchmark, "checks": judged, "figures": rounded(figures)}))


def rounded(value: Any) -> Any:
    """*value* with numbers of four significant digits."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {name: rounded(item) for name, item in value.items()}
    return value


def positive(text: str) -> int:
    """A whole number of at least 1, for the command line."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def options(description: str | None, **defaults: Any) -> argparse.Namespace:
    """Read the command line: one option per default."""
    return parser(description, **defaults).parse_args()


def parser(description: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """A command line with one option per default, a whole number unless the default is a fraction."""
    made = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    for name, default in defaults.items():
        kind = float if isinstance(default, float) else positive
        flag = f"--{name.replace('_', '-')}"
        made.add_argument(flag, type=kind, default=default, metavar="N", help="default: %(default)s")
    return made
