"""The switchboard of faults: reading, drawing, changing while requests come in."""

from collections.abc import Callable

import pytest
import requests

from exporter.simulator import KINDS, Simulator
from exporter.simulator.faults.kinds import (
    CREDENTIALS,
    DOMAIN,
    HEALTHY,
    LINKS,
    PAYLOAD,
    TRANSPORT,
    Fault,
    Faults,
    parse,
)
from exporter.simulator.faults.payload import TRANSFORMS
from exporter.simulator.faults.transport import BREAKS

Get = Callable[..., requests.Response]
SYNC = "/enterprises/octo-corp/license-sync-status"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hang=1", Fault("hang", 1.0)),
        ("http-502=0.25", Fault("http-502", 0.25)),
        ("empty@/runners=0", Fault("empty", 0.0, "/runners")),
        ("html@page=2=.5", Fault("html", 0.5, "page=2")),
    ],
)
def test_fault_is_kind_rate_and_part_of_path(text: str, fault: Fault) -> None:
    """A fault is a kind, a rate and perhaps a part of the path."""
    assert parse(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hang", r"'hang': expected KIND=RATE or KIND@PATHPART=RATE, kinds are .*slow-drip"),
        ("", r"expected KIND=RATE"),
        ("typo=1", r"unknown kind 'typo', known are http-500, .*sync-failed"),
        ("hang=often", r"the rate 'often' is not a number"),
        ("hang=2", r"the rate '2' is not from 0 to 1"),
        ("hang=-0.1", r"is not from 0 to 1"),
        ("hang=nan", r"is not from 0 to 1"),
    ],
)
def test_unreadable_fault_is_refused_with_what_was_expected(text: str, message: str) -> None:
    """A fault that cannot be read is refused with what was expected."""
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_every_kind_is_implemented() -> None:
    """What is declared is what happens, and every kind says what it does."""
    assert set(TRANSPORT) == set(BREAKS)
    assert set(PAYLOAD) == {*TRANSFORMS, "slippage"}
    assert set(KINDS) == {*TRANSPORT, *LINKS, *PAYLOAD, *CREDENTIALS, *DOMAIN}
    assert all(KINDS.values())


def test_rate_is_a_share_of_requests() -> None:
    """About so many requests are hit, and the same ones for the same seed."""
    first, second, other = (Faults("hang=0.3", seed=seed) for seed in (1, 1, 2))
    draws = [[faults.draw("/").transport for _ in range(2_000)] for faults in (first, second, other)]
    assert 500 < draws[0].count("hang") < 700
    assert draws[0] == draws[1] != draws[2]


def test_limits_of_the_rate() -> None:
    """A rate of 0 never happens, a rate of 1 always."""
    faults = Faults("hang=0", "html=1")
    assert {faults.draw("/").transport for _ in range(200)} == {"html"}


def test_fault_of_a_path_leaves_other_requests_alone() -> None:
    """A fault limited to a part of the path leaves other requests alone."""
    faults = Faults("html@/runners=1", "sync-failed@octo-legacy=0.5")
    assert faults.draw("/enterprises/octo-corp/actions/runners?page=2").transport == "html"
    assert faults.draw("/enterprises/octo-corp/consumed-licenses") == HEALTHY
    assert faults.draw("/enterprises/octo-legacy/license-sync-status").disturbances.sync_failed == 0.5


def test_one_transport_fault_and_all_payload_faults_apply() -> None:
    """Only one fault of the transport happens to a request, faults of the payload all do."""
    drawn = Faults("nulls=1", "empty=1", "hang=1", "unknown-keys=1").draw("/")
    assert drawn.transport == "empty"
    assert {"nulls", "unknown-keys"} <= drawn.kinds


def test_faults_are_switched_while_requests_are_answered(simulator: Simulator, get: Get) -> None:
    """Faults can be switched on and off while requests are answered."""
    assert get(SYNC).status_code == 200
    simulator.faults.set("http-503=1")
    assert get(SYNC).status_code == 503
    simulator.faults.set("gone@license-sync=1")
    assert [fault.kind for fault in simulator.faults.active] == ["gone"]
    assert get(SYNC).status_code == 410
    simulator.faults.clear()
    assert get(SYNC).status_code == 200


def test_a_wrong_fault_changes_nothing(simulator: Simulator) -> None:
    """When one of several faults cannot be read, those before stay."""
    simulator.faults.set("html=1")
    with pytest.raises(ValueError, match="unknown kind"):
        simulator.faults.set("empty=1", "typo=1")
    assert [fault.kind for fault in simulator.faults.active] == ["html"]


def test_faults_from_the_start() -> None:
    """Faults given to the simulator are on from the first request."""
    with Simulator(faults=["unauthorized=1"]) as simulator:
        assert requests.get(f"{simulator.url}{SYNC}", timeout=10).status_code == 401
    with pytest.raises(ValueError, match="typo"):
        Simulator(faults=["typo=1"])
