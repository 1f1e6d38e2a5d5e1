"""From a path to the function that answers it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exporter.simulator.api.http_types import JSON_TYPE, Answer, Request
from exporter.simulator.api.paging import PER_PAGE


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint.

    Attributes:
        template: Path with `{names}`.
        answer: What answers it.
        scope: Classic token scopes GitHub names in `X-Accepted-OAuth-Scopes`.
        link: Whether pages are announced by a Link header.
        per_page: Records on a page if the client does not say.
        cloud: Whether github.com has it.
        server: Whether GitHub Enterprise Server has it.
        app: Whether a GitHub App that is installed on the enterprise can read it.
        media_type: Type of the answer.
        by_app: Whether it is asked by a GitHub App itself, with a JWT, and by nobody else.
        method: What is sent to it; HEAD goes wherever GET does.
        lines: Whether the records of the answer stand on a line each.
        public: Whether anybody may read it, without a credential, and no rate limit counts it.
        sunset_days: How long after the simulation started GitHub stops offering it; None if never.
    """

    template: str
    answer: Callable[[Request], Answer]
    scope: str = ""
    link: bool = False
    per_page: int = PER_PAGE
    cloud: bool = True
    server: bool = True
    app: bool = True
    media_type: str = JSON_TYPE
    by_app: bool = False
    method: str = "GET"
    lines: bool = False
    public: bool = False
    sunset_days: int | None = None


class Router:
    """Finds the route of a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(re.compile(_pattern(route.template)), route) for route in routes]

    def find(self, path: str, *, on_server: bool) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route for *path* on that platform and the values of its template."""
        for pattern, route in self._routes:
            if (route.server if on_server else route.cloud) and (match := pattern.fullmatch(path)):
                return route, match.groupdict()
        return None


def _pattern(template: str) -> str:
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
