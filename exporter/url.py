"""Addresses in settings and in answers: what is one, and whether it leads to this machine or to the public internet."""

import ipaddress
from urllib.parse import urlsplit

NAT64 = ipaddress.ip_network("64:ff9b::/96")
PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
"""Sources: RFC 6761, 6762 and 8375, and ICANN's reservation of `.internal`."""


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


def is_address(host: str) -> bool:
    """Whether *host* is an IP address, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public_address(address: str) -> bool:
    """Whether *address* is an IP address of the public internet, also where it embeds one of IPv4.

    Source: the special-purpose address registries of IANA, as the standard library has them, and RFC 6052, 3056, 4380.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    embedded: list[ipaddress.IPv4Address | None] = []
    if isinstance(found, ipaddress.IPv6Address):
        embedded = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in NAT64:
            embedded.append(ipaddress.IPv4Address(found.packed[-4:]))
    return all(each is None or (each.is_global and not each.is_multicast) for each in (found, *embedded))


def is_public_name(host: str) -> bool:
    """Whether *host* may be a name of the public DNS: it has a dot, and no ending that is kept for private use."""
    return "." in host and not is_address(host) and not f".{host}".endswith(PRIVATE_ENDINGS)


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine, by its address or as `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
