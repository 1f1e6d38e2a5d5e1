"""GitHub's page numbers: defaults, caps and the Link header."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

PER_PAGE = 30
MAX_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for.

    Attributes:
        number: Page number, from 1.
        per_page: Records on a page.
        shift: How many places the list has moved since the page before was read.
    """

    number: int = 1
    per_page: int = PER_PAGE
    shift: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str], *, per_page: int = PER_PAGE) -> "Page":
        """Read `page` and `per_page` as GitHub does: nonsense is the default, too much is capped."""
        size = _positive(query.get("per_page", ""), per_page)
        return cls(_positive(query.get("page", ""), 1), min(size, MAX_PER_PAGE))

    @property
    def start(self) -> int:
        """Place of the first record."""
        return max(0, (self.number - 1) * self.per_page + self.shift)

    @property
    def stop(self) -> int:
        """Place after the last record."""
        return self.start + self.per_page

    def of_places(self, places: range) -> range:
        """Return the part of *places* that is on this page."""
        return places[self.start : self.stop]

    def last(self, total: int) -> int:
        """Return the number of the last page of a list of *total* records."""
        return max(1, -(-total // self.per_page))

    def relations(self, total: int) -> dict[str, int]:
        """Return the page number of each relation of the Link header, in GitHub's order."""
        last = self.last(total)
        relations = {}
        if self.number > 1:
            relations["prev"] = min(self.number - 1, last)
        if self.number < last:
            relations["next"] = self.number + 1
            relations["last"] = last
        if self.number > 1:
            relations["first"] = 1
        return relations


def link(url: str, query: Mapping[str, str], relations: Mapping[str, int | str], parameter: str = "page") -> str:
    """Return the Link header for *url*, other parameters than *parameter* kept as they were asked."""
    return ", ".join(
        f'<{url}?{urlencode({**query, parameter: place})}>; rel="{relation}"' for relation, place in relations.items()
    )


def _positive(text: str, default: int) -> int:
    # Longer numbers would only make the arithmetic slow.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) else default  # noqa: PLR2004
