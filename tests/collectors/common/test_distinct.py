"""Counting distinct names in little memory."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.common.distinct import Distinct, Kinds

NAMES = 200_000


def stored_bytes(distinct: Distinct) -> int:
    """The size of the hashes that are kept, without the spare room of their arrays."""
    return sum(len(bucket) * bucket.itemsize for bucket in distinct._buckets if bucket is not None)


def test_name_is_new_the_first_time_only() -> None:
    """A name is new the first time only, and names differ by a single letter."""
    distinct = Distinct()
    assert [distinct.add(name) for name in ("octo", "Octo", "octo", "", "", "octo ")] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_sets_are_apart() -> None:
    """What one set has seen is new to another."""
    first, second = Distinct(), Distinct()
    assert first.add("octo")
    assert second.add("octo")


def test_exact_for_many() -> None:
    """Of hundreds of thousands of names each is new exactly once."""
    distinct = Distinct()
    assert all(distinct.add(f"login octo-{number}") for number in range(NAMES))
    assert not any(distinct.add(f"login octo-{number}") for number in range(NAMES))


def test_eight_bytes_a_name() -> None:
    """A name costs eight bytes, however long it is and however often it comes."""
    distinct = Distinct()
    for number in range(NAMES):
        distinct.add(f"{number} {'octo' * 50}")
        distinct.add(f"{number} {'octo' * 50}")
    assert stored_bytes(distinct) == 8 * NAMES


def test_names_spread_evenly() -> None:
    """No bucket grows so long that looking through it would be slow."""
    distinct = Distinct()
    for number in range(NAMES):
        distinct.add(f"login octo-{number}")
    assert max(len(bucket) for bucket in distinct._buckets if bucket is not None) < 64


@given(st.lists(st.text(max_size=3)))
def test_new_name_is_distinguished_from_known_ones(names: list[str]) -> None:
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
