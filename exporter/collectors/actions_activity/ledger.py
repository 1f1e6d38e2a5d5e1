"""What is known of runs and jobs: every event counts once, in whatever order and how often it is read.

Kept are identifiers, organizations and times: of events as long as they may be read again, of a run until its first job
has started. An event that appears so late that it would not be read again any more is lost.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any, NamedTuple

from exporter.collectors.actions_activity.events import Action, Event
from exporter.collectors.actions_activity.metrics import AGES, RUN_WAIT
from exporter.collectors.common.labels import OTHER, boolean
from exporter.metrics.metric import Distribution

OVERLAP = 900.0
"""Seconds of the log that are read again: events do not appear in their order, and not at once."""
MAX_WAIT = 24 * 3600.0
"""GitHub gives up a job that waits for a runner so long; what waits longer waits for a person."""
MAX_EVENTS = 50_000
MAX_RUNS = 100_000
MAX_ORGANIZATIONS = 1_000

COUNTED = frozenset(map(str, Action))

Job = tuple[str, str, str]
"""Organization, hosted, label."""


class Run(NamedTuple):
    """A run none of whose jobs has started, or of whose creation nothing is known yet; `last` is its newest event."""

    organization: str
    created: float | None
    started: float | None
    completed: bool
    last: float


@dataclass(slots=True)
class Ledger:
    """The events that count, and what follows from them.

    Attributes:
        floor: events up to this time count no more.
        events: time of each event after that which was counted, by document.
        runs: by their id.
        waits: how long runs waited, by organization.
        jobs: jobs that started.
        labels: those that have series of their own.
        announced: series that have been exposed.
        skipped: seconds of the log that were not read.
    """

    floor: float
    events: dict[str, float] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    waits: dict[str, Distribution] = field(default_factory=dict)
    jobs: dict[Job, int] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    announced: set[tuple[str, ...]] = field(default_factory=set)
    skipped: float = 0.0

    def add(self, event: Event, max_labels: int) -> bool:
        """Count *event*; return whether it is a new one."""
        if event.at <= self.floor or event.document_id in self.events:
            return False
        self.events[event.document_id] = event.at
        if event.action in COUNTED:
            organization = self._organization(event.org)
            if event.action == Action.JOB_STARTED:
                self._count_job(organization, event, max_labels)
            if event.workflow_run_id:
                self._note(organization, event)
        return True

    def settle(self, now: float) -> None:
        """Take stock after a reading: runs that have started are counted, those that cannot wait any more forgotten."""
        kept: dict[str, Run] = {}
        for id_, run in self.runs.items():
            if run.created is not None and run.started is not None:
                self.waits[run.organization].observe(round(max(0.0, run.started - run.created), 3), RUN_WAIT)
            elif run.created is None or run.completed:
                # Whatever else there is of it happened before, and counts as long as its last event does.
                if run.last > self.floor:
                    kept[id_] = run
            elif run.created > now - MAX_WAIT:
                kept[id_] = run
        if len(kept) > MAX_RUNS:
            kept = dict(nlargest(MAX_RUNS, kept.items(), key=lambda each: each[1].last))
        self.runs = kept

    def raise_floor(self, floor: float) -> None:
        """Forget events up to *floor*, and as many more as are too many."""
        if len(self.events) > MAX_EVENTS:
            floor = max(floor, self.time_of_newest(MAX_EVENTS + 1))
        if floor > self.floor:
            self.floor = floor
            self.events = {id_: at for id_, at in self.events.items() if at > floor}

    def skip(self, start: float, end: float) -> None:
        """What lies between was not read: it does not count, and whether older runs still wait is not known."""
        self.raise_floor(end)
        self.skipped += max(0.0, end - start)
        self.runs = {id_: run for id_, run in self.runs.items() if run.last > end}

    def waiting(self, until: float) -> dict[tuple[str, str], int]:
        """Runs that wait by organization and age, as of *until*; an organization has all ages, also if none waits."""
        created = Counter({(organization, age): 0 for organization in self.waits for age in AGES})
        for run in self.runs.values():
            if run.created is not None and run.started is None and not run.completed:
                for age, seconds in AGES.items():
                    created[run.organization, age] += run.created <= until - seconds
        return dict(created)

    def exposed(self) -> tuple[Mapping[str, Distribution], Mapping[Job, int]]:
        """What to expose of waits and jobs.

        Prometheus sees no increase in the first value of a series: one that is new begins at 0, and has its value from
        the next reading on. What the first reading of all finds is shown as it is, because it happened before.
        """
        waits: dict[str, Distribution] = {}
        jobs: dict[Job, int] = {}
        is_first = not self.announced
        for organization, value in self.waits.items():
            known = is_first or (organization,) in self.announced
            waits[organization] = Distribution([*value.observed], value.total) if known else Distribution.of(RUN_WAIT)
        for job, count in self.jobs.items():
            jobs[job] = count if is_first or job in self.announced else 0
        self.announced |= {(organization,) for organization in waits} | jobs.keys()
        return waits, jobs

    def count_after(self, time: float) -> int:
        """How many events after *time* are known."""
        return sum(at > time for at in self.events.values())

    def time_of_newest(self, place: int) -> float:
        """The time of the event at this *place*, counted from the newest one; the floor where there are fewer."""
        times = nlargest(place, self.events.values())
        return times[-1] if len(times) == place else self.floor

    def _organization(self, name: str) -> str:
        if name not in self.waits and len(self.waits) >= MAX_ORGANIZATIONS:
            name = OTHER
        self.waits.setdefault(name, Distribution.of(RUN_WAIT))
        return name

    def _count_job(self, organization: str, event: Event, max_labels: int) -> None:
        self.labels |= set(event.runner_labels[: max(0, max_labels - len(self.labels))])
        names = {label if label in self.labels else OTHER for label in event.runner_labels} or {""}
        for label in names:
            job = organization, boolean(event.is_hosted_runner), label
            self.jobs[job] = self.jobs.get(job, 0) + 1

    def _note(self, organization: str, event: Event) -> None:
        """Note what *event* says of its run, in whatever order events come: the earliest times count."""
        run = self.runs.get(event.workflow_run_id, Run(organization, None, None, completed=False, last=event.at))
        run = run._replace(last=max(run.last, event.at))
        if event.action == Action.RUN_CREATED:
            run = run._replace(organization=organization, created=min(event.at, run.created or event.at))
        elif event.action == Action.JOB_STARTED:
            run = run._replace(started=min(event.at, run.started or event.at))
        else:
            run = run._replace(completed=True)
        self.runs[event.workflow_run_id] = run

    def dump(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return {
            "floor": self.floor,
            "events": list(self.events.items()),
            "runs": list(self.runs.items()),
            "waits": [(name, [*value.observed], value.total) for name, value in self.waits.items()],
            "jobs": list(self.jobs.items()),
            "labels": sorted(self.labels),
            "announced": sorted(self.announced),
            "skipped": self.skipped,
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Ledger":
        """The ledger that `dump` wrote."""
        return cls(
            floor=dumped["floor"],
            events=dict(dumped["events"]),
            runs={id_: Run(*run) for id_, run in dumped["runs"]},
            waits={name: Distribution(observed, total) for name, observed, total in dumped["waits"]},
            jobs={(organization, hosted, label): count for (organization, hosted, label), count in dumped["jobs"]},
            labels=set(dumped["labels"]),
            announced={tuple(series) for series in dumped["announced"]},
            skipped=dumped["skipped"],
        )
