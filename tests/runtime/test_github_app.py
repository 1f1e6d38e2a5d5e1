"""A GitHub App as the credential of a whole exporter, against the simulated GitHub."""

import time
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.collectors import COLLECTORS
from exporter.errors import ConfigurationError
from exporter.runtime.status import Key
from exporter.simulator.server import Simulator
from tests.support.app_keys import pem
from tests.support.exporters import (
    BY_FIRST,
    BY_OWN,
    BY_SECOND,
    ON_CLOUD,
    available,
    label_values,
    run_all,
    series,
    settings,
)
from tests.support.harness import FakeClock, read_all

HINT = "a GitHub App cannot read this; configure runner_auth with a classic personal access token"
TOKENS = "/access_tokens"
NOT_OFFERED_TO_CORP = {"scim"}
"""Its people are not managed."""


@pytest.fixture
def app(tmp_path: Path) -> dict[str, str]:
    """The settings of an App."""
    path = tmp_path / "app.pem"
    path.write_text(pem())
    return {"app_id": "12345", "private_key_file": str(path)}


def corp(simulator: Simulator, **others: Any) -> dict[str, Any]:
    """The big enterprise."""
    return {"slug": "octo-corp", "api_url": simulator.url, **others}


def posts(simulator: Simulator) -> list[int]:
    """How many tokens each installation was asked for; nothing else is ever sent by POST."""
    asked = {key: times for key, times in simulator.request_counts().items() if not key.startswith("GET ")}
    assert all(key.startswith("POST /app/installations/") and key.endswith(TOKENS) for key in asked)
    return list(asked.values())


def test_app_and_token_together_read_everything(exporter: Exporter, simulator: Simulator, app: dict[str, str]) -> None:
    """The App reads what it can and the token the rest: together everything."""
    exporter.apply(settings(corp(simulator, auth=app, runner_auth={"token": "octo"})))
    run_all(exporter)
    offered = available(exporter)
    assert {name for name, value in offered.items() if value} == (BY_FIRST | BY_SECOND) - NOT_OFFERED_TO_CORP
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 1}
    assert set(series(exporter, "ghe_rate_limit_remaining", "credential")) == {("auth",), ("runner_auth",)}
    assert set(series(exporter, "ghe_token_expiration_timestamp_seconds", "credential")) == {("runner_auth",)}
    endpoints = label_values(exporter, "path")
    assert {"/enterprises/{enterprise}/installation", "/app/installations/{installation}/access_tokens"} <= endpoints
    assert posts(simulator) == [1]


def test_app_alone_leaves_the_rest_unavailable_with_a_hint(
    exporter: Exporter, simulator: Simulator, app: dict[str, str]
) -> None:
    """What an App cannot read is not available, and the log says what to do."""
    exporter.apply(settings(corp(simulator, auth=app)))
    with capture_logs() as logs:
        run_all(exporter)
    assert {
        name for name, value in available(exporter).items() if not value
    } & ON_CLOUD == BY_SECOND | NOT_OFFERED_TO_CORP
    assert available(exporter)["runners"] == 0
    hints = {entry["collector"]: entry["hint"] for entry in logs if entry["event"] == "collector not available"}
    assert hints["runners"].endswith(HINT)
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 1}


def test_token_is_renewed_before_it_expires(
    exporter: Exporter, simulator: Simulator, app: dict[str, str], clock: FakeClock
) -> None:
    """Tokens last an hour; the exporter has a new one in time, and never meets a 401."""
    exporter.apply(settings(corp(simulator, auth=app, runner_auth={"token": "octo"})))
    for _ in range(4):
        run_all(exporter)
        clock.now += 3500
    assert posts(simulator) == [4]
    assert "401" not in label_values(exporter, "code")
    assert set(series(exporter, "ghe_exporter_collector_failures_total", "reason").values()) <= {0}


def test_clock_hours_behind_is_compensated(exporter: Exporter, app: dict[str, str], clock: FakeClock) -> None:
    """An exporter whose clock is hours behind follows GitHub's."""
    clock.now = time.time() - 7200
    with Simulator(users=30, runners=8, organizations=3) as simulator, capture_logs() as logs:
        exporter.apply(settings(corp(simulator, auth=app)))
        read_all(exporter.collections[Key("octo-corp", "licenses")])
        assert posts(simulator) == [1]
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 1}
    assert "clock skew detected, compensating" in {entry["event"] for entry in logs}


def test_app_of_an_organization_is_installed_there(
    exporter: Exporter, simulator: Simulator, app: dict[str, str]
) -> None:
    """An organization's own App is installed there."""
    organizations = [{"name": "octo-org-1", "auth": app}]
    exporter.apply(settings(corp(simulator, auth={"token": "octo"}, organizations=organizations)))
    run_all(exporter)
    assert simulator.request_counts()["GET /orgs/octo-org-1/installation"] == 1
    assert posts(simulator) == [1]
    assert {collector.name for collector in COLLECTORS if collector.organizations} == BY_OWN
    assert ("octo-org-1",) in series(exporter, "ghe_runners", "organization")


def test_app_that_is_not_installed_is_a_failure(exporter: Exporter, simulator: Simulator, app: dict[str, str]) -> None:
    """An App that is not installed there is no credential: that is a failure, not something not offered."""
    exporter.apply(settings({"slug": "acme", "api_url": simulator.url, "auth": app}))
    run_all(exporter)
    assert series(exporter, "ghe_up", "enterprise") == {("acme",): 0}
    failures = series(exporter, "ghe_exporter_collector_failures_total", "collector", "reason")
    assert failures["licenses", "unauthorized"] == 1
    assert simulator.request_counts().total() == 2


def test_reload_without_the_key_file_changes_nothing(
    exporter: Exporter, simulator: Simulator, app: dict[str, str]
) -> None:
    """Settings whose key has gone meanwhile change nothing."""
    valid = settings(corp(simulator, auth=app))
    Path(app["private_key_file"]).unlink()
    with pytest.raises(ConfigurationError, match="cannot read the file"):
        exporter.apply(valid)
    assert exporter.collections == {}
