"""What an answer says of GitHub's rate limits: its window, when to ask again, whether a refusal is a limit."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.github.rate_limit import (
    MAX_WAIT_SECONDS,
    Limited,
    RateLimitWindow,
    limited,
    read_window,
    retry_after,
)
from tests.github.conftest import NOW

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
        (quota(4999, 1_795_000_600), RateLimitWindow("core", 5000, 4999, 1_795_000_600)),
        (
            quota(4999, 1_795_000_600) | {"x-ratelimit-resource": "scim"},
            RateLimitWindow("scim", 5000, 4999, 1_795_000_600),
        ),
        (quota(4999, 1_795_000_600) | {"x-ratelimit-resource": ""}, RateLimitWindow("core", 5000, 4999, 1_795_000_600)),
        *(
            (
                quota(4999, 1_795_000_600) | {"x-ratelimit-resource": odd},
                RateLimitWindow("other", 5000, 4999, 1_795_000_600),
            )
            for odd in ("Octo", "a b", "x" * 41, "a\n")
        ),
        (quota("", 1_795_000_600), None),
        (quota(4999, "soon"), None),
        (quota(4999, 1_795_000_600, limit="NaN"), None),
        ({"x-ratelimit-remaining": "0"}, None),
    ],
)
def test_window_needs_limit_remaining_and_reset(headers: dict[str, str], expected: RateLimitWindow | None) -> None:
    """A window is what three headers report together; without one of them there is none."""
    assert read_window(headers) == expected


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
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: float | None) -> None:
    """`Retry-After` is seconds or a date, never negative, and nothing when it is neither."""
    assert retry_after({} if value is None else {"retry-after": value}, NOW) == expected


@settings(deadline=None)
@given(st.text() | st.text(alphabet="MonTueJanDec 0123456789:+-,GMT"))
def test_any_retry_after_value_is_read_without_failure(value: str) -> None:
    """No value of `Retry-After` makes reading it fail."""
    seconds = retry_after({"retry-after": value}, NOW)
    assert seconds is None or seconds >= 0


def test_retry_after_date_without_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
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
        pytest.param(403, {"retry-after": "90"}, "", Limited(NOW + 90, secondary=True), id="wait"),
        pytest.param(429, {"retry-after": "7"}, "", Limited(NOW + 7, secondary=True), id="short wait"),
        pytest.param(429, {"retry-after": IN_A_MINUTE}, "", Limited(NOW + 60, secondary=True), id="date"),
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
            id="secondary with an exhausted primary window",
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
            403,
            quota(0, NOW - 1),
            PRIMARY,
            Limited(NOW + 60, secondary=True),
            id="reset passed: a minute, not immediately",
        ),
        pytest.param(403, quota(0, NOW - 1), "", Limited(NOW + 60, secondary=True), id="reset passed, no message"),
        pytest.param(429, {}, "", Limited(NOW + 60, secondary=True), id="429 without headers"),
        pytest.param(429, quota(17, NOW + 1800), "", Limited(NOW + 60, secondary=True), id="429 with requests left"),
        pytest.param(403, {}, PRIMARY, Limited(NOW + 60, secondary=True), id="words alone"),
        pytest.param(
            403, quota(0, NOW + 86_400), "", Limited(NOW + MAX_WAIT_SECONDS, secondary=True), id="reset far away"
        ),
        pytest.param(
            429, {"retry-after": "86400"}, "", Limited(NOW + MAX_WAIT_SECONDS, secondary=True), id="wait too long"
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
        pytest.param(403, quota(17, NOW + 1800), "", None, id="a genuine refusal with requests left"),
        pytest.param(404, quota(0, NOW + 1800), PRIMARY, None, id="not found"),
        pytest.param(503, {"retry-after": "5"}, SECONDARY, None, id="a failing server"),
        pytest.param(200, quota(0, NOW + 1800), "", None, id="an answer"),
    ],
)
def test_rate_limit_is_distinguished_from_other_refusals(
    status: int, headers: dict[str, str], message: str, expected: Limited | None
) -> None:
    """A limit says when to ask again: `Retry-After`, else the reset, else a minute."""
    assert limited(status, headers, message, NOW) == expected
