"""What a collector is: a declaration, one function that fetches and one that turns the answer into samples."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from exporter.duration import Duration, format_duration
from exporter.github.endpoint import Endpoint
from exporter.github.reader import GitHub
from exporter.metrics.metric import Metric, Sample

Fetched = TypeVar("Fetched")

MIN_INTERVAL = 10.0
MIN_MAX_AGE = 15 * 60.0
LICENSE_MAX_AGE = 24 * 3600.0
"""License figures change slowly; a day-old one is better than none."""

BillingPlatform = Literal["auto", "enhanced", "legacy"]


class Platform(StrEnum):
    """Where an enterprise lives."""

    CLOUD = "cloud"
    """GitHub Enterprise Cloud, also on GHE.com."""
    SERVER = "server"
    """GitHub Enterprise Server: the API URL ends in `/api/v3`."""


class Allowances(BaseModel):
    """Allowances of the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions_minutes: float | None = Field(None, ge=0, allow_inf_nan=False, description="Actions minutes a month.")
    storage_gigabytes: float | None = Field(None, ge=0, allow_inf_nan=False, description="Shared storage in gigabytes.")
    packages_transfer_gigabytes: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Packages data transfer a month."
    )
    ai_credits: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="AI credits a month that the Copilot seats include together."
    )


class CollectorOptions(BaseModel):
    """Settings every collector has; one with settings of its own declares a subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool | None = Field(None, description="Run it at all.")
    interval: Duration | None = Field(None, description="Time from one run to the next, at least 10s.")
    max_age: Duration | None = Field(None, description="How long the last good result stays when runs fail.")

    @field_validator("interval")
    @classmethod
    def _not_hasty(cls, interval: float | None) -> float | None:
        if interval is not None and interval < MIN_INTERVAL:
            raise ValueError(f"is shorter than {format_duration(MIN_INTERVAL)}")
        return interval


class FoundOrganizations(NamedTuple):
    """The logins of the organizations an answer lists, and whether it could be understood as a whole."""

    logins: tuple[str, ...]
    is_complete: bool


class Memory(Protocol):
    """What a collector may keep from one run to the next for one enterprise or organization."""

    def recall(self, key: str, max_age: float) -> Any | None:
        """What was remembered under *key* at most *max_age* seconds ago."""
        ...

    def remember(self, key: str, value: Any) -> None:
        """Keep *value* under *key*."""
        ...


class Persisted(NamedTuple):
    """How something remembered is written down as JSON, to outlive the process, and read again.

    Attributes:
        counts: counters rest on it, which a reload must not begin again; anything else is found out anew.
    """

    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Whom one fetch is about."""

    enterprise: str
    platform: Platform
    options: Any
    memory: Memory
    now: float
    organization: str = ""
    """Empty for the enterprise level."""
    included: Allowances = field(default_factory=Allowances)
    billing_platform: BillingPlatform = "auto"
    expected_labels: tuple[str, ...] = ()
    """Labels that some runner must have."""
    organization_properties: tuple[str, ...] = ()
    """Custom properties of organizations that are wanted."""
    property_labels: tuple[str, ...] = ()
    """The labels of all properties that are wanted in any enterprise."""


@dataclass(frozen=True, slots=True)
class Collector(Generic[Fetched]):
    """A collector as a value; adding one is one file and one line in `exporter.collectors`.

    Attributes:
        name: the label `collector` and the key in the settings.
        help: one sentence on what it collects.
        metrics: every metric it may expose; a metric belongs to exactly one collector.
        endpoints: every endpoint it may ask.
        interval: default seconds from one run to the next.
        fetch: asks GitHub; the only part that does I/O.
        samples: turns what was fetched into samples; pure.
        min_interval: seconds between runs at least, also when they fail, where GitHub allows few requests.
        enabled: whether it runs by default.
        organizations: it also runs for each configured organization.
        for_process: it reads no enterprise, but runs once, without a credential, at the address `url` of its options.
        essential: it continues below the rate limit's reserve.
        stretches: its interval becomes longer where the rate limit demands it.
        platforms: where it can exist at all.
        min_max_age: floor of the default max_age, which is three intervals.
        options: its settings.
        persisted: what of its memory a restart with `state_dir` keeps.
        found: the organizations in what was fetched; with `organizations: auto` they are read too.
    """

    name: str
    help: str
    metrics: tuple[Metric, ...]
    endpoints: tuple[Endpoint, ...]
    interval: float
    fetch: Callable[[GitHub, Target], Fetched]
    samples: Callable[[Target, Fetched], Iterable[Sample]]
    min_interval: float = MIN_INTERVAL
    enabled: bool = True
    organizations: bool = False
    for_process: bool = False
    essential: bool = False
    stretches: bool = True
    platforms: frozenset[Platform] = frozenset({Platform.CLOUD})
    min_max_age: float = MIN_MAX_AGE
    options: type[CollectorOptions] = CollectorOptions
    persisted: Mapping[str, Persisted] = field(default_factory=dict)
    found: Callable[[Fetched], FoundOrganizations] | None = None

    @property
    def app_can_read(self) -> bool:
        """Whether a GitHub App installed on the enterprise can read all it asks for."""
        return all(
            endpoint.app_permission or endpoint.anonymous
            for endpoint in self.endpoints
            if endpoint.level != "organization"
        )

    @property
    def is_management(self) -> bool:
        """Whether it asks the management API of a server, with a credential of its own."""
        return any(endpoint.is_management for endpoint in self.endpoints)

    def is_enabled(self, options: CollectorOptions) -> bool:
        """Whether it runs with *options*."""
        return self.enabled if options.enabled is None else options.enabled

    def interval_with(self, options: CollectorOptions) -> float:
        """Seconds from one run to the next with *options*."""
        return self.interval if options.interval is None else options.interval

    def max_age_with(self, options: CollectorOptions, stretch: float = 1.0) -> float:
        """Seconds the last good result stays with *options* while the interval is *stretch* times its own."""
        if options.max_age is not None:
            return options.max_age * stretch
        return max(3 * self.interval_with(options) * stretch, self.min_max_age)
