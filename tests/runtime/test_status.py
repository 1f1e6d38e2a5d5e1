"""The board of statuses: levels, what follows from them, and when the exporter is ready."""

from dataclasses import replace

import pytest

from exporter.errors import Reason
from exporter.runtime.status import FailingLevel, Key, LevelStatus, Status, StatusBoard, Watch, combine

LICENSES, RUNNERS = Key("acme", "licenses"), Key("acme", "runners")
ENTERPRISE, WEB, DATA = (RUNNERS.level(name) for name in ("", "acme-web", "acme-data"))
LEVELS = ("", "acme-web", "acme-data")
GOOD = LevelStatus(attempted_at=100.0, succeeded_at=101.0, duration=1.0, success=True, available=True, next_at=160.0)
FAILED = replace(GOOD, success=False, reason=Reason.TIMEOUT, problem="no answer in time")
REFUSED = LevelStatus(attempted_at=100.0, success=False, available=False, reason=Reason.UNAVAILABLE)
NEW = LevelStatus()


@pytest.fixture
def board() -> StatusBoard:
    """A board that watches three levels of one collector."""
    board = StatusBoard()
    board.reconcile({RUNNERS: Watch("f", 60, LEVELS)})
    return board


def test_new_status(board: StatusBoard) -> None:
    """Of a collector that has not run nothing is known but its interval."""
    assert board.get(RUNNERS) == Status(60, 60, organizations=2)
    assert board.level(WEB) == LevelStatus()
    assert board.get(LICENSES) is None


def test_update_changes_one_level_and_what_it_names(board: StatusBoard) -> None:
    """An update changes the fields it names and keeps the others, and the other levels."""
    board.update(WEB, success=True, succeeded_at=5.0)
    board.update(WEB, success=False, reason=Reason.TIMEOUT)
    assert board.levels(RUNNERS) == {
        "": NEW,
        "acme-web": LevelStatus(succeeded_at=5.0, success=False, reason=Reason.TIMEOUT),
        "acme-data": NEW,
    }


def test_late_update_does_not_bring_back_what_is_gone(board: StatusBoard) -> None:
    """A reading that outlived a reload changes nothing."""
    board.reconcile({})
    board.update(WEB, success=True)
    board.put(WEB, GOOD)
    assert board.all() == {}
    assert board.level(WEB) is None
    assert board.levels(RUNNERS) == {}


def test_all_is_a_copy(board: StatusBoard) -> None:
    """Every status as of now does not change later."""
    before = board.all()
    board.update(ENTERPRISE, success=False)
    assert before == {RUNNERS: Status(60, 60, organizations=2)}
    assert board.all() == {RUNNERS: Status(60, 60, success=False, organizations=2)}


@pytest.mark.parametrize(
    ("levels", "success"),
    [
        ((GOOD, GOOD), True),
        ((GOOD, FAILED), False),
        ((GOOD, NEW), None),
        ((FAILED, NEW), False),
        ((NEW, NEW), None),
        ((REFUSED, GOOD), False),
    ],
)
def test_success_needs_every_level(levels: tuple[LevelStatus, ...], success: bool | None) -> None:
    """One level that failed makes it false; one that was not read yet leaves it open."""
    assert combine(60, dict(zip(LEVELS, levels, strict=False))).success is success


def test_combined_times_are_those_of_the_slowest_and_the_oldest() -> None:
    """Last success is that of the oldest level, duration that of the longest, the next run that of the first."""
    older = replace(GOOD, attempted_at=50.0, succeeded_at=51.0, duration=9.0, next_at=110.0)
    status = combine(60, {"": GOOD, "acme-web": older})
    assert (status.attempted_at, status.succeeded_at, status.duration, status.next_at) == (100.0, 51.0, 9.0, 110.0)


def test_level_that_never_succeeded_leaves_no_last_success() -> None:
    """A wrong organization must not hide behind an enterprise that is read well."""
    assert combine(60, {"": GOOD, "acme-web": replace(FAILED, succeeded_at=None)}).succeeded_at is None


@pytest.mark.parametrize(
    ("levels", "available"),
    [((REFUSED, REFUSED), False), ((REFUSED, GOOD), True), ((REFUSED, NEW), False), ((NEW, NEW), None)],
)
def test_available_at_any_level(levels: tuple[LevelStatus, ...], available: bool | None) -> None:
    """It is available as soon as one level is, and not as long as all that were asked say no."""
    assert combine(60, dict(zip(LEVELS, levels, strict=False))).available is available


