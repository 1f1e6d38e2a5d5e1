"""How the collector of Advanced Security finds the form that an enterprise's license wants."""

from typing import Any

from exporter.collectors.advanced_security import COLLECTOR
from exporter.errors import Reason
from tests.support.harness import CollectorHarness

PATH = "/enterprises/octo-corp/settings/billing/advanced-security"
CODE, SECRET = (f"{PATH}?advanced_security_product={name}" for name in ("code_security", "secret_protection"))
TOTALS = {"total_advanced_security_committers": 3, "total_count": 2, "repositories": []}
REFUSED = {"status": 422, "body": {"message": "Validation Failed"}}
STANDALONE = {PATH: REFUSED, CODE: TOTALS, SECRET: TOTALS}
BUNDLED = {PATH: TOTALS, CODE: REFUSED, SECRET: REFUSED}


def products(harness: CollectorHarness) -> list[str]:
    """What each request asked for; empty for the bundle."""
    return [
        next((part.partition("=")[2] for part in url.split("?")[1].split("&") if part.startswith("adv")), "")
        for url in harness.asked
    ]


def run(harness: CollectorHarness, recorded: dict[str, Any] | None = None) -> list[str]:
    """Run once and return what was asked for."""
    harness.asked.clear()
    if recorded is not None:
        harness.recorded = dict(recorded)
    harness.run()
    return products(harness)


def test_the_form_that_worked_is_remembered() -> None:
    """The refused form is tried in the first run only, also after days."""
    harness = CollectorHarness(COLLECTOR, STANDALONE)
    assert run(harness) == ["", "code_security", "secret_protection"]
    harness.clock.now += 5 * 86_400
    assert run(harness) == ["code_security", "secret_protection"]
    assert harness.observer.reasons == []


def test_an_enterprise_that_changes_its_licence_is_followed() -> None:
    """When the remembered form is refused one day, the other is tried in the same run and remembered."""
    harness = CollectorHarness(COLLECTOR, STANDALONE)
    run(harness)
    assert run(harness, BUNDLED) == ["code_security", "secret_protection", ""]
    assert run(harness) == [""]
    assert "code_security" not in harness.text


def test_the_configured_form_is_tried_first() -> None:
    """An enterprise whose license is known costs no refused request."""
    assert run(CollectorHarness(COLLECTOR, STANDALONE, options={"products": "standalone"})) == [
        "code_security",
        "secret_protection",
    ]
    assert run(CollectorHarness(COLLECTOR, BUNDLED, options={"products": "bundled"})) == [""]


def test_the_other_form_is_tried_once() -> None:
    """Where GitHub refuses both forms the run fails, without a third try."""
    harness = CollectorHarness(COLLECTOR, {PATH: REFUSED})
    assert run(harness) == ["", "code_security", "secret_protection"]
    assert harness.status.reason is Reason.PAYLOAD


def test_other_failures_are_not_a_refusal_of_the_form() -> None:
    """An answer that makes no sense, a missing page or a failing server does not lead to the other form."""
    for answer in ({"status": 500, "body": ""}, {"status": 404, "body": {}}, {"status": 200, "body": "<html>"}):
        assert set(run(CollectorHarness(COLLECTOR, {**STANDALONE, PATH: answer}))) == {""}


def test_totals_take_one_small_request_per_product() -> None:
    """Without the breakdown nobody's name is asked for beyond the one row that GitHub sends at least."""
    harness = CollectorHarness(COLLECTOR, BUNDLED)
    harness.run()
    assert harness.asked == [f"{PATH}?per_page=1"]


def test_the_breakdown_names_its_product_on_every_page() -> None:
    """Pages of a list without Link headers carry the product as well."""
    rows = [
        {"name": f"acme/{number}", "advanced_security_committers_breakdown": [{"user_login": f"user-{number}"}]}
        for number in range(250)
    ]
    pages = {
        f"{product}&page={page}": {"total_count": 250, "repositories": rows[100 * (page - 1) : 100 * page]}
        for product in (CODE, SECRET)
        for page in (1, 2, 3)
    }
    harness = CollectorHarness(COLLECTOR, {PATH: REFUSED, **pages}, options={"organizations_breakdown": True})
    assert run(harness) == ["", *["code_security"] * 3, *["secret_protection"] * 3]
    series = 'ghe_advanced_security_organization_committers{enterprise="octo-corp",product="%s",organization="acme"}'
    assert [harness.series[series % product] for product in ("code_security", "secret_protection")] == [250, 250]
