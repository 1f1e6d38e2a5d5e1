"""`ghe-exporter check` against the simulated GitHub: what it finds, says, prints and returns."""

import json
import os
import pty
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from exporter.cli import main
from exporter.collector import Platform
from exporter.collectors import COLLECTORS
from exporter.commands import check as check_command
from exporter.doctor.advice import ADVICE, WARNINGS, CredentialWarning
from exporter.errors import Cause
from exporter.simulator.server import Simulator
from tests.support.app_keys import pem
from tests.support.harness import ImpatientClock
from tests.support.programs import ROOT, command, environment, run
from tests.support.secret_marker import CANARY, TOKEN, the_line
from tests.support.tools import PATIENCE_SECONDS, eventually

ENABLED = [collector for collector in COLLECTORS if collector.enabled]
Check = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxies are set."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> ImpatientClock:
    """For the command and the simulated GitHub alike."""
    return ImpatientClock()


@pytest.fixture
def simulator(clock: ImpatientClock) -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3, now=clock.time) as running:
        yield running


@pytest.fixture
def configure(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set variables; those of one simulated enterprise unless given otherwise, none where the value is None."""

    def say(**variables: str | None) -> None:
        usual = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url}
        for name, value in (usual | variables).items():
            monkeypatch.delenv(f"GHE_EXPORTER_{name}", raising=False)
            if value is not None:
                monkeypatch.setenv(f"GHE_EXPORTER_{name}", value)

    return say


@pytest.fixture
def check(configure: Callable[..., None], capsys: pytest.CaptureFixture[str], clock: ImpatientClock) -> Check:
    """Run `check --json`, which does not wait; the exit code must be the one expected."""

    def run(expected: int, config: Path | None = None, **variables: str | None) -> dict[str, Any]:
        configure(**variables)
        code = check_command.run(config, as_json=True, clock=clock)
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        assert code == expected, out
        found: dict[str, Any] = json.loads(out)
        assert found["ok"] is (code == 0)
        return found

    return run


def causes(found: dict[str, Any]) -> dict[str, str | None]:
    """The cause for each path that was found wanting, of the only enterprise."""
    (enterprise,) = found["enterprises"]
    return {item["endpoint"]: item["cause"] for item in enterprise["checks"] if item["state"] == "failed"}


def states(found: dict[str, Any]) -> set[tuple[str, str]]:
    """Collectors and their states."""
    return {(item["collector"], item["state"]) for each in found["enterprises"] for item in each["checks"]}


def advice(found: dict[str, Any], cause: Cause) -> str:
    """The advice that is given for *cause*; it is the same wherever it is given."""
    items = [item for each in found["enterprises"] for item in each["checks"]]
    (text,) = {item["advice"] for item in items if item["cause"] == cause and item["state"] != "skipped"}
    return str(text)


def warnings(found: dict[str, Any]) -> set[str]:
    """Every warning but those about unencrypted addresses and budgets, which the simulated company always has."""
    facts = {item["warning"] for each in found["enterprises"] for item in each["warnings"]}
    return facts - {CredentialWarning.PLAINTEXT_API_URL.value, CredentialWarning.BUDGETS_WITHOUT_CONSUMPTION.value}


# What is asked, and in which form it is reported.


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


@pytest.mark.parametrize("version", ["2022-11-28", "2026-03-10"])
def test_supported_api_version_is_not_mentioned(check: Check, simulator: Simulator, version: str) -> None:
    """GET /versions lists it, and is asked for once."""
    found = check(0, API_VERSION=version)
    assert warnings(found) == set()
    assert simulator.request_counts()["GET /versions"] == 1


def test_unsupported_api_version_has_its_own_advice(check: Check, simulator: Simulator) -> None:
    """The first answer says so, nothing more is asked, and the warning names the versions that there are."""
    found = check(1, API_VERSION="2020-01-01")
    assert set(causes(found).values()) == {Cause.API_VERSION_UNSUPPORTED}
    assert len(causes(found)) == 1
    assert "does not support this api_version" in advice(found, Cause.API_VERSION_UNSUPPORTED)
    (warning,) = [item for item in found["enterprises"][0]["warnings"] if item["warning"] == "api_version_not_listed"]
    assert "set it to one of 2022-11-28 or 2026-03-10" in warning["advice"]
    assert simulator.request_counts()["GET /versions"] == 1


def test_foreign_link_that_fails_a_list_is_found(check: Check, simulator: Simulator) -> None:
    """One record is asked for, and the page that its answer links to: what a second page would meet shows."""
    simulator.faults.set("stray-link@actions/runners=1")
    found = check(1)
    assert causes(found)["/enterprises/{enterprise}/actions/runners"] == Cause.REDIRECTED
    simulator.faults.set("foreign-link=1")
    check(0)


def test_json_has_the_documented_keys(check: Check) -> None:
    """The object that scripts read has these keys, whatever was found."""
    found = check(0)
    assert set(found) == {"version", "ok", "enterprises", "rate_limit_budgets"}
    assert found["version"] == 1
    (enterprise,) = found["enterprises"]
    assert set(enterprise) == {"enterprise", "api_url", "platform", "ok", "credentials", "warnings", "checks"}
    assert (enterprise["enterprise"], enterprise["platform"]) == ("octo-corp", "cloud")
    (credential,) = enterprise["credentials"]
    assert (credential["credential"], credential["kind"]) == ("auth", "classic")
    assert "read:enterprise" in credential["scopes"]
    assert abs(credential["clock_difference_seconds"]) <= 2
    assert credential["expires"].endswith("Z")
    (limit,) = credential["rate_limits"]
    assert (limit["resource"], limit["limit"]) == ("core", 5000)
    assert 4900 < limit["remaining"] < 5000
    keys = {"collector", "organization", "credential", "endpoint", "state", "reason", "cause", "advice", "detail"}
    assert all(set(item) == keys for item in enterprise["checks"])
    scim = next(item for item in enterprise["checks"] if item["collector"] == "scim")
    assert (scim["state"], scim["reason"], scim["cause"]) == ("unavailable", "unavailable", "not_offered")


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


# What an administrator can fix.


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


def test_wrong_slug_is_reported_once(simulator: Simulator) -> None:
    """The cause stands at the top, once, and no line of the table is long."""
    done = run("check", ENTERPRISE="acme", TOKEN="demo", API_URL=simulator.url)
    assert (done.code, done.err) == (1, "")
    assert done.out.count("GitHub shows nothing of the enterprise acme") == 1
    top, table = done.out.split("\n\n", maxsplit=1)
    assert "  Problem: GitHub shows nothing of the enterprise acme" in top
    assert max(map(len, table.splitlines())) < 200
    assert done.out.splitlines()[-1] == "Problems to fix: 1"


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


def test_sso_url_is_not_printed(check: Check, simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """The header's URL holds an identifier of a person's request: it is not printed, in neither form."""
    simulator.faults.set("sso=1")
    assert "authorization_request" not in json.dumps(check(1))
    assert main(["check"]) == 1
    assert "authorization_request" not in "".join(capsys.readouterr())


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


# What works but deserves a look.


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


def test_some_of_the_organizations_found_are_checked(check: Check, simulator: Simulator) -> None:
    """With `auto` the list is read, and the first organizations show whether the credential may read them."""
    found = check(0, ORGANIZATIONS='{"auto": true, "exclude": ["octo-org-2"]}')
    organizations = {item["organization"] for item in found["enterprises"][0]["checks"]} - {"", None}
    assert organizations == {"octo-org-1", "octo-org-3"}
    simulator.faults.set("forbidden@orgs/octo-org-3/=1")
    refused = check(1, ORGANIZATIONS="auto")["enterprises"][0]["checks"]
    assert {item["organization"] for item in refused if item["state"] not in {"ok", "unavailable"}} == {"octo-org-3"}


# In which form it is printed.


def test_redirected_report_is_plain_lines(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str], simulator: Simulator
) -> None:
    """Redirected, a line per endpoint that no width cuts, without control characters; logs go elsewhere."""
    configure(TOKEN="scopes=read:enterprise", ORGANIZATIONS="octo-org-1")
    simulator.faults.set("http-500@license-sync=1")
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "not encrypted" not in out
    lines = out.splitlines()
    assert lines[0] == f"octo-corp at {simulator.url} (GitHub Enterprise Cloud)"
    assert lines[1].startswith("  auth: token of unknown kind") is False
    assert "scopes read:enterprise" in lines[1]
    billing = next(line for line in lines if " billing " in line)
    assert billing.split()[:4] == [
        "octo-corp",
        "billing",
        "/enterprises/{enterprise}/settings/billing/usage/summary",
        "unavailable",
    ]
    assert billing.endswith("give it manage_billing:enterprise, then save it on GitHub.")
    assert any("runners (octo-org-1)" in line for line in lines)
    assert lines[-1].startswith("Problems to fix: ")


def test_terminal_gets_a_colored_table(simulator: Simulator) -> None:
    """On a terminal there is a table in colors."""
    ours, theirs = pty.openpty()
    variables = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url, "LOG_LEVEL": "error"}
    with subprocess.Popen(
        command("check"),
        cwd=ROOT,
        env=environment(**variables) | {"TERM": "xterm", "COLUMNS": "160"},
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 4096):
                seen += piece
        except OSError:  # Linux' way to say that nobody has the other end any more
            pass
        assert process.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    assert b"\x1b[32mok" in seen
    assert "─".encode() in seen
    assert b"Nothing to fix." in seen
    assert CANARY.encode() not in seen


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_wrong_settings_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Settings that cannot be used end with 2 and one line on standard error."""
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "no enterprise" in the_line(err)


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_exits_with_130(
    configure: Callable[..., None], simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends it with 130, although requests are still waited for."""
    configure()
    simulator.faults.set("hang=1")
    waiting: list[int] = []

    def interrupt() -> None:
        eventually(lambda: simulator.requests > 0, "a request waits")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        assert main(["check"]) == 130
        waiting.append(simulator.requests)
    finally:
        thread.join()
        simulator.stop()
    for left in threading.enumerate():
        if left.name == "check":
            left.join(PATIENCE_SECONDS)
    assert waiting == [1]
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err


def test_every_cause_and_warning_has_advice() -> None:
    """No cause is without advice, and advice is a sentence."""
    assert set(ADVICE) == set(Cause)
    assert set(WARNINGS) == set(CredentialWarning)
    texts = [*(item.text for item in ADVICE.values()), *WARNINGS.values()]
    assert all(text.endswith(".") and (text[0].isupper() or text[0] in "{a") for text in texts)
    assert len(set(texts)) == len(texts)


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
