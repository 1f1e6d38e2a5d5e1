"""Log set-up: structlog to standard error, as lines for people or as JSON."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from exporter.redaction import redact


def configure(level: str, log_format: Literal["console", "json"]) -> None:
    """Send everything at *level* and above to standard error.

    Events are constant phrases and all variables are keys. Nothing in this package logs a token, a body or a URL.
    """
    shared: list[structlog.typing.Processor] = [
        redact_values,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def redact_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a credential in every value: paths and messages may hold one by mistake."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event
