"""A GitHub that has nothing but an audit log, which grows with a time of its own; no socket."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from exporter.collector import Collector, Platform, Target
from exporter.collectors.actions_activity import actions_activity
from exporter.collectors.actions_activity.actions_activity import COLLECTOR, ActionsActivityOptions, Report
from exporter.errors import ServerError
from exporter.github.endpoint import Endpoint
from exporter.github.reader import GitHub, Page
from exporter.metrics.metric import Distribution, families

START = 1_795_000_000.0
PERSON = "monalisa"

Record = dict[str, Any]


def event(action: str, at: float, run: int, *, document: str = "", **fields: Any) -> Record:
    """An event as GitHub writes it, with the people it names."""
    return {
        "@timestamp": round(at * 1000),
        "_document_id": document or f"{action}-{run}-{at}",
        "action": f"workflows.{action}",
        "actor": PERSON,
        "actor_id": 4711,
        "user": PERSON,
        "org": "octo-org",
        "workflow_run_id": run,
        **fields,
    }


def created(at: float, run: int, **fields: Any) -> Record:
    """A run is created."""
    return event("created_workflow_run", at, run, **fields)


def started(at: float, run: int, *labels: str, **fields: Any) -> Record:
    """A job of a run starts."""
    return event("prepared_workflow_job", at, run, runner_labels=[*labels], is_hosted_runner=False, **fields)


def completed(at: float, run: int, **fields: Any) -> Record:
    """A run ends."""
    return event("completed_workflow_run", at, run, **fields)


@dataclass
class Log:
    """An audit log and the collector that reads it.

    Attributes:
        events: each with the time at which it appears.
        now: the time.
        pages_asked: when each page was asked for.
        fails_at: the number of the page of a reading that GitHub cannot send; 0 for none.
    """

    events: list[tuple[float, Record]] = field(default_factory=list)
    now: float = START
    pages_asked: list[float] = field(default_factory=list)
    queries: list[Mapping[str, str | int]] = field(default_factory=list)
    notes: list[tuple[str, dict[str, float]]] = field(default_factory=list)
    fails_at: int = 0
    skipped: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    options: ActionsActivityOptions = field(default_factory=ActionsActivityOptions)
    collector: Collector[Report] = COLLECTOR

    def add(self, *records: Record, late: float = 0.0) -> None:
        """Have *records* appear some time after they happened."""
        self.events += [(record["@timestamp"] / 1000 + late, record) for record in records]

    def read(self, after: float = 60.0) -> Report:
        """Read *after* some seconds."""
        self.now += after
        target = Target("octo-corp", Platform.CLOUD, self.options, self, self.now)
        report = actions_activity.fetch(cast("GitHub", self), target)
        families(self.collector.metrics, actions_activity.samples(target, report))
        return report

    def restart(self) -> None:
        """Keep of what is remembered what the state file would."""
        persisted = self.collector.persisted
        self.values = {
            key: persisted[key].load(json.loads(json.dumps(persisted[key].dump(value))))
            for key, value in self.values.items()
            if key in persisted
        }

    @property
    def activity(self) -> Any:
        """What is kept."""
        return self.values[actions_activity.ACTIVITY]

    def starts(self) -> list[float]:
        """From when on each reading asked for events, in seconds before the start."""
        phrases = (str(query["phrase"]).rpartition("created:>=")[2] for query in self.queries)
        return [datetime.fromisoformat(phrase).timestamp() - START for phrase in phrases]

    # What the collector asks.

    def recall(self, key: str, _max_age: float) -> Any | None:
        return self.values.get(key)

    def remember(self, key: str, value: Any) -> None:
        self.values[key] = value

    def note(self, name: str, **details: float) -> None:
        self.notes.append((name, details))

    def records(self, model: type[BaseModel], items: list[Any]) -> Iterator[BaseModel]:
        for item in items:
            try:
                yield model.model_validate(item)
            except ValidationError:
                self.skipped += 1

    def pages(
        self, _endpoint: Endpoint, _key: str, query: Mapping[str, str | int], *, may_ignore_page: bool
    ) -> Iterator[Page]:
        assert may_ignore_page
        self.queries.append(query)
        since = START + self.starts()[-1]
        found = sorted(
            (record for appears, record in self.events if appears <= self.now and record["@timestamp"] / 1000 >= since),
            key=lambda record: record["@timestamp"],
            reverse=query["order"] == "desc",
        )
        for number, place in enumerate(range(0, max(1, len(found)), 100), 1):
            self.pages_asked.append(self.now)
            if number == self.fails_at:
                raise ServerError("GET /audit-log answered 502")
            yield Page(found[place : place + 100], {})


def total(report: Report) -> tuple[int, float, int]:
    """Waits that were counted, their sum, and jobs."""
    waits: list[Distribution] = [*report.waits.values()]
    return (
        sum(sum(each.observed) for each in waits),
        round(sum(each.total for each in waits), 3),
        sum(report.jobs.values()),
    )
