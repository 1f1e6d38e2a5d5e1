"""The helper for other programs."""

import sys

import pytest

from tests.conftest import COSTLY_FIXTURES
from tests.support.programs import ROOT
from tests.support.tools import tool

MISSING = "octo-no-such-program"


def test_installed_tool_is_found() -> None:
    """A program that is there is found by its path."""
    assert tool(sys.executable) == sys.executable


def test_missing_tool_skips_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a desk a test without its program is skipped, and says which one."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=MISSING):
        tool(MISSING)


def test_missing_tool_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything must run, a missing program fails the test."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        tool(MISSING)


def test_files_that_stay_on_one_worker_exist() -> None:
    """A file that is moved would be dealt out test by test, each with its costly fixture."""
    assert [file for file in COSTLY_FIXTURES if not (ROOT / file).is_file()] == []
