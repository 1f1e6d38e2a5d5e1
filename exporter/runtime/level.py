"""Read one level of one collector, again and again: time it, classify what went wrong, publish what was read."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from exporter.clock import Clock, unix_offset
from exporter.collector import FoundOrganizations
from exporter.errors import GitHubError, Reason, Stopped
from exporter.github.reader import GitHub
from exporter.github.run import Run
from exporter.metrics.exposition import RenderedFamily, render
from exporter.metrics.metric import families
from exporter.runtime.assignment import Assignment
from exporter.runtime.availability import Availability
from exporter.runtime.discovery import KnownOrganizations
from exporter.runtime.failure import (
    LOGGED_AS_ERROR,
    UNTRUSTED_DATA,
    Failure,
    failure_of,
    limited_until,
    seconds_to_retry,
)
from exporter.runtime.pacer import JITTER, Pace, Pacer
from exporter.runtime.resume import Present, ResumePlan, plan_resume
from exporter.runtime.run_cache import RunCache
from exporter.runtime.saved import SavedResult, SavedState
from exporter.runtime.snapshot import Result, Snapshots
from exporter.runtime.status import Key, LevelKey, StatusBoard

log = structlog.get_logger()

PROBE_SECONDS = 24 * 3600.0
"""How often something that GitHub does not offer here is asked for again."""
MIN_DEADLINE_SECONDS = 300.0
CONFIRM_SECONDS = 60.0
"""When a list of organizations is read again that lacks one."""
SPREAD_SECONDS = (0.5, 5.0)
"""All collectors of a credential wait for the same end of a rate limit; they must not come back in step."""


class RunObserver(Protocol):
    """Counts what readings end in."""

    def failed(self, key: Key, reason: Reason) -> None:
        """A reading failed."""

    def skipped(self, key: Key, records: int) -> None:
        """A reading skipped malformed records."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all readings under the settings in force share.

    Attributes:
        pacer: has the next reading wait where the rate limit demands it.
        save: keeps the state of a level for the next process.
        is_over: whether other settings are in force, or the process is ending.
        found: takes note of the organizations that an enterprise was found to have; returns all it is known to have.
    """

    snapshots: Snapshots
    statuses: StatusBoard
    observer: RunObserver
    clock: Clock
    randomness: random.Random
    pacer: Pacer
    save: Callable[[LevelKey, str, SavedState], None]
    is_over: Callable[[], bool]
    found: Callable[[str, FoundOrganizations], KnownOrganizations]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading gave; `families` is None if nothing could be published of it. `run` has counted its requests."""

    run: Run
    families: Mapping[str, RenderedFamily] | None
    failures: tuple[Failure, ...] = ()
    found: FoundOrganizations | None = None


