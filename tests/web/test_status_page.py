"""The page at `/` as HTML."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from exporter.errors import Reason
from exporter.runtime.status import FailingLevel, Key, Status
from exporter.web.status_page import REASONS, collector_row, levels_of, problems_of, span, state_of, status_page

NOW = 1_000_000.0
OK = Status(
    60, 60, attempted_at=NOW - 30, succeeded_at=NOW - 30, duration=0.25, success=True, available=True, next_at=NOW + 30
)
FAILING = Status(60, 60, success=False, failing=(FailingLevel("", Reason.TIMEOUT, "GET /x"),))
HOSTILE = "<script>alert('1')</script>&\"'"


class Tags(HTMLParser):
    """Checks that tags nest, and collects them and the text."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [str(value) for name, value in attrs if name in {"href", "src", "action"}]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Tags:
    """Parse *html*."""
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    return tags


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (900, "15 min"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h"),
        (3_661, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (86_459, "1 d"),
        (864_000, "10 d"),
    ],
)
def test_durations_have_one_or_two_units(seconds: float, said: str) -> None:
    """Seconds, minutes, hours and days."""
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status(60, 60), "waiting"),
        (Status(60, 60, succeeded_at=5), "waiting"),
        (Status(60, 60, success=True, available=True), "ok"),
        (Status(60, 60, success=False, available=True), "failing"),
        (Status(60, 60, success=False), "failing"),
        (Status(60, 60, success=False, available=False), "unavailable"),
    ],
)
def test_state_of_a_collector(status: Status, state: str) -> None:
    """It waits, succeeds, fails, or is not available."""
    assert state_of(status) == state


@pytest.mark.parametrize(
    ("status", "cells"),
    [
        (Status(900, 900), '<td class="waiting">waiting</td>|never||15 min||'),
        (OK, '<td class="ok">ok</td>|30 s ago|250 ms|1 min|in 30 s|'),
        (
            Status(
                60,
                60,
                succeeded_at=NOW - 3_700,
                duration=10,
                success=False,
                available=True,
                failing=(FailingLevel("", Reason.TIMEOUT, "GET /orgs/{org}"),),
                next_at=NOW - 1,
            ),
            '<td class="failing">failing</td>|1 h 1 min ago|10.0 s|1 min|now|no response in time: GET /orgs/{org}',
        ),
        (
            Status(
                21_600,
                21_600,
                success=False,
                available=False,
                failing=(FailingLevel("", Reason.UNAVAILABLE, "404"),),
                next_at=NOW + 86_400,
            ),
            '<td class="unavailable">not available</td>|never||6 h|in 1 d|not available: 404',
        ),
        (
            replace(OK, interval=140),
            '<td class="ok">ok</td>|30 s ago|250 ms|2 min 20 s<br>instead of 1 min|in 30 s|',
        ),
    ],
)
def test_row_shows_state_times_and_problem(status: Status, cells: str) -> None:
    """When it succeeded, how long it took, what is next."""
    state, succeeded, took, interval, next_run, problem = cells.split("|")
    assert collector_row("runners", status, NOW) == (
        f'<tr><th scope="row">runners</th>{state}<td class="number">{succeeded}</td><td class="number">{took}</td>'
        f'<td class="number">{interval}</td><td class="number">{next_run}</td><td class="problem">{problem}</td></tr>\n'
    )


def test_every_reason_has_words() -> None:
    """The page shows no label value of a metric."""
    assert set(REASONS) == set(Reason)
    failing = (FailingLevel("", Reason.SERVER_ERROR, "502"),)
    assert list(problems_of(Status(60, 60, success=False, failing=failing), NOW)) == ["server error of GitHub: 502"]
    assert list(problems_of(OK, NOW)) == []


