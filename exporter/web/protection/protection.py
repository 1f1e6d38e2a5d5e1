"""The web configuration in force: read at the start, read again when one of its files changes.

What is broken then is not used: the last good one stays, and the log says so once.
"""

import os
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from exporter.errors import ConfigurationError
from exporter.web.protection.passwords import Passwords, VerifiedPasswords
from exporter.web.protection.rate_limit import RateLimiter
from exporter.web.protection.tls import server_context
from exporter.web.protection.toolkit import WebFile, read

log = structlog.get_logger()

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Protection:
    """What stands between a client and the endpoints."""

    tls: ssl.SSLContext | None = None
    allowed_names: list[str] | None = None
    """Of these a client's certificate must carry one."""
    passwords: Passwords = field(default_factory=lambda: Passwords({}))
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limiter: RateLimiter | None = None
    is_empty: bool = False
    """Whether the file is empty."""
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)
    """The files it was made of, as they were before they were read."""


def protection(path: Path | None, verified: VerifiedPasswords | None = None) -> Protection:
    """Read the web configuration *path* and the files it names; without one, nothing is protected.

    *verified* passwords need no second bcrypt computation: a new certificate does not change them.

    Raises:
        ConfigurationError: something is missing, unknown or does not fit.
    """
    if path is None:
        return Protection()
    stamps = {path: stamp(path)}
    file = read(path)
    stamps |= {other: stamp(other) for other in files(file)}
    tls = file.tls_server_config
    try:
        context = server_context(tls) if tls else None
    except ValueError as error:
        raise ConfigurationError(f"{path}: tls_server_config.{error}") from None
    limit = file.rate_limit
    return Protection(
        tls=context,
        allowed_names=tls.client_allowed_sans if tls else None,
        passwords=Passwords(
            {name: hashed.get_secret_value() for name, hashed in file.basic_auth_users.items()}, verified
        ),
        headers=file.http_server_config.headers,
        rate_limiter=RateLimiter(limit.interval, limit.burst) if limit.interval else None,
        is_empty=not file.model_fields_set,
        stamps=stamps,
    )


def files(file: WebFile) -> list[Path]:
    """The files that *file* names."""
    tls = file.tls_server_config
    return [path for path in (tls.cert_file, tls.key_file, tls.client_ca_file) if path] if tls else []


def stamp(path: Path) -> Stamp:
    """What changes when a file does; None if it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - one system call, also followed through symlinks
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class LiveProtection:
    """The protection as the files have it now.

    Raises:
        ConfigurationError: the files are not usable at the start.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._current = protection(path)
        self._seen = self._current.stamps
        if self._current.is_empty:
            log.warning("web configuration is empty, nothing is protected", path=str(path))

    @property
    def is_tls(self) -> bool:
        """Whether TLS is spoken; stays as it was at the start."""
        return self._current.tls is not None

    def current(self) -> Protection:
        """What protects this moment; costs a look at each file."""
        if self._has_changed():
            with self._lock:
                if self._has_changed():
                    self._read_again()
        return self._current

    def prepare(self, path: Path | None) -> Protection:
        """Read *path* for `use`, so that a reload can fail before it has changed anything.

        Raises:
            ConfigurationError: it is not usable, switches TLS on or off, or is empty where there were users.
        """
        prepared = protection(path, self._current.passwords.verified)
        if prepared.is_empty and self._current.passwords:
            # A file that is being rewritten is empty for a moment.
            raise ConfigurationError(f"{path}: is empty; if nobody is to need a password, write basic_auth_users: {{}}")
        if (prepared.tls is not None) != self.is_tls:
            raise ConfigurationError(f"{path or 'web.config_file'}: switching TLS on or off needs a restart")
        return prepared

    def use(self, path: Path | None, prepared: Protection) -> None:
        """Protect with *prepared*, which was read from *path*, from now on."""
        with self._lock:
            self._path, self._current, self._seen = path, prepared, prepared.stamps

    def _watched(self) -> set[Path]:
        """The files in use, and those that the web configuration names now, which may be about to come."""
        watched = set(self._current.stamps)
        if self._path is not None:
            with suppress(ConfigurationError):
                watched |= set(files(read(self._path)))
        return watched

    def _has_changed(self) -> bool:
        return any(stamp(path) != seen for path, seen in self._seen.items())

    def _read_again(self) -> None:
        seen = {path: stamp(path) for path in self._watched()}
        try:
            self._current = self.prepare(self._path)
        except ConfigurationError as error:
            # Not tried again before something changes again.
            self._seen = seen
            log.warning("web configuration reload failed, keeping current one", problem=str(error))
        else:
            self._seen = self._current.stamps
            log.info("web configuration reloaded", path=str(self._path))
