"""What outlives a restart: its form in the file, what makes it void, and how a level continues with it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collector import Allowances, Collector, Persisted
from exporter.collectors.licenses import COLLECTOR as LICENSES
from exporter.collectors.runners import COLLECTOR as RUNNERS
from exporter.errors import Reason
from exporter.metrics.exposition import RenderedFamily
from exporter.metrics.metric import gauge
from exporter.runtime.availability import Availability
from exporter.runtime.fingerprint import credentials_digest, fingerprint
from exporter.runtime.resume import Present, ResumePlan, plan_resume
from exporter.runtime.run_cache import RunCache
from exporter.runtime.saved import UNREADABLE, SavedResult, SavedState, decode, encode, level_of, row_name
from exporter.runtime.status import LevelKey, LevelStatus, Verdict
from tests.support.harness import NOW, FakeClock

MINUTE, DAY = 60.0, 86_400.0
INTERVAL = 15 * MINUTE
LINES = RenderedFamily(b'ghe_license_seats_consumed{enterprise="acme"} 7\n', 1)
MORE = RenderedFamily(b'ghe_a{enterprise="acme",x="\xc3\xa4\\n"} 1\nghe_a{enterprise="acme",x=""} 2\n', 2)
GOOD = SavedState(
    credentials_digest="m",
    interval=INTERVAL,
    status=LevelStatus(
        attempted_at=NOW - 10 * MINUTE,
        succeeded_at=NOW - 10 * MINUTE + 1,
        duration=1.0,
        success=True,
        available=True,
        next_at=NOW + 5 * MINUTE,
        requests=12,
    ),
    availability=Availability(offered=True, ever_worked=True, refusals=0),
    failed_runs=0,
    result=SavedResult({"ghe_a": MORE, "ghe_b": LINES}, NOW - 10 * MINUTE),
    memory={"platform": (NOW - DAY, ["legacy", 1])},
    verdicts={"auth": Verdict(accepted=True, expires_at=NOW + DAY), "runner_auth": Verdict(False, None)},
    organizations=("acme-web", "acme-data"),
)
PRESENT = Present(NOW, INTERVAL, 2 * DAY, 1.05 * INTERVAL, "m")


def test_decode_returns_what_was_encoded() -> None:
    """Everything comes back but messages, which may name what nobody wants in a file."""
    assert decode(encode(GOOD)) == GOOD
    failed = replace(
        GOOD,
        status=replace(GOOD.status, success=False, reason=Reason.TIMEOUT, problem="secret"),
        availability=Availability(offered=True, ever_worked=True, refusals=2),
        failed_runs=3,
        result=None,
    )
    assert decode(encode(failed)) == replace(failed, status=replace(failed.status, problem=""))


@given(st.lists(st.binary(max_size=50), max_size=5), st.floats(allow_nan=False, allow_infinity=False))
def test_texts_keep_their_borders(texts: list[bytes], at: float) -> None:
    """Whatever bytes families consist of, each gets its own back."""
    result = SavedResult({f"ghe_{number}": RenderedFamily(text, number) for number, text in enumerate(texts)}, at)
    assert decode(encode(replace(GOOD, result=result))).result == result


@pytest.mark.parametrize("document", [b"", b"x", encode(GOOD)[:-9], encode(replace(GOOD, memory=None))])  # type: ignore[arg-type]
def test_unreadable_document_raises_a_known_error(document: bytes) -> None:
    """What makes no sense raises what the store expects."""
    with pytest.raises(UNREADABLE):
        decode(document)


@given(st.text(), st.text(), st.text())
def test_level_is_found_by_the_name_of_its_row(enterprise: str, collector: str, organization: str) -> None:
    """A level is found again by the name of its row, whatever it is called."""
    level = LevelKey(enterprise, collector, organization)
    assert level_of(row_name(level)) == level


@pytest.mark.parametrize("name", ["", "acme", '["acme"]', "7"])
def test_unreadable_row_name_raises_a_known_error(name: str) -> None:
    """A row that is called otherwise is not taken for a level."""
    with pytest.raises(UNREADABLE):
        level_of(name)


def test_document_of_many_runners_is_small() -> None:
    """Lines of many runners shrink to a small part."""
    text = b"".join(b'ghe_runner_online{enterprise="acme",runner="linux-%05d"} 1\n' % number for number in range(5000))
    assert len(encode(replace(GOOD, result=SavedResult({"ghe_a": RenderedFamily(text, 5000)}, NOW)))) < len(text) / 7


def shape(
    release: str = "1",
    api_url: str = "https://api.github.com",
    collector: Collector[Any] = RUNNERS,
    included: dict[str, float] | None = None,
    billing_platform: Any = "auto",
    **options: Any,
) -> str:
    """A fingerprint."""
    return fingerprint(
        release,
        api_url,
        collector,
        collector.options.model_validate(options),
        Allowances.model_validate(included or {}),
        billing_platform,
    )


FEWER_LABELS = replace(RUNNERS, metrics=(gauge(RUNNERS.metrics[0].name, "Runners.", "state"), *RUNNERS.metrics[1:]))
ALONE = replace(RUNNERS, metrics=tuple(replace(metric, dropped_with="") for metric in RUNNERS.metrics))


def test_fingerprint_changes_with_whatever_shapes_a_result() -> None:
    """Each change of code, declaration, address or setting makes another fingerprint."""
    changed = [
        shape(),
        shape(release="2"),
        shape(api_url="https://api.acme.ghe.com"),
        shape(collector=LICENSES),
        shape(collector=FEWER_LABELS),
        shape(collector=replace(RUNNERS, metrics=RUNNERS.metrics[1:])),
        shape(collector=ALONE),
        shape(per_runner=False),
        shape(included={"actions_minutes": 0}),
        shape(billing_platform="legacy"),
    ]
    assert len(set(changed)) == len(changed)


def test_fingerprint_ignores_intervals_and_help_texts() -> None:
    """How often something is read and how long it is shown may change, and so may a help text."""
    same = replace(RUNNERS, metrics=tuple(replace(metric, help="Other.") for metric in RUNNERS.metrics))
    assert shape() == shape(interval="5m", max_age="1h", enabled=True) == shape(collector=same)


def test_digest_of_credentials_reveals_a_change_and_nothing_else() -> None:
    """Another secret or another place makes another digest, which is too short to confirm a guess at a secret."""
    secrets = [{"auth": "a"}, {"auth": "b"}, {"runner_auth": "a"}, {"auth": "a", "x": "a"}]
    digests = [credentials_digest(each) for each in secrets]
    assert len(set(digests)) == 4
    assert all(len(digest) == 6 for digest in digests)
    assert credentials_digest({"auth": "a", "x": "b"}) == credentials_digest({"x": "b", "auth": "a"})


def failed(reason: Reason, *, offered: bool = True, next_at: float = NOW + 5 * MINUTE, **others: Any) -> SavedState:
    """A state after a run that failed."""
    return replace(
        GOOD,
        status=replace(GOOD.status, success=False, available=offered, reason=reason, next_at=next_at),
        availability=Availability(offered, ever_worked=True, refusals=0 if offered else 3),
        failed_runs=4,
        **others,
    )


UNAVAILABLE = failed(Reason.UNAVAILABLE, offered=False, next_at=NOW + DAY / 2)
LIMITED = failed(Reason.RATE_LIMITED, next_at=NOW + 50 * MINUTE)
DAILY = replace(PRESENT, max_delay=1.05 * DAY)
OTHER_CREDENTIALS = replace(DAILY, credentials_digest="other")


def at(status: LevelStatus, next_at: float | None) -> SavedState:
    """A state that is due at *next_at*."""
    return replace(GOOD, status=replace(status, next_at=next_at))


@pytest.mark.parametrize(
    ("saved", "present", "delay"),
    [
        pytest.param(GOOD, PRESENT, 5 * MINUTE, id="not due yet"),
        pytest.param(at(GOOD.status, NOW - 1), PRESENT, None, id="overdue"),
        pytest.param(at(GOOD.status, NOW), PRESENT, None, id="due"),
        pytest.param(at(GOOD.status, None), PRESENT, None, id="never planned"),
        pytest.param(at(GOOD.status, NOW + DAY), PRESENT, 1.05 * INTERVAL, id="far in the future"),
        pytest.param(GOOD, replace(PRESENT, interval=12 * MINUTE), 2 * MINUTE, id="shorter interval"),
        pytest.param(GOOD, replace(PRESENT, interval=9 * MINUTE), None, id="overdue by a shorter interval"),
        pytest.param(GOOD, replace(PRESENT, interval=20 * MINUTE, max_delay=DAY), 10 * MINUTE, id="longer interval"),
        pytest.param(GOOD, replace(PRESENT, credentials_digest="other"), 5 * MINUTE, id="other credential"),
        pytest.param(failed(Reason.SERVER_ERROR), DAILY, 5 * MINUTE, id="failed"),
        pytest.param(failed(Reason.FORBIDDEN), DAILY, 5 * MINUTE, id="forbidden"),
        pytest.param(failed(Reason.UNAUTHORIZED), DAILY, None, id="rejected"),
        pytest.param(failed(Reason.PAYLOAD), OTHER_CREDENTIALS, None, id="failed with other credential"),
        pytest.param(
            failed(Reason.TIMEOUT), replace(DAILY, interval=7 * MINUTE), 5 * MINUTE, id="failed, new interval"
        ),
        pytest.param(LIMITED, DAILY, 50 * MINUTE, id="rate limited"),
        pytest.param(UNAVAILABLE, DAILY, DAY / 2, id="unavailable"),
        pytest.param(UNAVAILABLE, OTHER_CREDENTIALS, None, id="unavailable with other credential"),
    ],
)
def test_resumed_level_runs_when_it_is_due(saved: SavedState, present: Present, delay: float | None) -> None:
    """Nothing runs before it is due, unless somebody changed what makes it due."""
    plan = plan_resume(saved, present)
    assert plan is not None
    assert plan.delay == delay
    assert plan.status.next_at == (None if delay is None else NOW + delay)


def resumed(saved: SavedState, present: Present = DAILY) -> ResumePlan:
    """Go on with *saved*."""
    found = plan_resume(saved, present)
    assert found is not None
    return found


def test_resumed_level_shows_a_young_result() -> None:
    """A result that is young enough, with the time of the last success."""
    assert resumed(GOOD).result == GOOD.result
    assert resumed(GOOD, replace(DAILY, max_age=10 * MINUTE)).result == GOOD.result
    assert resumed(GOOD, replace(DAILY, max_age=10 * MINUTE - 1)).result is None
    status = resumed(GOOD, replace(DAILY, max_age=1)).status
    assert (status.succeeded_at, status.success, status.available) == (GOOD.status.succeeded_at, True, True)
    assert (status.duration, status.restored) == (1.0, False)


def test_due_level_without_a_result_counts_as_not_attempted() -> None:
    """What is due and shows nothing counts as not tried; what is not due was tried, whatever came of it."""
    old = replace(at(GOOD.status, NOW - 1), result=SavedResult({"ghe_a": LINES}, NOW - 3 * DAY))
    assert (resumed(old).result, resumed(old).status.attempted_at) == (None, None)
    overdue = at(GOOD.status, NOW - 1)
    assert resumed(overdue).status.attempted_at == GOOD.status.attempted_at
    assert resumed(overdue).status.restored
    waiting = replace(LIMITED, result=None)
    assert resumed(waiting).status.attempted_at == GOOD.status.attempted_at


def test_resumed_failure_keeps_its_reason_without_the_message() -> None:
    """The reason stays; the message is not stored."""
    status = resumed(LIMITED).status
    assert (status.success, status.reason, status.problem) == (
        False,
        Reason.RATE_LIMITED,
        "known from before the restart",
    )
    assert resumed(UNAVAILABLE).status.available is False
    assert resumed(UNAVAILABLE).availability == UNAVAILABLE.availability
    assert resumed(UNAVAILABLE).availability is not UNAVAILABLE.availability


def test_another_credential_voids_a_refusal() -> None:
    """With another credential nothing is known of what is offered, but one refusal is no verdict either."""
    found = resumed(UNAVAILABLE, OTHER_CREDENTIALS)
    assert found.availability == Availability(offered=None, ever_worked=True, refusals=0)
    assert (found.status.available, found.status.success, found.status.reason) == (None, None, None)
    assert found.status.succeeded_at == GOOD.status.succeeded_at
    assert found.result == GOOD.result


@pytest.mark.parametrize(("ahead", "used"), [(299, True), (301, False), (DAY, False)])
def test_state_from_the_future_is_not_used(ahead: float, *, used: bool) -> None:
    """When the clock was set back by more than a little, nobody knows how old the data is: it is not used."""
    by_run = replace(GOOD, status=replace(GOOD.status, attempted_at=NOW + ahead))
    by_result = replace(GOOD, result=SavedResult({}, NOW + ahead))
    assert [plan_resume(saved, DAILY) is not None for saved in (by_run, by_result)] == [used, used]


def test_persisted_values_are_remembered_at_their_true_age() -> None:
    """What is persisted is remembered at its true age, the rest is not written, and nonsense is forgotten."""
    clock = FakeClock()
    persisted = {"form": Persisted(dump=list, load=tuple), "number": Persisted(dump=str, load=int)}
    before = RunCache(clock)
    before.remember("form", ("a", "b"))
    before.remember("membership", object())
    clock.now += 100
    dumped = before.dump(persisted)
    assert dumped == {"form": (NOW, ["a", "b"])}
    after = RunCache(FakeClock(NOW + 150))
    after.load({**dumped, "number": (NOW, "x"), "gone": (NOW, 1)}, persisted)
    assert after.recall("form", 149) is None
    assert after.recall("form", 150) == ("a", "b")
    assert after.recall("number", DAY) is None
    assert after.recall("gone", DAY) is None
