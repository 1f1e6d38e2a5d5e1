"""The private key of a GitHub App and what is signed with it."""

import jwt

ALGORITHM = "RS256"
BACKDATED_SECONDS = 60
LIFETIME_SECONDS = 540
"""GitHub accepts ten minutes at most, by its own clock."""


def clean_key(content: str) -> str:
    """The PEM text of an RSA private key, as PKCS#1 (which GitHub hands out) or PKCS#8.

    Raises:
        ValueError: it is something else; the message does not repeat it.
    """
    key = content.strip()
    if not key:
        raise ValueError("is empty")
    try:
        signed(key, "", 0.0)  # only a signature tells a private key from a public one
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
