"""Ask everything that the collectors of one enterprise read, and gather the findings."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from exporter.clock import Clock
from exporter.doctor import diagnosis
from exporter.doctor.diagnosis import Finding, Subject
from exporter.doctor.probing_reader import Ended, Ledger, Prober, bug
from exporter.errors import GitHubError, Stopped, describe_bug
from exporter.github.endpoint import Endpoint
from exporter.github.run import Run
from exporter.runtime.assignment import Assignment
from exporter.runtime.run_cache import RunMemory

SECONDS = 300.0
"""The longest that one collector may take, as everywhere else."""


@dataclass(frozen=True, slots=True)
class Question:
    """One collector at one level, and who asks."""

    assignment: Assignment
    subject: Subject

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that the collector asks first at this level."""
        endpoints = self.assignment.collector.endpoints
        wanted = "organization" if self.subject.organization else "enterprise"
        return next((endpoint for endpoint in endpoints if endpoint.level == wanted), endpoints[0])

    @property
    def is_possible(self) -> bool:
        """Whether the collector can exist on this platform."""
        return self.assignment.platform in self.assignment.collector.platforms


def survey(questions: Sequence[Question], clock: Clock) -> list[Finding]:
    """Ask all *questions*, those of different credentials at the same time; findings in the order of the questions.

    The threads are not waited for when the process is interrupted: nothing is left half done.
    """
    by_credential = sorted(range(len(questions)), key=lambda number: questions[number].subject.credential)
    results: dict[int, list[Finding]] = {}
    threads = []
    for _, group in groupby(by_credential, key=lambda number: questions[number].subject.credential):
        numbers = sorted(group)

        def work(numbers: Sequence[int] = numbers) -> None:
            ledger = Ledger()
            for number in numbers:
                results[number] = list(findings(questions[number], ledger, clock))

        threads.append(threading.Thread(target=work, name="check", daemon=True))
    in_parallel(threads)
    return diagnosis.compared(finding for number in sorted(results) for finding in results[number])


def in_parallel(threads: Iterable[threading.Thread]) -> None:
    """Run *threads* to their end."""
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def findings(question: Question, ledger: Ledger, clock: Clock) -> Iterator[Finding]:
    """What one collector finds at one level, an entry per endpoint it asks."""
    assignment, subject = question.assignment, question.subject
    if not question.is_possible:
        yield diagnosis.not_here(subject, question.endpoint)
        return
    level = subject.organization
    prober = Prober(
        assignment.client_of(level),
        Run(clock.monotonic() + SECONDS, essential=True),
        ledger,
        enterprise=assignment.slug,
        organization=level,
    )
    target = assignment.target(level, RunMemory(clock), clock.time())
    ended = outcome(question, prober, lambda: assignment.collector.fetch(prober, target))
    for probe in prober.probes:
        if probe.error is None:
            yield diagnosis.works(subject, probe.endpoint)
        else:
            yield diagnosis.fails(subject, probe.endpoint, probe.error)
    if ended is not None and not any(probe.error is ended.error for probe in prober.probes):
        yield diagnosis.skipped(subject, question.endpoint, ended.error)


def outcome(question: Question, prober: Prober, fetch: Callable[[], object]) -> Ended | None:
    """Run *fetch*; what it makes of right-looking answers goes to *prober*, and what stops everything is returned."""
    try:
        fetch()
    except Ended as ended:
        return ended
    except Stopped:
        return None
    except GitHubError as error:
        prober.blame(error, question.endpoint)
    except Exception as error:  # noqa: BLE001 - a bug in one collector must not hide the others
        prober.blame(bug(describe_bug(error)), question.endpoint)
    return None
