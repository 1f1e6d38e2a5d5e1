"""Waiting runs and started jobs from a log whose events come late, out of order, twice, or not at all."""

import gc
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.collectors.actions_activity.actions_activity import COLLECTOR, ActionsActivityOptions
from exporter.collectors.actions_activity.allowance import LIMIT
from exporter.collectors.actions_activity.events import Event
from exporter.collectors.actions_activity.ledger import MAX_EVENTS, Ledger
from exporter.errors import ServerError
from tests.support.activity_log import PERSON, START, Log, Record, completed, created, started, total
from tests.support.harness import CollectorHarness

MINUTE, HOUR = 60.0, 3600.0
PATH = "/enterprises/octo-corp/audit-log"


def run_of(number: int, at: float, wait: float) -> list[Record]:
    """The events of a run of one job."""
    return [created(at, number), started(at + wait, number, "self-hosted", "gpu"), completed(at + wait + 90, number)]


def busy(log: Log, start: float, seconds: float, per_day: float) -> None:
    """Have so many events a day happen, a run making three of them, which wait 40 seconds."""
    between = 3 * 86_400 / per_day
    for number in range(int(seconds / between)):
        log.add(*run_of(int(start) * 1000 + number, start + number * between, 40))


RUNS = st.lists(st.tuples(st.floats(0, 1200), st.floats(0, 600), st.floats(0, 800), st.floats(0, 800)), max_size=12)


@given(RUNS, st.lists(st.floats(20, 180), min_size=1, max_size=60))
@settings(max_examples=150, deadline=None)
def test_order_and_delay_of_events_do_not_change_totals(
    runs: list[tuple[float, float, float, float]], pauses: list[float]
) -> None:
    """Whenever events within the overlap appear, and whenever they are read: each counts once, and nothing falls."""
    log, before = Log(), (0, 0.0, 0)
    expected = Ledger(START)
    log.read(0)
    for number, (at, wait, late, later) in enumerate(runs):
        run, job, end = run_of(number, START + 60 + at, wait)
        for record in (run, job, end):
            expected.add(Event.model_validate(record), 100)
        log.add(run, late=late)
        log.add(job, end, late=later)
    for pause in (*pauses, *(60.0 for _ in range(60))):
        report = log.read(pause)
        assert all(new >= old for new, old in zip(total(report), before, strict=True))
        before = total(report)
    expected.settle(START + HOUR)
    assert total(report)[0] == sum(sum(each.observed) for each in expected.waits.values()) == len(runs)
    assert total(report)[1] == pytest.approx(sum(each.total for each in expected.waits.values()), abs=0.01)
    assert total(report)[2] == len(runs)


@given(RUNS, st.randoms(use_true_random=False), st.integers(1, 10))
@settings(max_examples=150, deadline=None)
def test_ledger_is_the_same_for_any_order_and_repetition(
    runs: list[tuple[float, float, float, float]], randomness: Random, batch: int
) -> None:
    """Events in any order, each several times, in batches of any size: the same waits, jobs and waiting runs."""
    records = [record for number, (at, wait, *_) in enumerate(runs) for record in run_of(number, START + 1 + at, wait)]
    events = [Event.model_validate(record) for record in records]
    mixed = [*events, *events[::2]]
    randomness.shuffle(mixed)
    ledgers = Ledger(START), Ledger(START)
    for event in events:
        ledgers[0].add(event, 100)
    for place in range(0, len(mixed), batch):
        for event in mixed[place : place + batch]:
            ledgers[1].add(event, 100)
        ledgers[1].settle(START + HOUR)
    for ledger in ledgers:
        ledger.settle(START + HOUR)
    assert ledgers[1].jobs == ledgers[0].jobs
    assert {name: each.observed for name, each in ledgers[1].waits.items()} == {
        name: each.observed for name, each in ledgers[0].waits.items()
    }
    assert ledgers[1].waiting(START + HOUR) == ledgers[0].waiting(START + HOUR)


@given(st.integers(1, 6), st.integers(0, 500))
@settings(max_examples=30, deadline=None)
def test_failed_page_loses_nothing_and_counts_nothing_twice(page: int, more: int) -> None:
    """After a reading that broke off at any page the next one counts what is missing, and that alone."""
    log = Log()
    log.read(0)
    for number in range(100 + more):
        log.add(*run_of(number, START + 10 + number / 20, 1))
    log.fails_at = page
    try:
        log.read(120)
    except ServerError:
        log.fails_at = 0
        log.read(60)
    log.fails_at = 0
    report = log.read(60)
    assert total(report) == (100 + more, 100.0 + more, 100 + more)


