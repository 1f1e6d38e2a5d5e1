"""`ghe-exporter collect`: one pass of every collector, for a look, a script or node_exporter's textfile collector."""

import os
import stat
import sys
import tempfile
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from exporter import logs
from exporter.app import Exporter
from exporter.commands.advisories import warn_about_plaintext
from exporter.commands.output import standard_output
from exporter.config import loading
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError, Stopped, SystemRefusal
from exporter.redaction import describe_path
from exporter.runtime.level import Level
from exporter.runtime.status import LevelKey

READABLE_BY_ALL = 0o644
LEVELS_AT_A_TIME = 16


def run(config: Path | None, output: Path | None) -> int:
    """Collect once and print or write the exposition; return 0, or 1 if a collector failed."""
    settings = loading.load(config)
    logs.configure(settings.log_level, settings.log_format)
    file = None if output is None or str(output) == "-" else writable(output)
    warn_about_plaintext(settings)
    # node_exporter exposes process metrics of its own and refuses a textfile that repeats them.
    exporter = Exporter(process_metrics=False)
    failed = collect(exporter, settings)
    text = b"".join(exporter.exposition.page().plain(exporter.telemetry.chunks(openmetrics=False)))
    if file is None:
        with standard_output() as out:
            out.buffer.write(text)
            out.buffer.flush()
    else:
        write_atomically(file, text)
    for problem in failed:
        sys.stderr.write(f"failed: {problem}\n")
    return 1 if failed else 0


def collect(exporter: Exporter, settings: Settings) -> list[str]:
    """Run every collector once, showing progress on a terminal; return what failed and why."""
    exporter.apply(settings)
    console = Console(stderr=True)
    columns = (
        SpinnerColumn("dots" if console.encoding.startswith("utf") else "line"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(LEVELS_AT_A_TIME, thread_name_prefix="collect") as pool,
    ):
        task = progress.add_task("collecting", total=None)
        done: set[LevelKey] = set()
        try:
            while levels := levels_of(exporter, done):  # more, when organizations were found
                done |= {level.key for level in levels}
                progress.update(task, total=len(done))
                for each in as_completed([pool.submit(run_one, level) for level in levels]):
                    progress.update(task, advance=1, description=" ".join(each.result().key).strip())
        finally:
            exporter.stop()  # before the pool waits for its threads, so that an interrupt ends them
    return failures(exporter)


def levels_of(exporter: Exporter, done: AbstractSet[LevelKey]) -> list[Level]:
    """What there is to read and not *done*."""
    collections = exporter.collections.values()
    return [level for each in collections for level in each.levels.values() if level.key not in done]


def run_one(level: Level) -> Level:
    """Read *level* and hand it back; interrupted, it simply has no result."""
    try:
        level.run()
    except Stopped:
        pass
    except Exception as error:  # noqa: BLE001 - a mistake in one must not hide the others
        level.fail(error)
    return level


def failures(exporter: Exporter) -> list[str]:
    """A line for each collector that failed; what is not available here is no failure."""
    return [
        f"{' '.join(key).strip()}: {status.reason}: {status.problem}"
        for key, status in exporter.statuses.all().items()
        if not status.success and status.available
    ]


def writable(path: Path) -> Path:
    """The file that *path* is or links to, checked before anything is collected.

    Raises:
        ConfigurationError: its folder is missing, or it is something else than a regular file.
    """
    shown = describe_path(path)
    try:
        file = path.resolve()
        is_circle = file.is_symlink()  # since Python 3.13; before, resolve() raises
        status = file.stat() if file.exists() else None
    except RuntimeError:
        is_circle = True
    except OSError as error:
        raise ConfigurationError(f"--output: cannot write {shown}: {error.strerror}") from None
    if is_circle:
        raise ConfigurationError(f"--output: cannot write {shown}: its links lead in a circle")
    if not file.parent.is_dir():
        raise ConfigurationError(f"--output: there is no folder {describe_path(file.parent)}")
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise ConfigurationError(f"--output: {shown} is a folder; name a file in it")
    if status is not None and not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"--output: {shown} is a pipe or a device; name a file, or - to print the metrics")
    return file


def write_atomically(path: Path, content: bytes) -> None:
    """Write *path* so that a reader sees the old content or the new, never a part.

    Raises:
        SystemRefusal: the file cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), READABLE_BY_ALL)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SystemRefusal(f"--output: cannot write {describe_path(path)}: {error.strerror}") from None
