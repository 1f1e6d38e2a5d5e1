"""What every request passes before the application: rate limit, password, headers, as the toolkit has them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from exporter.web.http.messages import Handler, Headers, Request, Response, text
from exporter.web.protection.passwords import Verdict
from exporter.web.protection.protection import LiveProtection, Protection

UNAUTHENTICATED_PATHS = frozenset({"/-/healthy", "/-/ready"})
"""What probes ask: they have no password, and an attacker must not make them fail."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The application behind what protects it."""

    application: Handler
    protection: LiveProtection

    async def __call__(self, request: Request) -> Response:
        """Answer one request, or reject it."""
        current = self.protection.current()
        response = await reject(current, request) or await self.application(request)
        if not current.headers:
            return response
        return replace(response, headers=override_headers(response.headers, current.headers))


async def reject(protection: Protection, request: Request) -> Response | None:
    """The response to a request that may not pass; None if it may."""
    if request.path in UNAUTHENTICATED_PATHS:
        return None
    if protection.rate_limiter is not None and not protection.rate_limiter.allows():
        return text(HTTPStatus.TOO_MANY_REQUESTS, "too many requests")
    if not protection.passwords:
        return None
    verdict = await protection.passwords.check(request.headers.get("authorization", ""))
    if verdict is Verdict.BUSY:
        again = ("Retry-After", "1")
        return text(HTTPStatus.SERVICE_UNAVAILABLE, "too many passwords to check; try again", again)
    if verdict is Verdict.WRONG:
        challenge = ("WWW-Authenticate", 'Basic realm="ghe-exporter", charset="UTF-8"')
        return text(HTTPStatus.UNAUTHORIZED, "unauthorized", challenge)
    return None


def override_headers(headers: Headers, others: Mapping[str, str]) -> Headers:
    """*headers* with *others* instead of those of the same name; an empty one is left out altogether."""
    names = {name.lower() for name in others}
    kept = [(name, value) for name, value in headers if name.lower() not in names]
    return (*kept, *((name, value) for name, value in others.items() if value))