def test_waiting_runs_count_by_age_until_a_job_starts_or_they_end() -> None:
    """A run waits until its first job starts or it ends without one; the ages include one another."""
    log = Log()
    log.read(0)
    log.add(created(START + 10, 1), created(START + 20, 2), created(START + 30, 3))

    def waiting(after: float) -> list[int]:
        found = log.read(after).waiting
        return [found["octo-org", age] for age in ("5m", "15m", "60m")]

    assert waiting(60) == [0, 0, 0]
    assert waiting(5 * MINUTE) == [3, 0, 0]
    assert waiting(10 * MINUTE) == [3, 3, 0]
    log.add(started(log.now + 1, 2), completed(log.now + 1, 3))
    assert waiting(60) == [1, 1, 0]
    for _ in range(10):
        found = waiting(10 * MINUTE)
    assert found == [1, 1, 1]
    for _ in range(140):
        found = waiting(10 * MINUTE)
    assert found == [0, 0, 0], "GitHub has given up the job"


def test_wait_of_hours_is_counted_when_the_job_starts() -> None:
    """A run is remembered for as long as it waits, not only for as long as events are read again."""
    log = Log()
    log.read(0)
    log.add(created(START + 10, 1))
    for _ in range(18):
        log.read(10 * MINUTE)
    log.add(started(START + 3 * HOUR, 1))
    assert total(log.read(60))[:2] == (1, 3 * HOUR - 10)


@pytest.mark.parametrize("per_day", [10_000, 60_000, 1_000_000, 4_000_000])
def test_half_of_the_limit_is_never_exceeded(per_day: float) -> None:
    """In no hour more than half of the audit log's queries, at the start, in steady state and when it is too much."""
    log = Log()
    busy(log, START - 20 * MINUTE, 50 * MINUTE, per_day)
    for _ in range(30):
        report = log.read()
    for at in log.pages_asked:
        assert sum(at <= other < at + HOUR for other in log.pages_asked) <= LIMIT / 2
    again = [at - start for at, start in zip(range(60, 1860, 60), log.starts(), strict=True)]
    if per_day <= 60_000:
        assert min(again[1:]) >= 15 * MINUTE
        assert report.lag < 30
    if per_day <= 1_000_000:
        assert [query["order"] for query in log.queries] == ["desc", *("asc" for _ in range(29))], "all reach the end"
    if per_day == 1_000_000:
        assert 60 + 10 <= again[-1] < 5 * MINUTE
        assert report.lag < 30
        assert report.skipped == 0
    if per_day == 4_000_000:
        assert report.lag > 2 * MINUTE or report.skipped > 0


def test_log_that_grows_too_fast_is_skipped_in_places_and_said() -> None:
    """Where the limit does not allow to read everything, the newest events are read, and the gap is said."""
    log = Log()
    log.read(0)
    busy(log, START, 25 * MINUTE, 6_000_000)
    reports = [log.read() for _ in range(25)]
    assert max(report.lag for report in reports) < 16 * MINUTE
    assert reports[-1].skipped > 0
    assert {name for name, _ in log.notes} == {"audit log skipped"}
    assert sum(details["seconds"] for _, details in log.notes) == pytest.approx(reports[-1].skipped, abs=len(log.notes))
    assert all(new.skipped >= old.skipped for old, new in pairwise(reports))


def test_outage_is_caught_up_with_two_hours_at_most() -> None:
    """After five hours the last two are read, the newest events first; older runs are not claimed to wait."""
    log = Log()
    log.read(0)
    log.add(created(START + 30, 1))
    assert log.read(10 * MINUTE).waiting["octo-org", "5m"] == 1
    log.add(*run_of(2, START + HOUR, 10), created(START + 4.5 * HOUR, 3))
    report = log.read(5 * HOUR)
    assert log.queries[-1]["order"] == "desc"
    assert report.waiting["octo-org", "5m"] == 1, "the one that was created within the two hours"
    assert total(report)[0] == 0
    assert report.skipped == pytest.approx(3 * HOUR, abs=20 * MINUTE)
    assert log.notes == [("audit log skipped", {"seconds": round(report.skipped)})]
    log.read()
    assert log.queries[-1]["order"] == "asc"
    assert len(log.notes) == 1


def test_short_outage_loses_nothing() -> None:
    """What happened meanwhile is read, and nothing of it was skipped."""
    log = Log()
    log.read(0)
    busy(log, START, HOUR, 60_000)
    report = log.read(HOUR)
    log.read()
    assert report.skipped == 0
    assert total(log.read())[2] == HOUR * 60_000 / 86_400 // 3


def test_quiet_company_is_no_lag() -> None:
    """The age of the newest event counts where something new was read; with nothing new, nothing is late."""
    log = Log()
    log.add(*run_of(1, START - 200, 40))
    assert log.read(0).lag == 70
    assert log.read().lag == 0
    log.add(created(log.now + 10, 2), late=40)
    assert log.read().lag == 50
    assert [log.read().lag for _ in range(90)] == [0] * 90
    assert Log().read().lag == 0


