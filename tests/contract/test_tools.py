"""The helper for other programs."""

import sys

import pytest

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
