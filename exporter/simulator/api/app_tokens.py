"""What a GitHub App sends: JWTs, of which shape and claims are checked, and tokens that last an hour."""

import base64
import json
import re
import secrets
from typing import Any

from exporter.simulator.api.http_types import Refusal

LIFETIME = 3_600
NEW_SECONDS = 4
MAX_JWT = 600
UNREADABLE = "A JSON web token could not be decoded"
WRONG_IAT = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
WRONG_EXP = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time "
    "at which the assertion expires"
)
TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
WRONG_ISS = "'Issuer' claim ('iss') must be an Integer"
MIN_SIGNATURE = 128

_TOKEN = re.compile(r"ghs_i\d+e(\d+)x[0-9a-f]+")


def new_token(installation: int, at: float) -> str:
    """A token that expires an hour after *at*; it says so itself, so that nothing has to be remembered."""
    return f"ghs_i{installation}e{int(at) + LIFETIME}x{secrets.token_hex(8)}"


def expires_at(token: str) -> float:
    """When a token of an installation expires; those that tests make up never do."""
    match = _TOKEN.fullmatch(token)
    return float(match[1]) if match else float("inf")


def refuse_new(token: str, at: float) -> None:
    """Refuse the token of an installation while it is so new that not all of GitHub knows it.

    Raises:
        Refusal: it is.
    """
    if at < expires_at(token) - LIFETIME + NEW_SECONDS < float("inf"):
        raise Refusal(401, "Bad credentials")


def is_jwt(token: str) -> bool:
    """Whether *token* looks like a JWT; no other token of GitHub has dots."""
    return token.count(".") == 2  # noqa: PLR2004


def check_jwt(token: str, at: float) -> None:
    """Check all but the signature, for which the simulator would need the App's public key.

    Raises:
        Refusal: GitHub would not accept it at the time *at*.
    """
    try:
        header, claims, signature = (
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
        )
        head, said = json.loads(header), json.loads(claims)
    except ValueError:
        raise Refusal(401, UNREADABLE) from None
    if not (isinstance(head, dict) and isinstance(said, dict)):
        raise Refusal(401, UNREADABLE)
    if head.get("alg") != "RS256" or len(signature) < MIN_SIGNATURE:
        raise Refusal(401, UNREADABLE)
    if not _is_number(said.get("iat")) or said["iat"] > at:
        raise Refusal(401, WRONG_IAT)
    if not _is_number(said.get("exp")) or said["exp"] <= at:
        raise Refusal(401, WRONG_EXP)
    if said["exp"] > at + MAX_JWT:
        raise Refusal(401, TOO_FAR)
    if not (isinstance(said.get("iss"), str | int) and said["iss"]):
        raise Refusal(401, WRONG_ISS)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
