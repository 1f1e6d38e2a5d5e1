"""Names of settings as the person wrote them, for messages: a variable, or a key in the file."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from exporter.config.environment import PREFIX
from exporter.config.hints import hint, spell
from exporter.config.messages import describe_error
from exporter.config.settings import Settings


class SettingNames:
    """The names of settings that come from one file, the environment, and overrides for one enterprise.

    Args:
        path: The file as it is shown; empty if there is none.
        environment: Our variables.
        document: What they say together.
        place: Which of the enterprises the overrides are for.
        overrides: What variables say of that enterprise.
    """

    def __init__(
        self,
        path: str,
        environment: Mapping[str, str],
        document: Mapping[str, Any],
        place: int | None,
        overrides: Mapping[str, Any],
    ) -> None:
        self._path = path
        self._environment = environment
        self._document = document
        self._place = place
        self._overrides = overrides

    def describe(self, error: ValidationError) -> str:
        """The first problem, in one line without any value of a secret."""
        problem = error.errors(include_url=False, include_context=False)[0]
        location, kind = self._as_written(problem["loc"]), problem["type"]
        if kind == "missing" and location == ("enterprises",):
            return self._no_enterprise(location)
        if kind == "missing" and location[-1:] == ("auth",):
            return self._no_credential(location)
        guess = hint(problem, Settings, to_variable=bool(self._variable(location)))
        name = self.name(location) if location else self._path
        return f"{name}: {describe_error(kind, problem['msg'])}{guess}".removeprefix(": ")

    def _as_written(self, location: tuple[int | str, ...]) -> tuple[int | str, ...]:
        """*location* without the key that a list of organizations is short for."""
        if location[:1] != ("enterprises",) or location[2:4] != ("organizations", "named"):
            return location
        written = self._written_organizations(location[1])
        return location if isinstance(written, dict) else location[:3] + location[4:]

    def _written_organizations(self, place: int | str) -> Any:
        enterprises = self._document.get("enterprises")
        if isinstance(enterprises, list) and isinstance(place, int) and place < len(enterprises):
            return enterprises[place].get("organizations")
        return None

    def _no_enterprise(self, location: tuple[int | str, ...]) -> str:
        place = f"{self.name(location)}: is missing; list them there" if self._path else "no enterprise: use --config"
        return f"{place}, or set {PREFIX}ENTERPRISE and {PREFIX}TOKEN_FILE"

    def _no_credential(self, location: tuple[int | str, ...]) -> str:
        place = f"{self.name(location)}: is missing; " if self._path else "no credential: "
        app = f"or {PREFIX}APP_ID with {PREFIX}PRIVATE_KEY_FILE"
        in_file = ", or auth in the file" if self._path else ""
        return f"{place}set {PREFIX}TOKEN_FILE or {PREFIX}TOKEN, {app}{in_file}"

    def name(self, location: tuple[int | str, ...]) -> str:
        """The variable or the key at *location*."""
        if variable := self._variable(location) or self._override(location):
            return variable
        keys = spell(location)
        return f"{self._path}: {keys}" if self._path else keys

    def _variable(self, location: tuple[int | str, ...]) -> str:
        """The variable of a setting, of a part of it, or one whose JSON holds it."""
        wanted = PREFIX + "__".join(str(part).upper() for part in location)
        for name in sorted(self._environment):
            if name == wanted or name.startswith(f"{wanted}__"):
                return name
            parts = len(name.split("__"))
            if wanted.startswith(f"{name}__") and json_has_path(self._environment[name], location[parts:]):
                return name
        return ""

    def _override(self, location: tuple[int | str, ...]) -> str:
        """The variable of a setting of the enterprise that the environment is about."""
        if self._place is None or location[:2] != ("enterprises", self._place):
            return ""
        key, *rest = map(str, location[2:])
        if key not in self._overrides:
            return ""
        if key == "auth":
            key = rest[0] if rest else min(self._overrides["auth"])
        return PREFIX + {"slug": "enterprise"}.get(key, key).upper()


def json_has_path(text: str, path: Sequence[int | str]) -> bool:
    """Whether the JSON *text* has a value at *path*."""
    value = json.loads(text)
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True
