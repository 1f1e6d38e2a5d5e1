"""Settings: environment over file over default, validated once, frozen. `exporter.config.loading` loads them."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.collector import Allowances, BillingPlatform, Collector, CollectorOptions, Platform
from exporter.collectors import COLLECTORS
from exporter.collectors.common.labels import snake_case
from exporter.config.addresses import DEFAULT_API_URL, DEFAULT_LISTEN, SERVER_PATH, api_url, listen_address
from exporter.config.auth import Auth, PossiblePath, Section
from exporter.config.environment import PREFIX
from exporter.config.management import ManageAuth, ManageUrl, check_management
from exporter.config.organizations import (
    MAX_PROPERTIES,
    Organizations,
    PropertyName,
    Slug,
    organizations_of,
    refuse_repeated,
    texts,
)
from exporter.duration import format_duration
from exporter.github.endpoint import DEFAULT_API_VERSION
from exporter.github.models import MAX_LABEL
from exporter.redaction import describe_path

MAX_NAME_CHARACTERS = 100


def _label_value(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable() or len(value) > MAX_NAME_CHARACTERS:
        raise ValueError(f"must be 1 to {MAX_NAME_CHARACTERS} printable characters, without spaces at the ends")
    return value


def _existing_file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError(f"there is no file {describe_path(value)}")
    return value


EnterpriseName = Annotated[str, AfterValidator(_label_value)]
ApiUrl = Annotated[str, AfterValidator(api_url)]
Listen = Annotated[str, AfterValidator(listen_address)]
ExistingFile = Annotated[PossiblePath, AfterValidator(_existing_file)]


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
    manage_url: ManageUrl | None = Field(
        None, description="Address of a server's management API, `https://HOST:8443`; with manage_auth."
    )
    manage_auth: ManageAuth | None = Field(None, description="Who reads that; sent there alone.")
    organizations: Annotated[Organizations, BeforeValidator(organizations_of)] = Field(
        Organizations(), description="Organizations whose own runners are read."
    )
    included: Allowances = Field(Allowances(), description="Allowances of the plan.")
    billing_platform: BillingPlatform = Field("auto", description="Which billing API to ask.")
    expected_labels: tuple[RunnerLabel, ...] = Field(
        (),
        max_length=100,
        description="Labels that some self-hosted runner must always serve: counted also where none has them, and an "
        "alert pages while none that has one is online.",
    )
    organization_properties: Annotated[tuple[PropertyName, ...], BeforeValidator(texts)] = Field(
        (),
        max_length=MAX_PROPERTIES,
        description="Custom properties of organizations that become labels of `ghe_organization_info`.",
    )

    @field_validator("organization_properties")
    @classmethod
    def _distinct_labels(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        refuse_repeated(map(snake_case, names))
        return names

    @field_validator("organizations")
    @classmethod
    def _can_be_found(cls, organizations: Organizations, info: ValidationInfo) -> Organizations:
        if organizations.auto and is_server(info.data.get("api_url", "")):
            raise ValueError("GitHub Enterprise Server has no list of organizations for auto; list them")
        return organizations

    @model_validator(mode="after")
    def _management(self) -> "Enterprise":
        check_management(self.platform, self.manage_url, self.manage_auth)
        return self

    @property
    def platform(self) -> Platform:
        """Cloud, or a GitHub Enterprise Server."""
        return Platform.SERVER if is_server(self.api_url) else Platform.CLOUD


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


def is_server(url: str) -> bool:
    """Whether *url* is the API of a GitHub Enterprise Server."""
    return url.endswith(SERVER_PATH)


def _checked(collector: Collector[Any]) -> Any:
    def check(options: CollectorOptions) -> CollectorOptions:
        interval = collector.interval_with(options)
        if interval < collector.min_interval:
            least = format_duration(collector.min_interval)
            raise ValueError(f"interval is shorter than {least}: GitHub allows few of these requests")
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
        refuse_repeated(f"{enterprise.slug} at {enterprise.api_url}" for enterprise in enterprises)
        for place, enterprise in enumerate(enterprises):
            if enterprise.name.lower() in {other.name.lower() for other in enterprises[:place]}:
                raise ValueError(f"two are called {enterprise.name}; give each a name of its own")
        return enterprises

    @property
    def property_labels(self) -> tuple[str, ...]:
        """The labels that the properties of organizations become, of all enterprises: a family has one set of them."""
        names = (name for enterprise in self.enterprises for name in enterprise.organization_properties)
        return tuple(dict.fromkeys(map(snake_case, names)))

    @model_validator(mode="after")
    def _finds_organizations(self) -> "Settings":
        finds = any(each.found and each.is_enabled(self.options_of(each)) for each in COLLECTORS)
        for enterprise in self.enterprises:
            if enterprise.organizations.auto and not finds:
                raise ValueError(
                    f"organizations of {enterprise.slug}: auto needs the collector organizations, "
                    "which collectors.organizations.enabled disables"
                )
        return self

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
