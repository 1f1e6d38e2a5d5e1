"""`ghe-exporter collect`: one pass of every collector, for a look, a script or node_exporter's textfile collector."""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from exporter import logs
from exporter.app import Exporter
from exporter.config import loading
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError, Stopped
from exporter.runtime.collection import Collection

READABLE_BY_ALL = 0o644
COLLECTIONS_AT_A_TIME = 16


def run(config: Path | None, output: Path | None) -> int:
    """Collect once and print or write the exposition; return 0, or 1 if a collector failed."""
    settings = loading.load(config)
    logs.configure(settings.log_level, settings.log_format)
    if output is not None:
        refuse_unwritable(output)
    # node_exporter exposes process metrics of its own and refuses a textfile that repeats them.
    exporter = Exporter(process_metrics=False)
    failed = collect(exporter, settings)
    text = b"".join(exporter.exposition.page().plain(exporter.telemetry.chunks(openmetrics=False)))
    if output is None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    else:
        write_atomically(output, text)
    for problem in failed:
        sys.stderr.write(f"failed: {problem}\n")
    return 1 if failed else 0


def collect(exporter: Exporter, settings: Settings) -> list[str]:
    """Run every collector once, showing progress on a terminal; return what failed and why."""
    exporter.apply(settings)
    collections = list(exporter.collections.values())
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(COLLECTIONS_AT_A_TIME, thread_name_prefix="collect") as pool,
    ):
        task = progress.add_task("collecting", total=len(collections))
        try:
            for done in as_completed([pool.submit(run_one, collection) for collection in collections]):
                key = done.result().assignment.key
                progress.update(task, advance=1, description=f"{key.enterprise} {key.collector}")
        finally:
            exporter.stop()  # before the pool waits for its threads, so that an interrupt ends them
    return list(failures(exporter, collections))


def run_one(collection: Collection) -> Collection:
    """Run *collection* and hand it back; interrupted, it simply has no result."""
    with suppress(Stopped):
        collection.run()
    return collection


def failures(exporter: Exporter, collections: list[Collection]) -> list[str]:
    """A line for each collector that failed; what is not available here is no failure."""
    lines = []
    for collection in collections:
        key = collection.assignment.key
        status = exporter.statuses.get(key)
        if status is not None and not status.success and status.available:
            lines.append(f"{key.enterprise} {key.collector}: {status.reason}: {status.problem}")
    return lines


def refuse_unwritable(path: Path) -> None:
    """Say before anything is collected that *path* can never be written.

    Raises:
        ConfigurationError: its folder is missing, or it is a folder itself.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"--output: there is no folder {folder}")
    if path.is_dir():
        raise ConfigurationError(f"--output: {path} is a folder; name a file in it")


def write_atomically(path: Path, content: bytes) -> None:
    """Write *path* so that a reader sees the old content or the new, never a part.

    Raises:
        ConfigurationError: the file cannot be written.
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
        raise ConfigurationError(f"--output: cannot write {path}: {error.strerror}") from None