def test_series_that_appears_later_begins_at_zero() -> None:
    """Prometheus sees no increase in a first value: the first reading shows what there was, others begin at 0."""
    log = Log()
    log.add(*run_of(1, START - 200, 40))
    assert total(log.read(0)) == (1, 40, 1)
    log.add(*run_of(2, START + 1, 5), started(START + 20, 3, "fpga"), created(START + 10, 4, org="acme"))
    log.add(started(START + 15, 4, "fpga", org="acme"))
    report = log.read()
    assert report.jobs == {
        ("octo-org", "false", "gpu"): 2,
        ("octo-org", "false", "fpga"): 0,
        ("acme", "false", "fpga"): 0,
    }
    assert total(replace(report, waits={"acme": report.waits["acme"]}))[0] == 0
    report = log.read()
    assert {*report.jobs.values()} == {2, 1}
    assert total(report)[0] == 3


def test_restart_continues_where_it_was() -> None:
    """What the state file holds is enough: nothing is lost, counted twice, or begins again."""
    logs = Log(), Log()
    for log in logs:
        busy(log, START, 20 * MINUTE, 200_000)
        log.read(0)
    for number in range(22):
        reports = [log.read() for log in logs]
        assert reports[0] == reports[1], number
        logs[1].restart()
    assert total(reports[0])[2] == 20 * MINUTE * 200_000 / 86_400 // 3


def test_clock_that_was_set_back_counts_on() -> None:
    """After a clock that was an hour ahead nothing that was counted counts again, and what comes then counts."""
    log = Log(now=START + HOUR)
    log.add(*run_of(1, START - 200, 40))
    assert total(log.read(0))[2] == 1
    log.now = START
    assert total(log.read())[2] == 1
    log.add(*run_of(2, START + 100, 5))
    log.read()
    assert total(log.read())[2] == 2


def test_labels_beyond_the_limit_are_summed() -> None:
    """The first labels keep their series; a job with several others counts once among them."""
    log = Log(options=ActionsActivityOptions(max_labels=1))
    log.read(0)
    log.add(started(START + 1, 1, "a"), started(START + 2, 2, "b", "c"), started(START + 3, 3, "A", "b"))
    log.read()
    jobs = log.read().jobs
    assert {label: count for (_, _, label), count in jobs.items()} == {"a": 2, "(other)": 2}


def test_nothing_about_people_is_kept_or_logged() -> None:
    """Whoever caused an event is in no memory, no state file, no metric and no line of the log."""
    harness = CollectorHarness(
        COLLECTOR,
        {
            PATH: [
                created(START - 100, 1, document="document-1"),
                started(START - 50, 1, "gpu"),
                {"actor": PERSON, "@timestamp": PERSON},
            ]
        },
        now=START,
    )
    with capture_logs() as logs:
        harness.run()
    (state,) = harness.saved.values()
    assert "document" in repr(state.memory)
    for held in (logs, harness.text, state, harness.status):
        assert PERSON not in repr(held)
        assert "4711" not in repr(held)


def test_log_is_asked_for_with_what_was_read_before() -> None:
    """The first reading begins two hours ago with the newest; the next ones in their order, 15 minutes before."""
    harness = CollectorHarness(COLLECTOR, {PATH: [created(START - 100, 1)]}, now=START)
    harness.run()
    harness.clock.now += 60
    harness.run()
    first, second = harness.asked
    assert "phrase=action%3Aworkflows+created%3A%3E%3D2026-11-18T09%3A06%3A40Z&include=web&order=desc" in first
    assert "created%3A%3E%3D2026-11-18T10%3A50%3A00Z&include=web&order=asc" in second
    assert harness.conditions == [None, None]


def test_server_is_asked_with_its_own_scope() -> None:
    """Both platforms have the log at the same path, under another scope."""
    assert {endpoint.scope for endpoint in COLLECTOR.endpoints} == {"read:audit_log", "admin:enterprise"}
    assert {endpoint.path for endpoint in COLLECTOR.endpoints} == {"/enterprises/{enterprise}/audit-log"}
    assert not COLLECTOR.app_can_read


def test_memory_does_not_grow_at_a_million_events_a_day() -> None:
    """What is kept after forty minutes is what was kept after twenty: some megabytes."""

    def kept(log: Log) -> float:
        gc.collect()
        tracemalloc.start()
        log.restart()  # made anew, so that only that is counted
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size / 1e6

    log, sizes = Log(), []
    log.read(0)
    for turn in range(2):
        log.events.clear()
        busy(log, START + turn * 20 * MINUTE, 20 * MINUTE, 1_000_000)
        for _ in range(20):
            log.read()
        sizes.append(kept(log))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.2)
    assert sizes[-1] < 5


def test_documents_and_runs_are_bounded_whatever_comes() -> None:
    """A flood of events in one second raises the time from which they count; it does not fill the memory."""
    ledger = Ledger(START)
    for number in range(MAX_EVENTS + 100):
        at = START + 1 + number / 1000
        ledger.add(Event.model_validate(created(at, number)), 100)
    ledger.settle(START + MINUTE)
    ledger.raise_floor(START)
    assert len(ledger.events) == MAX_EVENTS
    assert ledger.floor == pytest.approx(START + 1 + 0.099)
    assert not ledger.add(Event.model_validate(created(START + 1, 0)), 100)
