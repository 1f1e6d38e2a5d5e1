"""Send what the collectors of one enterprise send, and gather the findings."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.clock import Clock
from exporter.collectors.budgets import UNKNOWN_CONSUMPTION
from exporter.doctor import diagnosis
from exporter.doctor.advice import State
from exporter.doctor.calls import calls_per_hour
from exporter.doctor.diagnosis import CheckTarget, Finding
from exporter.doctor.probing_reader import AnswerCache, Ended, Prober, bug
from exporter.errors import Cause, GitHubError, IncompleteList, Stopped, Unavailable, describe_bug
from exporter.github.client import Client
from exporter.github.endpoint import VERSIONS, Endpoint
from exporter.github.models import texts
from exporter.github.reader import GitHub
from exporter.github.run import Run
from exporter.runtime.assignment import Assignment
from exporter.runtime.run_cache import RunCache
from exporter.runtime.status import ENTERPRISE_LEVEL

ASKED_FIRST = frozenset({"licenses", "runners"})
"""What every GitHub offers to whoever may read the enterprise: if it is not there, nothing else is."""
MIN_COLLECTORS = 2
"""One collector that sees nothing may be a feature that is off."""
NOTHING_VISIBLE = Unavailable("nothing is visible")
MAX_VERSIONS_SECONDS = 20.0
SECONDS = 300.0
"""The deadline of one collector, as everywhere else."""


@dataclass(frozen=True, slots=True)
class Check:
    """One collector at one level, the credential it uses, and what comes to light when it is run.

    Attributes:
        notes: what the collector notes.
        per_hour: calls an hour by resource of the rate limit; empty while they are not known.
    """

    assignment: Assignment
    target: CheckTarget
    notes: list[tuple[str, dict[str, float]]] = field(default_factory=list, compare=False)
    per_hour: list[Mapping[str, float]] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        """The name of the collector."""
        return self.assignment.collector.name

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that the collector asks first at this level."""
        endpoints = self.assignment.collector.endpoints
        wanted = "organization" if self.target.organization else "enterprise"
        return next((endpoint for endpoint in endpoints if endpoint.level == wanted), endpoints[0])

    @property
    def is_possible(self) -> bool:
        """Whether the collector can exist on this platform, and there is an address to ask."""
        return self.assignment.is_supported


def run_checks(checks: Sequence[Check], clock: Clock) -> list[Finding]:
    """Run *checks*, those of different credentials in parallel; findings in the order of the checks.

    The threads are not waited for when the process is interrupted: nothing is left half done.
    """
    by_credential: dict[str, list[int]] = defaultdict(list)
    for number, check in enumerate(checks):
        by_credential[check.target.credential].append(number)
    results: dict[int, list[Finding]] = {}

    def work(numbers: Sequence[int]) -> None:
        results.update(checks_with_one_credential({number: checks[number] for number in numbers}, clock))

    in_parallel(
        threading.Thread(target=work, args=(numbers,), name="check", daemon=True) for numbers in by_credential.values()
    )
    return diagnosis.correlate(finding for number in sorted(results) for finding in results[number])


def checks_with_one_credential(checks: Mapping[int, Check], clock: Clock) -> dict[int, list[Finding]]:
    """Run *checks*; where the first ones see nothing of an enterprise or organization, the rest is not asked."""
    cache = AnswerCache()
    results: dict[int, list[Finding]] = {}
    seen: dict[str, list[Finding]] = defaultdict(list)
    for number in sorted(checks, key=lambda number: (checks[number].name not in ASKED_FIRST, number)):
        check = checks[number]
        level = check.target.organization
        collectors = {finding.target.collector for finding in seen[level]}
        if len(collectors) >= MIN_COLLECTORS and diagnosis.is_invisible(level, seen[level]):
            results[number] = [unasked(check)]
            continue
        results[number] = list(findings(check, cache, clock))
        if check.is_possible:
            seen[level] += results[number]
    return results


def unasked(check: Check) -> Finding:
    """The finding of a check that would see nothing either."""
    if not check.is_possible:
        return diagnosis.not_here(check.target, check.endpoint)
    return diagnosis.skipped(check.target, check.endpoint, NOTHING_VISIBLE)


def offered_versions(client: Client, findings: Iterable[Finding], clock: Clock) -> tuple[str, ...]:
    """The API versions that GitHub lists; none where it does not answer, or is too old to list them."""
    answers = (finding.state is State.OK or finding.cause is Cause.API_VERSION_UNSUPPORTED for finding in findings)
    if not any(answers):
        return ()
    try:
        run = Run(clock.monotonic() + MAX_VERSIONS_SECONDS, essential=True)
        listed = client.get(VERSIONS, client.url(VERSIONS, {}, {}), run).value
    except (GitHubError, Stopped):
        return ()
    return texts(listed)


