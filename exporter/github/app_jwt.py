"""Id and private key of a GitHub App and what is signed with them."""

import re

import jwt

from exporter.redaction import holds_credential

ALGORITHM = "RS256"
BACKDATED_SECONDS = 60
LIFETIME_SECONDS = 540
"""GitHub accepts ten minutes at most, by its own clock."""
APP_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


def is_app_id(text: str) -> bool:
    """Whether *text* may be the number or the client id of a GitHub App."""
    return bool(re.fullmatch(APP_ID, text)) and not holds_credential(text)


def clean_app_id(content: str) -> str:
    """The number or the client id in a file.

    Raises:
        ValueError: it holds something else; the message does not repeat it.
    """
    if not is_app_id(content.strip()):
        raise ValueError("does not hold the number or the client id of a GitHub App, and nothing else")
    return content.strip()


def clean_key(content: str) -> str:
    """The PEM text of an RSA private key, as PKCS#1 (which GitHub hands out) or PKCS#8.

    Raises:
        ValueError: it is something else; the message does not repeat it.
    """
    key = content.strip()
    if not key:
        raise ValueError("is empty")
    try:
        signed(key, "", 0.0)  # a public key cannot sign
    except ValueError:
        raise ValueError("holds no private key of a GitHub App: an RSA key as PEM text, without a passphrase") from None
    return f"{key}\n"


def signed(key: str, app_id: str, now: float) -> str:
    """A JWT by which the App *app_id*, whose private key is *key*, proves who it is for the next minutes.

    Raises:
        ValueError: it cannot be signed with that key.
    """
    at = int(now)
    claims = {"iat": at - BACKDATED_SECONDS, "exp": at + LIFETIME_SECONDS, "iss": app_id}
    try:
        return jwt.encode(claims, key, algorithm=ALGORITHM)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise ValueError("not a key to sign with") from None
