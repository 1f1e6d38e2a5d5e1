"""GitHub-hosted larger runners (GitHub Enterprise Cloud only)."""

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.company.hosted_runners import PUBLIC_IPS, HostedRunners


def runners(request: Request) -> Answer:
    """The larger runners of all groups."""
    hosted = _hosted(request)
    records = hosted.runners(request.at, request.page.of_places(hosted.places))
    return Answer({"total_count": len(hosted.places), "runners": records}, total=len(hosted.places))


def limits(request: Request) -> Answer:
    """How many public addresses there may be."""
    return Answer({"public_ips": {"maximum": PUBLIC_IPS, "current_usage": _hosted(request).public_ips}})


def _hosted(request: Request) -> HostedRunners:
    owner = request.enterprise() if "enterprise" in request.names else request.organization()
    hosted = owner.hosted_runners
    if hosted is None:
        raise NotFound
    return hosted
