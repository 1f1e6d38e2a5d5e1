"""Certificates and web configuration files, made anew for each run of the tests."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import bcrypt
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

HOUR = dt.timedelta(hours=1)
THIS_MACHINE = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
USER, PASSWORD = "octo", "Canary-password"


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, encryption: KeySerializationEncryption | None = None) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def key_usage(*, is_ca: bool) -> x509.KeyUsage:
    """An authority signs certificates, everybody else handshakes."""
    return x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def issue(
    name: str = "localhost",
    issuer: Certificate | None = None,
    *,
    is_ca: bool = False,
    begins: dt.timedelta = -48 * HOUR,
    ends: dt.timedelta = HOUR,
    sans: tuple[x509.GeneralName, ...] = THIS_MACHINE,
    strict: bool = True,
) -> Certificate:
    """A certificate for *name*, signed by *issuer* or by itself; *begins* and *ends* count from now.

    With *strict* it has what ssl.VERIFY_X509_STRICT asks for, the default of contexts since Python 3.13. Without, it is
    as many a company's authority makes them, which curl, Go and Python 3.12 accept: no key identifiers, no key usage,
    constraints that are not critical.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=strict)
    )
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    if strict:
        builder = (
            builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .add_extension(key_usage(is_ca=is_ca), critical=True)
        )
    return Certificate(builder.sign(signer, SHA256()), key)


@cache
def authority(number: int = 1) -> Certificate:
    """One of several authorities."""
    return issue(f"Authority {number}", is_ca=True)


def install(folder: Path, certificate: Certificate, name: str = "server", *, password: bytes = b"") -> None:
    """Put *certificate* into *folder*, each file in one move, as a rotation does."""
    encryption = BestAvailableEncryption(password) if password else None
    for ending, content in (("crt", certificate.pem), ("key", certificate.key_pem(encryption))):
        new = folder / "new"
        new.write_bytes(content)
        new.replace(folder / f"{name}.{ending}")


def hashed(password: str = PASSWORD, cost: int = 4) -> str:
    """A bcrypt hash."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def web_config(folder: Path, *, tls: dict[str, Any] | None = None, **others: Any) -> Path:
    """Write a web configuration; with *tls*, even empty, there are a certificate and a key beside it."""
    document = dict(others)
    if tls is not None:
        document["tls_server_config"] = {"cert_file": "server.crt", "key_file": "server.key", **tls}
        if not (folder / "server.crt").exists():
            install(folder, issue(issuer=authority()))
    path = folder / "web.yml"
    new = folder / "new"
    new.write_text(yaml.safe_dump(document))
    new.replace(path)
    return path
