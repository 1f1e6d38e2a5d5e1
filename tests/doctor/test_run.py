"""How `check` runs a collector's checks: asked once, given up in time, never silent."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exporter.clock import SystemClock
from exporter.collector import Collector, CollectorOptions, Platform, Target
from exporter.doctor import report
from exporter.doctor.advice import ADVICE, State
from exporter.doctor.credentials import CredentialFacts, CredentialObserver, Kind, kind_of
from exporter.doctor.diagnosis import CheckTarget, Finding, correlate, fails
from exporter.doctor.report import CredentialReport, EnterpriseReport, credential_report, document, warnings_of
from exporter.doctor.run import Check, run_checks
from exporter.doctor.terminal import SEE_ABOVE, common_problems, drawn, plain, rows
from exporter.errors import Cause, Forbidden, GitHubError, PayloadError, RateLimited, Unauthorized, Unavailable
from exporter.github.auth import PersonalAccessToken
from exporter.github.client import Client
from exporter.github.endpoint import Endpoint
from exporter.github.rate_limit import RateLimitWindow
from exporter.github.reader import GitHub
from exporter.github.run import ClientLimits
from exporter.metrics.metric import gauge
from exporter.runtime.assignment import Assignment
from tests.support.harness import NOW
from tests.support.wire import MakeWire, Wire, hang, reply

FIRST = Endpoint("/enterprises/{enterprise}/first", "read:enterprise", "enterprise_licensing")
SECOND = Endpoint("/enterprises/{enterprise}/second", "read:enterprise")
GROUP = Endpoint("/orgs/{organization}/group", "admin:org", "organization_self_hosted_runners")
TARGET = CheckTarget("acme", "acme", "api.example.com", "octo", "", "auth", Kind.CLASSIC)
Fetch = Callable[[GitHub, Target], object]


def asked(wire: Wire, *fetches: Fetch, stop: threading.Event | None = None, read_seconds: float = 30) -> list[Finding]:
    """The findings about collectors that fetch like that, one after another by one credential."""
    clock = SystemClock()
    client = Client(
        wire.url,
        PersonalAccessToken("auth", lambda: "octo"),
        user_agent="test",
        observer=CredentialObserver(clock),
        clock=clock,
        stop=stop or threading.Event(),
        limits=ClientLimits(tries=1, read_seconds=read_seconds),
        randomness=random.Random(1),
    )
    checks = []
    for number, fetch in enumerate(fetches, 1):
        collector: Collector[Any] = Collector(
            name=f"octo{number}",
            help="Octo.",
            metrics=(gauge(f"ghe_octo_{number}", "Octo."),),
            endpoints=(FIRST, SECOND),
            interval=60,
            fetch=fetch,
            samples=lambda _target, _fetched: (),
        )
        assignment = Assignment(
            collector, "acme", "acme", Platform.CLOUD, CollectorOptions(), lambda _organization: client
        )
        checks.append(Check(assignment, replace(TARGET, collector=collector.name)))
    try:
        return run_checks(checks, clock)
    finally:
        client.close()


def facts(findings: list[Finding]) -> list[tuple[str, str, State, Cause | None]]:
    """What matters of findings."""
    return [(finding.target.collector, finding.endpoint, finding.state, finding.cause) for finding in findings]


def first(github: GitHub, _target: Target) -> None:
    github.get(FIRST)


def second(github: GitHub, _target: Target) -> None:
    github.get(SECOND)


def test_answer_is_shared_by_collectors(wire: MakeWire) -> None:
    """Two collectors that need the same, and one that asks in a loop, cost one request."""

    def again(github: GitHub, _target: Target) -> None:
        for page in range(5):
            github.get(FIRST, {"page": page})
            assert [len(part.items) for part in github.pages(FIRST, "")] == [1]

    made = wire(reply())
    assert {finding.state for finding in asked(made, first, again)} == {State.OK}
    assert len(made.asked) == 1


def test_refusal_is_shared_by_collectors(wire: MakeWire) -> None:
    """So does a refusal."""
    made = wire(reply(b"{}", status="403 Forbidden"))
    assert {finding.cause for finding in asked(made, first, first)} == {Cause.NOT_ALLOWED}
    assert len(made.asked) == 1


def test_refused_query_may_be_asked_in_another_form(wire: MakeWire) -> None:
    """Where GitHub refuses the query and not the endpoint, the collector may ask in its other form."""

    def forms(github: GitHub, _target: Target) -> None:
        try:
            github.get(FIRST)
        except PayloadError:
            github.get(FIRST, {"form": "other"})

    made = wire(reply(b"{}", status="422 Unprocessable Entity"), reply())
    assert facts(asked(made, forms)) == [("octo1", FIRST.path, State.OK, None)]
    assert len(made.asked) == 2


def test_tolerated_refusal_is_still_reported(wire: MakeWire) -> None:
    """What a collector can do without is still reported."""

    def tolerant(github: GitHub, _target: Target) -> None:
        github.get(FIRST)
        try:
            github.get(SECOND)
        except Forbidden:
            return

    made = wire(reply(), reply(b"{}", status="403 Forbidden"))
    assert facts(asked(made, tolerant)) == [
        ("octo1", FIRST.path, State.OK, None),
        ("octo1", SECOND.path, State.FAILED, Cause.NOT_ALLOWED),
    ]


def test_second_timeout_ends_the_checks(wire: MakeWire) -> None:
    """One endpoint that does not answer leaves hope for others, two do not."""
    made = wire(hang())
    fetches: tuple[Fetch, ...] = (first, second, first, lambda github, _: github.get(GROUP, organization="web"))
    findings = asked(made, *fetches, read_seconds=1)
    assert facts(findings) == [
        ("octo1", FIRST.path, State.FAILED, Cause.TIMEOUT),
        ("octo2", SECOND.path, State.FAILED, Cause.TIMEOUT),
        ("octo3", FIRST.path, State.FAILED, Cause.TIMEOUT),
        ("octo4", FIRST.path, State.SKIPPED, Cause.TIMEOUT),
    ]
    assert len(made.asked) == 2


def test_unusable_answer_counts_for_its_endpoint(wire: MakeWire) -> None:
    """An answer that looks right and is not counts for its endpoint; so does a list without its list."""

    def strict(github: GitHub, _target: Target) -> None:
        github.get(FIRST)
        raise PayloadError("neither this nor that")

    made = wire(reply(b"{}"))
    findings = asked(made, strict, lambda github, _: list(github.pages(SECOND, "items")))
    assert facts(findings) == [
        ("octo1", FIRST.path, State.FAILED, Cause.PAYLOAD),
        ("octo2", SECOND.path, State.FAILED, Cause.PAYLOAD),
    ]
    assert findings[0].detail == "neither this nor that"


def test_crashing_collector_hides_no_other(wire: MakeWire) -> None:
    """A collector that crashes, even before it asks, is reported, and hides no other; the message stays out."""

    def crash(_github: GitHub, _target: Target) -> None:
        raise ValueError("octo@acme.example")

    findings = asked(wire(reply()), crash, second)
    assert facts(findings) == [
        ("octo1", FIRST.path, State.FAILED, Cause.BUG),
        ("octo2", SECOND.path, State.OK, None),
    ]
    assert "acme.example" not in findings[0].detail


def test_nothing_is_asked_after_a_stop(wire: MakeWire) -> None:
    """When the process ends nothing more is asked."""
    stop = threading.Event()
    stop.set()
    made = wire(reply())
    assert asked(made, first, stop=stop) == []
    assert made.asked == []


@pytest.mark.parametrize(
    ("kind", "endpoint", "error", "cause", "words"),
    [
        (Kind.FINE_GRAINED, FIRST, Unavailable(""), Cause.FINE_GRAINED_TOKEN, "classic personal access token"),
        (Kind.FINE_GRAINED, GROUP, Unavailable(""), Cause.NOT_OFFERED, "owner"),
        (
            Kind.FINE_GRAINED,
            GROUP,
            Forbidden("", cause=Cause.FINE_GRAINED_TOKEN),
            Cause.PERMISSION_MISSING,
            "organization_self_hosted_runners: read",
        ),
        (
            Kind.FINE_GRAINED,
            GROUP,
            Forbidden("", cause=Cause.FINE_GRAINED_TOKEN, wanted=("administration: read",)),
            Cause.PERMISSION_MISSING,
            "permission administration: read",
        ),
        (Kind.GITHUB_APP, SECOND, Forbidden("", cause=Cause.APP_CANNOT_READ), Cause.APP_CANNOT_READ, "runner_auth"),
        (
            Kind.GITHUB_APP,
            FIRST,
            Forbidden("", cause=Cause.APP_CANNOT_READ),
            Cause.PERMISSION_MISSING,
            "enterprise_licensing: read",
        ),
        (Kind.CLASSIC, FIRST, Unauthorized(""), Cause.CREDENTIAL_REJECTED, "auth (401)"),
        (Kind.CLASSIC, FIRST, RateLimited("", retry_at=NOW), Cause.RATE_LIMITED, "2026-11-18 11:06 UTC"),
    ],
)
def test_endpoint_and_credential_refine_the_cause(
    kind: Kind, endpoint: Endpoint, error: GitHubError, cause: Cause, words: str
) -> None:
    """Endpoint and credential refine what the error means."""
    finding = fails(replace(TARGET, kind=kind), endpoint, error)
    assert finding.cause is cause
    assert words in finding.advice


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_fills_its_advice(cause: Cause) -> None:
    """Every cause gives its advice with all places filled, and counts as failed unless there is nothing to fix."""
    error = RateLimited("octo", retry_at=NOW) if cause is Cause.RATE_LIMITED else AnyError(cause)
    target = replace(TARGET, kind=Kind.UNKNOWN, organization="octo-web")
    finding = fails(target, SECOND, error)
    nothing = ADVICE[cause].text.startswith("Nothing to fix")
    assert finding.state is (State.UNAVAILABLE if nothing else State.FAILED)
    assert finding.cause is cause
    assert not {"{", "}"} & set(finding.advice)
    for place, value in (("host", "api.example.com"), ("wanted", "octo_scope"), ("organization", "octo-web")):
        assert (value in finding.advice) is ("{" + place + "}" in ADVICE[cause].text)


class AnyError(PayloadError):
    """An error of any cause."""

    def __init__(self, cause: Cause) -> None:
        super().__init__("octo", cause=cause, wanted=("octo_scope",))


def not_offered(*endpoints: str, credential: str = "auth", organization: str = "") -> list[Finding]:
    """Findings of 404."""
    target = replace(TARGET, credential=credential, organization=organization)
    return [fails(target, Endpoint(endpoint, ""), Unavailable("")) for endpoint in endpoints]


def test_enterprise_is_not_found_only_where_nothing_is_visible() -> None:
    """Only where one credential sees nothing at all is the enterprise not found."""
    assert {finding.cause for finding in correlate(not_offered("/a", "/b"))} == {Cause.ENTERPRISE_NOT_FOUND}
    assert {finding.cause for finding in correlate(not_offered("/a", "/a"))} == {Cause.NOT_OFFERED}
    one = [*not_offered("/a", "/b"), Finding(TARGET, "/c", State.OK)]
    assert {finding.cause for finding in correlate(one)} == {Cause.NOT_OFFERED, None}
    two = [*not_offered("/a", "/b", credential="runner_auth"), Finding(TARGET, "/c", State.OK)]
    assert [finding.cause for finding in correlate(two)] == [Cause.ENTERPRISE_NOT_FOUND] * 2 + [None]
    web = correlate([*not_offered("/a", organization="web"), Finding(TARGET, "/c", State.OK)])
    assert [finding.cause for finding in web] == [Cause.ORGANIZATION_NOT_FOUND, None]
    assert {finding.state for finding in web} == {State.FAILED, State.OK}


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("ghp_octo", Kind.CLASSIC),
        ("0123456789abcdef0123456789abcdef01234567", Kind.CLASSIC),
        ("github_pat_octo", Kind.FINE_GRAINED),
        ("ghs_octo", Kind.INSTALLATION),
        ("gho_octo", Kind.OAUTH),
        ("ghu_octo", Kind.OAUTH),
        ("octo", Kind.UNKNOWN),
    ],
)
def test_prefix_of_a_token_shows_its_kind(token: str, kind: Kind) -> None:
    """What a token begins with shows its kind."""
    assert kind_of(token) is kind


def test_scopes_show_a_classic_token() -> None:
    """GitHub reports scopes of classic tokens alone, of whatever shape."""
    assert credential_report("auth", Kind.UNKNOWN, CredentialFacts(scopes=())).kind is Kind.CLASSIC
    assert credential_report("auth", Kind.UNKNOWN, CredentialFacts()).kind is Kind.UNKNOWN
    assert credential_report("auth", Kind.GITHUB_APP, CredentialFacts(scopes=())).kind is Kind.GITHUB_APP


def reported(
    facts: CredentialFacts, kind: Kind = Kind.CLASSIC, url: str = "https://api.example.com"
) -> EnterpriseReport:
    """A report about one credential."""
    return EnterpriseReport("acme", url, "api.example.com", "cloud", [CredentialReport("auth", kind, facts)], [])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (reported(CredentialFacts()), []),
        (reported(CredentialFacts(expires=NOW + report.EXPIRES_SOON)), []),
        (reported(CredentialFacts(expires=NOW + report.EXPIRES_SOON - 1)), ["token_expires_soon"]),
        (reported(CredentialFacts(skew=30.0)), []),
        (reported(CredentialFacts(skew=-31.0)), ["clock_differs"]),
        (reported(CredentialFacts(windows={"core": RateLimitWindow("core", 5000, 500, NOW + 60)})), []),
        (reported(CredentialFacts(windows={"core": RateLimitWindow("core", 5000, 499, NOW + 60)})), ["rate_limit_low"]),
        (reported(CredentialFacts(windows={"core": RateLimitWindow("core", 5000, 0, NOW - 60)})), []),
        (reported(CredentialFacts(), Kind.INSTALLATION), ["installation_token"]),
        (reported(CredentialFacts(), url="http://api.example.com"), ["plaintext_api_url"]),
    ],
)
def test_warning_appears_exactly_at_its_threshold(given: EnterpriseReport, expected: list[str]) -> None:
    """A warning begins exactly where it says, names its credential and has no empty places."""
    found = list(warnings_of(given, NOW))
    assert [warning.value for warning, _, _ in found] == expected
    assert all("{" not in text and "  " not in text for _, _, text in found)
    assert document([given], NOW)["enterprises"][0]["warnings"] == [
        {"warning": warning.value, "credential": name or None, "advice": text} for warning, name, text in found
    ]


def test_repeated_advice_is_given_once_per_enterprise() -> None:
    """On a terminal advice is given once per enterprise; what made checks pointless stands above the table alone."""
    lost = correlate(not_offered("/a", "/b", "/c"))
    others = [replace(finding, target=replace(finding.target, enterprise="globex")) for finding in lost]
    findings = [*lost, Finding(TARGET, "/d", State.OK), Finding(TARGET, "/e", State.OK), *others]
    expected = [lost[0].advice, SEE_ABOVE, SEE_ABOVE, "", "", others[0].advice, SEE_ABOVE, SEE_ABOVE]
    assert [str(cell) for cell in drawn(findings).columns[-1].cells] == expected
    assert [cells[-1] for cells in rows(lost, [])] == [lost[0].advice] * 3
    assert [cells[-1] for cells in rows(lost, [("acme", lost[0].advice)])] == [SEE_ABOVE] * 3
    assert common_problems(lost) == []
    skipped = Finding(TARGET, "/d", State.SKIPPED, cause=Cause.ENTERPRISE_NOT_FOUND)
    assert common_problems([*lost, skipped]) == [lost[0].advice]


def test_columns_line_up() -> None:
    """Columns line up, and the last one is whole."""
    lines = list(plain([("A", "B", "C", "D", "E"), ("acme", "runners", "/x", "ok", "x" * 300)]))
    assert lines == ["A     B        C   D   E", f"acme  runners  /x  ok  {'x' * 300}"]
