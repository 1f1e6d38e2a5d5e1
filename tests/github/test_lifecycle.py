"""`Sunset` and `Deprecation`: what answers announce of the end of an endpoint."""

from datetime import UTC, datetime

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import GitHubError
from exporter.github.client import Client
from exporter.github.observer import report_lifecycle
from exporter.github.run import Run
from tests.github.conftest import SYNC, SYNC_URL, RecordingObserver

DATE = "Wed, 11 Nov 2026 23:59:59 GMT"
AT = datetime(2026, 11, 11, 23, 59, 59, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "sunsets", "deprecations"),
    [
        ({"Sunset": DATE}, [AT], 0),
        ({"Sunset": DATE, "Deprecation": "@1688169599"}, [AT], 0),
        ({"Deprecation": "@1688169599"}, [None], 1),
        ({"Deprecation": DATE}, [None], 1),
        ({"Deprecation": "true"}, [None], 1),
        ({"Deprecation": "false"}, [None], 0),
        ({"Deprecation": "@soon"}, [None], 0),
        ({"Sunset": "soon", "Deprecation": "true"}, [None], 1),
        ({"Sunset": "2026-11-11"}, [None], 0),
        ({"Sunset": "@1794441599"}, [None], 0),
        ({"Sunset": "Thu, 01 Jan 1970 00:00:00 GMT"}, [None], 0),
        ({"Sunset": "Wed, 99 Nov 2026 23:59:59 GMT"}, [None], 0),
        ({}, [None], 0),
    ],
)
def test_headers_of_an_answer_are_reported(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    observer: RecordingObserver,
    headers: dict[str, str],
    sunsets: list[float | None],
    deprecations: int,
) -> None:
    """A valid date is reported, none at all too; a deprecation only where no end is announced."""
    github.get(SYNC_URL, json={}, headers=headers)
    assert client.get(SYNC, SYNC_URL, run).value == {}
    assert observer.sunsets == [(SYNC.path, at) for at in sunsets]
    assert observer.deprecations == [SYNC.path] * deprecations


def test_not_modified_keeps_what_is_known(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver
) -> None:
    """A 304 need not repeat the header."""
    github.get(SYNC_URL, json={}, headers={"Sunset": DATE, "ETag": '"octo"'})
    github.get(SYNC_URL, status=304)
    client.get(SYNC, SYNC_URL, run)
    client.get(SYNC, SYNC_URL, run)
    assert observer.sunsets == [(SYNC.path, AT)]


@pytest.mark.parametrize(
    ("status", "body", "sunsets"), [(410, "{}", [AT]), (404, "{}", [AT]), (404, "<html>", []), (200, "<html>", [])]
)
def test_refusal_announces_an_end_but_never_revokes_one(
    client: Client,
    run: Run,
    github: responses.RequestsMock,
    observer: RecordingObserver,
    status: int,
    body: str,
    sunsets: list[float],
) -> None:
    """A refusal says nothing by what it leaves out; a web page, which a proxy sends, says nothing at all."""
    github.get(SYNC_URL, status=status, body=body, headers={"Sunset": DATE})
    github.get(SYNC_URL, status=403, json={})
    for _ in range(2):
        with pytest.raises(GitHubError):
            client.get(SYNC, SYNC_URL, run)
    assert observer.sunsets == [(SYNC.path, at) for at in sunsets]


TEXT = st.text() | st.sampled_from([DATE, "@1", "true", "9" * 30, "Wed, 31 Dec 9999 23:59:59 -2359", "@" + "9" * 12])


@given(sunset=TEXT, deprecation=TEXT)
def test_no_header_breaks_anything(sunset: str, deprecation: str) -> None:
    """Whatever it holds, there is one report of it at most, and a finite time after 1970."""
    observer = RecordingObserver()
    report_lifecycle(observer, SYNC, {"sunset": sunset, "deprecation": deprecation}, is_complete=True)
    [(_, at)] = observer.sunsets
    assert at is None or 0 < at < 1e12
