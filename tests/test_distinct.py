"""Counting distinct names in little memory."""

from exporter.distinct import Distinct

NAMES = 200_000


def stored_bytes(distinct: Distinct) -> int:
    """The size of the hashes that are kept, without the spare room of their arrays."""
    return sum(len(bucket) * bucket.itemsize for bucket in distinct._buckets if bucket is not None)


def test_add() -> None:
    """A name is new the first time only, and names are told apart to the letter."""
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
