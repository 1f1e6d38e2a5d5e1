"""Security features of a GitHub Enterprise Server, and the committers that its Advanced Security license counts."""

from collections.abc import Iterator
from typing import Any

from exporter.collector import LICENSE_MAX_AGE, Collector, Platform, Target
from exporter.collectors.common.labels import snake_case
from exporter.github.endpoint import Endpoint
from exporter.github.models import number
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, Totals, gauge

SECURITY_PRODUCTS = Endpoint("/enterprise/stats/security-products", "site_admin")

REPOSITORIES = gauge(
    "ghe_server_security_repositories", "Repositories of the server with a security feature.", "feature"
)
COMMITTERS = gauge(
    "ghe_server_security_committers",
    "Committers that Advanced Security counts: active, purchased, and the most there could be.",
    "product",
    "kind",
)

BUNDLED = "advanced_security"
KINDS = {
    "active_committers": (BUNDLED, "active"),
    "purchased_committers": (BUNDLED, "purchased"),
    "maximum_committers": (BUNDLED, "maximum"),
    "code_security_active_committers": ("code_security", "active"),
    "code_security_licenses": ("code_security", "purchased"),
    "secret_protection_active_committers": ("secret_protection", "active"),
    "secret_protection_licenses": ("secret_protection", "purchased"),
}
"""Product and kind of each number of committers; what it counts is in the name of the field alone."""


def fetch(github: GitHub, _target: Target) -> dict[str, Any]:
    """Read the numbers, which are in one flat object."""
    return github.get_object(SECURITY_PRODUCTS)


def samples(_target: Target, products: dict[str, Any]) -> Iterator[Sample]:
    """Map every number of repositories, and the committers; of a license that is not bought, nothing is purchased."""
    repositories = Totals(REPOSITORIES)
    for field, value in products.items():
        count = number(value)
        if count is not None and field.endswith("_repos"):
            repositories.add(count, snake_case(field.removesuffix("_repos").removesuffix("_enabled")))
    yield from repositories.samples()
    for field, (product, kind) in KINDS.items():
        committers = number(products.get(field))
        yield COMMITTERS(committers if committers or kind != "purchased" else None, product, kind)


COLLECTOR = Collector(
    name="server_security",
    help="Repositories of a GitHub Enterprise Server by security feature, and committers against those purchased.",
    metrics=(REPOSITORIES, COMMITTERS),
    endpoints=(SECURITY_PRODUCTS,),
    interval=900,
    platforms=frozenset({Platform.SERVER}),
    min_max_age=LICENSE_MAX_AGE,
    fetch=fetch,
    samples=samples,
)
