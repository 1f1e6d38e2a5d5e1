"""From the exception of a connection that failed to the error that says why. Pure; their messages are not repeated."""

import socket
import ssl
from collections.abc import Iterator

from exporter.errors import Cause, Unreachable
from exporter.github.answers import transient

PROXY_REFUSAL = "Tunnel connection failed: 407"
"""How the standard library calls a proxy's 407 before TLS."""

# Numbers of OpenSSL, X509_V_ERR_… in x509_vfy.h.
VERIFY_CODES = {
    9: Cause.CERTIFICATE_EXPIRED,  # not yet valid
    10: Cause.CERTIFICATE_EXPIRED,
    62: Cause.CERTIFICATE_OF_ANOTHER_HOST,
    64: Cause.CERTIFICATE_OF_ANOTHER_HOST,  # an IP address
}

OF_OUR_FILE = frozenset({"PEM", "X509"})
"""Parts of OpenSSL that fail before a connection: they read the certificates to trust."""

SAYS = {
    Cause.CERTIFICATE_NOT_TRUSTED: "TLS failed; the certificate is not trusted; set ca_file to the CA of this server",
    Cause.CERTIFICATE_EXPIRED: "TLS failed; the certificate has expired or is not valid yet",
    Cause.CERTIFICATE_OF_ANOTHER_HOST: "TLS failed; the certificate is for another host name",
    Cause.TLS_FAILED: "TLS failed; is the port right, is a proxy in between?",
    Cause.PROXY_FAILED: "the proxy refused or cannot be reached",
    Cause.PROXY_AUTHENTICATION: "the proxy wants a user name and password",
    Cause.NAME_NOT_FOUND: "no connection; the name in {address} cannot be resolved",
    Cause.CONNECTION_REFUSED: "connection refused; nothing listens at {address}",
    Cause.NO_CONNECTION: "no connection to {address}; wrong host, no network, or refused",
    Cause.CA_FILE_UNUSABLE: "ca_file, or what REQUESTS_CA_BUNDLE or SSL_CERT_FILE names, cannot be read",
}
TRANSIENT = frozenset(SAYS) - {
    Cause.CERTIFICATE_NOT_TRUSTED,
    Cause.CERTIFICATE_EXPIRED,
    Cause.CERTIFICATE_OF_ANOTHER_HOST,
    Cause.PROXY_AUTHENTICATION,
    Cause.CA_FILE_UNUSABLE,
}
"""What may be gone when asked again shortly."""


def unreachable(context: str, address: str, error: BaseException, fallback: Cause) -> Unreachable:
    """The error for a connection to *address* that ended with *error*, whose type alone means *fallback*."""
    cause = cause_of(error, fallback)
    made = Unreachable(f"{context}: {SAYS[cause].format(address=address)}", cause=cause)
    if cause in TRANSIENT:
        transient(made)
    return made


def cause_of(error: BaseException, fallback: Cause) -> Cause:
    """Why there was no connection."""
    reasons = tuple(chain(error))
    if fallback is Cause.PROXY_FAILED:
        refused = any(PROXY_REFUSAL in str(reason) for reason in reasons)
        return Cause.PROXY_AUTHENTICATION if refused else fallback
    for reason in reasons:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return VERIFY_CODES.get(getattr(reason, "verify_code", 0), Cause.CERTIFICATE_NOT_TRUSTED)
        if isinstance(reason, ssl.SSLError) and reason.library in OF_OUR_FILE:
            return Cause.CA_FILE_UNUSABLE
        if isinstance(reason, socket.gaierror):
            return Cause.NAME_NOT_FOUND
        if isinstance(reason, ConnectionRefusedError):
            return Cause.CONNECTION_REFUSED
    return fallback


def chain(error: BaseException) -> Iterator[BaseException]:
    """*error* and every exception it wraps, however it does that: as cause, context, argument or attribute."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [*found.args, getattr(found, "reason", None), getattr(found, "original_error", None)]
        waiting += [found.__cause__, found.__context__]
