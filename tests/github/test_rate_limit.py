"""GitHub's rate limits: what answers say, and what may be asked next."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.github.rate_limit import (
    LONGEST_WAIT_SECONDS,
    Budget,
    Limited,
    RateLimits,
    budget,
    limited,
    retry_after,
)
from tests.github.conftest import NOW

PATH, OTHER_PATH = "/enterprises/{enterprise}/license-sync-status", "/scim/v2/enterprises/{enterprise}/Users"
IN_A_MINUTE = format_datetime(datetime.fromtimestamp(NOW + 60, UTC), usegmt=True)
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
PRIMARY = "API rate limit exceeded for user ID 17."


def quota(remaining: object, reset: object, limit: object = 5000) -> dict[str, str]:
    """Headers of an answer under a primary limit."""
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(reset),
        "x-ratelimit-resource": "core",
    }


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        (quota(4999, 1_795_000_600), Budget("core", 5000, 4999, 1_795_000_600)),
        (quota(4999, 1_795_000_600) | {"x-ratelimit-resource": "scim"}, Budget("scim", 5000, 4999, 1_795_000_600)),
        (quota(4999, 1_795_000_600) | {"x-ratelimit-resource": ""}, Budget("core", 5000, 4999, 1_795_000_600)),
        *(
            (quota(4999, 1_795_000_600) | {"x-ratelimit-resource": odd}, Budget("other", 5000, 4999, 1_795_000_600))
            for odd in ("Octo", "a b", "x" * 41, "a\n")
        ),
        (quota("", 1_795_000_600), None),
        (quota(4999, "soon"), None),
        (quota(4999, 1_795_000_600, limit="NaN"), None),
        ({"x-ratelimit-remaining": "0"}, None),
    ],
)
def test_budget(headers: dict[str, str], expected: Budget | None) -> None:
    """A budget is what three headers tell together; without one of them there is none."""
    assert budget(headers) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("0", 0),
        ("7", 7),
        (" 7.5 ", 7.5),
        ("-5", 0),
        (IN_A_MINUTE, 60),
        (IN_A_MINUTE.replace("GMT", ""), 60),
        (IN_A_MINUTE.replace("GMT", "-0000"), 60),
        (IN_A_MINUTE.replace("GMT", "+0100"), 0),
        ("Tue, 10 Mar 2020 00:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("Tue, 99 Mar 2020 00:00:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    """`Retry-After` is seconds or a date, never negative, and nothing when it is neither."""
    assert retry_after({} if value is None else {"retry-after": value}, NOW) == expected


@settings(deadline=None)
@given(st.text() | st.text(alphabet="MonTueJanDec 0123456789:+-,GMT"))
def test_any_retry_after(value: str) -> None:
    """No value of `Retry-After` makes reading it fail."""
    seconds = retry_after({"retry-after": value}, NOW)
    assert seconds is None or seconds >= 0


def test_retry_after_in_any_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A date without a zone is UTC, wherever the exporter runs."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert retry_after({"retry-after": IN_A_MINUTE.replace(" GMT", "")}, NOW) == 60
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("status", "headers", "message", "expected"),
    [
        pytest.param(403, {"retry-after": "90"}, "", Limited(NOW + 90, secondary=True), id="told to wait"),
        pytest.param(429, {"retry-after": "7"}, "", Limited(NOW + 7, secondary=True), id="told to wait a little"),
        pytest.param(429, {"retry-after": IN_A_MINUTE}, "", Limited(NOW + 60, secondary=True), id="told a date"),
        pytest.param(
            403, {"retry-after": "5"}, SECONDARY, Limited(NOW + 60, secondary=True), id="secondary waits a minute"
        ),
        pytest.param(403, {"retry-after": "300"}, SECONDARY, Limited(NOW + 300, secondary=True), id="or longer"),
        pytest.param(403, {}, SECONDARY, Limited(NOW + 60, secondary=True), id="secondary without a header"),
        pytest.param(
            403,
            quota(0, NOW + 1800),
            SECONDARY,
            Limited(NOW + 60, secondary=True),
            id="secondary with an empty primary budget",
        ),
        pytest.param(
            403, {}, "You have triggered an abuse detection mechanism.", Limited(NOW + 60, secondary=True), id="abuse"
        ),
        pytest.param(403, quota(0, NOW + 1800), PRIMARY, Limited(NOW + 1800, secondary=False), id="primary"),
        pytest.param(429, quota(0, NOW + 1800), "", Limited(NOW + 1800, secondary=False), id="primary as 429"),
        pytest.param(
            403,
            quota(0, NOW + 1800) | {"retry-after": "30"},
            PRIMARY,
            Limited(NOW + 30, secondary=True),
            id="Retry-After comes before the reset",
        ),
        pytest.param(
            403, quota(0, NOW - 1), PRIMARY, Limited(NOW + 60, secondary=True), id="reset passed: a minute, not at once"
        ),
        pytest.param(403, quota(0, NOW - 1), "", Limited(NOW + 60, secondary=True), id="reset passed, no message"),
        pytest.param(429, {}, "", Limited(NOW + 60, secondary=True), id="429 without headers"),
        pytest.param(429, quota(17, NOW + 1800), "", Limited(NOW + 60, secondary=True), id="429 with budget left"),
        pytest.param(403, {}, PRIMARY, Limited(NOW + 60, secondary=True), id="words alone"),
        pytest.param(
            403, quota(0, NOW + 86_400), "", Limited(NOW + LONGEST_WAIT_SECONDS, secondary=False), id="reset far away"
        ),
        pytest.param(
            429, {"retry-after": "86400"}, "", Limited(NOW + LONGEST_WAIT_SECONDS, secondary=True), id="wait too long"
        ),
        pytest.param(429, {"retry-after": "0"}, "", Limited(NOW + 60, secondary=True), id="no wait is no advice"),
        pytest.param(
            429,
            {"retry-after": "Tue, 10 Mar 2020 00:00:00 GMT"},
            "",
            Limited(NOW + 60, secondary=True),
            id="wait over long ago",
        ),
        pytest.param(403, quota(0, "soon"), "", Limited(NOW + 60, secondary=True), id="reset unreadable"),
        pytest.param(429, {"retry-after": "soon"}, "", Limited(NOW + 60, secondary=True), id="wait unreadable"),
        pytest.param(403, {}, "Must have admin rights", None, id="a genuine refusal"),
        pytest.param(403, quota(17, NOW + 1800), "", None, id="a genuine refusal with budget left"),
        pytest.param(404, quota(0, NOW + 1800), PRIMARY, None, id="not found"),
        pytest.param(503, {"retry-after": "5"}, SECONDARY, None, id="a failing server"),
        pytest.param(200, quota(0, NOW + 1800), "", None, id="an answer"),
    ],
)
def test_limited(status: int, headers: dict[str, str], message: str, expected: Limited | None) -> None:
    """A limit is told from a refusal, and says when to ask again: `Retry-After`, else the reset, else a minute."""
    assert limited(status, headers, message, NOW) == expected


def core(remaining: float, reset: float = NOW + 1800, limit: float = 1000, resource: str = "core") -> Budget:
    """A budget of one resource."""
    return Budget(resource, limit, remaining, reset)


def verdicts(limits: RateLimits, now: float = NOW, path: str = PATH) -> tuple[float | None, float | None]:
    """When essential and other work may go on."""
    return limits.wait_until(path, now, essential=True), limits.wait_until(path, now, essential=False)


def test_nothing_known() -> None:
    """Before the first answer everything may be asked."""
    assert verdicts(RateLimits(0.1)) == (None, None)


@pytest.mark.parametrize(
    ("remaining", "expected"),
    [
        (1000, (None, None)),
        (100, (None, None)),
        (99, (None, NOW + 1800)),
        (1, (None, NOW + 1800)),
        (0, (NOW + 1800, NOW + 1800)),
        (-1, (NOW + 1800, NOW + 1800)),
    ],
)
def test_reserve(remaining: float, expected: tuple[float | None, float | None]) -> None:
    """Below the reserve only essential work goes on until the reset; with nothing left, none does."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(remaining), NOW)
    assert verdicts(limits) == expected


