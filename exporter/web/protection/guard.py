"""What every request passes before the application: rate limit, password, headers, as the toolkit has them."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.web.application import Answer, Application, StartResponse, text
from exporter.web.protection.passwords import Verdict
from exporter.web.protection.protection import LiveProtection, Protection

OPEN_TO_ALL = frozenset({"/-/healthy", "/-/ready"})
"""What probes ask: they have no password, and an attacker must not make them fail."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The application behind what protects it."""

    application: Application
    protection: LiveProtection

    def __call__(self, environ: Mapping[str, str], start_response: StartResponse) -> list[bytes]:
        """Answer one request, or refuse it."""
        now = self.protection.current()
        refused = refusal(now, environ)

        def start(status: str, headers: list[tuple[str, str]]) -> object:
            return start_response(status, replaced(headers, now.headers))

        if refused is None:
            return self.application(environ, start)
        return refused.send(environ["REQUEST_METHOD"], start)


def refusal(protection: Protection, environ: Mapping[str, str]) -> Answer | None:
    """The answer to who may not come in; None for who may."""
    if environ["PATH_INFO"] in OPEN_TO_ALL:
        return None
    if protection.rate_limiter is not None and not protection.rate_limiter.allows():
        return text("429 Too Many Requests", "too many requests")
    if not protection.passwords:
        return None
    verdict = protection.passwords.check(environ.get("HTTP_AUTHORIZATION", ""))
    if verdict is Verdict.BUSY:
        return text("503 Service Unavailable", "too many passwords to check; try again", ("Retry-After", "1"))
    if verdict is Verdict.WRONG:
        challenge = ("WWW-Authenticate", 'Basic realm="ghe-exporter", charset="UTF-8"')
        return text("401 Unauthorized", "unauthorized", challenge)
    return None


def replaced(headers: list[tuple[str, str]], others: Mapping[str, str]) -> list[tuple[str, str]]:
    """*headers* with *others* instead of those of the same name; an empty one is left out altogether."""
    names = {name.lower() for name in others}
    kept = [(name, value) for name, value in headers if name.lower() not in names]
    return kept + [(name, value) for name, value in others.items() if value]
