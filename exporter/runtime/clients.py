"""The credentials of an enterprise, a client for each, and which of them reads what."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exporter import __version__
from exporter.clock import Clock
from exporter.collector import Collector
from exporter.config.auth import Auth
from exporter.config.management import ManageAuth
from exporter.config.settings import Enterprise, Limits
from exporter.errors import ConfigurationError
from exporter.github.app_credential import AppCredential, AppKey, KeyObserver
from exporter.github.app_jwt import clean_app_id, clean_key
from exporter.github.auth import Credential, NoCredential, PersonalAccessToken, SecretFile, clean_secret
from exporter.github.client import Client
from exporter.github.endpoint import MANAGE_AUTH
from exporter.github.management import ManagementPassword, clean_password
from exporter.github.observer import ApiObserver
from exporter.github.rate_limit import SharedRateLimits
from exporter.github.run import ClientLimits
from exporter.runtime.fingerprint import credentials_digest

Readers = tuple[Callable[[], str]] | tuple[Callable[[], str], Callable[[], str]]
"""Each reads a secret as it is now: of a token one, of a GitHub App two, for its id and for its key."""

USER_AGENT = f"ghe-exporter/{__version__}"
AUTH, RUNNER_AUTH, ORGANIZATION_AUTH = "auth", "runner_auth", "organization:"
"""What credentials are called in metrics; the name of the organization follows the last."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of one enterprise by the names that their credentials have in metrics.

    Attributes:
        credentials: what is sent.
        named: the client of each credential.
        all: every client, also those by which a GitHub App gets its tokens.
        secrets: what reads the secrets; an App is another credential under another key, too. A password is none of
            them: so few could be meant that even a few digits of a digest confirm a guess.
    """

    credentials: Mapping[str, Credential]
    named: Mapping[str, Client]
    all: tuple[Client, ...]
    secrets: Mapping[str, "Readers"]

    def credential_for(self, collector: Collector[Any], organization: str) -> str:
        """The name of the credential by which *collector* reads *organization*, empty for the enterprise level."""
        if collector.is_management:
            return MANAGE_AUTH
        own = f"{ORGANIZATION_AUTH}{organization}"
        if own in self.named:
            return own
        return AUTH if collector.app_can_read or RUNNER_AUTH not in self.named else RUNNER_AUTH

    def client_for(self, collector: Collector[Any], organization: str) -> Client:
        """The client that sends this credential."""
        return self.named[self.credential_for(collector, organization)]

    def credentials_digest(self) -> str:
        """What changes when one of the secrets does."""
        return credentials_digest(
            {name: " ".join(read() for read in readers) for name, readers in self.secrets.items()}
        )


def client_limits(limits: Limits, bounds: ClientLimits | None = None) -> ClientLimits:
    """The *bounds* of a client with those that the settings speak of."""
    return replace(
        bounds or ClientLimits(),
        max_concurrency=limits.max_concurrency,
        rate_limit_reserve=limits.rate_limit_reserve,
        max_response_bytes=limits.max_response_megabytes * 1_000_000,
        max_pages=limits.max_pages,
    )


def open_clients(
    enterprise: Enterprise,
    *,
    limits: ClientLimits,
    observer: ApiObserver,
    clock: Clock,
    stop: threading.Event,
    randomness: random.Random,
    rate_limits: SharedRateLimits | None = None,
) -> Clients:
    """Make the credentials of *enterprise* and their clients; nothing is sent yet.

    Raises:
        ConfigurationError: a secret cannot be read any more.
    """
    clients: list[Client] = []

    def client(credential: Credential, observer: ApiObserver = observer) -> Client:
        made = Client(
            enterprise.api_url,
            credential,
            user_agent=USER_AGENT,
            observer=observer,
            clock=clock,
            stop=stop,
            limits=limits,
            ca_file=str(enterprise.ca_file) if enterprise.ca_file else None,
            api_version=enterprise.api_version,
            rate_limits=rate_limits,
            randomness=randomness,
        )
        clients.append(made)
        return made

    def credential(name: str, readers: Readers) -> Credential:
        if len(readers) == 1:
            return PersonalAccessToken(name, readers[0])
        key = AppKey(name, readers[0], readers[1], clock)
        return AppCredential(
            key,
            client(key, KeyObserver(observer)),
            enterprise=enterprise.slug,
            organization=name.partition(ORGANIZATION_AUTH)[2],
            observer=observer,
            clock=clock,
        )

    def management_client(url: str, auth: ManageAuth) -> Client:
        made = Client(
            url,
            ManagementPassword(auth.username, password_reader(auth), clock),
            user_agent=USER_AGENT,
            observer=observer,
            clock=clock,
            stop=stop,
            limits=limits,
            ca_file=str(enterprise.ca_file) if enterprise.ca_file else None,
            randomness=randomness,
        )
        clients.append(made)
        return made

    secrets = {name: readers_of(auth) for name, auth in auths(enterprise).items()}
    credentials = {name: credential(name, readers) for name, readers in secrets.items()}
    named = {name: client(each) for name, each in credentials.items()}
    if enterprise.manage_url and enterprise.manage_auth:
        named[MANAGE_AUTH] = management_client(enterprise.manage_url, enterprise.manage_auth)
    return Clients(credentials, named, tuple(clients), secrets)


def open_anonymous_client(
    url: str,
    *,
    limits: ClientLimits,
    observer: ApiObserver,
    clock: Clock,
    stop: threading.Event,
    randomness: random.Random,
) -> Client:
    """A client for the public address *url*, which sends no credential."""
    return Client(
        url,
        NoCredential(),
        user_agent=USER_AGENT,
        observer=observer,
        clock=clock,
        stop=stop,
        limits=limits,
        randomness=randomness,
    )


def auths(enterprise: Enterprise) -> dict[str, Auth]:
    """The credentials of *enterprise* by the names they have in metrics."""
    named = {AUTH: enterprise.auth, RUNNER_AUTH: enterprise.runner_auth}
    named |= {
        f"{ORGANIZATION_AUTH}{organization.name}": organization.auth for organization in enterprise.organizations.named
    }
    return {name: auth for name, auth in named.items() if auth is not None}


def readers_of(auth: Auth) -> Readers:
    """What reads the secrets that *auth* describes, at every use: id and key of an App may change together.

    Raises:
        ConfigurationError: one cannot be read now.
    """
    if auth.private_key_file is not None:
        app_id = reader(auth.app_id_file, clean_app_id) if auth.app_id_file else lambda: auth.app_id or ""
        return app_id, reader(auth.private_key_file, clean_key)
    if auth.token_file is not None:
        return (reader(auth.token_file, clean_secret),)
    if auth.token is not None:
        return (auth.token.get_secret_value,)
    raise ConfigurationError("auth: no token")


def password_reader(auth: ManageAuth) -> Callable[[], str]:
    """What reads the password that *auth* describes, at every use.

    Raises:
        ConfigurationError: it cannot be read now.
    """
    if auth.password_file is not None:
        return reader(auth.password_file, clean_password)
    if auth.password is not None:
        return auth.password.get_secret_value
    raise ConfigurationError("manage_auth: no password")


def reader(path: Path, clean: Callable[[str], str]) -> Callable[[], str]:
    """Reads the secret in the file *path*, again whenever that changes.

    Raises:
        ConfigurationError: there is none now.
    """
    file = SecretFile(path, clean)
    file.check()
    return file.read