def test_no_reserve() -> None:
    """Without a reserve everything goes on to the last request."""
    limits = RateLimits(0)
    limits.note(PATH, core(1), NOW)
    assert verdicts(limits) == (None, None)


def test_window_ended() -> None:
    """After the reset an old budget says nothing."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(0), NOW)
    assert verdicts(limits, NOW + 1799.9) == (NOW + 1800, NOW + 1800)
    assert verdicts(limits, NOW + 1800) == (None, None)


def test_new_window() -> None:
    """The budget of a new window replaces that of the old one."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(0), NOW)
    limits.note(PATH, core(999, NOW + 5400), NOW)
    assert verdicts(limits) == (None, None)


def test_answers_out_of_order() -> None:
    """An answer that was overtaken does not give back what is used up."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(0), NOW)
    limits.note(PATH, core(3), NOW)
    assert verdicts(limits) == (NOW + 1800, NOW + 1800)


def test_absurd_reset() -> None:
    """A reset in a year silences a credential for two hours and then lets it ask again."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(0, NOW + 365 * 86_400), NOW)
    assert verdicts(limits) == (NOW + LONGEST_WAIT_SECONDS, NOW + LONGEST_WAIT_SECONDS)
    assert verdicts(limits, NOW + 600) == (NOW + LONGEST_WAIT_SECONDS, NOW + LONGEST_WAIT_SECONDS)
    assert verdicts(limits, NOW + LONGEST_WAIT_SECONDS) == (None, None)


def test_primary_limit_stops_its_resource() -> None:
    """A primary limit stops the paths of its resource, and no other."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(900), NOW)
    limits.note(OTHER_PATH, core(900, resource="scim"), NOW)
    limits.pause(OTHER_PATH, NOW + 600, everything=False)
    assert verdicts(limits, path=OTHER_PATH) == (NOW + 600, NOW + 600)
    assert verdicts(limits) == (None, None)
    assert verdicts(limits, NOW + 600, path=OTHER_PATH) == (None, None)


def test_path_never_asked() -> None:
    """A path that was never asked is taken for one of the core budget."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(0), NOW)
    assert verdicts(limits, path=OTHER_PATH) == (NOW + 1800, NOW + 1800)


def test_secondary_limit_stops_everything() -> None:
    """A secondary limit stops the credential whole, and a shorter one that comes later does not shorten it."""
    limits = RateLimits(0.1)
    limits.note(PATH, core(900), NOW)
    limits.note(OTHER_PATH, core(900, resource="scim"), NOW)
    limits.pause(PATH, NOW + 300, everything=True)
    limits.pause(OTHER_PATH, NOW + 60, everything=True)
    assert verdicts(limits, NOW + 299) == (NOW + 300, NOW + 300)
    assert verdicts(limits, NOW + 299, path=OTHER_PATH) == (NOW + 300, NOW + 300)
    assert verdicts(limits, NOW + 300) == (None, None)


def test_primary_limit_of_unknown_resource() -> None:
    """A primary limit without a known budget stops the credential whole."""
    limits = RateLimits(0.1)
    limits.pause(PATH, NOW + 600, everything=False)
    assert verdicts(limits, path=OTHER_PATH) == (NOW + 600, NOW + 600)
