"""From a fault of GitHub to the page that somebody gets, and its end, through every real program in between."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import yaml

from exporter.app import Exporter
from exporter.clock import SystemClock
from exporter.collectors import COLLECTORS
from exporter.commands.demo import DemoSettings
from exporter.simulator import Simulator
from exporter.simulator.company.licenses import Seats
from exporter.web.http.server import WebServer
from tests.support.alerting import (
    ALERTS,
    DURATIONS,
    ROUTES,
    SHIPPED_WEBHOOK,
    WAITS,
    Alerting,
    alerting,
    hurried,
    hurried_routes,
    hurried_rules,
    numbers,
    without,
)
from tests.support.tools import eventually, free_port
from tests.support.webhook import Page, Webhook, listening

HEALTHY, OTHER = "octo-legacy", "octo-corp"
SUNDAY_NIGHT = datetime(2100, 1, 3, 3, 30, tzinfo=UTC).timestamp()
"""Nobody works, so no group is busy; and far ahead, so that no license sync is ever old."""

LARGE_GROUP = 2
SPEED = 10
LONG_AGO_SECONDS = 3600.0
QUIET_EVALUATIONS = 24
"""Longer than `for` of whatever a company without faults could raise here."""

# What has been used and spent differs from day to day, GitHub's status page is elsewhere, and the demo shows a stream
# of the audit log that somebody forgot.
LEFT_OUT = {"billing", "budgets", "cost_centers", "github_status", "audit_log_streams"}
READ = {collector.name for collector in COLLECTORS} - LEFT_OUT
CHANGING = {"runners", "licenses", "license_sync"}
"""What the faults change; the others are read seldom, for all of them together take a processor of their own."""
SELDOM = 6
FAULTS = {
    "runners-offline": ("GitHubRunnersAllOffline", {"on-call", "ci"}),
    "seats-exhausted": ("GitHubSeatsExhausted", {"on-call", "licensing"}),
    "sync-failed": ("GitHubLicenseSyncFailed", {"licensing"}),
}
MARK = "MarkOfATest"
STALE, SEATS = "GitHubCollectorStale", "GitHubSeatsExhausted"


@dataclass
class QuickClock(SystemClock):
    """Time in which intervals pass quickly; and what is done now can be dated back."""

    behind: float = 0.0

    def time(self) -> float:
        """Unix time, as far behind as set."""
        return super().time() - self.behind

    def monotonic(self) -> float:
        """Seconds, `SPEED` of them in one."""
        return super().monotonic() * SPEED

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait `SPEED` times shorter."""
        return event.wait(seconds / SPEED)


@contextmanager
def exporting(slug: str, github: str, port: int, clock: QuickClock, read: Collection[str]) -> Iterator[None]:
    """An exporter of one enterprise at *port*, which reads what changes every ten seconds of *clock*."""
    settings = DemoSettings.model_validate(
        {
            "listen": f"127.0.0.1:{port}",
            "enterprises": [{"slug": slug, "api_url": github, "auth": {"token": "demo"}}],
            "collectors": {
                collector.name: {
                    "interval": f"{collector.min_interval * (1 if collector.name in CHANGING else SELDOM):.0f}s",
                    "enabled": collector.name in read,
                }
                for collector in COLLECTORS
            },
        }
    )
    exporter = Exporter(clock=clock, process_metrics=False)
    exporter.apply(settings)
    server = WebServer(settings.listen, exporter.application())
    server.start()
    exporter.start()
    try:
        yield
    finally:
        exporter.stop()
        server.stop()


@dataclass(frozen=True, slots=True)
class Story:
    """What the receivers got while nothing was wrong, while three things were, and when they had been fixed."""

    healthy: list[Page]
    broken: list[Page]
    fixed: list[Page]
    seats: Seats
    large_group: int


