"""Walking lists, however GitHub counts their pages."""

import threading
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import PayloadError, ServerError
from exporter.github.paging import PER_PAGE, Page, walk
from tests.github.listing import LIST, Asked, Links, linked, no_links, sliced


@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 200, 950, 1000])
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(
    "style",
    [
        pytest.param(lambda total, last: Asked(sliced(total), linked(last)), id="next and last"),
        pytest.param(lambda total, last: Asked(sliced(total), linked(last, tell_last=False)), id="next alone"),
        pytest.param(
            lambda total, last: Asked(sliced(total, total_count=total), linked(last)), id="links and total_count"
        ),
        pytest.param(lambda total, _last: Asked(sliced(total, total_count=total)), id="total_count"),
        pytest.param(lambda total, _last: Asked(sliced(total, total_count=str(total))), id="total_count as text"),
        pytest.param(lambda total, _last: Asked(sliced(total, per_page=30, total_count=total)), id="capped pages"),
        pytest.param(lambda total, _last: Asked(sliced(total)), id="short page"),
        pytest.param(lambda total, _last: Asked(sliced(total, total_count=None)), id="total_count null"),
        pytest.param(lambda total, _last: Asked(lambda page: sliced(total)(page)["items"], key=""), id="bare array"),
        pytest.param(
            lambda total, last: Asked(lambda page: sliced(total, has_next_page=page < last)(page)), id="has_next_page"
        ),
        pytest.param(
            lambda total, last: Asked(lambda page: sliced(total, per_page=100, has_next_page=page < last)(page)),
            id="has_next_page, capped",
        ),
        pytest.param(
            lambda total, _last: Asked(sliced(total, has_next_page=None, total_count=total)), id="has_next_page null"
        ),
    ],
)
def test_every_style_of_paging_yields_every_item_once(
    style: Callable[[int, int], Asked], total: int, workers: int
) -> None:
    """Whatever announces the number of pages, every item comes once and in order."""
    asked = style(total, max(1, -(-total // PER_PAGE)))
    asked.workers = workers
    assert asked.items() == list(range(total))
    assert sorted(set(asked.numbers)) == sorted(asked.numbers)
    assert sorted(set(asked.urls)) == sorted(asked.urls)


@settings(deadline=None)
@given(
    total=st.integers(0, 700),
    per_page=st.integers(1, 120),
    workers=st.integers(1, 6),
    has_links=st.booleans(),
    has_total=st.booleans(),
    tell_last=st.booleans(),
)
def test_list_of_any_length_comes_whole(
    total: int, per_page: int, workers: int, has_links: bool, has_total: bool, tell_last: bool
) -> None:
    """Lists of any length, in pages of any size the server chooses, come whole where it announces anything."""
    last = max(1, -(-total // per_page))
    links = linked(last, tell_last=tell_last) if has_links else no_links
    envelope = {"total_count": total} if has_total else {}
    asked = Asked(sliced(total, per_page, **envelope), links, workers=workers)
    if has_links or has_total or per_page >= PER_PAGE:
        assert asked.items() == list(range(total))


def test_pages_are_asked_for_in_parallel() -> None:
    """With a known last page, pages are asked for by as many threads as allowed."""
    together = threading.Barrier(3, timeout=10)

    def body(page: int) -> Any:
        if page > 1:
            together.wait()
        return sliced(700)(page)

    assert Asked(body, linked(7), workers=3).items() == list(range(700))


def test_look_ahead_is_bounded() -> None:
    """Pages are not asked for faster than twice the workers ahead of what is folded."""
    asked = Asked(sliced(10_000), linked(100), workers=2)
    for taken, _page in enumerate(walk(asked.source), start=1):
        assert len(asked.numbers) - taken <= 4


def test_nothing_is_asked_before_a_page_is_taken() -> None:
    """A walk that nobody takes a page of asks for nothing, and the first page alone asks for no other."""
    asked = Asked(sliced(1000), linked(10))
    pages = walk(asked.source)
    assert asked.numbers == []
    assert next(pages).items == list(range(100))
    assert asked.numbers == [1]


def test_closing_a_walk_stops_requests() -> None:
    """After closing a walk nothing more is asked than what was under way."""
    asked = Asked(sliced(10_000), linked(100), workers=2)
    pages = walk(asked.source)
    assert len(list(islice(pages, 3))) == 3
    pages.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name.startswith("pages-"):
            thread.join(10)
    assert len(asked.numbers) <= 3 + 4


@pytest.mark.parametrize("tell_last", [True, False])
def test_failed_page_ends_the_walk_after_the_pages_before_it(tell_last: bool) -> None:
    """The failure of one page ends the walk with its error after the pages before it, and soon all requests."""

    def body(page: int) -> Any:
        if page == 5:
            raise ServerError("GET /list answered 502")
        return sliced(10_000)(page)

    asked = Asked(body, linked(100, tell_last=tell_last), workers=2)
    pages = walk(asked.source)
    seen = [item for page in islice(pages, 4) for item in page.items]
    with pytest.raises(ServerError, match="502"):
        next(pages)
    for thread in threading.enumerate():
        if thread.name.startswith("pages-"):
            thread.join(10)
    assert seen == list(range(400))
    assert len(asked.numbers) + len(asked.urls) <= 5 + 4


@pytest.mark.parametrize("tell_last", [True, False])
def test_list_that_grows_is_read_to_its_end(tell_last: bool) -> None:
    """Pages that appear while the others are read are read as well."""

    def links(page: int) -> Mapping[str, str]:
        return linked(5 if page < 3 else 7, tell_last=tell_last)(page)

    assert Asked(sliced(700), links).items() == list(range(700))


def test_counted_list_that_grows_is_read_to_its_end() -> None:
    """A list without links that outgrows its total is read to its short page."""
    asked = Asked(lambda page: sliced(650, total_count=300 if page == 1 else 650)(page))
    assert asked.items() == list(range(650))


@pytest.mark.parametrize("last", [3, 5])
def test_list_that_shrinks_ends_with_empty_pages(last: int) -> None:
    """Pages that are gone by the time they are asked for are empty, several in a row too."""
    linked_list = Asked(lambda page: sliced(1000 if page == 1 else 250)(page), linked(last))
    assert linked_list.items() == list(range(250))
    total = last * 100
    counted = Asked(lambda page: sliced(total if page == 1 else 250, total_count=total if page == 1 else 250)(page))
    assert counted.items() == list(range(250))


def test_wrong_total_does_not_shorten_a_linked_list() -> None:
    """Where there are links, a total that is wrong does no harm."""
    assert Asked(sliced(300, total_count=5), linked(3)).items() == list(range(300))
    assert Asked(sliced(300, total_count=10**9), linked(3)).items() == list(range(300))


def test_empty_page_after_a_full_one_is_not_yielded() -> None:
    """A list that ends with a full page is followed by an empty one, which is not handed on."""
    assert [len(page.items) for page in walk(Asked(sliced(200)).source)] == [100, 100]


@pytest.mark.parametrize(
    ("body", "pages"),
    [
        ({"items": []}, 1),
        ({"items": [], "total_count": 0}, 1),
        ({"items": [], "total_count": 5}, 1),
        ({"items": [], "has_next_page": False}, 1),
        ({"items": [1], "has_next_page": False, "total_count": 1}, 1),
        ({"items": [1], "has_next_page": False, "total_count": 5}, 2),
        ({"items": [1], "total_count": 1}, 1),
        ({"items": [1], "total_count": 5}, 2),
    ],
)
def test_list_ends_where_nothing_announces_more(body: Any, pages: int) -> None:
    """A list ends where nothing announces more, or nothing new comes."""
    asked = Asked(lambda _page: body)
    assert asked.items() == body["items"]
    assert len(asked.numbers) == pages


def test_too_large_total_ends_with_an_empty_page() -> None:
    """A total above what there is ends with the first empty page."""
    asked = Asked(sliced(70, per_page=30, total_count=1000))
    assert asked.items() == list(range(70))
    assert asked.numbers == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(Asked(lambda _page: {"items": list(range(100))}), id="short page"),
        pytest.param(Asked(lambda _page: {"items": list(range(100)), "total_count": 300}), id="total_count"),
        pytest.param(Asked(lambda _page: {"items": [1], "has_next_page": True}), id="has_next_page"),
        pytest.param(Asked(lambda _page: {"items": [], "has_next_page": True}), id="has_next_page, empty"),
        pytest.param(
            Asked(lambda page: {"items": [], "has_next_page": True, "page": page}), id="has_next_page, empty and new"
        ),
        pytest.param(Asked(lambda _page: {"items": list(range(100)), "total_count": 0}), id="total 0"),
        pytest.param(Asked(lambda _page: list(range(100)), key=""), id="bare array"),
        pytest.param(Asked(lambda _page: {"items": [1]}, lambda _page: linked(5)(1)), id="links of the first page"),
        pytest.param(Asked(lambda _page: {"items": [1]}, lambda _page: linked(5, tell_last=False)(1)), id="next alone"),
    ],
)
def test_server_that_ignores_page_fails_the_walk(asked: Asked) -> None:
    """A server that gives the same page for every number ends the walk with an error."""
    with pytest.raises(PayloadError, match=r"page after page is|the next links repeat|is not new"):
        asked.items()
    assert len(asked.numbers) + len(asked.urls) <= 9


@pytest.mark.parametrize(
    ("asked", "requests"),
    [
        pytest.param(Asked(sliced(10**5), lambda page: {"next": f"{LIST}?page={page + 1}"}), 7, id="endless next"),
        pytest.param(Asked(sliced(10**5), linked(8)), 1, id="last page beyond"),
        pytest.param(Asked(sliced(10**5, total_count=701)), 1, id="total beyond"),
        pytest.param(Asked(sliced(10**5, total_count=1e300)), 1, id="absurd total"),
        pytest.param(Asked(sliced(10**5, per_page=30, total_count=10**5)), 7, id="capped pages"),
        pytest.param(Asked(sliced(10**5)), 7, id="never a short page"),
        pytest.param(Asked(sliced(10**5, has_next_page=True)), 7, id="has_next_page for ever"),
    ],
)
def test_list_above_max_pages_fails_the_walk(asked: Asked, requests: int) -> None:
    """A list that passes the limit of pages fails instead of being cut short."""
    asked.max_pages = 7
    with pytest.raises(PayloadError, match=r"limits\.max_pages \(7\)"):
        asked.items()
    assert len(asked.numbers) + len(asked.urls) == requests


@pytest.mark.parametrize(
    "asked",
    [
        Asked(sliced(700), linked(7)),
        Asked(sliced(700), linked(7, tell_last=False)),
        Asked(sliced(650, total_count=650)),
        Asked(sliced(200, per_page=30, total_count=200)),
    ],
)
def test_list_of_exactly_max_pages_is_read(asked: Asked) -> None:
    """A list of exactly as many pages as allowed is read."""
    asked.max_pages = 7
    assert asked.items()[-1] in {699, 649, 199}


@pytest.mark.parametrize("key", ["items", ""])
@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {}}, {"items": "x"}, None, "x", 5, True])
def test_answer_without_the_list_fails_the_walk(body: Any, key: str) -> None:
    """An answer without the list, or with something else in its place, says nothing and fails."""
    with pytest.raises(PayloadError, match=f"GET /list: no list {key or 'of records'} in the answer"):
        Asked(lambda _page: body, key=key).items()


def test_bare_array_is_not_an_envelope() -> None:
    """A bare array is not taken for an object that holds the list."""
    with pytest.raises(PayloadError, match="no list items"):
        Asked(lambda _page: [1, 2]).items()


@pytest.mark.parametrize("links", [linked(5), no_links])
def test_later_page_without_the_list_fails_the_walk(links: Links) -> None:
    """A later page without the list fails the walk too."""
    asked = Asked(lambda page: {"message": "?"} if page == 3 else sliced(500, total_count=500)(page), links)
    with pytest.raises(PayloadError, match="no list items"):
        asked.items()


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [({"total_count": 7}, 7), ({"total_count": "7"}, 7), ({"total_count": None}, None), ({}, None)],
)
def test_total_count_of_a_page_is_a_number_or_none(envelope: dict[str, Any], expected: float | None) -> None:
    """A page has a total where one is reported."""
    assert Page([], envelope).total_count == expected
