"""Summaries of several entities in one run: what fails, hangs or is refused hides no other."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from exporter.collector import Platform, Target
from exporter.collectors.common.summary import usage_summaries
from exporter.errors import GitHubError, PayloadError, RateLimited, ServerError, TimedOut, Unauthorized, Unavailable
from exporter.github.endpoint import Endpoint
from exporter.github.models import Record
from exporter.github.reader import GitHub
from exporter.runtime.run_cache import RunCache
from tests.support.harness import NOW, FakeClock

RATE_LIMITED = RateLimited("limit", retry_at=NOW + 60)


class Summaries:
    """GitHub, with an answer or an error for each organization."""

    def __init__(self, **answers: GitHubError | None) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.failures: list[GitHubError] = []

    def get_object(self, _endpoint: Endpoint, query: Mapping[str, Any]) -> dict[str, Any]:
        name = query["organization"]
        self.asked.append(name)
        error = self.answers[name]
        if error is not None:
            raise error
        return {"usageItems": [{"product": name}]}

    def records(self, model: type[Record], items: list[Any]) -> list[Record]:
        return [model.model_validate(item) for item in items]

    def partial(self, error: GitHubError) -> None:
        self.failures.append(error)


def read(github: Summaries, target: Target) -> set[str]:
    """The organizations whose summaries were read."""
    wanted = [(("organization", name),) for name in github.answers]
    found = usage_summaries(cast("GitHub", github), target, wanted)
    return {dict(filters)["organization"] for filters in found}


def fresh() -> Target:
    return Target("octo-corp", Platform.CLOUD, None, RunCache(FakeClock()), NOW)


@pytest.mark.parametrize("error", [TimedOut("hangs"), ServerError("503"), PayloadError("400")], ids=str)
def test_one_summary_that_fails_is_left_out_and_fails_the_run(error: GitHubError) -> None:
    github = Summaries(a=None, b=error, c=None)
    assert read(github, fresh()) == {"a", "c"}
    assert github.failures == [error]


def test_an_entity_that_vanished_is_left_out_and_fails_nothing() -> None:
    github = Summaries(a=Unavailable("404"), b=None)
    assert read(github, fresh()) == {"b"}
    assert github.failures == []


def test_three_summaries_in_a_row_that_hang_end_the_asking() -> None:
    """Each takes a minute: the run has a deadline, and others wait for the connection."""
    github = Summaries(a=None, b=TimedOut("1"), c=TimedOut("2"), d=TimedOut("3"), e=None)
    assert read(github, fresh()) == {"a"}
    assert github.asked == ["a", "b", "c", "d"]


def test_what_failed_last_time_is_asked_for_last() -> None:
    """What hangs every time costs nothing else its turn."""
    target = fresh()
    github = Summaries(a=TimedOut("1"), b=TimedOut("2"), c=TimedOut("3"), d=None, e=None)
    assert read(github, target) == set()
    github.asked.clear()
    assert read(github, target) == {"d", "e"}
    assert github.asked == ["d", "e", "a", "b", "c"]


@pytest.mark.parametrize("error", [RATE_LIMITED, Unauthorized("401")], ids=["rate limit", "401"])
def test_what_would_end_the_same_way_for_all_is_not_asked(error: GitHubError) -> None:
    github = Summaries(a=None, b=error, c=None)
    assert read(github, fresh()) == {"a"}
    assert github.asked == ["a", "b"]
    assert github.failures == [error]
