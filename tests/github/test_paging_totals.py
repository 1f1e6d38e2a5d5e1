"""Lists whose totals are wrong or missing, and full pages without links."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import PayloadError
from exporter.github.answers import Answer
from exporter.github.paging import PER_PAGE, walk
from tests.github.listing import LIST, Asked, Links, linked, no_links, sliced


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("reported", [None, 0, 100, 150, 250, 999, "250", -7, 1e300])
@pytest.mark.parametrize("total", [100, 101, 200, 250, 300])
def test_full_page_never_ends_a_list(total: int, reported: object, workers: int) -> None:
    """Without links every record comes, whatever total is reported: none, too few, too many."""
    envelope: dict[str, Any] = {} if reported is None else {"total_count": reported}
    asked = Asked(sliced(total, **envelope), workers=workers)
    if reported == 1e300:
        with pytest.raises(PayloadError, match="max_pages"):
            asked.items()
        return
    assert asked.items() == list(range(total))
    assert len(asked.numbers) <= max(total, float(str(reported or 0))) // 100 + 2


@pytest.mark.parametrize("total", [100, 200])
def test_link_header_ends_a_full_page(total: int) -> None:
    """A last page that links back is the last, so that nothing more is asked."""
    asked = Asked(sliced(total), lambda page: {"first": f"{LIST}?page=1"} if page * 100 >= total else linked(2)(page))
    assert asked.items() == list(range(total))
    assert len(asked.numbers) + len(asked.urls) == total // 100


def test_full_last_page_without_link_is_not_the_end() -> None:
    """A header that was lost on the way does not shorten the list."""
    asked = Asked(sliced(450), lambda page: linked(5, tell_last=False)(page) if page < 3 else {})
    assert asked.items() == list(range(450))


@pytest.mark.parametrize("cursors", [True, False])
def test_list_with_cursors_is_not_continued_by_number(cursors: bool) -> None:
    """Page numbers mean nothing to a list with cursors."""
    target = f"{LIST}?after=x&page=" if not cursors else f"{LIST}?after=page-"

    @dataclass
    class Cursors(Asked):
        def by_url(self, url: str) -> Answer:
            with self.lock:
                self.urls.append(url)
            return self.answer(int(url[-1]), url)

    asked = Cursors(sliced(300, total_count=900), lambda page: {"next": f"{target}{page + 1}"} if page < 3 else {})
    assert asked.items() == list(range(300))
    assert asked.numbers == ([1] if cursors else [1, 4])


@pytest.mark.parametrize(
    ("links", "size"), [(no_links, 50), (no_links, 100), (linked(2), 100), (linked(2, tell_last=False), 100)]
)
def test_larger_total_makes_the_walk_read_on(links: Links, size: int) -> None:
    """Where more is announced than came or was linked to, pages are asked for by number until an empty one."""
    asked = Asked(sliced(420, per_page=size, total_count=500), links)
    assert asked.items() == list(range(420))
    assert len(asked.numbers) + len(asked.urls) <= math.ceil(500 / size) + 1


def test_own_count_of_a_collector_makes_the_walk_read_on() -> None:
    """A list whose total counts something else is read on while that is incomplete."""
    asked = Asked(sliced(180, per_page=50, total_seats=120))
    people: set[int] = set()
    source = replace(asked.source, incomplete=lambda page, _received: page.envelope["total_seats"] > len(people))
    for page in walk(source):
        people.update(item // 2 for item in page.items)
    assert len(people) == 90
    assert asked.numbers == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("size", [50, 100])
def test_server_that_ignores_page_is_asked_once_more_alone(size: int) -> None:
    """A whole list that is sent for every page is complete where its total says so, and never read twice."""
    asked = Asked(lambda _page: {"items": list(range(size)), "total_count": size})
    assert asked.items() == list(range(size))
    assert len(asked.numbers) <= 2


@settings(deadline=None)
@given(
    total=st.integers(0, 700),
    per_page=st.sampled_from([30, 50, 100]),
    reported=st.none() | st.integers(-5, 1500) | st.sampled_from(["", "NaN", True, [], 10**400]),
    lost_from=st.integers(1, 9),
    has_links=st.booleans(),
)
def test_any_total_and_any_lost_link(
    total: int, per_page: int, reported: object, lost_from: int, has_links: bool
) -> None:
    """No record is read twice; none is missed where the pages are full or a total is not too small."""
    last = max(1, -(-total // per_page))

    def links(page: int) -> Mapping[str, str]:
        return linked(last)(page) if has_links and page < lost_from else {}

    asked = Asked(sliced(total, per_page, total_count=reported), links)
    received = asked.items()
    assert received == list(range(len(received)))
    announced = isinstance(reported, int) and not isinstance(reported, bool) and reported >= total
    if per_page >= PER_PAGE or (announced and reported < 10**9):  # type: ignore[operator]
        assert len(received) == total