@dataclass(frozen=True, slots=True)
class Company:
    """Everything that runs."""

    simulator: Simulator
    webhook: Webhook
    alerting: Alerting
    other_port: int


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company in which nothing is wrong, watched."""
    ports = [free_port(), free_port()]
    targets = [f"127.0.0.1:{port}" for port in ports]
    with (
        Simulator(now=lambda: SUNDAY_NIGHT) as simulator,
        listening() as webhook,
        exporting(HEALTHY, simulator.url, ports[0], QuickClock(), READ),
        alerting(tmp_path_factory.mktemp("alerting"), targets, webhook.port) as programs,
    ):
        read = f'count(ghe_exporter_collector_last_success_timestamp_seconds{{enterprise="{HEALTHY}"}} > 0)'
        eventually(lambda: programs.values(read) != [], "Prometheus has figures")
        yield Company(simulator, webhook, programs, ports[1])


@pytest.fixture(scope="module")
def story(company: Company) -> Story:
    """Watch for a while; break three things; fix them."""
    programs, webhook = company.alerting, company.webhook
    began = programs.evaluations()
    eventually(lambda: programs.evaluations() >= began + QUIET_EVALUATIONS, "the rules have been evaluated")
    programs.send(alertname=MARK)
    healthy = webhook.wait(lambda pages: (MARK, "") in {page.subject for page in pages}, "the mark")

    wanted = {(receiver, alert) for alert, receivers in FAULTS.values() for receiver in receivers}

    def all_received(pages: list[Page], status: str) -> bool:
        return wanted <= {(page.receiver, page.labels["alertname"]) for page in pages if page.status == status}

    company.simulator.faults.set(*(f"{kind}@{HEALTHY}=1" for kind in FAULTS))
    broken = webhook.wait(lambda pages: all_received(pages, "firing"), "three pages")
    company.simulator.faults.clear()
    fixed = webhook.wait(lambda pages: all_received(pages, "resolved"), "the end of all three")
    enterprise = company.simulator.estate.enterprise(HEALTHY)
    assert enterprise is not None
    assert enterprise.licenses is not None
    return Story(
        healthy,
        broken[len(healthy) :],
        fixed[len(broken) :],
        enterprise.licenses.seats(SUNDAY_NIGHT, exhausted=1),
        len(enterprise.fleet.span(SUNDAY_NIGHT, LARGE_GROUP)),
    )


def test_rules_are_the_shipped_ones() -> None:
    """Nothing but durations differs from the files that are shipped, and those by one factor."""
    for file in ALERTS.glob("rules/*.yaml"):
        shipped, used = (yaml.safe_load(text) for text in (file.read_text(), hurried_rules(file.read_text())))
        assert without(used, DURATIONS) == without(shipped, DURATIONS)
        pairs = zip(shipped["groups"], used["groups"], strict=True)
        for one, other in (
            (one, other) for ours, theirs in pairs for one, other in zip(ours["rules"], theirs["rules"], strict=True)
        ):
            assert [other.get(key) for key in DURATIONS] == [one.get(key) and hurried(one[key]) for key in DURATIONS]


def test_durations_are_divided_by_the_factor() -> None:
    """The factor, in numbers."""
    assert [hurried(duration) for duration in ("15m", "1h", "7d", "60s")] == ["2250ms", "9000ms", "1512000ms", "150ms"]


def test_routes_are_the_shipped_ones() -> None:
    """Nothing but waiting times and the webhook's port differs from the file that is shipped."""
    used = hurried_routes(ROUTES.read_text(), 1).replace("http://127.0.0.1:1/", SHIPPED_WEBHOOK)
    assert without(yaml.safe_load(used), WAITS) == without(yaml.safe_load(ROUTES.read_text()), WAITS)


def test_a_healthy_company_pages_nobody(story: Story) -> None:
    """Nothing reaches any receiver but the mark that was sent to see that something can."""
    assert [page.subject for page in story.healthy] == [(MARK, "")]


def test_only_what_is_wrong_notifies(story: Story) -> None:
    """Three faults are three alerts of this enterprise, nothing besides, and each of them ends."""
    expected = {(alert, HEALTHY) for alert, _ in FAULTS.values()}
    assert {page.subject for page in story.broken} == expected
    assert {page.subject for page in story.fixed if page.subject != (MARK, "")} == expected


@pytest.mark.parametrize("fault", FAULTS)
def test_page_names_receiver_runbook_and_dashboard(story: Story, fault: str) -> None:
    """Each owner gets the page, with enterprise, severity, figures and links, and then its end."""
    alert, receivers = FAULTS[fault]
    pages = [page for page in story.broken if page.subject == (alert, HEALTHY)]
    assert {page.receiver for page in pages} == receivers
    assert {page.receiver for page in story.fixed if page.subject == (alert, HEALTHY)} == receivers
    page = pages[0]
    assert page.labels["severity"] == ("critical" if "on-call" in receivers else "warning")
    assert HEALTHY in page.annotations["description"]
    assert page.annotations["runbook_url"].endswith(f"/{alert}")
    assert "/d/ghe-" in page.annotations["dashboard_url"]


def test_pages_show_the_numbers_of_the_company(story: Story) -> None:
    """The numbers of the pages are those of the simulated company."""
    texts = {page.labels["alertname"]: page.annotations["description"] for page in story.broken}
    assert numbers(texts["GitHubSeatsExhausted"])[:2] == [str(story.seats.consumed), str(story.seats.purchased)]
    assert numbers(texts["GitHubRunnersAllOffline"])[0] == str(story.large_group)
    assert "octo-legacy.example.com" in texts["GitHubLicenseSyncFailed"]


def test_stale_figures_page_nobody(company: Company, story: Story) -> None:
    """Seats of two enterprises run out; one of them is not paged while its figures are an hour old, and then it is."""
    programs, webhook = company.alerting, company.webhook
    before = len(story.healthy + story.broken + story.fixed)
    clock = QuickClock(behind=LONG_AGO_SECONDS)
    company.simulator.faults.set("seats-exhausted=1")
    with exporting(OTHER, company.simulator.url, company.other_port, clock, {"licenses"}):
        eventually(lambda: programs.states().get((SEATS, OTHER)) is not None, "Alertmanager knows")
        pages = webhook.wait(
            lambda pages: {(STALE, OTHER), (SEATS, HEALTHY)} <= {page.subject for page in pages[before:]},
            "the stale collector and the other enterprise",
        )
        assert programs.states()[SEATS, OTHER] == "suppressed"
        assert programs.states()[SEATS, HEALTHY] == "active"
        assert (SEATS, OTHER) not in {page.subject for page in pages}
        clock.behind = 0.0
        webhook.wait(lambda pages: (SEATS, OTHER) in {page.subject for page in pages}, "the page, late")
