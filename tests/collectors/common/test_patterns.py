"""Which regular expressions of the configuration are taken, and which might run for ever."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors.common.patterns import bounded_pattern


@pytest.mark.parametrize(
    ("pattern", "name", "label"),
    [
        (r"^(.+)-[a-z0-9]{5}-runner-[a-z0-9]{5}$", "gpu-large-x7f2k-runner-9abcd", "gpu-large"),
        (r"^([^-]+)-", "linux-17", "linux"),
        (r"(?:octo|acme)-(\w+?)-\d+", "octo-web-12", "web"),
        (r"^(?P<label>[a-z]+)(-\w+)?$", "gpu-one", "gpu"),
        (r"[](]([)[]+)\(", "x((", None),
        (r"a{(b)", "a{b", "b"),
        (r"^((?:[a-z]{3}){2})", "abcdefg", "abcdef"),
        (r"(a{2,4}+)", "aaaaa", "aaaa"),
    ],
)
def test_a_bounded_pattern_is_taken(pattern: str, name: str, label: str | None) -> None:
    found = bounded_pattern(pattern).search(name)
    assert (found[1] if found else None) == label


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "is no regular expression"),
        ("(a{99999999999999999999})", "is no regular expression"),
        ("gpu-.*", "has no group"),
        ("(a+)+$", "may run for ever"),
        ("^(.*)*$", "may run for ever"),
        (r"^(\w+\s?)*$", "may run for ever"),
        ("((a|aa)+)$", "may run for ever"),
        ("(a?){40}a{40}", "may run for ever"),
        ("((?:a{1,30}){2,30})$", "may run for ever"),
        ("(a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaa)", "may run for ever"),
        ("(.*.*.*.*)=", "may run for ever"),
        (r"(a)\1*", "uses more than"),
        ("(?=a)(b)", "uses more than"),
        ("(?i)(b)", "uses more than"),
        ("(" + "a" * 200 + ")", "is longer than"),
    ],
)
def test_a_pattern_that_might_run_for_ever_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        bounded_pattern(pattern)


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab.()[]|*+?{}12,\\w", min_size=1, max_size=16))
def test_whatever_is_taken_ends(pattern: str) -> None:
    """No accepted expression takes long for the names that are worst for it."""
    try:
        compiled = bounded_pattern(pattern)
    except ValueError:
        return
    started = time.process_time()
    for name in ("a" * 64, "a" * 63 + "!", "ab" * 32 + "!"):
        compiled.search(name)
    assert time.process_time() - started < 1
    assert isinstance(compiled, re.Pattern)
