"""Every fault of the simulated GitHub times every collector.

While a fault lasts: the run ends with the right reason, never with a bug; the last good data stays to the byte; no
more is asked than promised; another collector of the same credential goes on, unless the fault is a limit of the whole
credential; nothing secret is exposed. When it is over, the collector recovers by itself.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Literal

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.github.client import MAX_REDIRECTS
from exporter.simulator import KINDS, Simulator
from exporter.simulator.faults.kinds import DOMAIN
from tests.support.combinations import combinations
from tests.support.examples import with_bare_lists, without_inner
from tests.support.fault_harness import ALL, HASTY, MAX_PAGES, NOW, FaultHarness, Time, fault_harness, no_secret_told
from tests.support.harness import read_all

Others = Literal["go on", "stop"]
TRIES = HASTY.tries
OK = "ok"
WALKED = ("license_users", "advanced_security", "copilot", "actions_activity")
"""Lists whose pages are linked."""
NO_TEXT = without_inner(str)
NO_LISTS = (*without_inner(list), "server", "organizations", "connected_servers")
"""Answers in whose objects no list is, or none that is read."""
BARE_LISTS = with_bare_lists()
"""What is no record in such a list is left out."""


@dataclass(frozen=True)
class Expected:
    """What a fault means.

    Attributes:
        reason: how the run of a collector ends, or `ok`.
        others: whether other collectors of the credential go on.
        factor: requests for each one of a good run, at most.
        besides: collectors for which it ends in another way.
    """

    reason: str
    others: Others = "go on"
    factor: float = 1
    besides: dict[str, str] = field(default_factory=dict)

    def reason_for(self, collector: str) -> str:
        return self.besides.get(collector, self.reason)


def only(collectors: tuple[str, ...], reason: str, factor: float = 1) -> Expected:
    """A fault that concerns these collectors alone."""
    return Expected(OK, factor=factor, besides=dict.fromkeys(collectors, reason))


def all_but(collectors: tuple[str, ...], reason: str) -> Expected:
    """A fault that does not concern these collectors."""
    return Expected(reason, besides=dict.fromkeys(collectors, OK))


RETRIED = Expected("server_error", factor=TRIES)
BROKEN = Expected("payload")
LIMITED = Expected("rate_limited", others="stop")
# A name or link of an answer is part of a request, which GitHub then refuses.
ASKED_BY_NAME = {"billing_usage": "payload", "cost_centers": "payload", "copilot_usage": "payload"}

# Of these answers a total is all that is read.
NO_TOTAL = {"visual_studio": "payload", "budget_users": "payload"}
NO_SUBSCRIPTIONS = {"visual_studio": "payload"}

PARTLY_READ = {
    ("control-characters", "cost_centers"),
    ("long-texts", "cost_centers"),
    ("wrapped", "cost_centers"),
    ("hostile-labels", "budgets"),
    ("enormous-numbers", "server_management"),
    ("wrong-types", "server_management"),
}
"""Runs that fail because a single value cannot be read, and publish the rest."""

TABLE = {
    "http-500": RETRIED,
    "http-502": RETRIED,
    "http-503": RETRIED,
    "http-504": RETRIED,
    "html": BROKEN,
    "empty": Expected("payload", factor=TRIES),
    "truncated": RETRIED,
    "reset": RETRIED,
    "hang": Expected("timeout"),
    "slow-drip": Expected(OK),
    "slow-head": Expected("timeout"),
    "many-headers": Expected("unreachable", factor=TRIES),
    "not-http": Expected("unreachable", factor=TRIES),
    "bad-gzip": BROKEN,
    "gzip-bomb": BROKEN,
    "oversized": BROKEN,
    "wrong-content-type": Expected(OK),
    "malformed-json": Expected("payload", factor=TRIES),
    "rate-limit-primary": LIMITED,
    "rate-limit-secondary": LIMITED,
    "rate-limit-primary-retry-after": LIMITED,
    "rate-limit-secondary-retry-after": LIMITED,
    "too-many-requests": LIMITED,
    "retry-after": LIMITED,
    "unsupported-version": Expected("payload", factor=2),
    "unauthorized": Expected("unauthorized"),
    "forbidden": Expected("forbidden"),
    "sso": Expected("forbidden"),
    "ip-allow-list": Expected("forbidden"),
    "suspended": Expected("forbidden"),
    "no-permission": Expected("forbidden"),
    "token-policy": Expected("forbidden"),
    "not-owner": Expected("forbidden"),
    "not-enabled": Expected("forbidden"),
    "not-found": Expected("unavailable"),
    "gone": Expected("unavailable"),
    "redirect": Expected(OK, factor=2),
    "redirect-loop": Expected("payload", factor=MAX_REDIRECTS + 1),
    "foreign-redirect": BROKEN,
    "nowhere-redirect": BROKEN,
    "invalid-utf-8": all_but(NO_TEXT, "payload"),
    "lone-surrogates": all_but(NO_TEXT, "payload"),
    "control-characters": Expected(OK, besides=ASKED_BY_NAME | {"budget_users": "unavailable"}),
    "long-texts": Expected(OK, besides=ASKED_BY_NAME),
    "duplicate-keys": Expected(OK),
    "null-last": Expected(OK, factor=2, besides=NO_TOTAL),
    "deep-nesting": BROKEN,
    "enormous-numbers": all_but(("license_sync", "usage_reports", "github_status"), "payload"),
    "wrapped": all_but((*BARE_LISTS, "server_management"), "payload"),
    "endless-link": only(WALKED, "payload", factor=MAX_PAGES),
    "repeating-link": only(WALKED, "payload"),
    "foreign-link": Expected(OK),
    "stray-link": only(("license_users",), "payload"),
    "no-link": Expected(OK, factor=2),
    "capped-pages": Expected(OK, factor=3),
    "total-zero": Expected(OK, factor=2),
    "total-of-page": Expected(OK, factor=2),
    "total-too-large": only(("copilot", "scim"), "payload", factor=4),
    "nulls": Expected(OK, factor=2, besides=NO_SUBSCRIPTIONS | {"copilot_usage": "payload"}),
    "strings-for-numbers": Expected(OK),
    "nan": Expected(OK, factor=2, besides=NO_TOTAL),
    "huge-integers": Expected(OK, factor=4, besides=NO_TOTAL),
    "hostile-labels": Expected(OK, besides={"budgets": "payload"}),
    "missing-keys": Expected(OK, factor=2, besides={"actions_cache": "payload"} | NO_SUBSCRIPTIONS),
    "wrong-types": all_but(NO_LISTS, "payload"),
    "unknown-keys": Expected(OK),
    "new-token": Expected(OK),
    "rate-limit-windows": Expected(OK),
    "slippage": Expected(OK, factor=2),
}
PATIENCE = {"hang": 0.2}
"""Seconds to wait for an answer that never comes; one that does come may take longer."""
SPEEDS = {"slow-head": 30_000.0}
"""Seconds that pass for each second of the machine, where only the run's deadline ends a fault."""
HOMES = {
    "server": "octo-server",
    "server_security": "octo-server",
    "server_management": "octo-server",
    "scim": "octo-tenant",
}
"""Which enterprise has what a collector reads; the others read octo-corp."""
OWN_LIMIT = {("rate-limit-primary", "actions_activity")}
"""Where the limit is that of the collector's own resource, and others go on."""
OTHERS = {
    "license_sync": "actions_cache",
    **dict.fromkeys(("server", "server_security", "server_management"), "runner_groups"),
}
"""Another collector of the credential that shares no path; license_sync for most."""
ALONE = ("server_management", "github_status")
"""Collectors whose credential no other uses, so that its limits stop no other."""
LATEST_RECOVERY = 3


