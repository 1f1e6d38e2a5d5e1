"""The board of statuses, and when the exporter is ready."""

import pytest

from exporter.errors import Reason
from exporter.runtime.status import Key, Status, StatusBoard

LICENSES, RUNNERS = Key("acme", "licenses"), Key("acme", "runners")


@pytest.fixture
def board() -> StatusBoard:
    """A board with one status."""
    board = StatusBoard()
    board.add(LICENSES, Status(60))
    return board


def test_new_status(board: StatusBoard) -> None:
    """Of a collector that has not run nothing is known but its interval."""
    assert board.get(LICENSES) == Status(60, None, None, None, None, None, None, "", None)
    assert board.get(RUNNERS) is None


def test_update(board: StatusBoard) -> None:
    """An update changes the fields it names and keeps the others."""
    board.update(LICENSES, success=True, succeeded_at=5.0)
    board.update(LICENSES, success=False, reason=Reason.TIMEOUT)
    assert board.get(LICENSES) == Status(60, succeeded_at=5.0, success=False, reason=Reason.TIMEOUT)


def test_update_of_the_removed(board: StatusBoard) -> None:
    """What is removed does not come back by a late update, and removing twice is no error."""
    board.remove(LICENSES)
    board.remove(LICENSES)
    board.update(LICENSES, success=True)
    assert board.all() == {}


def test_all_is_a_copy(board: StatusBoard) -> None:
    """Every status as of now does not change later."""
    before = board.all()
    board.add(RUNNERS, Status(10))
    board.update(LICENSES, success=True)
    assert before == {LICENSES: Status(60)}
    assert board.all() == {LICENSES: Status(60, success=True), RUNNERS: Status(10)}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (Status(60), False),
        (Status(60, available=True, next_at=9.0), False),
        (Status(60, attempted_at=0.0, success=False), True),
        (Status(60, attempted_at=5.0, success=True), True),
        (Status(60, succeeded_at=0.0), False),
        (Status(60, succeeded_at=0.0, shown=True), True),
        (Status(60, success=False, available=False), True),
    ],
)
def test_ready(board: StatusBoard, status: Status, *, ready: bool) -> None:
    """Ready means that every collector was tried, has stored data, or cannot exist here."""
    board.update(LICENSES, attempted_at=1.0)
    board.add(RUNNERS, status)
    assert board.is_ready() is ready


def test_ready_without_collectors() -> None:
    """With nothing to collect there is nothing to wait for."""
    assert StatusBoard().is_ready()
