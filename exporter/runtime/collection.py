"""Run one collector for one enterprise: time it, classify what went wrong, publish what was read."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from exporter.clock import Clock
from exporter.errors import GitHubError, RateLimited, Reason, Stopped, describe_bug
from exporter.github.reader import GitHub
from exporter.github.run import Run
from exporter.metrics.exposition import render
from exporter.metrics.metric import families
from exporter.runtime.assignment import Assignment
from exporter.runtime.availability import Availability
from exporter.runtime.resume import Now, Resumption, resume
from exporter.runtime.run_cache import RunMemory
from exporter.runtime.saved import Kept
from exporter.runtime.snapshot import Result, Snapshots
from exporter.runtime.status import Key, StatusBoard

log = structlog.get_logger()

PROBE_SECONDS = 24 * 3600.0
"""How often something that GitHub does not offer here is asked for again."""
SHORTEST_DEADLINE = 300.0
FIRST_RETRY_SECONDS = 60.0
JITTER = 0.05
NEEDS_A_PERSON = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN, Reason.BUG})
SENSELESS = frozenset({Reason.PAYLOAD, Reason.BUG})
PASSING = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR})


class RunObserver(Protocol):
    """Who counts what runs do."""

    def failed(self, key: Key, reason: Reason) -> None:
        """A run failed."""

    def skipped(self, key: Key, records: int) -> None:
        """A run skipped malformed records."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one level was not read."""

    reason: Reason
    problem: str
    retry_at: float | None = None
    refused: bool = False
    transient: bool = False


