"""Log set-up: structlog to standard error, as lines for people or as JSON."""

import logging
import os
import select
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from exporter.redaction import redact

READER_SECONDS = 1.0
"""How long a reader of the log that does not keep up is waited for."""


class LogOutput:
    """Where log lines go, and how many could not be written.

    Logging must never stop what it reports on: a full disk or a pipe without a reader raises errors, and a pipe whose
    reader has stopped blocks for ever. A line that cannot be written is counted and dropped.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.errors = 0
        self.is_terminal = stream is not None and stream.isatty()
        self._stream = stream
        self._lock = threading.Lock()
        self._patience = READER_SECONDS

    def write(self, line: str) -> None:
        """Write *line*, or count that it could not be."""
        with self._lock:
            try:
                self._write(f"{line}\n")
            except (OSError, ValueError):  # ValueError: the stream is closed
                self.errors += 1

    msg = debug = info = warning = error = critical = write
    """What structlog calls, depending on the level."""

    def __call__(self, *_names: str) -> "LogOutput":
        """The logger for structlog, which is always this one."""
        return self

    def _write(self, line: str) -> None:
        if self._stream is None:  # the process was started with standard error closed
            raise OSError
        try:
            descriptor = self._stream.fileno()
        except OSError:  # a stream in memory
            self._stream.write(line)
            self._stream.flush()
            return
        # Past the buffers of the stream, which would keep what cannot be written and fail again at exit.
        content = line.encode(self._stream.encoding or "utf-8", "backslashreplace")
        while content:
            self._wait_for_room(descriptor)
            content = content[os.write(descriptor, content[: select.PIPE_BUF]) :]

    def _wait_for_room(self, descriptor: int) -> None:
        """Raise TimeoutError where a write would block; after the first time, without waiting."""
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        patience, self._patience = self._patience, 0.0
        if not poll.poll(patience * 1000):
            raise TimeoutError
        self._patience = READER_SECONDS


def configure(level: str, log_format: Literal["console", "json"], output: LogOutput | None = None) -> None:
    """Write everything at *level* and above to *output*, by default standard error.

    Events are constant phrases and all variables are keys. Nothing in this package logs a token, a body or a URL.
    """
    output = output or LogOutput(sys.stderr)
    shared: list[structlog.typing.Processor] = [
        redact_values,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=output.is_terminal)
    )
    # Of a header that it cannot parse urllib3 would write the URL, query included, to standard error.
    library = logging.getLogger("urllib3")  # noqa: TID251 - to silence it
    library.addHandler(logging.NullHandler())
    library.propagate = False
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=output,
        cache_logger_on_first_use=False,
    )


def redact_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a credential in every value: paths and messages may hold one by mistake."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event
