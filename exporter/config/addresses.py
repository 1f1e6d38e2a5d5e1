"""Addresses as people write them in settings."""

from urllib.parse import urlsplit

from exporter.url import base_url, is_loopback

SERVER_PATH = "/api/v3"
"""End of the API URL of a GitHub Enterprise Server."""
DEFAULT_API_URL = "https://api.github.com"
DEFAULT_LISTEN = ":10204"

_HIGHEST_PORT = 65535


def api_url(value: str) -> str:
    """The base URL of a GitHub API, its scheme in small letters, without a slash at its end.

    Raises:
        ValueError: it is something else; the message ends a sentence that begins with the setting.
    """
    url = base_url(value, "https://api.github.com or https://HOST/api/v3")
    host = urlsplit(url).hostname or ""
    if host in {"github.com", "www.github.com"}:
        raise ValueError("must be the address of the API: https://api.github.com")
    if host.endswith(".ghe.com") and not host.startswith("api."):
        raise ValueError(f"must be the address of the API: https://api.{host}")
    return url


def is_plaintext(url: str) -> bool:
    """Whether what is sent to *url* can be read on its way to another machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_every_address(listen: str) -> bool:
    """Whether *listen* means all addresses of this machine, those that others reach it by included."""
    return split_listen_address(listen)[0] in {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound


def listen_address(value: str) -> str:
    """*value*, if it is an address to listen at.

    Raises:
        ValueError: it is not.
    """
    split_listen_address(value)
    return value


def split_listen_address(value: str) -> tuple[str, int]:
    """Split `HOST:PORT`; an empty host means every address, port 0 any free one.

    Raises:
        ValueError: it is no such pair.
    """
    host, separator, port = value.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    numeric = port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT
    if not separator or not numeric or (":" in host and not bracketed):
        raise ValueError("must be HOST:PORT or :PORT, for instance :10204")
    return host.strip("[]"), int(port)
