"""Self-hosted runners of enterprises and organizations."""

from typing import Any

from exporter.simulator.api.http_types import Answer, Request
from exporter.simulator.api.routes.runner_lookup import INHERITED_IDS, group_of, runners_of_level
from exporter.simulator.company.runner_groups import LINUX_LARGE
from exporter.simulator.company.runners import Fleet, newest_release

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
