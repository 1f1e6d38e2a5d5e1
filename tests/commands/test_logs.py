"""Logs go to standard error, as lines for people or as JSON."""

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal, TextIO

import pytest
import structlog

from exporter import logs
from exporter.logs import LogOutput

LEVELS = ("debug", "info", "warning", "error")


def log_everything() -> None:
    """One event of each level."""
    log = structlog.get_logger()
    for level in LEVELS:
        getattr(log, level)(f"an event of level {level}", enterprise="acme")


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("level", LEVELS)
def test_lines_below_the_level_are_left_out(
    level: str, log_format: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    """The level and everything above it is written, one line each, and nothing of it to standard output."""
    logs.configure(level, log_format)
    log_everything()
    out, err = capsys.readouterr()
    lines = err.splitlines()
    wanted = LEVELS[LEVELS.index(level) :]
    assert out == ""
    assert len(lines) == len(wanted)
    assert all(f"an event of level {name}" in line for name, line in zip(wanted, lines, strict=True))


def test_json_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is one JSON object: the event, its level, the time in UTC and every key."""
    logs.configure("info", "json")
    structlog.get_logger().info("collected", enterprise="acme", problem='a "quoted"\nline', seconds=1.5)
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert logged.pop("timestamp").endswith("Z")
    assert logged == {
        "event": "collected",
        "level": "info",
        "enterprise": "acme",
        "problem": 'a "quoted"\nline',
        "seconds": 1.5,
    }


def test_console_without_a_terminal_has_no_colors(capsys: pytest.CaptureFixture[str]) -> None:
    """Away from a terminal there are no colors."""
    logs.configure("info", "console")
    structlog.get_logger().warning("collector failed", enterprise="acme", reason="timeout")
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "collector failed" in err
    assert "enterprise=acme" in err
    assert "reason=timeout" in err


def test_logger_follows_a_new_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """A logger made before follows a change of the settings."""
    log = structlog.get_logger()
    logs.configure("error", "json")
    log.info("not seen")
    logs.configure("debug", "json")
    log.debug("seen")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["seen"]


def fill(pipe: int) -> int:
    """Write into *pipe* until nothing more fits; return how much that was."""
    os.set_blocking(pipe, False)
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += os.write(pipe, b"x" * select.PIPE_BUF)
    os.set_blocking(pipe, True)
    return filled


def unwritable(kind: str, folder: Path) -> TextIO | None:
    """A standard error that takes nothing."""
    if kind == "none":
        return None
    if kind == "full device":
        return Path("/dev/full").open("w", encoding="utf-8")
    if kind == "closed":
        return (folder / "log").open("w", encoding="utf-8")
    reader, writer = os.pipe()
    if kind == "no reader":
        os.close(reader)
    else:
        fill(writer)
    return os.fdopen(writer, "w", encoding="utf-8")


@pytest.mark.parametrize("kind", ["none", "full device", "closed", "no reader", "reader has stopped"])
def test_unwritable_log_is_counted_and_raises_nothing(kind: str, tmp_path: Path) -> None:
    """Whatever becomes of standard error, logging returns, and says how many lines are missing."""
    stream = unwritable(kind, tmp_path)
    output = LogOutput(stream)
    if stream is not None and kind == "closed":
        stream.close()
    logs.configure("info", "json", output)
    log_everything()
    assert output.errors == 3
    if stream is not None:
        stream.close()  # nothing is left in its buffer that would fail now


def test_log_is_written_again_after_an_error() -> None:
    """A reader that catches up gets the lines that come then, whole."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream, os.fdopen(reader, "rb") as read:
        filled = fill(writer)
        output = LogOutput(stream)
        output.write("lost")
        output.write("lost as well")
        assert output.errors == 2
        assert len(read.read(filled)) == filled
        output.write("é" * 5000)
        assert read.readline().decode() == "é" * 5000 + "\n"
        assert output.errors == 2


def test_library_writes_no_url_of_its_own() -> None:
    """urllib3 logs the whole URL of a request with its query where it cannot parse a header of the answer."""
    code = """
import logging
from exporter import logs
logs.configure("debug", "console")
logging.getLogger("urllib3.connection").warning("Failed to parse headers (url=%s)", "https://octo.example/?sig=octo")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