def found_organizations(
    assignments: Iterable[Assignment], findings: Iterable[Finding], clock: Clock
) -> tuple[str, ...]:
    """The organizations that would be read because they are found; none where their list cannot be read."""
    readable = {finding.target.collector for finding in findings if finding.state is State.OK}
    for assignment in assignments:
        collector, selection = assignment.collector, assignment.selection
        if collector.found is not None and selection.auto and collector.name in readable:
            client = assignment.client_of(ENTERPRISE_LEVEL)
            github = GitHub(client, Run(clock.monotonic() + SECONDS, essential=True), enterprise=assignment.slug)
            try:
                fetched = collector.fetch(github, assignment.target(ENTERPRISE_LEVEL, RunCache(clock), clock.time()))
            except (GitHubError, Stopped):
                return ()
            chosen = selection.choose(collector.found(fetched).logins)
            return tuple(login for login in chosen.organizations if selection.is_found(login))
    return ()


def budgets_without_consumption(checks: Iterable[Check]) -> tuple[int, int] | None:
    """How many budgets have no known consumption, and of how many; None where all have one, or none could be read."""
    noted = (details for check in checks for event, details in check.notes if event == UNKNOWN_CONSUMPTION)
    details = next(noted, None)
    return None if details is None else (round(details["budgets"]), round(details["of"]))


def in_parallel(threads: Iterable[threading.Thread]) -> None:
    """Run *threads* to their end."""
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def findings(check: Check, cache: AnswerCache, clock: Clock) -> Iterator[Finding]:
    """What one collector finds at one level, an entry per endpoint it asks."""
    target = check.target
    if not check.is_possible:
        yield diagnosis.not_here(target, check.endpoint)
        return
    runs = Runs(check, cache, clock)
    prober = runs.prober()
    ended = outcome(check, prober, lambda: runs.fetch(prober))
    found = [
        diagnosis.works(target, probe.endpoint)
        if probe.error is None
        else diagnosis.fails(target, probe.endpoint, probe.error)
        for probe in prober.probes
    ]
    yield from found
    if ended is not None and not any(probe.error is ended.error for probe in prober.probes):
        yield diagnosis.skipped(target, check.endpoint, ended.error)
    if ended is None and all(finding.state is not State.FAILED for finding in found):
        check.per_hour.append(calls_per_hour(runs.count, check.assignment.interval))


class Runs:
    """Runs of one check, all against the answers of the first."""

    def __init__(self, check: Check, cache: AnswerCache, clock: Clock) -> None:
        self._check = check
        self._cache = cache
        self._clock = clock
        self._later = LaterClock(clock)
        self._memory = RunCache(self._later)

    def prober(self) -> Prober:
        """GitHub for one run."""
        check, assignment = self._check, self._check.assignment
        return Prober(
            assignment.client_of(check.target.organization),
            Run(self._clock.monotonic() + SECONDS, essential=True, notes=check.notes),
            self._cache,
            enterprise=assignment.slug,
            organization=check.target.organization,
        )

    def fetch(self, prober: Prober) -> None:
        """Run the collector."""
        assignment = self._check.assignment
        target = assignment.target(self._check.target.organization, self._memory, self._later.time())
        assignment.collector.fetch(prober, target)

    def count(self, later: float) -> Counter[str]:
        """Run again as if that was so much *later*; the calls by resource of the rate limit.

        What GitHub does not offer costs nothing: it is asked for once a day.
        """
        self._later.seconds = later
        prober = self.prober()
        try:
            self.fetch(prober)
        except IncompleteList:
            pass
        except Exception:  # noqa: BLE001 - a mistake in one collector must not hide the others
            return Counter()
        client = self._check.assignment.client_of(self._check.target.organization)
        calls: Counter[str] = Counter()
        for endpoint, count in prober.calls.items():
            calls[client.resource_of(endpoint)] += count
        return calls


@dataclass(slots=True)
class LaterClock:
    """A clock that is some seconds ahead."""

    clock: Clock
    seconds: float = 0.0

    def time(self) -> float:
        """Unix time in seconds."""
        return self.clock.time() + self.seconds

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self.clock.monotonic() + self.seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Nothing waits for what is kept."""
        del seconds
        return event.is_set()


def outcome(check: Check, prober: Prober, fetch: Callable[[], object]) -> Ended | None:
    """Run *fetch*; an error it raises goes to *prober*; what ends all checks is returned."""
    try:
        fetch()
    except Ended as ended:
        return ended
    except (Stopped, IncompleteList):  # one record was asked for; that there are more is well
        return None
    except GitHubError as error:
        prober.blame(error, check.endpoint)
    except Exception as error:  # noqa: BLE001 - a bug in one collector must not hide the others
        prober.blame(bug(describe_bug(error)), check.endpoint)
    return None
