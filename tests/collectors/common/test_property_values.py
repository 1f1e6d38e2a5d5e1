"""Which values of custom properties become label values."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors.common.property_values import MAX_CHARACTERS, MAX_ITEMS, property_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("given_value", "shown"),
    [
        ("web", "web"),
        ("  web tools ", "web tools"),
        ("platform/web v1.2", "platform/web v1.2"),
        ("R&D: tools", "R&D: tools"),
        ("café", "café"),
        (True, "true"),
        (17, "17"),
        (None, ""),
        ({"a": 1}, ""),
        ("", ""),
        ([], ""),
        (["web", None, " data "], "web,data"),
        (["web", ["data"]], "web"),
        ("x" * MAX_CHARACTERS, "x" * MAX_CHARACTERS),
    ],
)
def test_short_names_are_shown(given_value: Any, shown: str) -> None:
    """Texts, numbers and flags are shown, lists joined; what is none of them counts as not reported."""
    assert property_value(given_value) == shown


@pytest.mark.parametrize(
    "given_value",
    [
        "octocat@acme.example.com",
        "@octocat",
        "https://acme.example.com",
        "HTTP://acme",
        "ssh://acme",
        "mailto:octocat",
        "www.acme.example.com",
        "acme.example.com/teams",
        "acme.example.com:8443",
        "acme.example.com?team=web",
        "Bearer 0123456789",
        "github" + "_pat_0123456789",
        "web\ndata",
        "web\x00",
        "web\u202edata",
        "x" * (MAX_CHARACTERS + 1),
        ["web", "octocat@acme.example.com"],
        ["x" * 60, "y" * 60],
        ["x"] * (MAX_ITEMS + 1),
    ],
)
def test_addresses_credentials_and_prose_are_left_out_whole(given_value: Any) -> None:
    """What names a person or a page, opens something, or is longer than a name is no label, nor is a part of it."""
    assert property_value(given_value) is None


@given(value=JSON)
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_becomes_a_short_printable_text(value: Any) -> None:
    """No value raises, and none gives more than a short text."""
    shown = property_value(value)
    assert shown is None or (len(shown) <= MAX_CHARACTERS and shown.isprintable() and "@" not in shown)


@given(text=st.text(), tail=st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_an_address_anywhere_in_a_value_hides_it(text: str, tail: str) -> None:
    """It does not matter what stands around an address."""
    assert property_value(f"{text}https://acme.example.com/{tail}") is None
    assert property_value([f"{text} octocat@acme.example.com{tail}", "web"]) is None