class Collection:
    """The runs of one assignment, one at a time."""

    def __init__(
        self,
        assignment: Assignment,
        *,
        snapshots: Snapshots,
        statuses: StatusBoard,
        observer: RunObserver,
        clock: Clock,
        randomness: random.Random,
        kept: Callable[[Key, Kept], None] = lambda _key, _kept: None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._kept, self._given_up = kept, given_up
        self.assignment = assignment
        self._snapshots = snapshots
        self._statuses = statuses
        self._observer = observer
        self._clock = clock
        self._random = randomness
        self._memories = {level: RunMemory(clock) for level in assignment.levels}
        self._availability = Availability()
        self._failed_runs, self._doubts = 0, False
        self._notes: dict[str, list[tuple[str, dict[str, float]]]] = {}
        self._log = log.bind(enterprise=assignment.enterprise, collector=assignment.collector.name)

    def resume(self, kept: Kept) -> Resumption | None:
        """Go on where an earlier process stopped, unless what it kept says nothing any more."""
        assignment, time = self.assignment, self._clock.time()
        now = Now(
            time,
            interval=assignment.interval,
            max_age=assignment.max_age,
            longest_delay=(1 + JITTER) * (assignment.interval if kept.status.success else self._probe_seconds),
            levels=assignment.levels,
            credentials_digest=assignment.credentials_digest,
        )
        resumption = resume(kept, now)
        if resumption is not None:
            self._availability, self._failed_runs = resumption.availability, kept.failed_runs
            for level in kept.memories.keys() & self._memories.keys():
                self._memories[level].read_again(kept.memories[level], assignment.collector.lasting)
            self._statuses.add(assignment.key, resumption.status)
            self._snapshots.publish(assignment.key, resumption.results)
        return resumption

    def has_worked(self) -> None:
        """Take note that this collector worked before, so that one refusal is no verdict."""
        self._availability.ever_worked = True

    def run(self) -> float:
        """Collect once; return the seconds until the next run is due.

        Raises:
            Stopped: the process is ending, or reads by other settings now.
        """
        started, started_at = self._clock.monotonic(), self._clock.time()
        read, failures = self._read_levels()
        if self._given_up():  # other settings are in force, which this may not fit
            raise Stopped
        if read:
            self._snapshots.publish(self.assignment.key, read)
        # GitHub would confirm what made no sense for as long as it has the same ETag.
        self._doubts = any(failure.reason in SENSELESS for failure in failures)
        duration = self._clock.monotonic() - started
        delay = self._failed(failures, started_at, everything=not read) if failures else self._succeeded(duration)
        now, delay = self._clock.time(), max(0.0, delay - duration)
        self._statuses.update(
            self.assignment.key,
            attempted_at=started_at,
            duration=duration,
            success=not failures,
            available=self._availability.offered,
            next_at=now + delay,
            reason=failures[0].reason if failures else None,
            problem=failures[0].problem if failures else "",
            **({} if failures else {"succeeded_at": now}),
        )
        self._keep()
        return delay

    def expire(self) -> None:
        """Drop results that are too old to be shown."""
        self._snapshots.expire(self.assignment.key, self._clock.time() - self.assignment.max_age)

    def _keep(self) -> None:
        assignment = self.assignment
        status = self._statuses.get(assignment.key)
        if status is not None:
            kept = Kept(
                fingerprint=assignment.fingerprint,
                credentials_digest=assignment.credentials_digest,
                levels=assignment.levels,
                status=status,
                availability=replace(self._availability),
                failed_runs=self._failed_runs,
                results=self._snapshots.results(assignment.key),
                memories={
                    level: memory.write_down(assignment.collector.lasting) for level, memory in self._memories.items()
                },
            )
            self._kept(assignment.key, kept)

    @property
    def _probe_seconds(self) -> float:
        return max(PROBE_SECONDS, self.assignment.interval)

    def _read_levels(self) -> tuple[dict[str, Result], list[Failure]]:
        read: dict[str, Result] = {}
        failures: list[Failure] = []
        for level in self.assignment.levels:
            try:
                read[level], partial = self._read(level)
                failures += map(self._failure, partial)
            except Stopped:
                raise
            except GitHubError as error:
                failures.append(self._failure(error))
            except Exception as error:  # noqa: BLE001 - a bug in one collector must not stop the others
                failures.append(Failure(Reason.BUG, describe_bug(error)))
        return read, failures

    def _failure(self, error: GitHubError) -> Failure:
        retry_at = error.retry_at if isinstance(error, RateLimited) else None
        return Failure(error.reason, str(error), retry_at, self._availability.is_refusal(error), error.transient)

    def _read(self, level: str) -> tuple[Result, list[GitHubError]]:
        assignment, collector = self.assignment, self.assignment.collector
        target = assignment.target(level, self._memories[level], self._clock.time())
        deadline = self._clock.monotonic() + max(assignment.interval, SHORTEST_DEADLINE)
        run = Run(deadline, essential=collector.essential, revalidate=not self._doubts)
        github = GitHub(assignment.client_of(level), run, enterprise=assignment.slug, organization=level)
        try:
            fetched = collector.fetch(github, target)
            with self._snapshots.writing:
                grouped = families(collector.metrics, collector.samples(target, fetched))
                written = render(assignment.enterprise, grouped)
        finally:
            if run.skipped:
                self._observer.skipped(assignment.key, run.skipped)
                self._log.warning("malformed records skipped", records=run.skipped, organization=level)
            self._log_notes(level, run)
        return Result(written, self._clock.time()), run.partial_failures

    def _log_notes(self, level: str, run: Run) -> None:
        before, self._notes[level] = self._notes.get(level, []), run.notes
        for event, details in run.notes:
            if (event, details) not in before:
                self._log.warning("incomplete data", problem=event, organization=level, **details)

    def _succeeded(self, duration: float) -> float:
        if self._failed_runs:
            self._log.info("collector works again", failed_runs=self._failed_runs)
        self._failed_runs = 0
        self._availability.worked()
        self._log.debug("collected", duration_seconds=round(duration, 3))
        return self._jittered(self.assignment.interval)

    def _failed(self, failures: list[Failure], started_at: float, *, everything: bool) -> float:
        """Count and report a failed run; return the seconds from its start to the next try."""
        self._failed_runs += 1
        self._observer.failed(self.assignment.key, failures[0].reason)
        was_offered = self._availability.offered
        refused = everything and all(failure.refused for failure in failures)
        if not everything:
            self._availability.worked()
        elif refused:
            self._availability.refused()
        else:
            self._availability.failed()
        not_here = refused and not self._availability.offered
        if not not_here:
            for failure in failures:
                write = self._log.error if failure.reason in NEEDS_A_PERSON else self._log.warning
                write("collector run failed", reason=failure.reason.value, problem=failure.problem)
        elif was_offered is not False:
            self._log.warning("collector not available here", reason=failures[0].reason.value, hint=failures[0].problem)
        return self._jittered(self._probe_seconds) if not_here else self._next_try(failures, started_at)

    def _next_try(self, failures: list[Failure], started_at: float) -> float:
        interval = self.assignment.interval
        limits = [failure.retry_at for failure in failures if failure.retry_at is not None]
        if limits:
            # All collectors of the credential wait for this moment; they must not come back in step.
            return max(0.0, max(limits) - started_at) + self._random.uniform(0.5, 5.0)
        if all(failure.transient or failure.reason in PASSING for failure in failures):
            interval = min(interval, FIRST_RETRY_SECONDS * 2 ** min(self._failed_runs - 1, 20))
        return self._jittered(interval)

    def _jittered(self, seconds: float) -> float:
        return seconds * self._random.uniform(1 - JITTER, 1 + JITTER)
