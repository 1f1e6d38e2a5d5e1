"""What an administrator can fix: each problem that `ghe-exporter check` finds has its cause and its advice."""

from collections import Counter
from pathlib import Path

import pytest

from exporter.collector import Platform
from exporter.doctor.advice import ADVICE, WARNINGS, CredentialWarning
from exporter.errors import Cause
from exporter.simulator.server import Simulator
from tests.support.app_keys import pem
from tests.support.check_report import ENABLED, Check, advice, causes, states


def test_unsupported_api_version_has_its_own_advice(check: Check, simulator: Simulator) -> None:
    """The first answer says so, nothing more is asked, and the warning names the versions that there are."""
    found = check(1, API_VERSION="2020-01-01")
    assert set(causes(found).values()) == {Cause.API_VERSION_UNSUPPORTED}
    assert len(causes(found)) == 1
    assert "does not support this api_version" in advice(found, Cause.API_VERSION_UNSUPPORTED)
    (warning,) = [item for item in found["enterprises"][0]["warnings"] if item["warning"] == "api_version_not_listed"]
    assert "set it to one of 2022-11-28 or 2026-03-10" in warning["advice"]
    assert simulator.request_counts()["GET /versions"] == 1


def test_missing_scope_is_reported_per_collector(check: Check) -> None:
    """A token without a scope is reported with it, for each collector that needs it; the rest is fine."""
    found = check(1, TOKEN="scopes=read:enterprise,manage_runners:enterprise")
    wrong = causes(found)
    assert set(wrong.values()) == {"scope_missing"}
    items = {item["collector"]: item["advice"] for item in found["enterprises"][0]["checks"] if item["advice"]}
    assert "lacks a scope: give it manage_billing:enterprise" in items["billing"]
    assert "admin:enterprise" in items["actions_cache"]
    assert {("licenses", "ok"), ("runners", "ok"), ("billing", "failed")} <= states(found)


def test_scope_that_includes_others_is_enough(check: Check) -> None:
    """`admin:enterprise` is enough for what asks for less."""
    assert {("billing", "ok"), ("runners", "ok")} <= states(check(0, TOKEN="scopes=admin:enterprise"))


def test_wrong_slug_asks_two_endpoints_and_skips_the_rest(check: Check, simulator: Simulator) -> None:
    """Where nothing at all is found, it is not the features that are off; the rest is not asked."""
    found = check(1, ENTERPRISE="acme")
    assert set(causes(found).values()) == {"enterprise_not_found"}
    assert "GitHub shows nothing of the enterprise acme" in advice(found, Cause.ENTERPRISE_NOT_FOUND)
    assert simulator.requests == 2
    counts = Counter(item["state"] for item in found["enterprises"][0]["checks"])
    assert counts["failed"] == 2
    assert counts["skipped"] > 10


def test_server_without_api_v3_is_recognized(check: Check) -> None:
    """A server asked without /api/v3 is recognized."""
    found = check(1, ENTERPRISE="octo-server")
    assert "/api/v3 for a server" in advice(found, Cause.ENTERPRISE_NOT_FOUND)


def test_wrong_organization_leaves_the_enterprise_fine(check: Check) -> None:
    """An organization that does not exist is reported apart from the enterprise, which is fine."""
    found = check(1, ORGANIZATIONS="octo-org-1,nobody")
    wrong = {
        item["organization"] for item in found["enterprises"][0]["checks"] if item["cause"] == "organization_not_found"
    }
    assert wrong == {"nobody"}
    assert "organization nobody" in advice(found, Cause.ORGANIZATION_NOT_FOUND)
    assert ("licenses", "ok") in states(found)


def test_rejected_token_is_asked_with_once(check: Check, simulator: Simulator) -> None:
    """One 401 is enough to know; nothing more is asked."""
    found = check(1, TOKEN="bad")
    assert set(causes(found).values()) == {"credential_rejected"}
    assert {("runners", "skipped"), ("billing", "skipped")} <= states(found)
    assert simulator.requests == 1


def test_fine_grained_token_reads_organizations_only(check: Check) -> None:
    """A fine-grained token reads organizations and no enterprise."""
    found = check(1, TOKEN="github_pat_octo", ORGANIZATIONS="octo-org-1")
    assert set(causes(found).values()) == {"fine_grained_token"}
    levels = {item["organization"] for item in found["enterprises"][0]["checks"] if item["state"] == "ok"}
    assert levels == {"octo-org-1"}


def test_fine_grained_token_answered_with_404_is_recognized(check: Check, simulator: Simulator) -> None:
    """Nor is it a matter of slugs when GitHub answers such a token with 404."""
    simulator.faults.set("not-found=1")
    assert set(causes(check(1, TOKEN="github_pat_octo")).values()) == {"fine_grained_token"}


