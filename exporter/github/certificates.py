"""Which certificate authorities the connections to GitHub trust."""

import os
import re
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import create_urllib3_context

from exporter.regular_file import Stamp, stamp_of

log = structlog.get_logger()

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Linux distributions keep their store, for a Python whose OpenSSL was built for another distribution.

Source: Go, src/crypto/x509/root_linux.go.
"""
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""Names of certificates in a folder that OpenSSL searches."""


class TrustedCertificates:
    """The certificate authorities of one client, read again when their file changes; used by many threads.

    Args:
        bundles: Files that may hold the system's store where OpenSSL knows of none.
    """

    def __init__(self, bundles: Sequence[str] = SYSTEM_BUNDLES) -> None:
        self._bundles = bundles
        self._lock = threading.Lock()
        self._source: tuple[str | None, Stamp | None] = (None, None)
        self._context: ssl.SSLContext | None = None
        self._warned = False

    def context(self, only: str | None) -> ssl.SSLContext:
        """The context for the next connection; while a file is being replaced the last good one stays in use.

        Args:
            only: A file or folder that is trusted in place of the system's store.

        Raises:
            OSError: the file cannot be read or holds no certificate.
        """
        path = only or ssl.get_default_verify_paths().cafile  # of the system, or what SSL_CERT_FILE names
        with self._lock:
            try:
                source = path, stamp_of(Path(path).stat()) if path else None
                if self._context is None or source != self._source:
                    self._context, self._source = self._read(only), source
                self._warned = False
            except OSError:
                if self._context is None:
                    raise
                if not self._warned:
                    self._warned = True
                    log.warning("certificate file not usable, keeping the last certificates", path=path)
            return self._context

    def _read(self, only: str | None) -> ssl.SSLContext:
        context = create_urllib3_context()
        # Python 3.13 refuses company authorities that lack extensions, which curl, Go and Python 3.11 accept.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if only is None:
            self._load_system(context)
        elif Path(only).is_dir():
            context.load_verify_locations(capath=only)
        else:
            context.load_verify_locations(cafile=only)
        return context

    def _load_system(self, context: ssl.SSLContext) -> None:
        """Trust the system's store; where there is none, the one that requests ships."""
        paths = ssl.get_default_verify_paths()
        if paths.cafile or (paths.capath and any(map(_HASHED.fullmatch, os.listdir(paths.capath)))):  # noqa: PTH208
            context.set_default_verify_paths()
            return
        bundle = next((path for path in self._bundles if Path(path).is_file()), DEFAULT_CA_BUNDLE_PATH)
        context.load_verify_locations(cafile=bundle)