class Github:
    """The simulated GitHub of all cases, and the time it has."""

    def __init__(self) -> None:
        self.clock = Time()
        self.simulator = Simulator(users=130, runners=12, organizations=2, rate_limit=10**9, now=self.time)
        self.simulator.faults.oversized_bytes = 1_100_000

    def time(self) -> float:
        return self.clock.time()


@pytest.fixture(scope="module")
def github() -> Iterator[Github]:
    """One for all cases; each has a clock and an exporter of its own."""
    made = Github()
    with made.simulator:
        yield made


@pytest.fixture(name="harness")
def _harness(github: Github, kind: str, collector: str) -> Iterator[FaultHarness]:
    github.clock = Time()
    github.simulator.faults.clear()
    github.simulator.faults.drip_seconds = 0.001 if kind == "slow-head" else 0.0
    home = HOMES.get(collector, "octo-corp")
    limits = {"max_response_megabytes": 1, "max_pages": MAX_PAGES}
    only = (collector, OTHERS.get(collector, "license_sync"))
    with fault_harness(github.simulator, home, github.clock, HASTY, only, **limits) as harness:
        yield harness


def assert_valid(text: str, harness: FaultHarness) -> None:
    """*text* can be read, and every family of a collector has the labels it declares."""
    declared = {
        metric.name: set(metric.labels)
        for collection in harness.exporter.collections.values()
        for metric in collection.assignment.collector.metrics
    }
    parse = parse_openmetrics if text.endswith("# EOF\n") else parse_text
    for family in parse(text):
        for sample in family.samples:
            assert sample.labels.keys() == declared.get(sample.name, sample.labels.keys())