def app(tmp_path: Path) -> dict[str, str | None]:
    """The variables of a GitHub App."""
    path = tmp_path / "app.pem"
    path.write_text(pem())
    return {"TOKEN": None, "APP_ID": "12345", "PRIVATE_KEY_FILE": str(path)}


def test_app_that_cannot_read_runners_needs_runner_auth(check: Check, tmp_path: Path) -> None:
    """What no App can read needs a second credential, and the advice names the setting."""
    found = check(1, **app(tmp_path))
    assert set(causes(found).values()) == {"app_cannot_read"}
    failed = {collector for collector, state in states(found) if state == "failed"}
    assert failed == {item.name for item in ENABLED if not item.app_can_read and Platform.CLOUD in item.platforms}
    assert "runner_auth" in advice(found, Cause.APP_CANNOT_READ)


@pytest.mark.parametrize(
    ("fault", "slug", "cause"),
    [
        ("suspended@access_tokens=1", "octo-corp", Cause.APP_SUSPENDED),
        ("suspended@consumed-licenses=1", "octo-corp", Cause.APP_SUSPENDED),
        ("unauthorized@installation=1", "octo-corp", Cause.APP_KEY_REJECTED),
        ("hang=0", "acme", Cause.APP_NOT_INSTALLED),
    ],
)
def test_unusable_app_has_its_own_cause(
    fault: str, slug: str, cause: Cause, check: Check, tmp_path: Path, simulator: Simulator
) -> None:
    """An App that is suspended, unknown or not installed."""
    simulator.faults.set(fault)
    found = check(1, ENTERPRISE=slug, **app(tmp_path))
    assert cause.value in causes(found).values()


def test_missing_permission_of_an_app_is_named(check: Check, tmp_path: Path, simulator: Simulator) -> None:
    """The permission is the one GitHub names, else the one the collector declares."""
    simulator.faults.set("no-permission@usage/summary=1", "forbidden@license-sync=1")
    found = check(1, **app(tmp_path))
    items = {item["collector"]: item["advice"] for item in found["enterprises"][0]["checks"] if item["advice"]}
    assert "lacks the permission enterprise_billing: read or enterprise_billing: write" in items["billing"]
    assert "lacks the permission enterprise_licensing: read" in items["license_sync"]


@pytest.mark.parametrize(
    ("fault", "cause", "words"),
    [
        ("sso=1", Cause.SSO_NOT_AUTHORIZED, "Configure SSO"),
        ("ip-allow-list=1", Cause.IP_NOT_ALLOWED, "IP allow list"),
        ("token-policy=1", Cause.TOKEN_KIND_FORBIDDEN, "policy"),
        ("not-owner=1", Cause.NOT_ALLOWED, "owner"),
        ("html=1", Cause.WRONG_ADDRESS, "https://HOST/api/v3"),
        ("foreign-redirect=1", Cause.REDIRECTED, "final address"),
        ("malformed-json=1", Cause.PAYLOAD, "not what GitHub documents"),
        ("http-500=1", Cause.SERVER_ERROR, "try again later"),
        ("rate-limit-primary=1", Cause.RATE_LIMITED, " UTC"),
        ("rate-limit-secondary=1", Cause.RATE_LIMITED, " UTC"),
    ],
)
def test_each_fault_has_its_advice(fault: str, cause: Cause, words: str, check: Check, simulator: Simulator) -> None:
    """Everything goes wrong in one way, and the advice is about that way."""
    simulator.faults.set(fault)
    found = check(1)
    assert set(causes(found).values()) == {cause.value}
    assert words in advice(found, cause)


@pytest.mark.parametrize("fault", ["not-found", "gone", "not-enabled"])
def test_unavailable_feature_is_no_failure(fault: str, check: Check, simulator: Simulator) -> None:
    """What is off or unknown here is no failure."""
    simulator.faults.set(f"{fault}@license-sync-status=1")
    assert ("license_sync", "unavailable") in states(check(0))


def test_unreadable_answer_fails_its_endpoint_only(check: Check, simulator: Simulator) -> None:
    """An answer that nobody can read is a failure of that endpoint, for each collector that asks it."""
    simulator.faults.set("malformed-json@consumed-licenses=1")
    found = check(1)
    assert causes(found) == {"/enterprises/{enterprise}/consumed-licenses": "payload"}
    failed = {collector for collector, state in states(found) if state == "failed"}
    assert failed == {"licenses", "license_users"}


def test_every_cause_and_warning_has_advice() -> None:
    """No cause is without advice, and advice is a sentence."""
    assert set(ADVICE) == set(Cause)
    assert set(WARNINGS) == set(CredentialWarning)
    texts = [*(item.text for item in ADVICE.values()), *WARNINGS.values()]
    assert all(text.endswith(".") and (text[0].isupper() or text[0] in "{a") for text in texts)
    assert len(set(texts)) == len(texts)
