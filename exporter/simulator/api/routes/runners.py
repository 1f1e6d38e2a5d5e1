"""Self-hosted runners of enterprises and organizations."""

from datetime import UTC, datetime
from typing import Any

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.api.routes.runner_lookup import INHERITED_IDS, group_of, runners_of_level
from exporter.simulator.company.runner_groups import LINUX_LARGE
from exporter.simulator.company.runners import Fleet, end_of_support, newest_release

PACKAGES = (
    ("osx", "x64", "tar.gz"),
    ("osx", "arm64", "tar.gz"),
    ("linux", "x64", "tar.gz"),
    ("linux", "arm", "tar.gz"),
    ("linux", "arm64", "tar.gz"),
    ("win", "x64", "zip"),
    ("win", "arm64", "zip"),
)


def runners(request: Request) -> Answer:
    """Every runner registered at that level; those of inherited groups belong to the enterprise."""
    fleet = runners_of_level(request).fleet
    return _listed(request, fleet, fleet.span(request.at))


def group_runners(request: Request) -> Answer:
    """The runners of one group."""
    group = group_of(request)
    fleet, _, lender = runners_of_level(request)
    if group.inherited and lender:
        return _listed(request, lender, lender.span(request.at, group.id - INHERITED_IDS))
    return _listed(request, fleet, fleet.span(request.at, group.id))


def downloads(request: Request) -> Answer:
    """The newest runner application for every platform."""
    runners_of_level(request)
    version = newest_release(request.at)
    return Answer([_package(system, architecture, kind, version) for system, architecture, kind in PACKAGES])


def deprecation(request: Request) -> Answer:
    """When a version gets no more jobs; the newest has no such date, and nobody has seen one for the registration."""
    runners_of_level(request)
    version = request.names["version"]
    try:
        deprecated_at = end_of_support(version, request.at)
    except ValueError:
        raise NotFound from None
    moment = deprecated_at and datetime.fromtimestamp(deprecated_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Answer({"runner_version": version, "runtime_deprecates_at": moment})


def _listed(request: Request, fleet: Fleet, places: range) -> Answer:
    offline = (LINUX_LARGE, request.disturbances.runners_offline)
    records = fleet.runners(request.at, request.page.of_places(places), offline=offline)
    return Answer({"total_count": len(places), "runners": records}, total=len(places))


def _package(system: str, architecture: str, kind: str, version: str) -> dict[str, Any]:
    filename = f"actions-runner-{system}-{architecture}-{version}.{kind}"
    return {
        "os": system,
        "architecture": architecture,
        "download_url": f"https://github.example.com/actions/runner/releases/download/v{version}/{filename}",
        "filename": filename,
    }
