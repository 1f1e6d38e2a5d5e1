"""Passwords: right, wrong, remembered, and many at once."""

import asyncio
from base64 import b64encode

import pytest

from exporter.web.protection.passwords import MAX_QUEUED, MAX_REMEMBERED_WRONG, Passwords, Verdict, basic_credentials
from tests.support.certificates import PASSWORD, USER, hashed
from tests.support.web_server import basic

SLOW = 10


def check(passwords: Passwords, *headers: str) -> list[Verdict]:
    """The verdicts on *headers*, one after the other."""

    async def one_after_the_other() -> list[Verdict]:
        return [await passwords.check(header) for header in headers]

    return asyncio.run(one_after_the_other())


@pytest.mark.parametrize(
    ("header", "verdict"),
    [
        (basic(), Verdict.RIGHT),
        (basic().replace("Basic", "basic"), Verdict.RIGHT),
        (basic(password="wrong"), Verdict.WRONG),
        (basic(password=""), Verdict.WRONG),
        (basic(user="nobody"), Verdict.WRONG),
        (basic(user="Octo"), Verdict.WRONG),
        (basic(password=PASSWORD + "\0"), Verdict.WRONG),
        ("", Verdict.WRONG),
        ("Basic", Verdict.WRONG),
        ("Basic !!!", Verdict.WRONG),
        ("Basic " + b64encode(b"octo").decode(), Verdict.WRONG),
        (basic().replace("Basic", "Bearer"), Verdict.WRONG),
    ],
)
def test_verdict_is_the_same_from_memory(header: str, verdict: Verdict) -> None:
    """The first check computes, the others remember."""
    passwords = Passwords({USER: hashed()})
    assert check(passwords, header, header, header) == [verdict] * 3


def test_passwords_may_be_long_and_in_any_language() -> None:
    """Bcrypt uses 72 bytes; a colon may be part of a password."""
    for password in ("x" * 100, "pâté:日本"):
        passwords = Passwords({USER: hashed(password[:72])})
        assert check(passwords, basic(password=password)) == [Verdict.RIGHT]
    assert basic_credentials(basic(password="a:b")) == (USER.encode(), b"a:b")


def test_passwords_are_required_if_there_are_users() -> None:
    """Without users nothing is checked."""
    assert not Passwords({})
    assert Passwords({USER: hashed()})


def test_changed_password_applies_immediately() -> None:
    """A password verified for another hash is not remembered."""
    assert check(Passwords({USER: hashed()}), basic()) == [Verdict.RIGHT]
    assert check(Passwords({USER: hashed("another")}), basic()) == [Verdict.WRONG]


def test_remembered_wrong_passwords_are_bounded() -> None:
    """A right one is never forgotten."""
    passwords = Passwords({USER: hashed()})
    guesses = [basic(password=str(number)) for number in range(MAX_REMEMBERED_WRONG + 20)]
    assert check(passwords, basic(), *guesses) == [Verdict.RIGHT] + [Verdict.WRONG] * len(guesses)
    assert len(passwords._wrong) == MAX_REMEMBERED_WRONG
    assert len(passwords.verified.proofs) == 1


def test_guesses_beyond_the_queue_are_refused() -> None:
    """A verified client does not wait for them."""
    passwords = Passwords({USER: hashed(cost=SLOW)})
    crowd = 6 * MAX_QUEUED

    async def guess() -> list[Verdict]:
        assert await passwords.check(basic()) is Verdict.RIGHT
        guesses = [asyncio.create_task(passwords.check(basic(f"user-{number}", "wrong"))) for number in range(crowd)]
        await asyncio.sleep(0)
        assert await passwords.check(basic()) is Verdict.RIGHT
        assert not any(guess.done() and guess.result() is Verdict.WRONG for guess in guesses)
        return await asyncio.gather(*guesses)

    verdicts = asyncio.run(guess())
    assert verdicts.count(Verdict.WRONG) == MAX_QUEUED
    assert verdicts.count(Verdict.BUSY) == crowd - MAX_QUEUED


def test_burst_of_one_password_is_computed_once() -> None:
    """Those that wait in the queue get the same verdict."""
    passwords = Passwords({USER: hashed()})

    async def burst() -> list[Verdict]:
        return await asyncio.gather(*(passwords.check(basic()) for _ in range(2 * MAX_QUEUED)))

    assert asyncio.run(burst()) == [Verdict.RIGHT] * MAX_QUEUED + [Verdict.BUSY] * MAX_QUEUED
