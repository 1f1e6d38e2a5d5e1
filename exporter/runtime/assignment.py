"""What one collector is to read of one enterprise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from exporter.collector import Allowances, BillingPlatform, Collector, CollectorOptions, Memory, Platform, Target
from exporter.collectors import COLLECTORS
from exporter.config.organizations import Organizations
from exporter.config.settings import Enterprise, Settings
from exporter.github.client import Client
from exporter.runtime.clients import Clients
from exporter.runtime.discovery import Selection
from exporter.runtime.fingerprint import RELEASE, fingerprint
from exporter.runtime.status import Key, Watch

NO_ENTERPRISE = ""
"""The enterprise of what reads none, in the exporter's metrics about itself."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A collector, the enterprise it reads and what the settings say about both.

    Attributes:
        enterprise: what the enterprise is called in metrics.
        slug: what GitHub calls it.
        client_of: the client for an organization, empty for the enterprise level.
        address: of the enterprise.
        organizations: those that are read now.
        selection: how they are chosen.
        fingerprint: of everything that shapes the results; see `exporter.runtime.fingerprint`.
        credentials_digest: changes when a credential of the enterprise does.
        is_configured: whether there is an address to ask; False for a management API that the settings do not name.
    """

    collector: Collector[Any]
    enterprise: str
    slug: str
    platform: Platform
    options: CollectorOptions
    client_of: Callable[[str], Client]
    address: str = ""
    organizations: tuple[str, ...] = ()
    selection: Selection = field(default_factory=Selection)
    included: Allowances = field(default_factory=Allowances)
    billing_platform: BillingPlatform = "auto"
    expected_labels: tuple[str, ...] = ()
    organization_properties: tuple[str, ...] = ()
    property_labels: tuple[str, ...] = ()
    fingerprint: str = ""
    credentials_digest: str = ""
    is_configured: bool = True

    @property
    def key(self) -> Key:
        """The unit of work and of failure."""
        return Key(self.enterprise, self.collector.name)

    @property
    def interval(self) -> float:
        """Seconds from one run to the next."""
        return self.collector.interval_with(self.options)

    @property
    def max_age(self) -> float:
        """Seconds the last good result stays."""
        return self.collector.max_age_with(self.options)

    def max_age_at(self, stretch: float) -> float:
        """The same while the interval is *stretch* times its own."""
        return self.collector.max_age_with(self.options, stretch)

    @property
    def levels(self) -> tuple[str, ...]:
        """Whose data is read: the enterprise, then the organizations."""
        return ("", *self.organizations) if self.collector.organizations else ("",)

    @property
    def is_supported(self) -> bool:
        """Whether the platform can offer it at all, and the settings say where."""
        return self.is_configured and self.platform in self.collector.platforms

    @property
    def watch(self) -> Watch:
        """What is watched of it."""
        return Watch(self.fingerprint, self.interval, self.levels, self.is_supported)

    def may_have(self, level: str) -> bool:
        """Whether *level* is one of its levels, or may become one when it is found."""
        return level in self.levels or (self.selection.auto and self.collector.organizations)

    def target(self, level: str, memory: Memory, now: float) -> Target:
        """Whom a fetch at *level* is about."""
        return Target(
            enterprise=self.slug,
            platform=self.platform,
            options=self.options,
            memory=memory,
            now=now,
            organization=level,
            included=self.included,
            billing_platform=self.billing_platform,
            expected_labels=self.expected_labels,
            organization_properties=self.organization_properties,
            property_labels=self.property_labels,
        )


def selection_of(organizations: Organizations) -> Selection:
    """What the settings say of the organizations of an enterprise."""
    return Selection(
        named=tuple(organization.name for organization in organizations.named),
        auto=organizations.auto,
        include=organizations.include,
        exclude=organizations.exclude,
        max=organizations.max,
    )


def assignments(settings: Settings, enterprise: Enterprise, clients: Clients) -> Iterator[Assignment]:
    """What every enabled collector is to read of *enterprise*, also where it cannot exist on that platform."""
    digest = clients.credentials_digest()
    address = f"{enterprise.api_url}/enterprises/{enterprise.slug}"
    selection = selection_of(enterprise.organizations)
    for collector in COLLECTORS:
        options = settings.options_of(collector)
        if collector.is_enabled(options) and not collector.for_process:
            yield Assignment(
                collector=collector,
                enterprise=enterprise.name,
                slug=enterprise.slug,
                platform=enterprise.platform,
                options=options,
                client_of=partial(clients.client_for, collector),
                address=address,
                organizations=selection.named,
                selection=selection,
                included=enterprise.included,
                billing_platform=enterprise.billing_platform,
                expected_labels=enterprise.expected_labels,
                organization_properties=enterprise.organization_properties,
                property_labels=settings.property_labels,
                fingerprint=fingerprint(
                    RELEASE,
                    f"{address} {enterprise.manage_url}" if collector.is_management else address,
                    collector,
                    options,
                    enterprise.included,
                    enterprise.billing_platform,
                    enterprise.expected_labels,
                    (*enterprise.organization_properties, "", *settings.property_labels) if collector.found else (),
                ),
                credentials_digest=digest,
                is_configured=enterprise.manage_url is not None or not collector.is_management,
            )


def process_assignments(settings: Settings, open_client: Callable[[str], Client]) -> Iterator[Assignment]:
    """What every enabled collector is to read that reads no enterprise, each with a client for its address."""
    for collector in COLLECTORS:
        options: Any = settings.options_of(collector)
        if collector.for_process and collector.is_enabled(options):
            client = open_client(options.url)
            yield Assignment(
                collector=collector,
                enterprise=NO_ENTERPRISE,
                slug=NO_ENTERPRISE,
                platform=Platform.CLOUD,
                options=options,
                client_of=lambda _organization, client=client: client,  # type: ignore[misc]
                fingerprint=fingerprint(RELEASE, options.url, collector, options, Allowances(), "auto"),
            )
