"""GitHub's part in giving tokens to an App: installations, JWTs and tokens."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate

import jwt
import requests

from exporter.clock import Clock
from tests.support.app_keys import public_pem

HOUR = 3600
ON_ENTERPRISE = "/enterprises/acme/installation"
ON_ORGANIZATION = "/orgs/acme-web/installation"
ALL = "/app/installations"
NUMBER = 77
TOKENS = f"/app/installations/{NUMBER}/access_tokens"
MISSING = (404, {"message": "Not Found"})
Reply = tuple[int, object]


@dataclass
class GitHubOfApps:
    """GitHub's part of it; replies and the difference of its clock may be changed."""

    clock: Clock
    api: str
    ahead: float = 0.0
    replies: dict[str, Reply] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)
    issuers: set[str] = field(default_factory=set)
    made: int = 0
    key: str = field(default_factory=public_pem)
    pause: Callable[[], None] = lambda: None

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        path = str(request.url).removeprefix(self.api)
        self.asked.append(f"{request.method} {path.partition('?')[0]}")
        headers = {"Date": formatdate(self.now, usegmt=True), "X-RateLimit-Limit": "5000"}
        headers |= {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": str(int(self.now) + HOUR)}
        if not self._accepts(str(request.headers["Authorization"]).removeprefix("Bearer ")):
            return 401, headers, "{\"message\": \"'Expiration time' claim ('exp') is too far in the future\"}"
        if (link := self.links.get(path)) is not None:
            headers["Link"] = f'<{self.api}{link}>; rel="next"'
        status, value = self.replies.get(path) or self.replies.get(path.partition("?")[0]) or self._usual(request)
        return status, headers, json.dumps(value)

    @property
    def now(self) -> float:
        return self.clock.time() + self.ahead

    def _accepts(self, token: str) -> bool:
        try:
            claims = jwt.decode(
                token, self.key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.PyJWTError:
            return False
        self.issuers.add(claims["iss"])
        return bool(claims["iat"] <= self.now < claims["exp"] < self.now + 600)

    def _usual(self, request: requests.PreparedRequest) -> Reply:
        if request.method == "GET":
            return 200, {"id": NUMBER, "target_type": "Enterprise"}
        self.pause()
        self.bodies.append(request.body)
        self.made += 1
        expires = datetime.fromtimestamp(self.now + HOUR, UTC)
        return 201, {"token": f"ghs_{self.made}", "expires_at": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}
