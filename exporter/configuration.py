"""Load the settings: environment over file over default; the only reader of the environment.

Everything wrong ends in one ConfigurationError of one line that names the setting and never its secret value.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from exporter.errors import ConfigurationError
from exporter.settings import PREFIX, Settings


class EnvironmentEnterprise(BaseSettings):
    """One enterprise described by the environment alone, or overrides for one in the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    enterprise: str | None = Field(None, description="Slug of the enterprise.")
    token: SecretStr | None = Field(None, description="Its token.")
    token_file: str | None = Field(None, description="A file that holds its token.")
    api_url: str | None = Field(None, description="Address of its API.")
    ca_file: str | None = Field(None, description="Certificates to trust.")
    organizations: str | None = Field(None, description="Organizations whose runners are read, `a,b`.")
    billing_platform: str | None = Field(None, description="Which billing API to ask.")

    def overrides(self) -> dict[str, Any]:
        """What it says, in the shape of an entry of `enterprises`."""
        said = self.model_dump(exclude_none=True)
        token = {name: said.pop(name) for name in ("token", "token_file") if name in said}
        if "enterprise" in said:
            said["slug"] = said.pop("enterprise")
        return said | ({"auth": token} if token else {})


def load(config: Path | None = None) -> Settings:
    """Read file and environment.

    Raises:
        ConfigurationError: the first thing that is wrong.
    """
    environment = own_environment()
    refuse_unknown(environment)
    path = config or (Path(environment[f"{PREFIX}CONFIG"]) if f"{PREFIX}CONFIG" in environment else None)
    document = read_document(path) if path is not None else {}
    overrides = EnvironmentEnterprise().overrides()
    place = merge_enterprise(document, overrides)
    try:
        return Settings(**document)
    except SettingsError as error:
        raise ConfigurationError(describe_unreadable(error, environment)) from None
    except ValidationError as error:
        names = Names(str(path) if path else "", environment, place, overrides)
        raise ConfigurationError(names.describe(error)) from None


def describe_unreadable(error: SettingsError, environment: Mapping[str, str]) -> str:
    """Name the variable that should hold a whole section but is not the JSON of one."""
    for field in Settings.model_fields:
        variable = PREFIX + field.upper()
        if f'"{field}"' in str(error) and variable in environment:
            return f"{variable}: must be JSON; or set its parts one by one, as {variable}__NAME"
    return "environment: a variable cannot be read"


def own_environment() -> dict[str, str]:
    """The variables of this program, by upper-case name."""
    return {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}


def known_variables() -> frozenset[str]:
    """First part of every variable that may be set."""
    fields = Settings.model_fields.keys() | EnvironmentEnterprise.model_fields.keys() | {"config"}
    return frozenset(PREFIX + name.upper() for name in fields)


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """Refuse a variable nobody reads, most likely a typing error; and an empty one."""
    known = known_variables()
    for name, value in sorted(environment.items()):
        first = PREFIX + name.removeprefix(PREFIX).split("__")[0]
        if first not in known:
            raise ConfigurationError(f"{name}: there is no such setting{suggestion(first, known)}")
        if not value.strip():
            raise ConfigurationError(f"{name}: is empty; unset it or give it a value")


def suggestion(name: str, known: frozenset[str]) -> str:
    """A hint at the name that was meant."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def read_document(path: Path) -> dict[str, Any]:
    """Read the YAML file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the configuration {path}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{path}{place}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigurationError(f"{path}: not YAML") from None
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigurationError(f"{path}: must be a mapping of settings")
    return document


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
    place = next((place for place, entry in enumerate(entries) if slug in {None, entry.get("slug")}), len(entries))
    if place == len(entries):
        entries.append({})
    entries[place] = entries[place] | overrides
    return place


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
        location, message = problem["loc"], problem["msg"].removeprefix("Value error, ")
        if location == ("enterprises",) and problem["type"] == "missing":
            return f"no enterprise: set {PREFIX}ENTERPRISE and {PREFIX}TOKEN_FILE, or give a file with --config"
        if location[-1:] == ("auth",) and problem["type"] == "missing":
            return f"{self.name(location)}: is missing; set {PREFIX}TOKEN_FILE, {PREFIX}TOKEN or auth in the file"
        message = {"missing": "is missing", "extra_forbidden": "there is no such setting"}.get(problem["type"], message)
        return f"{self.name(location)}: {message}".replace("\n", " ")

    def name(self, location: tuple[int | str, ...]) -> str:
        """The variable or the key that *location* stands for."""
        variable = PREFIX + "__".join(str(part).upper() for part in location)
        for name in sorted(self._environment):
            if name == variable or name.startswith(f"{variable}__"):
                return name
        if self._place is not None and location[:2] == ("enterprises", self._place):
            key = {"slug": "enterprise"}.get(str(location[-1]), str(location[-1]))
            if PREFIX + key.upper() in self._environment:
                return PREFIX + key.upper()
        keys = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
        return f"{self._path}: {keys}" if self._path else keys
