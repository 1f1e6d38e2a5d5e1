"""Endpoints as data: the path, what a credential needs to read it, how an answer may be stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from exporter.errors import PayloadError

JSON = "application/vnd.github+json, application/json;q=0.9"
SCIM = "application/scim+json, application/json;q=0.9"
DEFAULT_API_VERSION = "2022-11-28"
ACCESS_TOKENS_PATH = "/app/installations/{installation}/access_tokens"
"""The one path that is sent a POST: a GitHub App gets a token for an hour there, and nothing changes."""
MANAGEMENT_PATH = "/manage/"
"""Where paths of the management API of a server begin; the API of `/api/v3` has none of them."""
MANAGE_AUTH = "manage_auth"
"""The name of the credential for that."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path template of GitHub's REST API; only GET is ever sent to it, except for `ACCESS_TOKENS_PATH`.

    Attributes:
        path: the template, also the value of the label `endpoint`.
        scope: scope of a classic personal access token; of the management API the setting that has its credential.
        app_permission: permission of an installed GitHub App; empty when no App can read it.
        revalidate: keep the answer and ask with its ETag next time; not for lists that are folded and forgotten.
        accept: media types asked for.
        max_bytes: of an answer, where less than `limits.max_response_megabytes` is to be read.
        check: what the command `check` reads of a list: a record, the first page where the number of calls follows from
            the records, or all where what it reports is about all.
        anonymous: another host than GitHub's API answers it, and gets no credential.
        lines: its answer is a JSON value on each line, or an array of them.
        versioned: ask for the API version of the settings; not where the answer says which versions there are.
    """

    path: str
    scope: str
    app_permission: str = ""
    revalidate: bool = True
    accept: str = JSON
    max_bytes: int | None = None
    versioned: bool = True
    check: Literal["record", "page", "all"] = "record"
    anonymous: bool = False
    lines: bool = False

    def __str__(self) -> str:
        """The name used in errors and logs."""
        return f"{self.method} {self.path}"

    @property
    def is_management(self) -> bool:
        """Whether it belongs to the management API, which has an address and a credential of its own."""
        return self.path.startswith(MANAGEMENT_PATH)

    @property
    def method(self) -> Literal["GET", "POST"]:
        """What is sent; follows from the path, so that no endpoint can be declared that writes."""
        return "POST" if self.path == ACCESS_TOKENS_PATH else "GET"

    @property
    def success(self) -> int:
        """The status of an answer with what was asked for."""
        return 201 if self.method == "POST" else 200

    def filled(self, path: Mapping[str, str], query: Mapping[str, str | int]) -> str:
        """Path and query with *path* and *query* filled in.

        Raises:
            PayloadError: a parameter, which GitHub may have sent, would lead to another path.
        """
        if not {".", ".."}.isdisjoint(path.values()):
            raise PayloadError(f"{self}: an identifier is a relative path")
        filled = self.path.format_map({name: quote(value, safe="") for name, value in path.items()})
        return filled + (f"?{urlencode(query)}" if query else "")

    @property
    def level(self) -> Literal["enterprise", "organization", "server"]:
        """Whose data the path reads."""
        if "{enterprise}" in self.path:
            return "enterprise"
        return "organization" if "{organization}" in self.path else "server"


INSTALLATION = Endpoint("/enterprises/{enterprise}/installation", "", revalidate=False)
ORGANIZATION_INSTALLATION = Endpoint("/orgs/{organization}/installation", "", revalidate=False)
INSTALLATIONS = Endpoint("/app/installations", "", revalidate=False)
ACCESS_TOKENS = Endpoint(ACCESS_TOKENS_PATH, "", revalidate=False)
VERSIONS = Endpoint("/versions", "", revalidate=False, versioned=False)