def test_problem_names_the_level_that_fails() -> None:
    """The organization is named, and how many fail besides."""
    one = combine(60, {"": GOOD, "acme-web": FAILED, "acme-data": GOOD})
    assert one.failing == (FailingLevel("acme-web", Reason.TIMEOUT, "no answer in time"),)
    assert (one.reason, one.problem) == (Reason.TIMEOUT, "organization acme-web: no answer in time")
    both = combine(60, {"": GOOD, "acme-web": FAILED, "acme-data": FAILED})
    assert both.problem == "organization acme-web: no answer in time (and 1 more)"
    assert combine(60, {"": FAILED}).problem == "no answer in time"
    assert (combine(60, {"": GOOD}).reason, combine(60, {"": GOOD}).problem) == (None, "")


def test_reconcile_keeps_success_only_of_the_same_fingerprint(board: StatusBoard) -> None:
    """What was read by settings that shape it alike still counts; the rest begins anew."""
    board.put(ENTERPRISE, GOOD)
    board.reconcile({RUNNERS: Watch("f", 30, ("", "acme-new"))})
    assert board.levels(RUNNERS) == {"": LevelStatus(succeeded_at=101.0, restored=True), "acme-new": NEW}
    board.reconcile({RUNNERS: Watch("other", 30)})
    assert board.levels(RUNNERS) == {"": NEW}


def test_unsupported_is_not_available_from_the_start() -> None:
    """What the platform cannot offer is never waited for."""
    board = StatusBoard()
    board.reconcile({LICENSES: Watch("f", 900, supported=False)})
    status = board.get(LICENSES)
    assert status is not None
    assert (status.success, status.available, status.succeeded_at) == (False, False, None)
    assert board.is_ready()


def test_set_levels_keeps_those_that_stay(board: StatusBoard) -> None:
    """An organization that comes or goes disturbs no other level."""
    board.put(WEB, FAILED)
    board.set_levels(RUNNERS, ("", "acme-web", "acme-new"))
    assert board.levels(RUNNERS) == {"": NEW, "acme-web": FAILED, "acme-new": NEW}
    board.set_levels(LICENSES, ("",))
    assert board.get(LICENSES) is None


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (LevelStatus(), False),
        (LevelStatus(available=True, next_at=9.0), False),
        (LevelStatus(attempted_at=0.0, success=False), True),
        (LevelStatus(attempted_at=5.0, success=True), True),
        (LevelStatus(succeeded_at=0.0), False),
        (LevelStatus(succeeded_at=0.0, restored=True), True),
        (LevelStatus(success=False, available=False), True),
    ],
)
def test_ready_when_one_level_of_each_collector_is(board: StatusBoard, status: LevelStatus, *, ready: bool) -> None:
    """Ready means that every collector tried one level, has stored data, or cannot exist here."""
    board.reconcile({RUNNERS: Watch("f", 60, LEVELS), LICENSES: Watch("f", 900)})
    board.update(WEB, attempted_at=1.0)
    board.put(LICENSES.level(), status)
    assert board.is_ready() is ready


def test_ready_without_collectors() -> None:
    """With nothing to collect there is nothing to wait for."""
    assert StatusBoard().is_ready()


def test_requests_of_all_levels_are_added() -> None:
    """A collector has sent what its levels sent; without any reading nothing is known."""
    read = combine(60, {"": replace(GOOD, requests=12), "acme-web": replace(GOOD, requests=3), "acme-new": NEW})
    assert (read.requests, combine(60, {"": NEW}).requests) == (15, None)


def test_interval_in_force_is_shown_beside_the_configured_one(board: StatusBoard) -> None:
    """It stays when levels change, and ends when it is no other than the configured one."""
    board.set_interval(RUNNERS, 140)
    board.set_levels(RUNNERS, ("",))
    board.update(ENTERPRISE, success=True)
    assert board.all() == {RUNNERS: Status(140, 60, success=True)}
    board.set_interval(RUNNERS, None)
    board.set_interval(LICENSES, 140)
    assert board.all() == {RUNNERS: Status(60, 60, success=True)}


def test_organization_that_is_refused_counts_for_nothing_else() -> None:
    """It was found and nobody asked for it: the collector is as well as its other levels."""
    fine = LevelStatus(attempted_at=5, succeeded_at=6, success=True, available=True)
    refused = LevelStatus(attempted_at=5, success=False, available=False, reason=Reason.FORBIDDEN, refused=True)
    combined = combine(60, {"": fine, "a": fine, "b": refused})
    assert combined == replace(combine(60, {"": fine, "a": fine}), refused=1)
    assert (combined.organizations, combined.success, combined.failing) == (1, True, ())
