"""Several answers of one kind: what one that fails means for the others."""

import pytest

from exporter.collectors.common.separate_reads import read_each
from exporter.collectors.common.summary import MAX_TIMEOUTS
from exporter.errors import GitHubError, RateLimited, ServerError, TimedOut, Unauthorized, Unavailable, Unreachable
from exporter.github.reader import GitHub
from exporter.github.run import Run

Outcome = int | GitHubError
REFUSED = Unavailable("no")
BROKEN = ServerError("broken")


def reader() -> tuple[GitHub, Run]:
    """GitHub that is never asked, and the run that notes failures."""
    run = Run(0.0)
    return GitHub(None, run), run  # type: ignore[arg-type]


def read(outcomes: dict[str, Outcome], asked: list[str], github: GitHub) -> tuple[dict[str, int], frozenset[str]]:
    """Read all *outcomes* in turn."""

    def one(key: str) -> int:
        asked.append(key)
        outcome = outcomes[key]
        if isinstance(outcome, GitHubError):
            raise outcome
        return outcome

    found = read_each(github, outcomes, one)
    return dict(found.found), found.refused


def test_refused_key_is_left_out_and_is_no_failure() -> None:
    github, run = reader()
    assert read({"a": 1, "b": REFUSED, "c": 3}, [], github) == ({"a": 1, "c": 3}, frozenset({"b"}))
    assert run.partial_failures == []


def test_failed_key_fails_the_run_and_hides_no_other() -> None:
    github, run = reader()
    assert read({"a": BROKEN, "b": 2, "c": REFUSED}, [], github) == ({"b": 2}, frozenset({"c"}))
    assert run.partial_failures == [BROKEN]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"a": REFUSED, "b": Unavailable("last")}, "last"),
        ({"a": REFUSED, "b": BROKEN, "c": ServerError("later")}, "broken"),
    ],
)
def test_nothing_read_raises(outcomes: dict[str, Outcome], expected: str) -> None:
    """The last good result stays then, or the collector is not available."""
    github, run = reader()
    with pytest.raises(GitHubError, match=expected):
        read(outcomes, [], github)
    assert run.partial_failures == []


def test_no_keys_give_nothing() -> None:
    assert read({}, [], reader()[0]) == ({}, frozenset())


@pytest.mark.parametrize("error", [Unauthorized(""), Unreachable(""), RateLimited("", retry_at=1.0)])
def test_error_that_concerns_all_ends_the_reading(error: GitHubError) -> None:
    asked: list[str] = []
    read({"a": 1, "b": error, "c": 3}, asked, reader()[0])
    assert asked == ["a", "b"]


def test_three_timeouts_end_the_reading() -> None:
    asked: list[str] = []
    outcomes: dict[str, Outcome] = {"a": 1} | {f"t{number}": TimedOut("") for number in range(5)}
    read(outcomes, asked, reader()[0])
    assert len(asked) == 1 + MAX_TIMEOUTS
