"""Answers stored with their ETags."""

import random

from exporter.github.revalidation import MAX_STORED_BYTES, Revalidation, StoredAnswer

URL = "https://api.example.com/x"
THIRD = 6_000_000
"""Three of these are more than what is stored, two are not."""


def incompressible(seed: int, size: int = THIRD) -> bytes:
    """Bytes that no compression makes smaller."""
    return random.Random(seed).randbytes(size)


def known(revalidation: Revalidation, names: str) -> str:
    """Which of the answers named by letters are stored."""
    return "".join(name for name in names if revalidation.conditions(name))


def test_unknown_url_has_no_conditions() -> None:
    """What was never seen is asked for without a condition and confirmed by nothing."""
    revalidation = Revalidation()
    assert revalidation.conditions(URL) == {}
    assert revalidation.confirmed(URL) is None


def test_stored_answer_is_confirmed() -> None:
    """An answer is asked for with its ETag and comes back with its links."""
    revalidation = Revalidation()
    revalidation.store(URL, 'W/"1"', b"[1]", {"next": "x"})
    assert revalidation.conditions(URL) == {"If-None-Match": 'W/"1"'}
    assert revalidation.confirmed(URL) == StoredAnswer(b"[1]", {"next": "x"})
    assert revalidation.conditions(f"{URL}?page=2") == {}


def test_newer_answer_replaces_the_stored_one() -> None:
    """A newer answer takes the place of the older one whole."""
    revalidation = Revalidation()
    revalidation.store(URL, '"1"', b"[1]", {"next": "x"})
    revalidation.store(URL, '"2"', b"[2]", {})
    assert revalidation.conditions(URL) == {"If-None-Match": '"2"'}
    assert revalidation.confirmed(URL) == StoredAnswer(b"[2]", {})


def test_least_recently_used_answers_are_dropped() -> None:
    """Beyond the bound the answers least recently used go first."""
    revalidation = Revalidation()
    for seed, name in enumerate("ab"):
        revalidation.store(name, '"1"', incompressible(seed), {})
    assert revalidation.confirmed("a") == StoredAnswer(incompressible(0), {})
    revalidation.store("c", '"1"', incompressible(2), {})
    assert known(revalidation, "abc") == "ac"


def test_replaced_answer_frees_its_bytes() -> None:
    """Answers that are replaced again and again push nothing else out."""
    revalidation = Revalidation()
    revalidation.store("a", '"1"', b"[]", {})
    for seed in range(4):
        revalidation.store("b", f'"{seed}"', incompressible(seed), {})
    assert known(revalidation, "ab") == "ab"


def test_answer_above_the_bound_is_not_stored() -> None:
    """An answer above the bound is not stored, and nothing breaks."""
    revalidation = Revalidation()
    revalidation.store("a", '"1"', incompressible(1, MAX_STORED_BYTES + 1), {})
    assert known(revalidation, "a") == ""
    revalidation.store("b", '"1"', b"[]", {})
    assert known(revalidation, "b") == "b"


def test_answers_are_stored_compressed() -> None:
    """What compresses well takes little of the bound."""
    revalidation = Revalidation()
    for name in "abcdef":
        revalidation.store(name, '"1"', b"[" + b" " * THIRD + b"]", {})
    assert known(revalidation, "abcdef") == "abcdef"
