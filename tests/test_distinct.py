"""Remembering names without keeping them."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.distinct import Distinct, Kinds


@given(st.lists(st.text(max_size=3)))
def test_distinct_tells_new_names_from_old_ones(names: list[str]) -> None:
    """It agrees with a set."""
    distinct = Distinct()
    assert sum(distinct.add(name) for name in names) == len(set(names))


@given(st.lists(st.tuples(st.text(max_size=2), st.sampled_from(["red", "green", "blue"]))))
def test_kinds_remember_the_last_kind_of_each_name(pairs: list[tuple[str, str]]) -> None:
    """It agrees with a dict."""
    kinds: Kinds[str] = Kinds()
    plain: dict[str, str] = {}
    for name, kind in pairs:
        assert kinds.get(name) == plain.get(name)
        kinds.set(name, kind)
        plain[name] = kind
    assert {name: kinds.get(name) for name in plain} == plain


def test_kinds_share_buckets_without_mixing_names_up() -> None:
    """More names than buckets keep their own kinds."""
    kinds: Kinds[int] = Kinds()
    for number in range(50_000):
        kinds.set(f"name-{number}", number % 7)
    assert all(kinds.get(f"name-{number}") == number % 7 for number in range(50_000))
    assert kinds.get("name-50000") is None
