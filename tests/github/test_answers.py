"""What GitHub's answers and refusals mean."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import (
    Forbidden,
    GitHubError,
    PayloadError,
    RateLimited,
    Reason,
    ServerError,
    Unauthorized,
    Unavailable,
)
from exporter.github.answers import decode, error_for, is_same_origin, resolve
from tests.github.conftest import API, NOW, SYNC, SYNC_URL, TOKEN

CONTEXT = f"GET {SYNC.path}"
SCOPES = {"x-oauth-scopes": "repo, gist", "x-accepted-oauth-scopes": "admin:enterprise, read:enterprise"}
LACKS = "the token lacks a scope: one of admin:enterprise, read:enterprise"
SECRET_BODY = "secret-body-text"


def refusal(status: int, headers: Mapping[str, str] | None = None, message: str | None = None) -> GitHubError:
    """The error of an answer."""
    body = b"" if message is None else json.dumps({"message": message}).encode()
    return error_for(status, headers or {}, body, NOW, CONTEXT)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b"[]", []),
        (b"null", None),
        (b' {"a": [1, 2.5, "\xc3\xa9"]} ', {"a": [1, 2.5, "\N{LATIN SMALL LETTER E WITH ACUTE}"]}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"n": 1e999}', {"n": float("inf")}),
    ],
)
def test_any_json_body_is_decoded(body: bytes, value: Any) -> None:
    """The body of a 200 is JSON, of any kind, also beyond what JSON allows for numbers."""
    answer = decode(body, SYNC_URL, {"next": "x"}, CONTEXT)
    assert (answer.value, answer.url, answer.links) == (value, SYNC_URL, {"next": "x"})


@pytest.mark.parametrize(
    ("body", "looks"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"<!DOCTYPE html><title>Sign in</title>", "HTML"),
        (b"\n <html>", "HTML"),
        (b'{"users": [', "cut short"),
        (b'{"users": [{"login": "oct', "cut short"),
        (b"Bad Gateway", "not JSON"),
        (b'{"users": []}}', "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not JSON"),
        (b"[" * 10_000, "not JSON"),
        (b"1" * 10_000, "not JSON"),
    ],
)
def test_body_that_is_not_json_is_a_payload_error(body: bytes, looks: str) -> None:
    """The error says what the body looks like; one that is empty or cut short may be whole the next time."""
    with pytest.raises(PayloadError, match=f"GET /enterprises.*: the body is {looks}; is api_url right") as caught:
        decode(body, SYNC_URL, {}, CONTEXT)
    assert caught.value.transient is (looks in {"empty", "cut short"})


@given(
    st.recursive(
        st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_every_json_that_is_cut_short_is_transient(value: Any) -> None:
    """Wherever a body ends too early, asking again may help."""
    body = json.dumps([value]).encode()
    for end in range(len(body)):
        with pytest.raises(PayloadError) as caught:
            decode(body[:end], SYNC_URL, {}, CONTEXT)
        assert caught.value.transient


@pytest.mark.parametrize(
    ("status", "kind", "reason", "transient"),
    [
        (400, PayloadError, Reason.PAYLOAD, False),
        (401, Unauthorized, Reason.UNAUTHORIZED, False),
        (403, Forbidden, Reason.FORBIDDEN, False),
        (404, Unavailable, Reason.UNAVAILABLE, False),
        (405, Unavailable, Reason.UNAVAILABLE, False),
        (410, Unavailable, Reason.UNAVAILABLE, False),
        (451, Unavailable, Reason.UNAVAILABLE, False),
        (422, PayloadError, Reason.PAYLOAD, False),
        (429, RateLimited, Reason.RATE_LIMITED, False),
        (500, ServerError, Reason.SERVER_ERROR, True),
        (501, ServerError, Reason.SERVER_ERROR, False),
        (502, ServerError, Reason.SERVER_ERROR, True),
        (503, ServerError, Reason.SERVER_ERROR, True),
        (504, ServerError, Reason.SERVER_ERROR, True),
        (202, PayloadError, Reason.PAYLOAD, False),
        (204, PayloadError, Reason.PAYLOAD, False),
        (302, PayloadError, Reason.PAYLOAD, False),
        (418, PayloadError, Reason.PAYLOAD, False),
    ],
)
def test_each_status_has_its_error_and_reason(
    status: int, kind: type[GitHubError], reason: Reason, transient: bool
) -> None:
    """A status gives one kind of error, which knows it and whether asking again may help."""
    error = refusal(status)
    assert type(error) is kind
    assert (error.reason, error.status, error.transient) == (reason, status, transient)
    assert str(error).startswith(f"GET /enterprises/{{enterprise}}/license-sync-status answered {status}")


@pytest.mark.parametrize(
    ("headers", "message", "hint"),
    [
        ({"x-github-sso": "required; url=https://octo.example/sso"}, "", "authorize the token for single sign-on"),
        ({}, "Your `acme` organization has an IP allow list enabled", "is not on the IP allow list"),
        ({}, "Resource not accessible by integration", "configure runner_auth with a classic personal access token"),
        (SCOPES, "Must have admin rights", LACKS),
        ({"x-oauth-scopes": ""} | SCOPES | {"x-oauth-scopes": ""}, "", LACKS),
        ({"x-oauth-scopes": "read:enterprise", "x-accepted-oauth-scopes": "read:enterprise"}, "", "may not read this"),
        ({"x-accepted-oauth-scopes": "read:enterprise"}, "", "the credential may not read this"),
        ({"x-oauth-scopes": "repo", "x-accepted-oauth-scopes": ""}, "", "the credential may not read this"),
        ({}, "", "the credential may not read this"),
    ],
)
def test_403_says_what_is_missing(headers: dict[str, str], message: str, hint: str) -> None:
    """A 403 that no waiting cures says what an administrator can do."""
    error = refusal(403, headers, message)
    assert error.reason is Reason.FORBIDDEN
    assert hint in str(error)


@pytest.mark.parametrize(
    ("headers", "hint"), [({}, "wrong slug, credential without the scope, or not offered"), (SCOPES, LACKS)]
)
def test_404_names_missing_scopes(headers: dict[str, str], hint: str) -> None:
    """A 404 names the missing scope, because GitHub hides what a token may not see."""
    assert hint in str(refusal(404, headers, "Not Found"))


@pytest.mark.parametrize("scopes", ["read:enterprise\r\n evil", "Read Me", "<b>", "x" * 81, "%s", ""])
def test_malformed_scopes_are_left_out(scopes: str) -> None:
    """What is not spelt like a scope does not reach the message."""
    headers = {"x-oauth-scopes": "repo", "x-accepted-oauth-scopes": scopes}
    assert str(refusal(403, headers)).endswith(": the credential may not read this")


@pytest.mark.parametrize(
    ("identity", "shown"),
    [("C0FF:EE17:OCTO", True), ("", False), ("x" * 80, False), ("two\r\nlines", False), (f"bell{chr(7)}", False)],
)
def test_message_contains_a_valid_request_id_only(identity: str, shown: bool) -> None:
    """The message holds GitHub's request id when it looks like one."""
    error = refusal(500, {"x-github-request-id": identity})
    assert (f" (request {identity})" in str(error)) == shown
    assert str(error).isprintable()


