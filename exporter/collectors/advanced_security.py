"""Committers that Advanced Security counts against its license; as numbers only."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from exporter.collector import Collector, CollectorOptions, Persisted, Platform, Target
from exporter.collectors.common.distinct import Distinct
from exporter.errors import NOT_OFFERED, GitHubError, PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record, Text
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

# Rows name people: they are folded and forgotten, not kept for their ETags.
COMMITTERS_ENDPOINT = Endpoint(
    "/enterprises/{enterprise}/settings/billing/advanced-security",
    "manage_billing:enterprise",
    "enterprise_administration: write",
    revalidate=False,
)

COMMITTERS = gauge("ghe_advanced_security_committers", "Active committers, each person once.", "product")
PURCHASED = gauge(
    "ghe_advanced_security_committers_purchased", "Committers bought; absent when the license is metered.", "product"
)
MAXIMUM = gauge(
    "ghe_advanced_security_committers_maximum",
    "Committers there would be if every repository had the product.",
    "product",
)
REPOSITORIES = gauge("ghe_advanced_security_repositories", "Repositories with active committers.", "product")
ORGANIZATION_COMMITTERS = gauge(
    "ghe_advanced_security_organization_committers",
    "Active committers in the repositories of an organization, each person once.",
    "product",
    "organization",
)

BUNDLED = "advanced_security"
FORMS = {"bundled": (BUNDLED,), "standalone": ("code_security", "secret_protection")}
# An enterprise on the bundle must not name a product and one on the standalone products must: GitHub refuses the other
# form. The bundle comes first, because a server that overlooks the parameter would answer twice with the same people.
REFUSED = frozenset({400, 422})


class AdvancedSecurityOptions(CollectorOptions):
    """Settings of the collector `advanced_security`."""

    products: Literal["auto", "bundled", "standalone"] = Field(
        "auto", description="Which license to try first; the other follows if GitHub refuses it."
    )
    organizations_breakdown: bool = Field(
        default=False, description="Count committers per organization, which reads every repository."
    )


class Committers(Record):
    """Totals that every page repeats."""

    total_advanced_security_committers: Number = None
    purchased_advanced_security_committers: Number = None
    maximum_advanced_security_committers: Number = None
    total_count: Number = None


class Committer(Record):
    """A person who committed to a repository."""

    user_login: Text = ""


class Repository(Record):
    """A repository and its committers; null where GitHub does not report these."""

    name: Text = ""
    advanced_security_committers_breakdown: Annotated[
        tuple[Any, ...] | None, BeforeValidator(lambda value: value if isinstance(value, list) else None)
    ] = None


@dataclass(frozen=True, slots=True)
class Usage:
    """One product: its totals and, if asked for, distinct people per organization."""

    totals: Committers
    organizations: Mapping[str, int]


def fetch(github: GitHub, target: Target) -> dict[str, Usage]:
    """Ask in the form that worked last, else in the one configured; if GitHub refuses it, once in the other."""
    configured = FORMS["standalone" if target.options.products == "standalone" else "bundled"]
    first = target.memory.recall("form", float("inf")) or configured
    try:
        return read(github, target, first)
    except PayloadError as error:
        if error.status not in REFUSED:
            raise
    return read(github, target, next(form for form in FORMS.values() if form != first))


def read(github: GitHub, target: Target, products: tuple[str, ...]) -> dict[str, Usage]:
    """Read *products*; one of several that the enterprise does not have is left out."""
    found: dict[str, Usage] = {}
    missing: list[GitHubError] = []
    for product in products:
        try:
            found[product] = usage(github, product, breakdown=target.options.organizations_breakdown)
        except (PayloadError, *NOT_OFFERED) as error:
            if isinstance(error, PayloadError) and error.status not in REFUSED:
                raise
            missing.append(error)
    if not found:
        raise missing[0]
    target.memory.remember("form", products)
    return found


def usage(github: GitHub, product: str, *, breakdown: bool) -> Usage:
    """The totals of *product* and, with *breakdown*, people per organization from all pages."""
    query = {} if product == BUNDLED else {"advanced_security_product": product}
    if not breakdown:
        answer = github.get_object(COMMITTERS_ENDPOINT, {**query, "per_page": 1})
        totals = github.record(Committers, answer)
        if totals == Committers() and not isinstance(answer.get("repositories"), list):
            raise PayloadError(f"GET {COMMITTERS_ENDPOINT.path}: neither totals nor repositories in the answer")
        return Usage(totals, {})
    totals = Committers()
    people: Counter[str] = Counter()
    seen = Distinct()
    for page in github.pages(COMMITTERS_ENDPOINT, "repositories", query):
        totals = github.record(Committers, page.envelope)
        fold(github, github.records(Repository, page.items), people, seen)
    return Usage(totals, people)


def fold(github: GitHub, repositories: Iterable[Repository], people: Counter[str], seen: Distinct) -> None:
    """Count people who are new in their organization; one without a login is a person of their own."""
    for repository in repositories:
        committers = repository.advanced_security_committers_breakdown
        if committers is None:
            continue
        organization = repository.name.partition("/")[0]
        people[organization] += 0
        for committer in github.records(Committer, committers):
            login = committer.user_login.lower()
            people[organization] += not login or seen.add(f"{organization}/{login}")


def samples(_target: Target, fetched: dict[str, Usage]) -> Iterator[Sample]:
    """Map each product; nothing purchased means a metered license, which has no limit."""
    for product, found in fetched.items():
        yield COMMITTERS(found.totals.total_advanced_security_committers, product)
        yield PURCHASED(found.totals.purchased_advanced_security_committers or None, product)
        yield MAXIMUM(found.totals.maximum_advanced_security_committers, product)
        yield REPOSITORIES(found.totals.total_count, product)
        for organization, people in found.organizations.items():
            yield ORGANIZATION_COMMITTERS(people, product, organization)


COLLECTOR = Collector(
    name="advanced_security",
    help="Committers of Advanced Security, or of Code Security and Secret Protection.",
    metrics=(COMMITTERS, PURCHASED, MAXIMUM, REPOSITORIES, ORGANIZATION_COMMITTERS),
    endpoints=(COMMITTERS_ENDPOINT,),
    interval=3600,
    platforms=frozenset(Platform),
    options=AdvancedSecurityOptions,
    persisted={"form": Persisted(dump=list, load=tuple)},
    fetch=fetch,
    samples=samples,
)
