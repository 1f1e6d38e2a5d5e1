"""What `ghe-exporter check` requests, of which enterprises, organizations and collectors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.collector import Platform
from exporter.collectors import COLLECTORS
from exporter.errors import Cause
from exporter.simulator.server import Simulator
from tests.support.app_keys import pem
from tests.support.check_report import ENABLED, Check, causes, states, warnings


def test_every_collector_is_checked_by_get_alone(check: Check, simulator: Simulator) -> None:
    """Every enabled collector of every level is there, each endpoint was asked for at most two pages, by GET alone.

    The list of budgets is read whole, which are ten a page.
    """
    found = check(0, ORGANIZATIONS="octo-org-1")
    (enterprise,) = found["enterprises"]
    collectors = {item["collector"] for item in enterprise["checks"]}
    assert collectors == {collector.name for collector in ENABLED}
    levels = {(item["collector"], item["organization"]) for item in enterprise["checks"] if item["organization"]}
    assert levels == {(collector.name, "octo-org-1") for collector in ENABLED if collector.organizations}
    asked = simulator.request_counts()
    assert {key.partition(" ")[0] for key in asked} == {"GET"}
    pages = {count for path, count in asked.items() if not path.endswith("/budgets")}
    assert max(pages) == 2  # the page that a first one links to
    paths = {endpoint.path for collector in COLLECTORS for endpoint in collector.endpoints}
    assert {item["endpoint"] for item in enterprise["checks"]} <= paths
    assert warnings(found) == set()


def test_foreign_link_that_fails_a_list_is_found(check: Check, simulator: Simulator) -> None:
    """One record is asked for, and the page that its answer links to: what a second page would meet shows."""
    simulator.faults.set("stray-link@actions/runners=1")
    found = check(1)
    assert causes(found)["/enterprises/{enterprise}/actions/runners"] == Cause.REDIRECTED
    simulator.faults.set("foreign-link=1")
    check(0)


def test_lists_are_asked_for_one_record(simulator: Simulator, configure: Callable[..., None]) -> None:
    """As little is read as can be: one record of the first page, however long the list."""
    configure()
    simulator.faults.set("endless-link=1")
    assert main(["check"]) == 0
    assert max(simulator.request_counts().values()) <= 2


@pytest.mark.parametrize("slug", ["octo-corp", "octo-legacy", "octo-tenant", "octo-server"])
def test_every_kind_of_enterprise_has_nothing_to_fix(slug: str, check: Check, simulator: Simulator) -> None:
    """Where something is not offered, nothing is to be fixed; what cannot exist there is not even asked for."""
    platform = Platform.SERVER if slug == "octo-server" else Platform.CLOUD
    url = simulator.server_url if slug == "octo-server" else simulator.url
    found = check(0, ENTERPRISE=slug, API_URL=url)
    impossible = {collector.name for collector in ENABLED if platform not in collector.platforms}
    items = found["enterprises"][0]["checks"]
    assert {item["collector"] for item in items if item["cause"] == "other_platform"} == impossible
    assert {"runners", "runner_groups"} <= {item["collector"] for item in items if item["state"] == "ok"}


def test_disabled_collectors_are_not_asked(check: Check, tmp_path: Path, simulator: Simulator) -> None:
    """Only what is switched on is asked for, also what is off by default."""
    config = tmp_path / "config.yaml"
    off = {collector.name: {"enabled": collector.name == "billing_usage"} for collector in COLLECTORS}
    config.write_text(json.dumps({"collectors": off}))
    found = check(0, config)
    assert states(found) == {("billing_usage", "ok")}
    assert simulator.requests == 4  # one of them for the versions of the API


def test_several_enterprises_in_the_order_of_the_file(check: Check, tmp_path: Path, simulator: Simulator) -> None:
    """Enterprises with hosts and credentials of their own, in the order of the file."""
    (tmp_path / "token").write_text("octo-legacy-token")
    (tmp_path / "app.pem").write_text(pem())
    enterprises: list[dict[str, Any]] = [
        {"slug": "octo-legacy", "api_url": simulator.url, "auth": {"token_file": str(tmp_path / "token")}},
        {
            "slug": "octo-corp",
            "api_url": simulator.url.replace("127.0.0.1", "localhost"),
            "auth": {"app_id": "12345", "private_key_file": str(tmp_path / "app.pem")},
            "runner_auth": {"token": "ghp_octo"},
            "organizations": [{"name": "octo-org-1", "auth": {"token": "github_pat_octo"}}],
        },
        {"slug": "octo-server", "api_url": simulator.server_url, "auth": {"token": "octo-server-token"}},
    ]
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"enterprises": enterprises}))
    found = check(0, config, ENTERPRISE=None, TOKEN=None, API_URL=None)
    assert [each["enterprise"] for each in found["enterprises"]] == ["octo-legacy", "octo-corp", "octo-server"]
    kinds = {item["credential"]: item["kind"] for item in found["enterprises"][1]["credentials"]}
    assert kinds == {"auth": "github_app", "runner_auth": "classic", "organization:octo-org-1": "fine_grained"}
    by = {(item["collector"], item["organization"]): item["credential"] for item in found["enterprises"][1]["checks"]}
    assert by["licenses", None] == "auth"
    assert by["runners", None] == "runner_auth"
    assert by["runners", "octo-org-1"] == "organization:octo-org-1"


def test_some_of_the_organizations_found_are_checked(check: Check, simulator: Simulator) -> None:
    """With `auto` the list is read, and the first organizations show whether the credential may read them."""
    found = check(0, ORGANIZATIONS='{"auto": true, "exclude": ["octo-org-2"]}')
    organizations = {item["organization"] for item in found["enterprises"][0]["checks"]} - {"", None}
    assert organizations == {"octo-org-1", "octo-org-3"}
    simulator.faults.set("forbidden@orgs/octo-org-3/=1")
    refused = check(1, ORGANIZATIONS="auto")["enterprises"][0]["checks"]
    assert {item["organization"] for item in refused if item["state"] not in {"ok", "unavailable"}} == {"octo-org-3"}


def test_status_page_has_a_report_without_an_enterprise(check: Check, simulator: Simulator) -> None:
    """It is checked once, with no credential; a page that is not there fails this report alone."""
    switched_on = {"COLLECTORS__GITHUB_STATUS__ENABLED": "true"}
    found = check(0, COLLECTORS__GITHUB_STATUS__URL=simulator.url, **switched_on)
    *_, page = found["enterprises"]
    assert (page["enterprise"], page["api_url"], page["credentials"]) == ("", simulator.url, [])
    assert [(item["collector"], item["state"], item["credential"]) for item in page["checks"]] == [
        ("github_status", "ok", "")
    ]
    found = check(1, COLLECTORS__GITHUB_STATUS__URL="http://127.0.0.1:1", **switched_on)
    assert [enterprise["ok"] for enterprise in found["enterprises"]] == [True, False]
    assert found["enterprises"][1]["checks"][0]["cause"] == "connection_refused"


def test_download_is_checked_and_explained(check: Check, simulator: Simulator) -> None:
    """Both the report and the file; where its host is not allowed the advice names the setting."""
    switched_on = {"COLLECTORS__COPILOT_USAGE__ENABLED": "true"}
    found = check(0, **switched_on)
    (enterprise,) = found["enterprises"]
    rows = [row for row in enterprise["checks"] if row["collector"] == "copilot_usage"]
    assert [(row["endpoint"], row["state"]) for row in rows] == [
        ("/enterprises/{enterprise}/copilot/metrics/reports/enterprise-28-day/latest", "ok"),
        ("/{download_link}", "ok"),
    ]
    simulator.faults.set("forbidden@copilot-usage-reports=1")
    (refused,) = (row for row in check(1, **switched_on)["enterprises"][0]["checks"] if row["state"] == "failed")
    assert (refused["endpoint"], refused["cause"]) == ("/{download_link}", "download_refused")
    assert "octo-pre-signed" not in str(refused)
