"""Settings: environment over file over default, validated once, frozen. `exporter.config.loading` loads them."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.collector import Allowances, BillingPlatform, Collector, CollectorOptions, Platform
from exporter.collectors import COLLECTORS
from exporter.config.addresses import DEFAULT_API_URL, DEFAULT_LISTEN, SERVER_PATH, api_url, listen_address
from exporter.config.environment import PREFIX
from exporter.errors import ConfigurationError
from exporter.github.app_jwt import clean_app_id, clean_key, is_app_id
from exporter.github.auth import SecretFile, clean_secret
from exporter.github.endpoint import DEFAULT_API_VERSION
from exporter.github.models import MAX_LABEL
from exporter.redaction import describe_path
from exporter.regular_file import check_path

MAX_NAME_CHARACTERS = 100
SLUG = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"


def _slug(value: str) -> str:
    if not re.fullmatch(SLUG, value):
        raise ValueError("must be the name as it stands in GitHub's URLs: letters, digits, hyphens")
    return value


def _label_value(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable() or len(value) > MAX_NAME_CHARACTERS:
        raise ValueError(f"must be 1 to {MAX_NAME_CHARACTERS} printable characters, without spaces at the ends")
    return value


def _single_token(value: SecretStr) -> SecretStr:
    try:
        return SecretStr(clean_secret(value.get_secret_value()))
    except ValueError as error:
        raise ValueError(f"the token {error}") from None


def _possible_path(value: Any) -> Any:
    return check_path(value) if isinstance(value, str) else value


def _readable(clean: Callable[[str], str]) -> Callable[[Path], Path]:
    def check(value: Path) -> Path:
        try:
            SecretFile(value, clean).check()
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return value

    return check


def _app_id(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value  # YAML takes it for a number
    if isinstance(text, str) and not is_app_id(text):
        raise ValueError("must be the number or the client id of the GitHub App")
    return text


def _existing_file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError(f"there is no file {describe_path(value)}")
    return value


def _names(value: Any) -> Any:
    if isinstance(value, str):  # an environment variable: a,b
        value = [name.strip() for name in value.split(",") if name.strip()]
    return [{"name": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


EnterpriseName = Annotated[str, AfterValidator(_label_value)]
Slug = Annotated[str, AfterValidator(_slug)]
ApiUrl = Annotated[str, AfterValidator(api_url)]
Listen = Annotated[str, AfterValidator(listen_address)]
Token = Annotated[SecretStr, AfterValidator(_single_token)]
PossiblePath = Annotated[Path, BeforeValidator(_possible_path)]
SecretPath = Annotated[PossiblePath, AfterValidator(_readable(clean_secret))]
AppId = Annotated[str, BeforeValidator(_app_id)]
AppIdPath = Annotated[PossiblePath, AfterValidator(_readable(clean_app_id))]
KeyPath = Annotated[PossiblePath, AfterValidator(_readable(clean_key))]
ExistingFile = Annotated[PossiblePath, AfterValidator(_existing_file)]


class Section(BaseModel):
    """A part of the settings; frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Auth(Section):
    """A credential: a classic personal access token, better in a file than inline, or a GitHub App."""

    token: Token | None = Field(None, description="A classic personal access token; prefer token_file.")
    token_file: SecretPath | None = Field(None, description="A file that holds the token; read again when it changes.")

    app_id: AppId | None = Field(None, description="Number or client id of a GitHub App; with private_key_file.")
    app_id_file: AppIdPath | None = Field(None, description="Instead of app_id, a file that holds it; read again too.")
    private_key_file: KeyPath | None = Field(
        None, description="A file that holds the App's private key as PEM text; read again when it changes."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "Auth":
        app = self.app_id or self.app_id_file, self.private_key_file
        if sum((self.token is not None, self.token_file is not None, app != (None, None))) != 1:
            raise ValueError("give exactly one of token, token_file, and app_id with private_key_file")
        if app != (None, None) and None in app:
            raise ValueError("a GitHub App needs both app_id and private_key_file")
        if self.app_id is not None and self.app_id_file is not None:
            raise ValueError("give one of app_id and app_id_file")
        return self


class Organization(Section):
    """An organization whose runners are read as well."""

    name: Slug = Field(description="Login of the organization.")
    auth: Auth | None = Field(None, description="A credential of its own.")


def _runner_label(value: str) -> str:
    label = value.strip().lower()
    if not 0 < len(label) <= MAX_LABEL:
        raise ValueError(f"must be a label of 1 to {MAX_LABEL} characters")
    return label


RunnerLabel = Annotated[str, AfterValidator(_runner_label)]


def _api_version(value: object) -> str:
    version = value.isoformat() if isinstance(value, date) else value  # YAML reads an unquoted one as a date
    if not isinstance(version, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", version):
        raise ValueError(f"must be the date of a version of GitHub's REST API, such as {DEFAULT_API_VERSION}")
    return version


ApiVersion = Annotated[str, BeforeValidator(_api_version)]


class Enterprise(Section):
    """One enterprise to read."""

    slug: Slug = Field(description="The name in the enterprise's URL.")
    name: EnterpriseName = Field(
        default_factory=lambda enterprise: enterprise["slug"],
        description="Value of the label `enterprise`, unique; the slug if not set.",
    )
    api_url: ApiUrl = Field(
        DEFAULT_API_URL,
        description="`https://api.github.com`, `https://api.SUBDOMAIN.ghe.com` or `https://HOST/api/v3`.",
    )
    ca_file: ExistingFile | None = Field(None, description="Certificates to trust instead of the system's.")
    api_version: ApiVersion = Field(
        DEFAULT_API_VERSION, description="Version of GitHub's REST API to ask for; `GET /versions` lists them."
    )
    auth: Auth = Field(description="The credential.")
    runner_auth: Auth | None = Field(None, description="A second credential for what a GitHub App cannot read.")
    organizations: Annotated[tuple[Organization, ...], BeforeValidator(_names)] = Field(
        (), description="Organizations whose own runners are read, as names or as `{name, auth}`."
    )
    included: Allowances = Field(Allowances(), description="Allowances of the plan.")
    billing_platform: BillingPlatform = Field("auto", description="Which billing API to ask.")
    expected_labels: tuple[RunnerLabel, ...] = Field(
        (), max_length=100, description="Labels that some self-hosted runner must have: counted also where none does."
    )

    @field_validator("organizations")
    @classmethod
    def _distinct(cls, organizations: tuple[Organization, ...]) -> tuple[Organization, ...]:
        _refuse_repeated(organization.name for organization in organizations)
        return organizations

    @property
    def platform(self) -> Platform:
        """Cloud, or a GitHub Enterprise Server."""
        return Platform.SERVER if self.api_url.endswith(SERVER_PATH) else Platform.CLOUD


class Limits(Section):
    """Bounds on what is asked, kept and exposed."""

    max_concurrency: int = Field(4, ge=1, le=100, description="Requests under way at a time per credential.")
    rate_limit_reserve: float = Field(
        0.1, ge=0, lt=1, description="Share of the rate limit left to others; only runners and licenses use it."
    )
    max_series_per_metric: int = Field(10_000, ge=1, description="Series of one metric and enterprise.")
    max_response_megabytes: int = Field(64, ge=1, description="Largest answer that is read.")
    max_pages: int = Field(2_000, ge=1, description="Longest list that is read, in pages of 100.")


class Web(Section):
    """The web endpoints."""

    config_file: PossiblePath | None = Field(
        None, description="TLS and users, in the format of Prometheus' exporter-toolkit; `--web.config.file` wins."
    )
    enable_lifecycle: bool = Field(default=False, description="Allow `POST /-/reload`.")


def _refuse_repeated(names: Iterator[str]) -> None:
    seen = set()
    for name in names:
        if name.lower() in seen:
            raise ValueError(f"{name} is listed twice")
        seen.add(name.lower())


def _checked(collector: Collector[Any]) -> Any:
    def check(options: CollectorOptions) -> CollectorOptions:
        interval = collector.interval_with(options)
        if collector.max_age_with(options) < interval:
            raise ValueError("max_age is shorter than the interval: the data would come and go")
        return options

    return Annotated[collector.options, AfterValidator(check)]


_COLLECTOR_FIELDS: dict[str, Any] = {
    collector.name: (_checked(collector), Field(collector.options(), description=collector.help))
    for collector in COLLECTORS
}
CollectorsSettings: type[Section] = create_model("CollectorsSettings", __base__=Section, **_COLLECTOR_FIELDS)


class Settings(BaseSettings):
    """All settings, valid and frozen: the only thing the rest of the package sees of them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    listen: Listen = Field(DEFAULT_LISTEN, description="Address of the web endpoints.")
    state_dir: PossiblePath | None = Field(
        None, description="Folder for the last good results, with which a restart continues."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")
    log_format: Literal["console", "json"] = Field("console", description="How it is logged.")
    enterprises: tuple[Enterprise, ...] = Field(description="The enterprises to read.", min_length=1)
    collectors: CollectorsSettings = Field(CollectorsSettings(), description="What is read and how often.")
    limits: Limits = Field(Limits(), description="Bounds on what is asked, kept and exposed.")
    web: Web = Field(Web(), description="The web endpoints.")

    @field_validator("enterprises")
    @classmethod
    def _distinct(cls, enterprises: tuple[Enterprise, ...]) -> tuple[Enterprise, ...]:
        _refuse_repeated(f"{enterprise.slug} at {enterprise.api_url}" for enterprise in enterprises)
        for place, enterprise in enumerate(enterprises):
            if enterprise.name.lower() in {other.name.lower() for other in enterprises[:place]}:
                raise ValueError(f"two are called {enterprise.name}; give each a name of its own")
        return enterprises

    def options_of(self, collector: Collector[Any]) -> CollectorOptions:
        """The settings of one collector."""
        options: CollectorOptions = getattr(self.collectors, collector.name)
        return options

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the file, which `exporter.config.loading` hands over as arguments."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings
