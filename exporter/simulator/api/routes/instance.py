"""What the API reports about itself."""

from exporter.simulator.api.http_types import Answer, NotFound, Request
from exporter.simulator.api.quota import Quota
from exporter.simulator.company.estate import SERVER_VERSION

OLDEST_API_VERSION = "2022-11-28"
API_VERSIONS = (OLDEST_API_VERSION, "2026-03-10")
SERVER_API_VERSIONS = (OLDEST_API_VERSION,)
NETWORK = "192.0.2.0/24"


def api_versions(*, on_server: bool) -> tuple[str, ...]:
    """Return the versions of the REST API a platform knows."""
    return SERVER_API_VERSIONS if on_server else API_VERSIONS


def root(request: Request) -> Answer:
    """Where to go from here."""
    return Answer(
        {
            "current_user_url": f"{request.root}/user",
            "organization_url": f"{request.root}/orgs/{{org}}",
            "rate_limit_url": f"{request.root}/rate_limit",
        }
    )


def meta(request: Request) -> Answer:
    """Addresses of the instance; GitHub Enterprise Server adds its version."""
    payload: dict[str, object] = {
        "verifiable_password_authentication": False,
        "hooks": [NETWORK],
        "web": [NETWORK],
        "api": [NETWORK],
        "git": [NETWORK],
        "actions": [NETWORK],
    }
    if request.on_server:
        payload["installed_version"] = SERVER_VERSION
    return Answer(payload)


def versions(request: Request) -> Answer:
    """Supported versions of the REST API."""
    return Answer(list(api_versions(on_server=request.on_server)))


def rate_limit(quota: Quota | None, api_version: str) -> dict[str, object]:
    """Return what is left of the quota.

    Raises:
        NotFound: There is no limit, as on GitHub Enterprise Server by default.
    """
    if quota is None:
        raise NotFound("Rate limiting is not enabled.")
    core = {"limit": quota.limit, "used": quota.used, "remaining": quota.remaining, "reset": quota.reset}
    untouched = {"used": 0, "reset": quota.reset}
    resources = {
        "core": core,
        "search": {"limit": 30, "remaining": 30, **untouched},
        "graphql": {"limit": 5_000, "remaining": 5_000, **untouched},
        "scim": {"limit": 15_000, "remaining": 15_000, **untouched},
    }
    if api_version == OLDEST_API_VERSION:
        return {"resources": resources, "rate": core}
    return {"resources": resources}
