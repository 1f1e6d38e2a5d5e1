"""Addresses in settings and in answers: what is one, and whether it leads to this machine or to the public internet."""

import ipaddress
from urllib.parse import urlsplit


def base_url(value: str, example: str) -> str:
    """The URL that paths are appended to, its scheme in small letters, without a slash at its end.

    Raises:
        ValueError: it is something else; the message ends a sentence that begins with the setting.
    """
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(f"must be a URL such as {example}")
    if not url.isprintable() or " " in url:
        raise ValueError("must not hold white space or control characters")
    if not set("@?#").isdisjoint(url):
        raise ValueError("must not hold user names, passwords, queries or fragments")
    return parts.geturl()


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine, by its address or as `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
