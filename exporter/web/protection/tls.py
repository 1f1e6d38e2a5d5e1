"""TLS of the listening socket, made of its part of the web configuration file."""

import ipaddress
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from exporter.redaction import describe_path
from exporter.web.protection.tls_names import CURVES, SUITES
from exporter.web.protection.toolkit import TlsServerConfig

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
OLD = ("TLS10", "TLS11")
VERIFICATION = {
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


def server_context(config: TlsServerConfig) -> ssl.SSLContext:
    """The context that *config* describes.

    Raises:
        ValueError: a file is missing or unfit; the message begins with the setting.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    # Contexts for clients have it on since Python 3.13; many private authorities issue without what it asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    _limit_versions(context, config)
    _choose_ciphers(context, config)
    _load_certificate(context, config)
    if config.client_ca_file is not None:
        _load_authorities(context, config.client_ca_file)
        context.verify_mode = VERIFICATION[config.client_auth_type]
    return context


def is_allowed(certificate: Any, allowed: list[str] | None) -> bool:
    """Whether a client's verified *certificate* carries one of the *allowed* alternative names, if there are any."""
    return allowed is None or not set(allowed).isdisjoint(_names(certificate or {}))


def _names(certificate: dict[str, Any]) -> Iterator[str]:
    for kind, name in certificate.get("subjectAltName", ()):
        yield str(ipaddress.ip_address(name.strip())) if kind == "IP Address" else name


def _limit_versions(context: ssl.SSLContext, config: TlsServerConfig) -> None:
    with warnings.catch_warnings():
        # Old versions are deprecated, but here they were asked for by name.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = VERSIONS[config.min_version]
        context.maximum_version = VERSIONS[config.max_version]


def _choose_ciphers(context: ssl.SSLContext, config: TlsServerConfig) -> None:
    ciphers = [SUITES[name] for name in config.cipher_suites if name in SUITES]
    if config.cipher_suites and not ciphers:
        # Only suites of TLS 1.3 are listed, so there is nothing left to offer for older versions.
        if config.max_version != "TLS13":
            raise ValueError("cipher_suites: none of them is for the TLS versions that are allowed")
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    level = ["@SECLEVEL=0"] if config.min_version in OLD else []
    if ciphers or level:
        context.set_ciphers(":".join([*(ciphers or ["DEFAULT"]), *level]))
    if not config.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if len(config.curve_preferences) == 1:
        # Python sets one curve or none; without, OpenSSL offers these four and X448.
        context.set_ecdh_curve(CURVES[config.curve_preferences[0]])


def _load_certificate(context: ssl.SSLContext, config: TlsServerConfig) -> None:
    _expect("cert_file", config.cert_file, "BEGIN CERTIFICATE", "holds no certificate in PEM form")
    _expect("key_file", config.key_file, "PRIVATE KEY-----", "holds no private key in PEM form")

    def refuse() -> NoReturn:
        raise ValueError("key_file: is encrypted; there is nobody to ask for its password")

    try:
        context.load_cert_chain(config.cert_file, config.key_file, refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError("key_file: is not the key of the certificate in cert_file") from None
        raise ValueError(f"cert_file, key_file: cannot be used: {_reason(error)}") from None


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    _expect("client_ca_file", path, "BEGIN CERTIFICATE", "holds no certificate in PEM form")
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ValueError(f"client_ca_file: cannot be used: {_reason(error)}") from None


def _expect(name: str, path: Path, mark: str, otherwise: str) -> None:
    try:
        content = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ValueError(f"{name}: cannot read {describe_path(path)}: {error.strerror}") from None
    if mark not in content:
        raise ValueError(f"{name}: {describe_path(path)} {otherwise}")


def _reason(error: ssl.SSLError) -> str:
    return str(error.reason or "not what OpenSSL expects").lower().replace("_", " ")