class Level:
    """One level of an assignment; its readings never overlap."""

    def __init__(self, assignment: Assignment, organization: str, context: RunContext) -> None:
        self.key = assignment.key.level(organization)
        self.client = assignment.client_of(organization)
        self.is_found = assignment.selection.is_found(organization)
        self._assignment = assignment
        self._context = context
        collector = assignment.collector
        self.pace = Pace(
            self.key, self.client, assignment.interval, stretches=collector.stretches, essential=collector.essential
        )
        self._cache = RunCache(context.clock)
        self._availability = Availability()
        self._failed_runs = 0
        self._skip_revalidation = False
        self._organizations: tuple[str, ...] = ()
        self._notes: list[tuple[str, dict[str, float]]] = []
        self.published_memory: Mapping[str, tuple[float, Any]] = {}
        """What was persisted with the result that is shown: a reading under way may have counted more."""
        names = {"enterprise": assignment.enterprise, "collector": assignment.collector.name}
        self._log = log.bind(**names, **({"organization": organization} if organization else {}))

    @property
    def max_age(self) -> float:
        """Seconds the last good result stays."""
        return self._assignment.max_age_at(self._context.pacer.stretch(self.pace))

    def run(self) -> float:
        """Read once, unless the rate limit has no room for it; return the seconds until the next reading is due.

        Raises:
            Stopped: the process is ending, or reads by other settings now.
        """
        context, clock = self._context, self._context.clock
        started, started_at = clock.monotonic(), clock.time()
        run = Run(0.0, essential=self._assignment.collector.essential, revalidate=not self._skip_revalidation)
        wait = context.pacer.begin(self.pace, run)
        if wait is not None:
            self._update(next_at=started_at + wait)
            return wait
        try:
            self._update(running_since=started_at)
            reading = self._read(run, started)
            if context.is_over():
                raise Stopped
            duration = clock.monotonic() - started
            base = self._failed(reading) if reading.failures else self._succeeded(duration)
            delay = self._delay(base, reading.failures, duration)
        finally:
            context.pacer.give_up(self.pace)
        with context.snapshots.lock:
            if context.is_over():  # since the look before, while this waited for the lock
                raise Stopped
            return self._publish(reading, started_at, duration, delay)

    def fail(self, error: Exception) -> None:
        """Note that a reading could not begin, or ended in *error*, which nobody foresaw."""
        failure = failure_of(error)
        self._failed_runs += 1
        self._availability.failed()
        with self._context.snapshots.lock:
            if self._context.is_over():
                return
            self._context.observer.failed(self.key.key, failure.reason)
            self._update(
                attempted_at=self._context.clock.time(),
                success=False,
                available=self._availability.offered,
                reason=failure.reason,
                problem=failure.problem,
                running_since=None,
            )
        self._log_failures([failure])

    def restore(self, saved: SavedState) -> ResumePlan | None:
        """Continue where an earlier process stopped, unless its state is of no use any more."""
        context, assignment = self._context, self._assignment
        present = Present(
            time=context.clock.time(),
            interval=assignment.interval,
            max_age=assignment.max_age,
            max_delay=(1 + JITTER) * (assignment.interval if saved.status.success else self._probe_seconds),
            credentials_digest=assignment.credentials_digest,
        )
        plan = plan_resume(saved, present)
        if plan is not None:
            attempted_at = saved.status.attempted_at
            if attempted_at is not None:
                self.pace.restore(saved.charged, attempted_at - unix_offset(context.clock))
            self._availability, self._failed_runs = plan.availability, saved.failed_runs
            self._organizations = saved.organizations
            self._cache.load(saved.memory, assignment.collector.persisted)
            self.published_memory = saved.memory
            context.statuses.put(self.key, replace(plan.status, refused=self._is_refused))
            if plan.result is not None:
                collected_at = plan.result.collected_at - unix_offset(context.clock)
                context.snapshots.publish(self.key, Result(plan.result.families, collected_at))
        return plan

    def remember_success(self) -> None:
        """Note that this worked before, by former settings: one refusal is no verdict."""
        self._availability.ever_worked = True

    def continue_counting(self, former: "Level") -> None:
        """Count on from where *former*, which read the same by former settings, published last."""
        persisted = self._assignment.collector.persisted
        counts = {key: each for key, each in persisted.items() if each.counts}
        self._cache.load({key: value for key, value in former.published_memory.items() if key in counts}, counts)
        self.published_memory = former.published_memory

    @property
    def _probe_seconds(self) -> float:
        return max(PROBE_SECONDS, self._assignment.interval)

    def _update(self, **changes: Any) -> None:
        self._context.statuses.update(self.key, **changes)

    def _read(self, run: Run, started: float) -> Reading:
        assignment, context = self._assignment, self._context
        collector, organization = assignment.collector, self.key.organization
        interval = assignment.interval * context.pacer.stretch(self.pace)
        run.deadline = started + max(interval, MIN_DEADLINE_SECONDS, self.pace.needs)
        github = GitHub(self.client, run, enterprise=assignment.slug, organization=organization)
        target = assignment.target(organization, self._cache, context.clock.time())
        try:
            fetched = collector.fetch(github, target)
            with context.snapshots.lock:
                grouped = families(collector.metrics, collector.samples(target, fetched))
                rendered = render(assignment.enterprise, grouped)
            found = collector.found(fetched) if collector.found is not None else None
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - a mistake in one collector must not stop the others
            return Reading(run, None, (self._failure(error),))
        finally:
            if run.skipped:
                context.observer.skipped(assignment.key, run.skipped)
                self._log.warning("malformed records skipped", records=run.skipped)
            self._log_notes(run)
        return Reading(run, rendered, tuple(map(self._failure, run.partial_failures)), found)

    def _log_notes(self, run: Run) -> None:
        before, self._notes = self._notes, run.notes
        for event, details in run.notes:
            if (event, details) not in before:
                self._log.warning("incomplete data", problem=event, **details)

    def _failure(self, error: Exception) -> Failure:
        return failure_of(error, refused=isinstance(error, GitHubError) and self._availability.is_refusal(error))

    def _delay(self, base: float, failures: Sequence[Failure], duration: float) -> float:
        """Seconds from now to the next reading, which is *base* after the start of this one or after a rate limit."""
        context = self._context
        limited = limited_until(failures)
        if limited is not None:
            wait = max(0.0, limited - context.clock.time()) + context.randomness.uniform(*SPREAD_SECONDS)
            return context.pacer.end_limited(self.pace, duration + wait)
        # A password that is wrong is never sent more often than configured: the account would be locked.
        is_rejected = any(failure.reason is Reason.UNAUTHORIZED for failure in failures)
        return context.pacer.end(self.pace, base, succeeded=not failures, may_be_early=not is_rejected)

    def _publish(self, reading: Reading, started_at: float, duration: float, delay: float) -> float:
        """Show, count and save how a reading ended; return the seconds to the next one."""
        context, failures, now = self._context, reading.failures, self._context.clock.time()
        if reading.families is not None:
            context.snapshots.publish(self.key, Result(reading.families, context.clock.monotonic()))
        if reading.found is not None:
            self._organizations, is_confirmed = context.found(self.key.enterprise, reading.found)
            delay = delay if is_confirmed else min(delay, CONFIRM_SECONDS)
        if failures:
            context.observer.failed(self.key.key, failures[0].reason)
        # GitHub would confirm data that made no sense as long as it has the same ETag.
        self._skip_revalidation = any(failure.reason in UNTRUSTED_DATA for failure in failures)
        self._update(
            attempted_at=started_at,
            duration=duration,
            success=not failures,
            available=self._availability.offered,
            refused=self._is_refused,
            next_at=now + delay,
            reason=failures[0].reason if failures else None,
            problem=failures[0].problem if failures else "",
            running_since=None,
            requests=reading.run.requests,
            **({} if failures else {"succeeded_at": now}),
        )
        self._save()
        return delay

    def _succeeded(self, duration: float) -> float:
        if self._failed_runs:
            self._log.info("collector recovered", failed_runs=self._failed_runs)
        self._failed_runs = 0
        self._availability.worked()
        self._log.debug("collected", duration_seconds=round(duration, 3))
        return self._assignment.interval

    def _failed(self, reading: Reading) -> float:
        """Report a failed reading; return the seconds from its start to the next try."""
        failures = reading.failures
        self._failed_runs += 1
        was_offered = self._availability.offered
        refused = reading.families is None and all(failure.refused for failure in failures)
        if reading.families is not None:
            self._availability.worked()
        elif refused:
            self._availability.refused()
        else:
            self._availability.failed()
        if not refused or self._availability.offered or (self._works_elsewhere() and not self._is_refused):
            self._log_failures(failures)
        elif was_offered is not False:
            first = failures[0]
            self._log.warning("collector not available", reason=first.reason.value, hint=first.problem)
        if refused and not self._availability.offered and (self._is_refused or self._is_refused_elsewhere()):
            return self._availability.seconds_to_probe(self._assignment.interval, self._probe_seconds)
        retry = seconds_to_retry(failures, self._failed_runs, self._assignment.interval)
        return max(retry, self._assignment.collector.min_interval)

    def _log_failures(self, failures: Sequence[Failure]) -> None:
        for failure in failures:
            write = self._log.error if failure.reason in LOGGED_AS_ERROR else self._log.warning
            write("collector failed", reason=failure.reason.value, problem=failure.problem)

    @property
    def _is_refused(self) -> bool:
        """Whether this is an organization that nobody named and that the credential may not read."""
        return self.is_found and self._availability.offered is False

    def _available_elsewhere(self) -> list[bool | None]:
        levels = self._context.statuses.levels(self.key.key)
        return [status.available for organization, status in levels.items() if organization != self.key.organization]

    def _works_elsewhere(self) -> bool:
        """Whether another level is offered, so that a refusal of this one alone is a failure."""
        return True in self._available_elsewhere()

    def _is_refused_elsewhere(self) -> bool:
        """Whether every other level is refused too, so that the collector is not available here."""
        return all(available is False for available in self._available_elsewhere())

    def _save(self) -> None:
        context, assignment = self._context, self._assignment
        status, result = context.statuses.level(self.key), context.snapshots.result(self.key)
        if status is None:
            return
        offset = unix_offset(context.clock)
        self.published_memory = self._cache.dump(assignment.collector.persisted)
        saved = SavedState(
            credentials_digest=assignment.credentials_digest,
            interval=assignment.interval,
            status=status,
            availability=replace(self._availability),
            failed_runs=self._failed_runs,
            result=None if result is None else SavedResult(result.families, result.collected_at + offset),
            memory=self.published_memory,
            organizations=self._organizations,
            charged=dict(self.pace.costs or {}),
        )
        context.save(self.key, assignment.fingerprint, saved)
