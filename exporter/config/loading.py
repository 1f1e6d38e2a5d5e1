"""Load the settings: environment over file over default; the only reader of the environment.

Everything wrong ends in one ConfigurationError of one line that names the setting and never its secret value.
"""

import difflib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from exporter.config.messages import complaint, shown
from exporter.config.misplaced import refuse_in_document, refuse_in_environment
from exporter.config.settings import PREFIX, Auth, Section, Settings
from exporter.config.yaml_file import read_mapping
from exporter.errors import ConfigurationError
from exporter.redaction import describe_path


class EnvironmentEnterprise(BaseSettings):
    """One enterprise described by the environment alone, or overrides for one in the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    enterprise: str | None = Field(None, description="Slug of the enterprise.")
    token: SecretStr | None = Field(None, description="Its token.")
    token_file: str | None = Field(None, description="A file that holds its token.")
    app_id: str | None = Field(None, description="Or the number or client id of a GitHub App.")
    app_id_file: str | None = Field(None, description="A file that holds that number or client id.")
    private_key_file: str | None = Field(None, description="A file that holds the App's private key.")
    api_url: str | None = Field(None, description="Address of its API.")
    ca_file: str | None = Field(None, description="Certificates to trust.")
    organizations: str | None = Field(None, description="Organizations whose runners are read, `a,b`.")
    billing_platform: str | None = Field(None, description="Which billing API to ask.")

    def overrides(self) -> dict[str, Any]:
        """What it says, in the shape of an entry of `enterprises`."""
        said = self.model_dump(exclude_none=True)
        auth = {name: said.pop(name) for name in Auth.model_fields if name in said}
        if "enterprise" in said:
            said["slug"] = said.pop("enterprise")
        return said | ({"auth": auth} if auth else {})


def load(config: Path | None = None) -> Settings:
    """Read file and environment.

    Raises:
        ConfigurationError: the first thing that is wrong.
    """
    environment = own_environment()
    refuse_unknown(environment)
    refuse_in_environment(environment, PREFIX)
    path = config or (Path(environment[f"{PREFIX}CONFIG"]) if f"{PREFIX}CONFIG" in environment else None)
    document = (read_mapping(path) or {}) if path is not None else {}
    refuse_in_document(document, describe_path(path or ""))
    for key in document:
        # pydantic-settings forgives capitals, and would take `_env_file` for an argument of its own.
        if key not in Settings.model_fields:
            raise ConfigurationError(f"{describe_path(path)}: {shown(key)}: there is no such setting")
    overrides = EnvironmentEnterprise().overrides()
    place = merge_enterprise(document, overrides)
    try:
        return Settings(**document)
    except SettingsError as error:
        raise ConfigurationError(describe_unreadable(error, environment)) from None
    except ValidationError as error:
        names = Names(describe_path(path) if path else "", environment, place, overrides)
        raise ConfigurationError(names.describe(error)) from None


def describe_unreadable(error: SettingsError, environment: Mapping[str, str]) -> str:
    """Name the variable that should hold a whole section but is not the JSON of one."""
    for variable in sorted(environment, key=lambda name: (name.count("__"), name)):
        field = variable.removeprefix(PREFIX).split("__")[0].lower()
        if f'"{field}"' in str(error) and not is_json(environment[variable]):
            return f"{variable}: must be JSON; or set its parts one by one, as {variable}__NAME"
    return "environment: a variable cannot be read"


def is_json(text: str) -> bool:
    """Whether *text* is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def own_environment() -> dict[str, str]:
    """The variables of this program, by upper-case name."""
    return {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}


def known_variables() -> frozenset[str]:
    """First part of every variable that may be set."""
    fields = Settings.model_fields.keys() | EnvironmentEnterprise.model_fields.keys() | {"config"}
    return frozenset(PREFIX + name.upper() for name in fields - {"enterprises"})


def sections() -> frozenset[str]:
    """The variables that have parts, as in `GHE_EXPORTER_LIMITS__MAX_PAGES`."""
    fields = Settings.model_fields.items()
    kinds = {name: field.annotation for name, field in fields if isinstance(field.annotation, type)}
    return frozenset(PREFIX + name.upper() for name, kind in kinds.items() if issubclass(kind, Section))


