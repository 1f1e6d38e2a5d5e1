"""Logs go to standard error, as lines for people or as JSON."""

import json
from typing import Literal

import pytest
import structlog

from exporter import logs

LEVELS = ("debug", "info", "warning", "error")


def log_everything() -> None:
    """One event of each level."""
    log = structlog.get_logger()
    for level in LEVELS:
        getattr(log, level)(f"an event of level {level}", enterprise="acme")


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("level", LEVELS)
def test_level(level: str, log_format: Literal["console", "json"], capsys: pytest.CaptureFixture[str]) -> None:
    """The level and everything above it is written, one line each, and nothing of it to standard output."""
    logs.configure(level, log_format)
    log_everything()
    out, err = capsys.readouterr()
    lines = err.splitlines()
    wanted = LEVELS[LEVELS.index(level) :]
    assert out == ""
    assert len(lines) == len(wanted)
    assert all(f"an event of level {name}" in line for name, line in zip(wanted, lines, strict=True))


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is one JSON object: the event, its level, the time in UTC and every key."""
    logs.configure("info", "json")
    structlog.get_logger().info("collected", enterprise="acme", problem='a "quoted"\nline', seconds=1.5)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "collected",
        "level": "info",
        "enterprise": "acme",
        "problem": 'a "quoted"\nline',
        "seconds": 1.5,
    }


def test_console_without_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Away from a terminal there are no colours."""
    logs.configure("info", "console")
    structlog.get_logger().warning("collector run failed", enterprise="acme", reason="timeout")
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "collector run failed" in err
    assert "enterprise=acme" in err
    assert "reason=timeout" in err


def test_configured_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A logger made before follows a change of the settings."""
    log = structlog.get_logger()
    logs.configure("error", "json")
    log.info("not seen")
    logs.configure("debug", "json")
    log.debug("seen")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["seen"]
