"""Private keys as a GitHub App may have them, made anew for each run of the tests."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PLAIN = NoEncryption()


@cache
def key(number: int = 1) -> rsa.RSAPrivateKey:
    """One of several RSA keys."""
    assert number
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(
    form: PrivateFormat = PrivateFormat.TraditionalOpenSSL,
    encryption: KeySerializationEncryption = PLAIN,
    *,
    number: int = 1,
) -> str:
    """An RSA key as text, as PKCS#1 unless *form* says otherwise."""
    return key(number).private_bytes(Encoding.PEM, form, encryption).decode()


def public_pem(number: int = 1) -> str:
    """The public half of an RSA key."""
    return key(number).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@cache
def wrong_keys() -> dict[str, str]:
    """What is no private key of a GitHub App, by what it is."""
    elliptic = ec.generate_private_key(ec.SECP256R1())
    return {
        "public": public_pem(),
        "elliptic": elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, PLAIN).decode(),
        "encrypted": pem(PrivateFormat.PKCS8, BestAvailableEncryption(b"octo")),
        "cut off": pem()[:600],
        "without its first line": pem().partition("\n")[2],
        "a token": "ghp_octoOCTOoctoOCTOoctoOCTOoctoOCTO0001",
    }
