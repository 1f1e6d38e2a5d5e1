"""A list behind an API, whose pages and links are as a test says."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from exporter.github.answers import Answer
from exporter.github.links import ListAddress
from exporter.github.paging import PER_PAGE, PageSource, walk
from tests.github.conftest import API

LIST = f"{API}/enterprises/acme/list"
Links = Callable[[int], Mapping[str, str]]
Body = Callable[[int], Any]


def no_links(_page: int) -> Mapping[str, str]:
    """GitHub sends no `Link` header for several lists."""
    return {}


@dataclass
class Asked:
    """A list behind an API: what each page holds and links to; notes what was asked."""

    body: Body
    links: Links = no_links
    max_pages: int = 2000
    workers: int = 4
    key: str = "items"
    numbers: list[int] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def by_number(self, page: int) -> Answer:
        with self.lock:
            self.numbers.append(page)
        return self.answer(page, f"{LIST}?per_page=100&page={page}")

    def by_url(self, url: str) -> Answer:
        with self.lock:
            self.urls.append(url)
        return self.answer(int(parse_qs(urlsplit(url).query)["page"][0]), url)

    def answer(self, page: int, url: str) -> Answer:
        return Answer(self.body(page), url, self.links(page))

    @property
    def source(self) -> PageSource:
        address = ListAddress(API, "/enterprises/acme/list")
        return PageSource("GET /list", self.key, address, self.by_number, self.by_url, self.max_pages, self.workers)

    def items(self) -> list[Any]:
        return [item for page in walk(self.source) for item in page.items]


def sliced(total: int, per_page: int = PER_PAGE, **envelope: Any) -> Body:
    """Pages of the numbers from 0 to *total*."""
    return lambda page: {"items": list(range(total))[(page - 1) * per_page : page * per_page], **envelope}


def linked(last: int, *, tell_last: bool = True) -> Links:
    """Links as GitHub sends them for *last* pages, under another form of the path."""

    def links(page: int) -> Mapping[str, str]:
        target = f"{API}/enterprises/17/list?per_page=100&page="
        ahead = {"next": f"{target}{page + 1}"} | ({"last": f"{target}{last}"} if tell_last else {})
        behind = {"prev": f"{target}{page - 1}", "first": f"{target}1"}
        return (ahead if page < last else {}) | (behind if page > 1 else {})

    return links