def test_the_table_is_complete() -> None:
    """Every fault that concerns answers is in it."""
    assert TABLE.keys() == KINDS.keys() - DOMAIN.keys()


@pytest.mark.parametrize(("kind", "collector"), combinations(TABLE, ALL, every=9))
def test_fault(github: Github, harness: FaultHarness, kind: str, collector: str) -> None:
    """See above."""
    expected, other = TABLE[kind], OTHERS.get(collector, "license_sync")
    reason, faults, clock = expected.reason_for(collector), github.simulator.faults, harness.clock
    with no_secret_told(harness):
        for _ in range(2):
            read_all(harness.collection(collector))
            read_all(harness.collection(other))
            assert harness.status(collector).success, (
                f"{harness.status(collector).problem}. A 404: add a route to exporter/simulator/api/routes/__init__.py,"
                f" or name the enterprise that has {collector} in HOMES of this file"
            )
        clock.jump(harness.status(collector).interval)
        counted = github.simulator.requests
        read_all(harness.collection(collector))
        healthy, before = github.simulator.requests - counted, harness.families(collector)
        succeeded_at, asked = harness.status(collector).succeeded_at, github.simulator.requests

        faults.set(f"{kind}=1")
        clock.run(SPEEDS.get(kind, 0.0))
        with harness.hurried(PATIENCE[kind]) if kind in PATIENCE else nullcontext():
            delay = read_all(harness.collection(collector))
        clock.run(0.0)
        faults.clear()

        status = harness.status(collector)
        assert (status.reason.value if status.reason else OK) == reason, (
            f"{collector} under {kind}: {status.problem or 'no problem'}. If that is right: TABLE in this file"
        )
        assert github.simulator.requests - asked <= healthy * expected.factor
        assert 0 <= delay <= 25 * 3600
        assert_valid(harness.scrape(openmetrics=True), harness)
        if reason != OK:
            if (kind, collector) not in PARTLY_READ:
                assert harness.families(collector) == before
            assert status.succeeded_at == succeeded_at
            assert harness.failures(collector).keys() == {reason}

        asked = github.simulator.requests
        read_all(harness.collection(other))
        if expected.others == "stop" and collector not in ALONE and (kind, collector) not in OWN_LIMIT:
            assert harness.status(other).reason == "rate_limited"
            assert github.simulator.requests == asked
        else:
            assert harness.status(other).success

        for _ in range(LATEST_RECOVERY):
            clock.jump(delay)
            delay = read_all(harness.collection(collector))
            if harness.status(collector).success:
                break
        assert harness.status(collector).success
        assert harness.status(collector).succeeded_at == clock.time()
        assert clock.time() < NOW + 26 * 3600
        assert_valid(harness.families(collector).decode(), harness)