SERVICE_LINK = re.compile(rf"{PREFIX}(SERVICE_HOST|SERVICE_PORT\w*|PORT\w*)")
SERVICE_LINKS_HINT = "; Kubernetes sets it for a Service of this name: put enableServiceLinks: false into the pod"


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """Refuse a variable nobody reads, most likely a typing error; and an empty one."""
    known = known_variables()
    for name, value in sorted(environment.items()):
        first, *parts = name.removeprefix(PREFIX).split("__")
        first = PREFIX + first
        if first not in known or (parts and first not in sections()):
            hint = SERVICE_LINKS_HINT if SERVICE_LINK.fullmatch(name) else suggestion(first, known)
            raise ConfigurationError(f"{name}: there is no such setting{hint}")
        if not value.strip():
            raise ConfigurationError(f"{name}: is empty; unset it or give it a value")


def suggestion(name: str, known: frozenset[str]) -> str:
    """A hint at the name that was meant."""
    endings = sorted(variable.removeprefix(PREFIX) for variable in known)  # the common prefix would make all alike
    close = difflib.get_close_matches(name.removeprefix(PREFIX), endings, n=1)
    return f"; did you mean {PREFIX}{close[0]}?" if close else ""


def merge_enterprise(document: dict[str, Any], overrides: dict[str, Any]) -> int | None:
    """Lay *overrides* over the entry of the enterprise they name, or add one; return its place."""
    if not overrides:
        return None
    entries = document.setdefault("enterprises", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None  # the validation says what is wrong with it
    slug = overrides.get("slug")
    if slug is None and len(entries) != 1:
        variable = f"{PREFIX}ENTERPRISE"
        raise ConfigurationError(f"{variable}: is missing; it says which enterprise the other variables are about")
    place = next((place for place, entry in enumerate(entries) if is_about(slug, entry)), len(entries))
    if place == len(entries):
        entries.append({})
    entries[place] = entries[place] | overrides
    return place


def is_about(slug: str | None, entry: Mapping[str, Any]) -> bool:
    """Whether *entry* is the enterprise called *slug*; GitHub does not tell capitals from small letters."""
    return slug is None or slug.lower() == str(entry.get("slug")).lower()


def holds(text: str, path: Sequence[int | str]) -> bool:
    """Whether the JSON *text* has a value at *path*."""
    value = json.loads(text)
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


class Names:
    """Names of settings as the person wrote them: a variable, or a key in the file."""

    def __init__(
        self, path: str, environment: Mapping[str, str], place: int | None, overrides: Mapping[str, Any]
    ) -> None:
        self._path = path
        self._environment = environment
        self._place = place
        self._overrides = overrides

    def describe(self, error: ValidationError) -> str:
        """The first problem, in one line without any value of a secret."""
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        location = problem["loc"]
        if location == ("enterprises",) and problem["type"] == "missing":
            place = (
                f"{self.name(location)}: is missing; list them there" if self._path else "no enterprise: use --config"
            )
            return f"{place}, or set {PREFIX}ENTERPRISE and {PREFIX}TOKEN_FILE"
        if location[-1:] == ("auth",) and problem["type"] == "missing":
            place = f"{self.name(location)}: is missing; " if self._path else "no credential: "
            app = f"or {PREFIX}APP_ID with {PREFIX}PRIVATE_KEY_FILE"
            return f"{place}set {PREFIX}TOKEN_FILE or {PREFIX}TOKEN, {app}" + (
                ", or auth in the file" if self._path else ""
            )
        return f"{self.name(location)}: {complaint(problem['type'], problem['msg'])}"

    def name(self, location: tuple[int | str, ...]) -> str:
        """The variable or the key that *location* stands for."""
        if variable := self._variable(location) or self._override(location):
            return variable
        keys = "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in location).lstrip(".")
        return f"{self._path}: {keys}" if self._path else keys

    def _variable(self, location: tuple[int | str, ...]) -> str:
        """The variable of a setting, of a part of it, or one whose JSON holds it."""
        wanted = PREFIX + "__".join(str(part).upper() for part in location)
        for name in sorted(self._environment):
            if name == wanted or name.startswith(f"{wanted}__"):
                return name
            parts = len(name.split("__"))
            if wanted.startswith(f"{name}__") and holds(self._environment[name], location[parts:]):
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
