"""What works but deserves a look: the warnings of `ghe-exporter check`."""

import pytest
import requests

from exporter.cli import main
from exporter.doctor.advice import CredentialWarning
from exporter.simulator.server import Simulator
from tests.support.check_report import Check, warnings
from tests.support.secret_marker import TOKEN


@pytest.mark.parametrize("version", ["2022-11-28", "2026-03-10"])
def test_supported_api_version_is_not_mentioned(check: Check, simulator: Simulator, version: str) -> None:
    """GET /versions lists it, and is asked for once."""
    found = check(0, API_VERSION=version)
    assert warnings(found) == set()
    assert simulator.request_counts()["GET /versions"] == 1


@pytest.mark.parametrize(
    ("token", "facts"),
    [
        ("expiring", {CredentialWarning.TOKEN_EXPIRES_SOON}),
        ("forever", set()),
        ("ghs_octo", {CredentialWarning.INSTALLATION_TOKEN}),
    ],
)
def test_expiring_token_is_a_warning(token: str, facts: set[CredentialWarning], check: Check) -> None:
    """A token that ends soon or by itself; neither changes the exit code by itself."""
    code = int(token == "ghs_octo")  # no App reads runners
    assert warnings(check(code, TOKEN=token)) == {warning.value for warning in facts}


def test_low_rate_limit_is_a_warning(check: Check, simulator: Simulator) -> None:
    """A nearly used-up rate limit still allows the check, and is reported."""
    check(0)
    with Simulator(users=30, runners=8, organizations=3, rate_limit=simulator.requests) as poor:
        assert warnings(check(0, API_URL=poor.url)) == {
            CredentialWarning.RATE_LIMIT_LOW.value,
            CredentialWarning.RATE_LIMIT_TOO_SMALL.value,
        }


def test_budgets_without_consumption_are_counted_over_the_whole_list(
    check: Check, simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two that limit single people and one whose repository has no owner's name; ten of all budgets fill a page."""
    found = check(0)
    (text,) = [
        item["advice"]
        for item in found["enterprises"][0]["warnings"]
        if item["warning"] == CredentialWarning.BUDGETS_WITHOUT_CONSUMPTION
    ]
    path = "/enterprises/octo-corp/settings/billing/budgets"
    budgets = requests.get(
        f"{simulator.url}{path}", params={"per_page": 1}, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    ).json()["total_count"]
    assert budgets > 10
    assert f"No consumption is known for 3 of {budgets} budgets" in text
    assert main(["check"]) == 0
    assert f"Warning: octo-corp: No consumption is known for 3 of {budgets} budgets" in capsys.readouterr().out


def test_nothing_is_said_about_budgets_whose_consumption_is_known(check: Check) -> None:
    """The small company's budgets are all comparable."""
    found = check(0, ENTERPRISE="octo-tenant")
    reported = {item["warning"] for item in found["enterprises"][0]["warnings"]}
    assert CredentialWarning.BUDGETS_WITHOUT_CONSUMPTION not in reported
