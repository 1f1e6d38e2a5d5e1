"""A run that has read much waits for the end of a rate limit in place of beginning anew."""

import threading
from typing import Any

import pytest
import responses

from exporter.errors import RateLimited, Stopped
from exporter.github.client import MIN_ANSWERS_TO_WAIT
from exporter.github.reader import GitHub
from exporter.github.run import Run
from tests.github.conftest import NOW, USERS, USERS_URL, FakeClock, MakeClient

PAGES = 80
SECONDARY: Any = (403, {}, '{"message": "You have exceeded a secondary rate limit."}')


def window(left: int, reset: float) -> dict[str, str]:
    """The headers of a budget."""
    return {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": str(int(reset))}


class Listing:
    """A list of many pages whose server refuses at a page, once."""

    def __init__(self, github: responses.RequestsMock, clock: FakeClock, page: int, refusal: Any) -> None:
        self.asked: list[int] = []
        self._refused_page, self._refusal, self._clock = page, refusal, clock
        github.add_callback(responses.GET, USERS_URL, callback=self._answer)

    def _answer(self, request: Any) -> Any:
        page = int(request.params["page"])
        self.asked.append(page)
        if page == self._refused_page and self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            return refusal
        return 200, {}, f'{{"users": [{page}], "has_next_page": {str(page < PAGES).lower()}}}'


def read(make_client: MakeClient, clock: FakeClock, seconds: float = 6 * 3600) -> list[Any]:
    """All records of the list."""
    github = GitHub(make_client(), Run(clock.monotonic() + seconds), enterprise="acme")
    return [item for page in github.pages(USERS, "users") for item in page.items]


@pytest.mark.parametrize(
    ("refusal", "least"),
    [
        (SECONDARY, 60),
        ((429, {"Retry-After": "90"}, "{}"), 90),
        ((403, window(0, NOW + 1800), '{"message": "API rate limit exceeded"}'), 1800),
    ],
    ids=["secondary", "Retry-After", "primary"],
)
def test_long_run_waits_and_continues_where_it_was(
    make_client: MakeClient, clock: FakeClock, github: responses.RequestsMock, refusal: Any, least: float
) -> None:
    """It waits for as long as GitHub asks, then asks for the same page again, and for no other twice."""
    listing = Listing(github, clock, MIN_ANSWERS_TO_WAIT + 10, refusal)
    assert read(make_client, clock) == list(range(1, PAGES + 1))
    assert len(listing.asked) == PAGES + 1
    assert least < sum(clock.waits) < least + 10


def test_long_run_waits_below_the_reserve(
    make_client: MakeClient, clock: FakeClock, github: responses.RequestsMock
) -> None:
    """Below the reserve a long run asks nothing until the window ends."""
    body = '{"users": [1], "has_next_page": true}'
    listing = Listing(github, clock, MIN_ANSWERS_TO_WAIT + 10, (200, window(99, NOW + 600), body))
    assert len(read(make_client, clock)) == PAGES
    assert len(listing.asked) == PAGES
    assert 600 < sum(clock.waits) < 610


@pytest.mark.parametrize(("page", "seconds"), [(MIN_ANSWERS_TO_WAIT, 6 * 3600), (MIN_ANSWERS_TO_WAIT + 10, 59)])
def test_short_run_or_short_deadline_does_not_wait(
    make_client: MakeClient, clock: FakeClock, github: responses.RequestsMock, page: int, seconds: float
) -> None:
    """One that has read little comes again later, and so does one whose time would be over."""
    listing = Listing(github, clock, page, SECONDARY)
    with pytest.raises(RateLimited):
        read(make_client, clock, seconds)
    assert len(listing.asked) == page
    assert clock.waits == []


def test_stop_ends_the_wait(
    make_client: MakeClient, clock: FakeClock, github: responses.RequestsMock, stop: threading.Event
) -> None:
    """Nobody waits for a rate limit when the process stops."""
    listing = Listing(github, clock, MIN_ANSWERS_TO_WAIT + 10, SECONDARY)
    clock.on_wait = stop.set
    with pytest.raises(Stopped):
        read(make_client, clock)
    assert len(listing.asked) == MIN_ANSWERS_TO_WAIT + 10