def test_problems_name_the_organizations_that_fail_or_take_long() -> None:
    """Each failing level has a line, the first few at least, and so has one that is read for more than a minute."""
    failing = tuple(FailingLevel(name, Reason.TIMEOUT, "late") for name in ("", "acme-web"))
    running = (("acme-data", NOW - 240), ("acme-new", NOW - 5))
    assert list(problems_of(Status(60, 60, failing=failing, running=running), NOW)) == [
        "no response in time: late",
        "organization acme-web: no response in time: late",
        "organization acme-data: running for 4 min",
    ]
    many = tuple(FailingLevel(f"org-{number}", Reason.TIMEOUT, "late") for number in range(100))
    assert list(problems_of(Status(60, 60, failing=many), NOW))[5:] == ["and 95 more organizations"]


def test_summary_counts_collectors_by_state() -> None:
    """It names the next run; failing collectors come first."""
    statuses = {
        Key("acme", "runners"): replace(OK, next_at=NOW + 90),
        Key("acme", "licenses"): replace(OK, next_at=NOW + 14),
        Key("acme", "billing"): replace(FAILING, next_at=NOW + 20),
        Key("acme", "copilot"): Status(60, 60),
        Key("acme", "server"): Status(60, 60, available=False),
        Key("acme", "scim"): replace(FAILING, available=False, next_at=NOW + 1),
    }
    text = read(status_page("1.2.3", statuses, NOW)).text
    assert "1 failing1 waiting2 ok2 not availablenext run in 14 s: licenses" in text
    places = [text.rindex(name) for name in ("billing", "copilot", "runners", "server", "scim")]
    assert places == sorted(places)


def test_unavailable_collectors_are_folded() -> None:
    """They take one line, and give the reason when unfolded."""
    statuses = {Key("acme", "server"): Status(60, 60, available=False), Key("acme", "runners"): OK}
    page = status_page("1.2.3", statuses, NOW)
    shown, _, folded = page.partition("<details><summary>1 collector is not available here</summary>")
    assert "server" not in shown.partition("<main>")[2]
    assert "this platform does not offer it" in folded
    assert "<details>" not in status_page("1.2.3", {Key("acme", "runners"): OK}, NOW)
    assert (
        "<table>"
        not in status_page("1.2.3", {Key("acme", "server"): Status(60, 60, available=False)}, NOW).partition(
            "<details>"
        )[0]
    )


def test_enterprises_are_sorted() -> None:
    """Collectors keep their order."""
    keys = [Key("globex", "runners"), Key("acme", "runners"), Key("globex", "licenses"), Key("acme", "licenses")]
    tags = read(status_page("1.2.3", dict.fromkeys(keys, OK), NOW))
    assert tags.seen.count("h2") == tags.seen.count("table") == 2
    places = [tags.text.index(word) for word in ("1.2.3", "acme", "globex")]
    assert places == sorted(places)
    assert tags.text.rindex("runners") < tags.text.rindex("licenses")


def test_page_links_only_the_other_endpoints() -> None:
    """It contains no script."""
    tags = read(status_page("1.2.3", {Key("acme", "runners"): OK}, NOW))
    assert tags.links == ["metrics", "-/healthy", "-/ready"]
    assert "script" not in tags.seen


def test_page_without_enterprises_says_so() -> None:
    """It has no table."""
    tags = read(status_page("1.2.3", {}, NOW))
    assert "No enterprise is configured." in tags.text
    assert "table" not in tags.seen


def test_markup_in_texts_is_escaped() -> None:
    """In a version, a name and a problem."""
    status = Status(60, 60, success=False, failing=(FailingLevel("", Reason.PAYLOAD, HOSTILE),))
    tags = read(status_page(HOSTILE, {Key(HOSTILE, HOSTILE): status}, NOW))
    assert tags.text.count(HOSTILE) == 4
    assert "script" not in tags.seen


@pytest.mark.parametrize(
    ("organizations", "refused", "shown"),
    [(0, 0, ""), (1, 0, "1 organization"), (12, 0, "12 organizations"), (2, 3, "2 organizations, 3 refused")],
)
def test_collector_says_how_many_organizations_it_reads(organizations: int, refused: int, shown: str) -> None:
    """Those that the credential may not read are no failure, but visible."""
    status = Status(60, 60, organizations=organizations, refused=refused)
    assert levels_of(status) == shown
    assert (f"<small>{shown}</small>" in collector_row("runners", status, NOW)) == bool(shown)
