"""The audit log of an enterprise, as far as it is about Actions, at any time.

A run is drawn from its place in a stretch of ten minutes; its events follow from it. As on GitHub, an event appears in
the log some time after it happened, so that they do not come in order, and some are listed twice.
"""

import struct
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from exporter.simulator.company.activity import HOUR, load
from exporter.simulator.company.random_draws import Draws

STRETCH = 600
PEOPLE_TO_A_RUN = 4
"""So many people start one run an hour between them when everybody works."""
MAX_JOBS = 3
MIN_WAIT, MAX_WAIT = 2, 45
SATURATED_WAIT = 900
"""Seconds that a job waits at most where every runner is always busy."""
MIN_WORK, MAX_WORK = 40, 840
LAST_EVENT = SATURATED_WAIT + MAX_WORK
STUCK_EVERY = 24
"""In one stretch of so many, the first run waits for longer than anybody wants to."""
STUCK_SECONDS = 5_400
USUAL_DELAY, MAX_DELAY = 20, 240
LATE_CHANCE, TWICE_CHANCE = 0.03, 0.02
EVENTS = ("push", "pull_request", "schedule", "workflow_dispatch")
LABELS = (
    ("ubuntu-latest",),
    ("self-hosted", "Linux", "X64", "linux-large"),
    ("self-hosted", "Linux", "X64", "linux-large", "docker"),
    ("self-hosted", "Windows", "X64", "windows"),
    ("self-hosted", "macOS", "ARM64", "macos"),
    ("self-hosted", "Linux", "X64", "gpu"),
    ("self-hosted", "Linux", "X64"),
    ("self-hosted", "Linux", "X64", "deploy"),
)
SATURATED = LABELS[-1]
SECONDS_BETWEEN_JOBS = 7
FIRST_RUN = 10_000_000_000
RUNS_OF_A_STRETCH = 100_000
SCALE = 1 << 16
CACHED_STRETCHES = 32


class Entry(NamedTuple):
    """An event, when it happened and when it appears in the log."""

    at: float
    document: str
    appears: float
    record: dict[str, Any]
    twice: bool


class Run(NamedTuple):
    """A run of a workflow; one without labels never gets a runner."""

    id: int
    organization: str
    created: float
    labels: tuple[str, ...]
    jobs: int
    wait: float
    work: float


class AuditLog:
    """The events of one enterprise.

    Args:
        seed: Seed of the estate.
        enterprise: Slug of the enterprise.
        organizations: Where the runs are.
        users: How many people start them.
    """

    def __init__(self, seed: int, enterprise: str, organizations: Sequence[str], users: int) -> None:
        self._enterprise = enterprise
        self._organizations = organizations
        self._users = users
        self._runs = Draws(seed, enterprise, "workflow runs")
        self._documents = Draws(seed, enterprise, "audit log")
        self._entries = lru_cache(maxsize=CACHED_STRETCHES)(self._of_stretch)

    def entries(self, since: float, until: float, at: float, *, newest_first: bool) -> Iterator[Entry]:
        """Return what the log shows at *at* of the time from *since* to *until*."""
        stretches = range(int(since // STRETCH), int(min(until, at) // STRETCH) + 1)
        for stretch in reversed(stretches) if newest_first else stretches:
            entries = self._entries(stretch)
            for entry in reversed(entries) if newest_first else entries:
                if since <= entry.at <= until and entry.appears <= at:
                    yield entry
                    if entry.twice:
                        yield entry

    def _of_stretch(self, stretch: int) -> tuple[Entry, ...]:
        """The events of a stretch, of runs that began in it or before."""
        begun = range(stretch - LAST_EVENT // STRETCH - 1, stretch + 1)
        runs = [run for each in begun for run in self._begun_in(each)]
        runs += [self._stuck(each) for each in (stretch, stretch - STUCK_SECONDS // STRETCH) if not each % STUCK_EVERY]
        start = stretch * STRETCH
        found = (entry for run in runs for entry in self._of_run(run) if start <= entry.at < start + STRETCH)
        return tuple(sorted(found, key=lambda entry: entry[:2]))

    def _begun_in(self, stretch: int) -> Iterator[Run]:
        start = stretch * STRETCH
        expected = self._users / PEOPLE_TO_A_RUN * load(start) * STRETCH / HOUR
        for number in range(int(expected + self._runs.fraction(stretch))):
            draw = self._runs.digest(stretch, number)
            parts = [part / SCALE for part in struct.unpack(">8H", draw[:16])]
            labels = LABELS[int(parts[0] * len(LABELS))]
            most = SATURATED_WAIT if labels is SATURATED else MAX_WAIT
            yield Run(
                id=FIRST_RUN + stretch * RUNS_OF_A_STRETCH + number,
                organization=self._organizations[int(parts[1] * len(self._organizations))],
                created=start + parts[2] * STRETCH,
                labels=labels,
                jobs=1 + int(parts[3] * MAX_JOBS),
                wait=MIN_WAIT + parts[4] ** 2 * (most - MIN_WAIT),
                work=MIN_WORK + parts[5] ** 2 * (MAX_WORK - MIN_WORK),
            )

    def _stuck(self, stretch: int) -> Run:
        number = FIRST_RUN + (stretch + 1) * RUNS_OF_A_STRETCH - 1
        return Run(number, self._organizations[0], stretch * STRETCH, (), 0, 0, STUCK_SECONDS)

    def _of_run(self, run: Run) -> Iterator[Entry]:
        common = {"workflow_run_id": run.id, "workflow_id": run.id % 97, "name": "CI", "event": EVENTS[run.id % 4]}
        branch = {"head_branch": "main", "head_sha": f"{run.id:040x}"}
        yield self._entry(run, 0, run.created, "created_workflow_run", {**common, **branch})
        begin = run.created + run.wait
        for job in range(run.jobs):
            fields = {
                "workflow_run_id": run.id,
                "job_name": f"build-{job + 1}",
                "runner_labels": [*run.labels],
                "is_hosted_runner": "self-hosted" not in run.labels,
                "runner_owner_type": "Organization",
            }
            yield self._entry(run, 1 + job, begin + job * SECONDS_BETWEEN_JOBS, "prepared_workflow_job", fields)
        conclusion = "success" if run.jobs else "cancelled"
        yield self._entry(
            run, 9, begin + run.work, "completed_workflow_run", {**common, "conclusion": conclusion, "run_attempt": 1}
        )

    def _entry(self, run: Run, number: int, at: float, action: str, fields: dict[str, Any]) -> Entry:
        draw = self._documents.digest(run.id, number)
        document = urlsafe_b64encode(draw[:16]).decode().rstrip("=")
        share, late, twice = (part / SCALE for part in struct.unpack(">3H", draw[16:22]))
        milliseconds = int(at * 1000)
        person = f"octo-user-{run.id % max(1, self._users)}"
        record = {
            "@timestamp": milliseconds,
            "_document_id": document,
            "action": f"workflows.{action}",
            "actor": person,
            "actor_id": run.id % max(1, self._users),
            "business": self._enterprise,
            "created_at": milliseconds,
            "operation_type": "create",
            "org": run.organization,
            "repo": f"{run.organization}/repo-{1 + run.id % 5}",
            "user": person,
            **fields,
        }
        delay = share * (MAX_DELAY if late < LATE_CHANCE else USUAL_DELAY)
        return Entry(milliseconds / 1000, document, at + delay, record, twice < TWICE_CHANCE)
