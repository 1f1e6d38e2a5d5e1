"""GitHub Apps: where they are installed, and tokens for that; one App is installed everywhere."""

from datetime import UTC, datetime
from typing import Any

from exporter.simulator.api.app_tokens import LIFETIME, new_token
from exporter.simulator.api.http_types import Answer, NotFound, Request

PERMISSIONS = {"enterprise_administration": "write", "enterprise_billing": "read", "enterprise_licensing": "read"}
ORGANIZATION_PERMISSIONS = {"organization_self_hosted_runners": "read"}


def enterprise_installation(request: Request) -> Answer:
    """The installation on an enterprise."""
    return Answer(_on_enterprise(request, request.enterprise().slug))


def organization_installation(request: Request) -> Answer:
    """The installation on an organization."""
    login = request.organization().login
    number = _numbers(request)["Organization", login]
    account = {"login": login, "id": number, "type": "Organization"}
    return Answer(_installation(number, "Organization", account, ORGANIZATION_PERMISSIONS))


def installations(request: Request) -> Answer:
    """All installations on enterprises."""
    slugs = [slug for kind, slug in _numbers(request) if kind == "Enterprise"]
    return Answer([_on_enterprise(request, slug) for slug in slugs[request.page.start : request.page.stop]], len(slugs))


def access_token(request: Request) -> Answer:
    """A new token."""
    numbers = {str(number): kind for (kind, _), number in _numbers(request).items()}
    number = request.names["installation"]
    if number not in numbers:
        raise NotFound
    expires = datetime.fromtimestamp(int(request.at) + LIFETIME, UTC)
    return Answer(
        {
            "token": new_token(int(number), request.at),
            "expires_at": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
            "permissions": PERMISSIONS if numbers[number] == "Enterprise" else ORGANIZATION_PERMISSIONS,
        }
    )


def _numbers(request: Request) -> dict[tuple[str, str], int]:
    names = request.estate.names(on_server=request.on_server)
    return {name: number for number, name in enumerate(names, 50_000_001)}


def _on_enterprise(request: Request, slug: str) -> dict[str, Any]:
    number = _numbers(request)["Enterprise", slug]
    return _installation(number, "Enterprise", {"slug": slug, "id": number, "name": slug}, PERMISSIONS)


def _installation(number: int, kind: str, account: dict[str, Any], permissions: dict[str, str]) -> dict[str, Any]:
    return {
        "id": number,
        "app_id": 12_345,
        "target_type": kind,
        "account": account,
        "permissions": permissions,
        "suspended_at": None,
    }
