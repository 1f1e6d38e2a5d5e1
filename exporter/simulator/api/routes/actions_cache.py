"""Caches of Actions."""

from exporter.simulator.api.http_types import Answer, Request


def usage(request: Request) -> Answer:
    """How much is kept."""
    caches, size = request.enterprise().cache.usage(request.at)
    return Answer({"total_active_caches_size_in_bytes": size, "total_active_caches_count": caches})


def storage_limit(request: Request) -> Answer:
    """How much may be kept."""
    return Answer({"max_cache_size_gb": request.enterprise().cache.limits.gigabytes})


def retention_limit(request: Request) -> Answer:
    """How long it may be kept."""
    return Answer({"max_cache_retention_days": request.enterprise().cache.limits.days})


def usage_policy(request: Request) -> Answer:
    """What GitHub Enterprise Server has instead of limits."""
    size = request.enterprise().cache.limits.gigabytes
    return Answer({"repo_cache_size_limit_in_gb": size, "max_repo_cache_size_limit_in_gb": 2 * size})
