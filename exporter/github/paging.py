"""Walk the pages of a list, however GitHub counts them: `Link`, `total_count`, `has_next_page` or a short page.

Source: docs.github.com, "Using pagination in the REST API". Several enterprise lists send no `Link` header.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from exporter.errors import PayloadError
from exporter.github.answers import Answer, is_same_origin, resolve
from exporter.github.models import number
from exporter.github.parallel import in_order

PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its records as they came and the object around them."""

    items: list[Any]
    envelope: Mapping[str, Any]

    @property
    def total_count(self) -> float | None:
        """How many records the whole list has, if told."""
        return number(self.envelope.get("total_count"))


class RepeatedPage(PayloadError):
    """A page is the one before it: the list would never end."""


def as_sent(value: Any) -> Any:
    """The envelope of an answer, where it needs no other form."""
    return value


@dataclass(frozen=True, slots=True)
class PageSource:
    """How to ask for pages of one list.

    Attributes:
        context: how errors call it.
        key: the list in the object, empty for a bare array.
        by_number: asks for a page.
        by_url: asks for the page of a link.
        max_pages: where to give up.
        workers: how many pages to ask for at a time.
        envelope: brings an answer into the form of the others.
        may_ignore_page: the endpoint documents no pages, so that a repeated one means that it sends the whole list.
    """

    context: str
    key: str
    by_number: Callable[[int], Answer]
    by_url: Callable[[str], Answer]
    max_pages: int
    workers: int
    envelope: Callable[[Any], Any] = as_sent
    may_ignore_page: bool = False

    def page(self, answer: Answer) -> Page:
        """Open the envelope.

        Raises:
            PayloadError: the list is not where it should be.
        """
        return opened(self.envelope(answer.value), self.key, self.context)


def opened(value: Any, key: str, context: str) -> Page:
    """The page in *value*; *key* names its list, empty for a bare array.

    Raises:
        PayloadError: the list is not where it should be. An answer without it says nothing, not "none".
    """
    envelope = value if isinstance(value, dict) else {}
    items = envelope.get(key) if key else value
    if not isinstance(items, list):
        raise PayloadError(f"{context}: no list {key or 'of records'} in the answer")
    return Page(items, envelope)


def walk(source: PageSource) -> Iterator[Page]:
    """Yield every page in order.

    Raises:
        PayloadError: the pages never end, repeat, or lead to another host.
    """
    try:
        yield from _pages(source)
    except RepeatedPage:
        if not source.may_ignore_page:
            raise


def _pages(source: PageSource) -> Iterator[Page]:
    first = source.by_number(1)
    page = source.page(first)
    yield page
    following = _link(source, first, "next")
    if following is not None:
        last = _link(source, first, "last")
        yield from _linked(source, first, following, _page_number(last) if last else None)
    elif page.envelope.get("has_next_page") is True:
        yield from _numbered(source, first, page, lambda page: page.envelope.get("has_next_page") is True)
    elif page.envelope.get("has_next_page") is not False and page.items:
        yield from _counted(source, first, page)


def _linked(source: PageSource, first: Answer, following: str, last: int | None) -> Iterator[Page]:
    answer, link = first, following
    seen = {first.url}
    pages = 1
    if last is not None and _page_number(following) == 2:  # noqa: PLR2004 - plain page numbers: fetch them in parallel
        for answer in _range(source, 2, last):
            seen.add(answer.url)
            pages += 1
            yield source.page(answer)
        link = _link(source, answer, "next") or ""
        if link and _page_number(link) != last + 1:
            raise PayloadError(f"{source.context}: the last page names a next one that is not new")
    while link:
        if link in seen or pages >= source.max_pages:
            raise PayloadError(f"{source.context}: the next links repeat or pass limits.max_pages ({source.max_pages})")
        seen.add(link)
        answer = source.by_url(link)
        pages += 1
        yield source.page(answer)
        link = _link(source, answer, "next") or ""


def _counted(source: PageSource, first: Answer, page: Page) -> Iterator[Page]:
    size, total = len(page.items), page.total_count
    if size >= PER_PAGE and total is not None and total > size:
        last = math.ceil(total / size)
        for answer in _range(source, 2, last):
            first, page = answer, _new_page(source, first, answer)
            yield page
        if len(page.items) >= size:  # it grew meanwhile
            yield from _numbered(source, first, page, lambda page: len(page.items) >= size, start=last + 1)
    elif size >= PER_PAGE and total is None:
        yield from _numbered(source, first, page, lambda page: len(page.items) >= size)
    elif total is not None and total > size:
        yield from _short(source, first, size, total)


def _short(source: PageSource, first: Answer, size: int, total: float) -> Iterator[Page]:
    """Pages smaller than asked for, or a total that promises more than there is: stop when nothing new comes."""
    answer, seen, page_number = first, size, 1
    while seen < total:
        page_number += 1
        if page_number > source.max_pages:
            raise _too_many(source)
        previous, answer = answer, source.by_number(page_number)
        page = source.page(answer)
        if not page.items or answer.fingerprint == previous.fingerprint:
            return
        seen += len(page.items)
        yield page


def _numbered(
    source: PageSource, answer: Answer, page: Page, has_more: Callable[[Page], bool], start: int = 2
) -> Iterator[Page]:
    page_number = start
    while has_more(page):
        if page_number > source.max_pages:
            raise _too_many(source)
        previous, answer = answer, source.by_number(page_number)
        page = _new_page(source, previous, answer)
        if not page.items and answer.fingerprint == previous.fingerprint and has_more(page):
            raise PayloadError(f"{source.context}: page after page is the same, and empty; the list would never end")
        page_number += 1
        if page.items:
            yield page


def _range(source: PageSource, start: int, last: int) -> Iterator[Answer]:
    if last > source.max_pages:
        raise _too_many(source)
    return in_order(source.by_number, range(start, last + 1), source.workers)


def _too_many(source: PageSource) -> PayloadError:
    return PayloadError(f"{source.context}: more pages than limits.max_pages ({source.max_pages})")


def _new_page(source: PageSource, previous: Answer, answer: Answer) -> Page:
    page = source.page(answer)
    if page.items and answer.fingerprint == previous.fingerprint:
        raise RepeatedPage(f"{source.context}: page after page is the same; the list would never end")
    return page


def _link(source: PageSource, answer: Answer, rel: str) -> str | None:
    if rel not in answer.links:
        return None
    url = resolve(answer.url, answer.links[rel])
    if not is_same_origin(url, answer.url):
        raise PayloadError(f"{source.context}: the {rel} link leads to another host; not followed")
    return url


def _page_number(url: str) -> int | None:
    values = parse_qs(urlsplit(url).query).get("page", [])
    return int(values[0]) if len(values) == 1 and re.fullmatch(r"[0-9]{1,9}", values[0]) else None
