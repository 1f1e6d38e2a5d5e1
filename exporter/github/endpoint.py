"""Endpoints as data: the path, what a credential needs to read it, how an answer may be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from exporter.errors import PayloadError

JSON = "application/vnd.github+json, application/json;q=0.9"
SCIM = "application/scim+json, application/json;q=0.9"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path template of GitHub's REST API; only GET is ever sent to it.

    Attributes:
        path: the template, also the value of the label `endpoint`.
        scope: scope of a classic personal access token.
        app_permission: permission of an installed GitHub App; empty when no App can read it.
        revalidate: keep the answer and ask with its ETag next time; not for lists that are folded and forgotten.
        accept: media types asked for.
    """

    path: str
    scope: str
    app_permission: str = ""
    revalidate: bool = True
    accept: str = JSON

    def filled(self, path: Mapping[str, str], query: Mapping[str, str | int]) -> str:
        """Path and query with *path* and *query* filled in.

        Raises:
            PayloadError: a parameter, which GitHub may have told, would lead to another path.
        """
        if not {".", ".."}.isdisjoint(path.values()):
            raise PayloadError(f"GET {self.path}: an identifier is a relative path")
        filled = self.path.format_map({name: quote(value, safe="") for name, value in path.items()})
        return filled + (f"?{urlencode(query)}" if query else "")

    @property
    def level(self) -> Literal["enterprise", "organization", "server"]:
        """Whose data the path reads."""
        if "{enterprise}" in self.path:
            return "enterprise"
        return "organization" if "{organization}" in self.path else "server"
