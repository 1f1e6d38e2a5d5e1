"""Passwords: right, wrong, remembered, and many at once."""

import threading
from base64 import b64encode

import pytest

from exporter.web.protection.passwords import MOST_REFUSED, MOST_WAITING, Passwords, Verdict, basic_credentials
from tests.support.certificates import PASSWORD, USER, hashed

SLOW = 10


def basic(user: str = USER, password: str = PASSWORD) -> str:
    """The header of a client."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


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
def test_verdict(header: str, verdict: Verdict) -> None:
    """The same answer at first and from memory."""
    passwords = Passwords({USER: hashed()})
    assert [passwords.check(header) for _ in range(3)] == [verdict] * 3


def test_long_and_strange_passwords() -> None:
    """Bcrypt looks at 72 bytes; letters of any language and colons are part of a password."""
    for password in ("x" * 100, "pâté:日本"):
        passwords = Passwords({USER: hashed(password[:72])})
        assert passwords.check(basic(password=password)) is Verdict.RIGHT
    assert basic_credentials(basic(password="a:b")) == (USER.encode(), b"a:b")


def test_is_asked_for() -> None:
    """Only where there are users."""
    assert not Passwords({})
    assert Passwords({USER: hashed()})


def test_a_new_password_counts_at_once() -> None:
    """What was right for other hashes is not remembered."""
    assert Passwords({USER: hashed()}).check(basic()) is Verdict.RIGHT
    assert Passwords({USER: hashed("another")}).check(basic()) is Verdict.WRONG


def test_memory_is_bounded() -> None:
    """However many guesses, only some of the wrong ones are remembered, and the right one is never forgotten."""
    passwords = Passwords({USER: hashed()})
    assert passwords.check(basic()) is Verdict.RIGHT
    for number in range(MOST_REFUSED + 20):
        assert passwords.check(basic(password=str(number))) is Verdict.WRONG
    assert len(passwords._wrong) == MOST_REFUSED
    assert len(passwords.let_in.proofs) == 1


def test_guesses_do_not_keep_others_out() -> None:
    """While many guess at once, most are sent away unheard, and who is known already is let in without waiting."""
    passwords = Passwords({USER: hashed(cost=SLOW)})
    assert passwords.check(basic()) is Verdict.RIGHT
    crowd = 6 * MOST_WAITING
    together = threading.Barrier(crowd)
    verdicts: list[Verdict] = []

    def guess(number: int) -> None:
        together.wait()
        verdicts.append(passwords.check(basic(f"user-{number}", "wrong")))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(crowd)]
    for thread in threads:
        thread.start()
    known = passwords.check(basic())
    with passwords._one:
        # Nobody's password is looked at now.
        assert passwords.check(basic()) is Verdict.RIGHT
    for thread in threads:
        thread.join()
    assert known is Verdict.RIGHT
    assert Verdict.RIGHT not in verdicts
    assert verdicts.count(Verdict.BUSY) >= crowd - 4 * MOST_WAITING


def test_one_at_a_time() -> None:
    """Of a burst of the same new password one is computed and the others wait for its result."""
    passwords = Passwords({USER: hashed()})
    found: list[Verdict] = []
    with passwords._one:
        threads = [
            threading.Thread(target=lambda: found.append(passwords.check(basic()))) for _ in range(2 * MOST_WAITING)
        ]
        for thread in threads:
            thread.start()
        for _ in range(MOST_WAITING):
            threading.Event().wait(0.01)
    for thread in threads:
        thread.join()
    assert set(found) <= {Verdict.RIGHT, Verdict.BUSY}
    assert found.count(Verdict.RIGHT) >= MOST_WAITING
