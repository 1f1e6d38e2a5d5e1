"""How values of GitHub's API become label values."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors.common.labels import boolean, operating_system, snake_case


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("enterprise", "enterprise"),
        ("Enterprise", "enterprise"),
        ("GigabyteHours", "gigabyte_hours"),
        ("gigabyte-hours", "gigabyte_hours"),
        ("gigabyte_hours", "gigabyte_hours"),
        ("UserMonths", "user_months"),
        ("Visual Studio subscription", "visual_studio_subscription"),
        ("Git LFS", "git_lfs"),
        ("macOS", "macos"),
        ("Actions Linux 4-core", "actions_linux_4_core"),
        ("  Copilot / Business!  ", "copilot_business"),
        ("HTTPServer", "httpserver"),
        ("2FaEnabled", "2_fa_enabled"),
        ("octo\N{LATIN SMALL LETTER E WITH ACUTE} noir", "octo_noir"),
        ("", "unknown"),
        ("---", "unknown"),
        ("\N{HIRAGANA LETTER A}", "unknown"),
    ],
)
def test_name_becomes_lower_snake_case(value: str, expected: str) -> None:
    """A name of GitHub's has one spelling in lower_snake_case; an empty one is unknown."""
    assert snake_case(value) == expected


@settings(deadline=None)
@given(st.text())
def test_enumerated_is_a_fixed_point(value: str) -> None:
    """Any text gives lower_snake_case, and that stays as it is."""
    name = snake_case(value)
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name)
    assert snake_case(name) == name


@pytest.mark.parametrize(("value", "expected"), [(True, "true"), (False, "false"), (None, "")])
def test_flag_is_spelled_out_or_empty(value: bool | None, expected: str) -> None:
    """A flag is spelled out, and empty when GitHub does not report it."""
    assert boolean(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("linux", "linux"),
        ("Linux", "linux"),
        ("win", "windows"),
        ("WIN", "windows"),
        ("windows", "windows"),
        ("osx", "macos"),
        ("macOS", "macos"),
        ("freebsd", "freebsd"),
        ("", "unknown"),
    ],
)
def test_short_name_of_a_system_is_spelled_out(value: str, expected: str) -> None:
    """GitHub's short names of systems are spelt out; others pass through."""
    assert operating_system(value) == expected
