"""How Copilot is used: people, suggestions and pull requests of the newest day in GitHub's usage report.

The report is a file on another host. The link to it is pre-signed and ends soon, so the answer that holds it is never
kept for revalidation. Source: docs.github.com, "REST API endpoints for Copilot usage metrics".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from exporter.collector import Collector, CollectorOptions, Target
from exporter.collectors.common.labels import snake_case
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record, Text, Timestamp, record, texts
from exporter.github.reader import GitHub
from exporter.metrics.metric import Metric, Sample, Totals, gauge

REPORT = Endpoint(
    "/enterprises/{enterprise}/copilot/metrics/reports/enterprise-28-day/latest",
    "read:enterprise",
    "enterprise_copilot_metrics",
    revalidate=False,
)
DOWNLOAD = Endpoint(
    "/{download_link}",
    "",
    revalidate=False,
    accept="application/x-ndjson, application/json;q=0.9, */*;q=0.1",
    versioned=False,
    anonymous=True,
    lines=True,
)
MAX_LINKS = 50
"""Files of one report that are read; GitHub's own example has two."""

ACTIVE_USERS = gauge("ghe_copilot_usage_active_users", "People who used Copilot.", "window", "kind")
GENERATIONS = gauge("ghe_copilot_usage_code_generations", "Suggestions of code that Copilot made in a day.", "feature")
ACCEPTANCES = gauge("ghe_copilot_usage_code_acceptances", "Suggestions of code that were accepted in a day.", "feature")
PULL_REQUESTS = gauge(
    "ghe_copilot_usage_pull_requests", "Pull requests of a day, all or those by Copilot.", "state", "by"
)
DAY = gauge("ghe_copilot_usage_day_timestamp_seconds", "Begin of the newest day in the report.")


def items(value: Any) -> list[Any]:
    """The objects of a list; none when it is missing or no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


class Options(CollectorOptions):
    """Where reports may be downloaded from."""

    download_hosts: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        ("*",), description="Hosts that reports are downloaded from, as patterns; never private addresses."
    )


class Feature(Record):
    """One way to use Copilot on one day."""

    feature: Text = ""
    code_generation_activity_count: Number = None
    code_acceptance_activity_count: Number = None


class PullRequests(Record):
    """Pull requests of one day."""

    total_created: Number = None
    total_created_by_copilot: Number = None
    total_reviewed: Number = None
    total_reviewed_by_copilot: Number = None
    total_merged: Number = None
    total_merged_created_by_copilot: Number = None


class Day(Record):
    """Totals of one day; no person, editor, language or model."""

    day: Timestamp = None
    daily_active_users: Number = None
    weekly_active_users: Number = None
    monthly_active_users: Number = None
    monthly_active_chat_users: Number = None
    monthly_active_agent_users: Number = None
    daily_active_cli_users: Number = None
    totals_by_feature: Annotated[tuple[Feature, ...], BeforeValidator(items)] = ()
    pull_requests: Annotated[PullRequests, BeforeValidator(record)] = PullRequests()


class Report(Record):
    """One record of a file: the totals of some days."""

    day_totals: Annotated[tuple[Day, ...], BeforeValidator(items)]


def fetch(github: GitHub, target: Target) -> Day | None:
    """Read the newest day of the report; None while GitHub offers no report or no day yet.

    Raises:
        PayloadError: the answer has no list of links, or a file is none of a report.
    """
    answer = github.get(REPORT)
    if answer is None:  # 204
        return None
    links = answer.get("download_links") if isinstance(answer, dict) else None
    if not isinstance(links, list) or len(texts(links)) < len(links) or len(links) > MAX_LINKS:
        raise PayloadError(f"GET {REPORT.path}: no list of download_links in the answer, or a very long one")
    days = [day for link in links for day in days_of(github, link, target.options.download_hosts)]
    # The same day again is a newer edition of it.
    return max(reversed(days), key=lambda day: day.day or 0, default=None)


def days_of(github: GitHub, link: str, hosts: Sequence[str]) -> Iterator[Day]:
    """The days in the file that *link* leads to.

    Raises:
        PayloadError: it has records, and none of them can be understood.
    """
    records = github.download(DOWNLOAD, link, hosts)
    parts = list(github.records(Report, records))
    if records and not parts:
        raise PayloadError(f"{DOWNLOAD}: no record with day_totals in the report")
    yield from (day for part in parts for day in part.day_totals if day.day is not None)


def samples(_target: Target, day: Day | None) -> Iterator[Sample]:
    """Map the day."""
    if day is None:
        return
    yield DAY(day.day)
    for labels, people in active_users(day).items():
        yield ACTIVE_USERS(people, *labels)
    yield from by_feature(day)
    pulls = day.pull_requests
    yield PULL_REQUESTS(pulls.total_created, "created", "anyone")
    yield PULL_REQUESTS(pulls.total_created_by_copilot, "created", "copilot")
    yield PULL_REQUESTS(pulls.total_reviewed, "reviewed", "anyone")
    yield PULL_REQUESTS(pulls.total_reviewed_by_copilot, "reviewed", "copilot")
    yield PULL_REQUESTS(pulls.total_merged, "merged", "anyone")
    yield PULL_REQUESTS(pulls.total_merged_created_by_copilot, "merged", "copilot")


def active_users(day: Day) -> Mapping[tuple[str, str], float | None]:
    """People by window and kind."""
    return {
        ("day", "any"): day.daily_active_users,
        ("week", "any"): day.weekly_active_users,
        ("month", "any"): day.monthly_active_users,
        ("month", "chat"): day.monthly_active_chat_users,
        ("month", "agent"): day.monthly_active_agent_users,
        ("day", "cli"): day.daily_active_cli_users,
    }


def by_feature(day: Day) -> Iterator[Sample]:
    """Suggestions by feature."""
    generations, acceptances = Totals(GENERATIONS), Totals(ACCEPTANCES)
    for each in day.totals_by_feature:
        feature = snake_case(each.feature)
        if each.code_generation_activity_count is not None:
            generations.add(each.code_generation_activity_count, feature)
        if each.code_acceptance_activity_count is not None:
            acceptances.add(each.code_acceptance_activity_count, feature)
    yield from generations.samples()
    yield from acceptances.samples()


METRICS: tuple[Metric, ...] = (ACTIVE_USERS, GENERATIONS, ACCEPTANCES, PULL_REQUESTS, DAY)

COLLECTOR = Collector(
    name="copilot_usage",
    help="Adoption of Copilot: active people, suggestions, pull requests of the newest day that GitHub reports.",
    metrics=METRICS,
    endpoints=(REPORT, DOWNLOAD),
    interval=6 * 3600,
    enabled=False,
    options=Options,
    fetch=fetch,
    samples=samples,
)