def test_rate_limit_is_an_error_of_its_own() -> None:
    """A limit is no other refusal; it knows when to ask again and what it stops."""
    secondary = refusal(403, {"retry-after": "90"}, "You have exceeded a secondary rate limit")
    assert isinstance(secondary, RateLimited)
    assert (secondary.retry_at, secondary.secondary, secondary.status) == (NOW + 90, True, 403)
    assert str(secondary).endswith(": secondary rate limit")
    quota = {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 600)}
    primary = refusal(429, quota)
    assert isinstance(primary, RateLimited)
    assert (primary.retry_at, primary.secondary, primary.status) == (NOW + 600, False, 429)
    assert str(primary).endswith(": primary rate limit")


@pytest.mark.parametrize(("value", "expected"), [("7", 7), (None, None), ("soon", None)])
def test_server_error_carries_retry_after(value: str | None, expected: float | None) -> None:
    """A failing server may say when to ask again."""
    assert refusal(503, {} if value is None else {"retry-after": value}).retry_after == expected


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"rate limit"', b'{"message": 5}', b'{"message": null}', b"<p>"]
)
def test_malformed_message_is_ignored(body: bytes) -> None:
    """A refusal without a readable message is judged by its status and headers."""
    assert type(error_for(403, {}, body, NOW, CONTEXT)) is Forbidden


