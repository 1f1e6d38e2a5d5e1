"""Where a `Link` header leads: to another page of the same list, on the configured origin. No I/O.

A server that is reached by an internal name, through a path of a reverse proxy, or by plain HTTP through a sidecar
names itself in its links as it knows itself. The path of such a link is what counts; its host is never asked.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from exporter.github.answers import is_same_origin, resolve

GITHUB_PREFIXES = ("/api/v3", "")
"""What comes before the path of an endpoint in GitHub's own addresses, longest first."""
_SCOPE = re.compile(r"(?P<before>.*?)/(?P<scope>enterprises|orgs)/(?P<name>[^/]+)(?P<after>.*)")
_NUMERIC = {"enterprises": "enterprises", "orgs": "organizations"}
"""Under which name GitHub has an enterprise or organization by its number."""


@dataclass(frozen=True, slots=True)
class ListAddress:
    """The address of a list.

    Attributes:
        base_url: the configured address of the API.
        path: the path of the list below it, without query.
    """

    base_url: str
    path: str

    def follow(self, answer_url: str, link: str) -> str | None:
        """The address of the page that *link* names, which was sent with the answer of *answer_url*.

        None where it leads to another host and is not of this list.
        """
        url = resolve(answer_url, link)
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        path = self._below_base(parts.path) if url.isprintable() else None
        if path is not None:
            return f"{self.base_url}{path}{'?' if parts.query else ''}{parts.query}"
        return url if is_same_origin(url, self.base_url) else None

    def _below_base(self, path: str) -> str | None:
        """The part of *path* below the address of the API, if it is the path of this list."""
        is_this_list = self._pattern()
        for prefix in (urlsplit(self.base_url).path, *GITHUB_PREFIXES):
            below = path.removeprefix(prefix)
            if path.startswith(prefix) and is_this_list.fullmatch(unquote(below)):
                return below
        return None

    def _pattern(self) -> re.Pattern[str]:
        """Matches the path of the list, in any case, by name or by number."""
        path = unquote(self.path)
        if (match := _SCOPE.fullmatch(path)) is None:
            return re.compile(re.escape(path), re.IGNORECASE)
        before, scope, name, after = (re.escape(part) for part in match.group("before", "scope", "name", "after"))
        numeric = f"{_NUMERIC[match['scope']]}/[0-9]+"
        return re.compile(f"{before}/(?:{scope}/{name}|{numeric}){after}", re.IGNORECASE)
