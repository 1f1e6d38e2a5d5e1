"""Redirects, which stay on the configured host."""

import pytest
import responses

from exporter.errors import (
    PayloadError,
)
from exporter.github.client import Client
from exporter.github.run import Run
from tests.github.conftest import API, SYNC, SYNC_URL, TOKEN, RecordingObserver, calls


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_on_the_same_host_is_followed(
    client: Client, run: Run, github: responses.RequestsMock, observer: RecordingObserver, status: int
) -> None:
    """A redirect on the same host is followed with the token, and the answer knows where it came from."""
    github.get(SYNC_URL, status=status, headers={"Location": "/enterprises/17/license-sync-status"})
    github.get(f"{API}/enterprises/17/license-sync-status", json=[1])
    answer = client.get(SYNC, SYNC_URL, run)
    assert (answer.value, answer.url) == ([1], f"{API}/enterprises/17/license-sync-status")
    assert github.calls[1].request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert observer.codes == [str(status), "200"]


@pytest.mark.parametrize(("redirects", "follows"), [(5, True), (6, False)])
def test_sixth_redirect_is_not_followed(
    client: Client, run: Run, github: responses.RequestsMock, redirects: int, follows: bool
) -> None:
    """Five redirects in a row are followed, no more."""
    for number in range(redirects):
        github.get(f"{API}/{number}", status=302, headers={"Location": f"/{number + 1}"})
    github.get(f"{API}/{redirects}", json=[1])
    if follows:
        assert client.get(SYNC, f"{API}/0", run).value == [1]
    else:
        with pytest.raises(PayloadError, match="redirected more than 5 times"):
            client.get(SYNC, f"{API}/0", run)
        assert calls(github) == 6


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/x",
        "http://api.example.com/x",
        "https://api.example.com:8443/x",
        "//evil.example/x",
        "https://evil.example\\@api.example.com/x",
        "https://user:secret@api.example.com/x",
        "ftp://api.example.com/x",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_redirect_to_another_origin_is_not_followed(
    client: Client, run: Run, github: responses.RequestsMock, location: str
) -> None:
    """A redirect to another scheme, host or port is not followed."""
    github.get(SYNC_URL, status=302, headers={"Location": location})
    with pytest.raises(PayloadError, match="another host; not followed, to keep the token here"):
        client.get(SYNC, SYNC_URL, run)
    assert calls(github) == 1


def test_redirect_without_location_is_a_payload_error(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A redirect that does not say where to is a payload error."""
    github.get(SYNC_URL, status=302)
    with pytest.raises(PayloadError, match="answered 302"):
        client.get(SYNC, SYNC_URL, run)