@settings(deadline=None)
@given(
    status=st.integers(201, 599),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "retry-after",
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
                "x-github-sso",
                "x-oauth-scopes",
                "location",
                "server",
            ]
        ),
        st.text(max_size=20) | st.sampled_from(["0", "60", TOKEN, SECRET_BODY]),
    ),
    body=st.binary(max_size=50).map(lambda rest: SECRET_BODY.encode() + TOKEN.encode() + rest)
    | st.sampled_from(
        [
            json.dumps({"message": f"{words} {SECRET_BODY} {TOKEN}"}).encode()
            for words in ("secondary rate limit", "IP allow list", "not accessible by integration", "abuse detection")
        ]
    ),
)
def test_no_error_repeats_the_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    """No refusal, whatever its status, headers and body, makes a message that holds body or token."""
    error = error_for(status, headers, body, NOW, CONTEXT)
    printed = f"{error} {error!r} {error.args}"
    assert SECRET_BODY not in printed
    assert TOKEN not in printed


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/x",
        "https://API.Example.COM/x",
        "https://api.example.com:443/x",
        "HTTPS://api.example.com",
        "https://api.example.com/organizations/17/x?page=2&q=a@b",
        "https://api.example.com?page=2",
    ],
)
def test_url_of_the_origin_is_accepted(url: str) -> None:
    """Scheme, host and port decide, not how they are written."""
    assert is_same_origin(url, API)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/x",
        "https://api.example.com:8443/x",
        "https://api.example.com:80/x",
        "https://example.com/x",
        "https://api.example.com.evil.example/x",
        "https://evil.example/api.example.com",
        "https://api.example.com@evil.example/x",
        "https://evil.example@api.example.com/x",
        "https://user:secret@api.example.com/x",
        "https://evil.example\\@api.example.com/x",
        "https://api.example.com\\@evil.example/x",
        "https:\\\\api.example.com/x",
        "https://api.example.com\t.evil.example/x",
        "https://api.exam\tple.com/x",
        "https://api.example.com./x",
        "https://api.example.com:port/x",
        "https://api.example.com:99999/x",
        "https://[::1/x",
        "//api.example.com/x",
        "/x",
        "ftp://api.example.com/x",
        "javascript:alert(1)",
        "",
    ],
)
def test_url_of_another_origin_is_refused(url: str) -> None:
    """Another scheme, host or port is foreign, and so is what two parsers could read differently."""
    assert not is_same_origin(url, API)


PIECES = [*"/\\@:?#.%[]; \t", "https://", "http:", "//", "443", "api.example.com", "evil.example"]


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join) | st.text(max_size=20))
def test_every_accepted_url_leads_to_the_origin(rest: str) -> None:
    """Whatever URL is taken for our own, the library that connects would connect to our host and port."""
    for url in (rest, f"https://{rest}", f"{API}{rest}", resolve(SYNC_URL, rest)):
        if is_same_origin(url, API):
            try:
                prepared = requests.Request("GET", url).prepare()
            except (requests.RequestException, UnicodeError):
                continue
            parts = urlsplit(str(prepared.url))
            assert (parts.scheme, parts.hostname, parts.port or 443) == ("https", "api.example.com", 443)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://api.example.com/y", "https://api.example.com/y"),
        ("/y?page=2", "https://api.example.com/y?page=2"),
        ("?page=2", f"{SYNC_URL}?page=2"),
        ("//evil.example/y", "https://evil.example/y"),
        ("", SYNC_URL),
        ("https://[::1/y", ""),
    ],
)
def test_location_is_resolved_against_the_answer(location: str, expected: str) -> None:
    """A relative address is taken from where it was found; what is no URL leads nowhere."""
    assert resolve(SYNC_URL, location) == expected
