"""Caches of GitHub Actions: how much there is and how much may be."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.collector import Collector, Platform, Target
from exporter.errors import NOT_OFFERED, PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Number, Record, number
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

PERMISSIONS = ("admin:enterprise", "enterprise_administration: write")
USAGE = Endpoint("/enterprises/{enterprise}/actions/cache/usage", *PERMISSIONS)
STORAGE_LIMIT = Endpoint("/enterprises/{enterprise}/actions/cache/storage-limit", *PERMISSIONS)
RETENTION_LIMIT = Endpoint("/enterprises/{enterprise}/actions/cache/retention-limit", *PERMISSIONS)

BYTES = gauge("ghe_actions_cache_bytes", "Size of all caches of GitHub Actions.")
CACHES = gauge("ghe_actions_caches", "Caches of GitHub Actions.")
LIMIT = gauge("ghe_actions_cache_limit_bytes", "Largest size of the caches of one repository.")
RETENTION = gauge("ghe_actions_cache_retention_seconds", "Longest time a cache is kept.")

GIGABYTE = 10**9
DAY = 86_400


class Usage(Record):
    """All caches of the enterprise; GitHub counts them about every five minutes."""

    total_active_caches_size_in_bytes: Number = None
    total_active_caches_count: Number = None


@dataclass(frozen=True, slots=True)
class Caches:
    """Usage and limits; None where GitHub does not report them."""

    usage: Usage
    gigabytes: float | None
    days: float | None


def fetch(github: GitHub, _target: Target) -> Caches:
    """Read usage and limits."""
    answer = github.get_object(USAGE)
    if answer.keys().isdisjoint(Usage.model_fields):
        raise PayloadError(f"GET {USAGE.path}: neither size nor number of caches in the answer")
    return Caches(
        github.record(Usage, answer),
        limit(github, STORAGE_LIMIT, "max_cache_size_gb"),
        limit(github, RETENTION_LIMIT, "max_cache_retention_days"),
    )


def limit(github: GitHub, endpoint: Endpoint, key: str) -> float | None:
    """One limit; None where the platform does not have it, as GitHub Enterprise Server."""
    try:
        return number(github.get_object(endpoint).get(key))
    except NOT_OFFERED:
        return None


def samples(_target: Target, caches: Caches) -> Iterator[Sample]:
    """Map usage and limits in base units."""
    yield BYTES(caches.usage.total_active_caches_size_in_bytes)
    yield CACHES(caches.usage.total_active_caches_count)
    yield LIMIT(None if caches.gigabytes is None else caches.gigabytes * GIGABYTE)
    yield RETENTION(None if caches.days is None else caches.days * DAY)


COLLECTOR = Collector(
    name="actions_cache",
    help="Number and size of the caches of GitHub Actions and their limits.",
    metrics=(BYTES, CACHES, LIMIT, RETENTION),
    endpoints=(USAGE, STORAGE_LIMIT, RETENTION_LIMIT),
    interval=900,
    platforms=frozenset(Platform),
    fetch=fetch,
    samples=samples,
)
