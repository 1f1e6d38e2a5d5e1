"""Load the settings: environment over file over default.

Every invalid setting raises a ConfigurationError with a one-line message that names it and never its secret value.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from exporter.config.auth import Auth, Section
from exporter.config.environment import PREFIX, own_environment
from exporter.config.hints import closest, did_you_mean, hint
from exporter.config.messages import UNKNOWN, redact_key
from exporter.config.misplaced import refuse_in_document, refuse_in_environment
from exporter.config.names import SettingNames
from exporter.config.settings import Settings
from exporter.config.yaml_file import read_mapping
from exporter.errors import ConfigurationError
from exporter.redaction import REDACTED, describe_path, holds_credential


class EnvironmentEnterprise(BaseSettings):
    """One enterprise described by the environment alone, or overrides for one in the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    enterprise: str | None = Field(None, description="Slug of the enterprise, or its name in the file.")
    name: str | None = Field(None, description="Value of the label `enterprise`; default: the slug.")
    token: SecretStr | None = Field(None, description="Its token.")
    token_file: str | None = Field(None, description="A file that holds its token.")
    app_id: str | None = Field(None, description="Or the number or client id of a GitHub App.")
    app_id_file: str | None = Field(None, description="A file that holds that number or client id.")
    private_key_file: str | None = Field(None, description="A file that holds the App's private key.")
    api_url: str | None = Field(None, description="Address of its API.")
    ca_file: str | None = Field(None, description="Certificates to trust.")
    api_version: str | None = Field(None, description="Version of its REST API.")
    organizations: str | None = Field(None, description="Organizations whose runners are read, `a,b`, or `auto`.")
    organization_properties: str | None = Field(None, description="Custom properties that become labels, `a,b`.")
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
    document = read_document(path) if path is not None else {}
    overrides = EnvironmentEnterprise().overrides()
    place = apply_overrides(document, overrides)
    try:
        return Settings(**document)
    except SettingsError as error:
        raise ConfigurationError(describe_unreadable(error, environment)) from None
    except ValidationError as error:
        names = SettingNames(describe_path(path) if path else "", environment, document, place, overrides)
        raise ConfigurationError(names.describe(error)) from None


def read_document(path: Path) -> dict[str, Any]:
    """The mapping in the file, without a credential where none belongs and without unknown keys at its top.

    Raises:
        ConfigurationError: it cannot be read, or has one.
    """
    document = read_mapping(path) or {}
    refuse_in_document(document, describe_path(path))
    for key in document:
        # pydantic-settings forgives capitals, and would take `_env_file` for an argument of its own.
        if key not in Settings.model_fields:
            guess = hint({"loc": (key,), "type": "extra_forbidden"}, Settings)
            raise ConfigurationError(f"{describe_path(path)}: {redact_key(key)}: {UNKNOWN}{guess}")
    return document


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


def known_variables() -> frozenset[str]:
    """First part of every variable that may be set."""
    fields = Settings.model_fields.keys() | EnvironmentEnterprise.model_fields.keys() | {"config"}
    return frozenset(PREFIX + name.upper() for name in fields - {"enterprises"})


def sections() -> frozenset[str]:
    """The variables that have parts, as in `GHE_EXPORTER_LIMITS__MAX_PAGES`."""
    fields = Settings.model_fields.items()
    kinds = {name: field.annotation for name, field in fields if isinstance(field.annotation, type)}
    return frozenset(PREFIX + name.upper() for name, kind in kinds.items() if issubclass(kind, Section))


VARIABLE = f"{PREFIX}ENTERPRISE"
SERVICE_LINK = re.compile(rf"{PREFIX}(SERVICE_HOST|SERVICE_PORT\w*|PORT\w*)")
SERVICE_LINKS_HINT = "; Kubernetes sets it for a Service of this name: put enableServiceLinks: false into the pod"


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """Refuse a variable nobody reads, most likely a typing error; and an empty one."""
    known = known_variables()
    for name, value in sorted(environment.items()):
        first, *parts = name.removeprefix(PREFIX).split("__")
        first = PREFIX + first
        if first not in known or (parts and first not in sections()):
            raise ConfigurationError(f"{describe_variable(name)}: {UNKNOWN}{hint_at_variable(name, first, known)}")
        if not value.strip():
            raise ConfigurationError(f"{name}: is empty; unset it or give it a value")


def describe_variable(name: str) -> str:
    """*name*, or its beginning if the rest may be a secret."""
    rest = name.removeprefix(PREFIX)
    is_name = re.fullmatch(r"[A-Z0-9]{0,24}(_+[A-Z0-9]{1,24}){0,9}_*", rest)
    return name if is_name and not holds_credential(rest) else f"{PREFIX}{REDACTED}"


def hint_at_variable(name: str, first: str, known: frozenset[str]) -> str:
    """What was probably meant by the variable *name*, which begins with the name *first*."""
    if SERVICE_LINK.fullmatch(name):
        return SERVICE_LINKS_HINT
    endings = {variable.removeprefix(PREFIX).lower(): variable for variable in known}  # the prefix would make all alike
    close = closest(first.removeprefix(PREFIX), endings)
    return did_you_mean(endings[close]) if close else ""


def apply_overrides(document: dict[str, Any], overrides: dict[str, Any]) -> int | None:
    """Lay *overrides* over the entry of the enterprise they name, or add one; return its place.

    Raises:
        ConfigurationError: they do not say which enterprise they are about.
    """
    if not overrides:
        return None
    entries = document.setdefault("enterprises", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None  # the validation says what is wrong with it
    wanted = overrides.get("slug")
    if wanted is None and len(entries) != 1:
        raise ConfigurationError(f"{VARIABLE}: is missing; it says which enterprise the other variables are about")
    places = [0] if wanted is None else places_of(wanted, entries)
    if len(places) > 1:
        raise ConfigurationError(f"{VARIABLE}: the file has several of that slug; set it to the name of one")
    if not places:
        entries.append({})
    elif wanted is not None and not is_called(wanted, entries[places[0]], "slug"):
        overrides = {key: value for key, value in overrides.items() if key != "slug"}
    place = places[0] if places else len(entries) - 1
    entries[place] = entries[place] | overrides
    return place


def places_of(wanted: str, entries: Sequence[Mapping[str, Any]]) -> list[int]:
    """The places of the enterprises that are called *wanted*: by name if there is one, else by slug."""
    for key in ("name", "slug"):
        places = [place for place, entry in enumerate(entries) if is_called(wanted, entry, key)]
        if places:
            return places
    return []


def is_called(wanted: str, entry: Mapping[str, Any], key: str) -> bool:
    """Whether *wanted* is the name or slug of *entry*; GitHub ignores the case of letters."""
    called = entry.get(key)
    return isinstance(called, str) and wanted.lower() == called.lower()
