"""Walk the pages of a list, however GitHub counts them: `Link`, `total_count`, `has_next_page` or a short page.

A full page never ends a list by itself, and neither does anything else while a larger total is announced.

Source: docs.github.com, "Using pagination in the REST API". Several enterprise lists send no `Link` header.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from exporter.errors import Cause, PayloadError
from exporter.github.answers import Answer
from exporter.github.links import ListAddress
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
        """How many records the whole list has, if reported."""
        return number(self.envelope.get("total_count"))

    @property
    def has_next(self) -> bool | None:
        """Whether there is another page, if reported."""
        reported = self.envelope.get("has_next_page")
        return reported if isinstance(reported, bool) else None

    @property
    def is_full(self) -> bool:
        """Whether it holds as many records as were asked for."""
        return len(self.items) >= PER_PAGE


class RepeatedPage(PayloadError):
    """A page is the one before it: the list would never end."""


def as_sent(value: Any) -> Any:
    """The envelope of an answer, where it needs no other form."""
    return value


def announces_more(page: Page, received: int) -> bool:
    """Whether the *page* announces more records than the number *received*."""
    return page.total_count is not None and page.total_count > received


@dataclass(frozen=True, slots=True)
class PageSource:
    """How to ask for pages of one list.

    Attributes:
        context: the name of the list in errors.
        key: the list in the object, empty for a bare array.
        address: where the list is.
        by_number: asks for a page.
        by_url: asks for the page of a link.
        max_pages: where to give up.
        workers: how many pages to ask for at a time.
        envelope: brings an answer into the form of the others.
        may_ignore_page: the endpoint documents no pages, so that a repeated one means that it sends the whole list.
        incomplete: whether the last page announces more than was received; given that page and the number of records.
    """

    context: str
    key: str
    address: ListAddress
    by_number: Callable[[int], Answer]
    by_url: Callable[[str], Answer]
    max_pages: int
    workers: int
    envelope: Callable[[Any], Any] = as_sent
    may_ignore_page: bool = False
    incomplete: Callable[[Page, int], bool] = announces_more


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


def linked(answer: Answer, rel: str, address: ListAddress, context: str) -> str | None:
    """The URL of the page that *answer* links to as *rel*; None if it does not.

    Raises:
        PayloadError: the link leads to another host and is not of the list at *address*.
    """
    if rel not in answer.links:
        return None
    url = address.follow(answer.url, answer.links[rel])
    if url is None:
        said = f"{context}: the {rel} link leads to another host; not followed"
        raise PayloadError(said, cause=Cause.REDIRECTED)
    return url


def walk(source: PageSource) -> Iterator[Page]:
    """Yield every page in order.

    Raises:
        PayloadError: the pages never end, repeat, or lead to another host.
    """
    return _Walk(source).pages()


class _Walk:
    """One pass over a list: what was received so far and where it continues."""

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self._asked = 0
        self._received = 0
        self._first: list[Any] = []
        self._has_numbers = True
        """Whether pages have plain numbers, and not cursors."""

    def pages(self) -> Iterator[Page]:
        """Every page that something announces; then those that nothing linked to."""
        try:
            yield self._take(self._source.by_number(1))
            self._first = self._page.items
            following = self._link("next")
            if following is not None:
                yield from self._linked(following)
            elif self._page.has_next:
                yield from self._while_announced()
            elif self._page.is_full and announces_more(self._page, self._received):
                yield from self._counted()
            yield from self._unlinked()
        except RepeatedPage:
            if not self._source.may_ignore_page:
                raise

    def _take(self, answer: Answer) -> Page:
        """Open the page in *answer* and count what it holds."""
        source = self._source
        self._answer, self._page = answer, opened(source.envelope(answer.value), source.key, source.context)
        self._asked += 1
        self._received += len(self._page.items)
        return self._page

    def _linked(self, link: str) -> Iterator[Page]:
        """Pages that links lead to; with plain page numbers, several at a time."""
        seen = {self._answer.url, self._source.address.follow(self._answer.url, self._answer.url)}
        last = self._link("last")
        last_number = page_number(last) if last else None
        if last_number is not None and page_number(link) == 2:  # noqa: PLR2004 - the second page
            for answer in self._range(2, last_number):
                seen.add(answer.url)
                yield self._take(answer)
            link = self._link("next") or ""
            if link and page_number(link) != last_number + 1:
                raise PayloadError(f"{self._source.context}: the last page names a next one that is not new")
        while link:
            if link in seen or self._asked >= self._source.max_pages:
                limit = f"limits.max_pages ({self._source.max_pages})"
                raise PayloadError(f"{self._source.context}: the next links repeat or pass {limit}")
            seen.add(link)
            self._has_numbers = page_number(link) is not None
            yield self._take(self._source.by_url(link))
            link = self._link("next") or ""

    def _counted(self) -> Iterator[Page]:
        """Pages whose number follows from a total, several at a time."""
        for answer in self._range(2, math.ceil((self._page.total_count or 0) / len(self._page.items))):
            previous = self._page.items
            page = self._take(answer)
            self._refuse_repeated(previous)
            yield page

    def _while_announced(self) -> Iterator[Page]:
        """Pages while each says that there is another one."""
        while self._page.has_next:
            previous = self._page.items
            page = self._take(self._numbered())
            self._refuse_repeated(previous)
            if not page.items and not previous and page.has_next:
                raise PayloadError(f"{self._source.context}: page after page is empty; the list would never end")
            if page.items:
                yield page

    def _unlinked(self) -> Iterator[Page]:
        """Pages by number, until an empty one, while the list should not have ended yet."""
        while self._should_continue():
            previous = self._page.items
            page = self._take(self._numbered())
            if page.items and page.items in (previous, self._first):
                if page.is_full and page.total_count != self._received - len(page.items):
                    self._refuse_repeated(page.items)
                return
            if not page.items:
                return
            yield page

    def _should_continue(self) -> bool:
        if not self._has_numbers:
            return False
        if self._page.items and self._source.incomplete(self._page, self._received):
            return True
        return self._page.is_full and self._page.has_next is None and not self._answer.links

    def _numbered(self) -> Answer:
        """The next page by its number."""
        if self._asked >= self._source.max_pages:
            raise self._too_many()
        return self._source.by_number(self._asked + 1)

    def _range(self, start: int, last: int) -> Iterator[Answer]:
        if last > self._source.max_pages:
            raise self._too_many()
        return in_order(self._source.by_number, range(start, last + 1), self._source.workers)

    def _refuse_repeated(self, previous: list[Any]) -> None:
        if previous and self._page.items == previous:
            raise RepeatedPage(f"{self._source.context}: page after page is the same; the list would never end")

    def _too_many(self) -> PayloadError:
        return PayloadError(f"{self._source.context}: more pages than limits.max_pages ({self._source.max_pages})")

    def _link(self, rel: str) -> str | None:
        return linked(self._answer, rel, self._source.address, self._source.context)


def page_number(url: str) -> int | None:
    """The number of the page at *url*; None where it has none, or a cursor."""
    values = parse_qs(urlsplit(url).query).get("page", [])
    return int(values[0]) if len(values) == 1 and re.fullmatch(r"[0-9]{1,9}", values[0]) else None
