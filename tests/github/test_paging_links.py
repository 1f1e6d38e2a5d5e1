"""Links of lists: which are followed, and which end the walk."""

from collections.abc import Mapping

import pytest

from exporter.errors import Cause, PayloadError
from tests.github.conftest import API
from tests.github.listing import LIST, Asked, Links, linked, sliced

LIST_PATH = "/enterprises/acme/list"


def test_last_link_that_points_back_is_ignored() -> None:
    """A last link that points back does not end the walk before the next links do."""

    def links(page: int) -> Mapping[str, str]:
        return {"next": f"{LIST}?page={page + 1}", "last": f"{LIST}?page=1"} if page < 3 else {}

    assert Asked(sliced(300), links).items() == list(range(300))


@pytest.mark.parametrize("last", ["", "page=", "page=x", "page=-1", "page=1&page=2", "page=99999999999", "cursor=abc"])
def test_last_link_without_number_is_ignored(last: str) -> None:
    """Without a plain number of the last page the next links are followed one by one."""

    def links(page: int) -> Mapping[str, str]:
        return {"next": f"{LIST}?page={page + 1}", "last": f"{LIST}?{last}"} if page < 3 else {}

    asked = Asked(sliced(250), links)
    assert asked.items() == list(range(250))
    assert (asked.numbers, len(asked.urls)) == ([1], 2)


def test_relative_link_is_followed() -> None:
    """A relative next link is taken from the page that holds it."""
    asked = Asked(sliced(200), lambda page: {"next": "?page=2&cursor=x"} if page == 1 else {})
    assert asked.items() == list(range(200))
    assert asked.urls == [f"{LIST}?page=2&cursor=x"]


@pytest.mark.parametrize(
    ("following", "requests"),
    [
        pytest.param(lambda _page: {"next": f"{LIST}?page=1"}, 2, id="to the second again"),
        pytest.param(lambda page: {"next": f"{LIST}?page={3 - page}"}, 3, id="back and forth"),
        pytest.param(lambda _page: {"next": f"{LIST}?per_page=100&page=1"}, 1, id="to itself"),
        pytest.param(lambda page: linked(2)(1) if page == 1 else {"next": f"{LIST}?page=2"}, 2, id="last to itself"),
        pytest.param(lambda _page: linked(5)(1), 5, id="last to the second"),
    ],
)
def test_repeating_links_fail_the_walk(following: Links, requests: int) -> None:
    """Next links that lead in a circle end the walk with an error as soon as one comes again."""
    asked = Asked(lambda page: {"items": [page]}, following)
    with pytest.raises(PayloadError, match=r"the next links repeat|names a next one that is not new"):
        asked.items()
    assert len(asked.numbers) + len(asked.urls) == requests


@pytest.mark.parametrize("rel", ["next", "last"])
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/list?page=2",
        "http://api.example.com/list?page=2",
        "https://api.example.com:8443/list?page=2",
        "//evil.example/list?page=2",
        "https://evil.example\\@api.example.com/list?page=2",
        "https://evil.example@api.example.com/list?page=2",
        "ftp://api.example.com/list?page=2",
        "https://[::1/list?page=2",
        f"https://[::1{LIST_PATH}?page=2",
        "https://evil.example/enterprises/globex/list?page=2",
        "https://evil.example/enterprises/acme/list/more?page=2",
        "https://evil.example/enterprises/acme/other/../list?page=2",
        "https://evil.example/orgs/acme/list?page=2",
        f"https://evil.example/x{LIST_PATH}?page=2",
        f"https://evil.example{LIST_PATH}/\x07?page=2",
    ],
)
def test_link_elsewhere_fails_the_walk(rel: str, target: str) -> None:
    """A link to another scheme, host or port whose path is not that of the list is not followed."""
    asked = Asked(sliced(200), lambda page: dict(linked(2)(page)) | {rel: target})
    with pytest.raises(PayloadError, match=f"the {rel} link leads to another host; not followed") as caught:
        asked.items()
    assert (asked.numbers, asked.urls) == ([1], [])
    assert caught.value.cause is Cause.REDIRECTED


@pytest.mark.parametrize("tell_last", [True, False])
@pytest.mark.parametrize(
    "address",
    [
        f"https://internal.example{LIST_PATH}",
        f"http://api.example.com{LIST_PATH}",
        f"https://api.example.com:8443{LIST_PATH}",
        f"//internal.example{LIST_PATH}",
        f"https://octo@internal.example{LIST_PATH}",
        f"https://internal.example/api/v3{LIST_PATH}",
        "https://internal.example/enterprises/17/list",
        "https://internal.example/Enterprises/ACME/list",
        "https://internal.example/enterprises/%61cme/list",
    ],
)
def test_link_of_the_list_is_followed_on_the_configured_origin(address: str, tell_last: bool) -> None:
    """A server that names itself otherwise is asked by the configured address, and the list comes whole."""

    def links(page: int) -> Mapping[str, str]:
        return {
            rel: url.replace(f"{API}/enterprises/17/list", address)
            for rel, url in linked(7, tell_last=tell_last)(page).items()
        }

    asked = Asked(sliced(650), links)
    assert asked.items() == list(range(650))
    assert all(url.startswith(f"{API}/") for url in asked.urls)


def test_foreign_link_on_a_later_page_fails_the_walk() -> None:
    """The pages before it do not make it trustworthy."""
    asked = Asked(sliced(400), lambda page: linked(2)(1) if page == 1 else {"next": "https://evil.example/?page=3"})
    with pytest.raises(PayloadError, match="another host"):
        asked.items()
    assert asked.urls == []
