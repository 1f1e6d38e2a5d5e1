"""Addresses as people write them in settings."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.addresses import DEFAULT_API_URL, api_url, listen_address, split_listen_address

NO_URL = "is not a URL"
EXAMPLE = "must be a URL such as https://api.github.com or https://HOST/api/v3"
TOO_MUCH = "must not hold user names, passwords, queries or fragments"
BLANK = "must not hold white space or control characters"
WEBSITE = "must be the address of the API: https://api.github.com"
PAIR = "must be HOST:PORT or :PORT, for instance :10204"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (DEFAULT_API_URL, "https://api.github.com"),
        ("https://api.github.com/", "https://api.github.com"),
        ("  https://api.globex.ghe.com\n", "https://api.globex.ghe.com"),
        ("https://github.acme.example/api/v3", "https://github.acme.example/api/v3"),
        ("https://github.acme.example/api/v3//", "https://github.acme.example/api/v3"),
        ("https://github.acme.example:8443/api/v3", "https://github.acme.example:8443/api/v3"),
        ("http://127.0.0.1:10205", "http://127.0.0.1:10205"),
        ("http://[::1]:10205", "http://[::1]:10205"),
        ("HTTP://127.0.0.1:10205", "http://127.0.0.1:10205"),
        ("https://notgithub.com", "https://notgithub.com"),
        ("https://gîthub.example", "https://gîthub.example"),
    ],
)
def test_api_url_is_stripped(written: str, meant: str) -> None:
    """The URL of an API is taken without what surrounds it and without a slash at its end."""
    assert api_url(written) == meant


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("", EXAMPLE),
        ("api.github.com", EXAMPLE),
        ("//api.github.com", EXAMPLE),
        ("ftp://api.github.com", EXAMPLE),
        ("file:///etc/hosts", EXAMPLE),
        ("https://", EXAMPLE),
        ("https:///api/v3", EXAMPLE),
        ("https://:443", EXAMPLE),
        ("https://api.github.com:0", EXAMPLE),
        ("https://api.github.com:99999", NO_URL),
        ("https://api.github.com:port", NO_URL),
        ("https://[::1", NO_URL),
        ("https://github..example", NO_URL),
        ("https://.github.example", NO_URL),
        (f"https://{'a' * 64}.example", NO_URL),
        ("https://octo:secret@api.github.com", TOO_MUCH),
        ("https://octo@api.github.com", TOO_MUCH),
        ("https://@api.github.com", TOO_MUCH),
        ("https://api.github.com?page=1", TOO_MUCH),
        ("https://api.github.com/?", TOO_MUCH),
        ("https://api.github.com#top", TOO_MUCH),
        ("https://github.acme.example/api/v3#", TOO_MUCH),
        ("https://api github.com", BLANK),
        ("https://api.git\nhub.com", BLANK),
        ("https://api.github.com/\x00", BLANK),
        ("https://github.com", WEBSITE),
        ("https://GitHub.com/", WEBSITE),
        ("https://www.github.com/enterprises/acme", WEBSITE),
    ],
)
def test_what_is_no_api_url_is_refused(written: str, complaint: str) -> None:
    """What is not the URL of an API is refused, and the error does not repeat it."""
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        api_url(written)


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        (":10204", "", 10204),
        ("0.0.0.0:10204", "0.0.0.0", 10204),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("localhost:65535", "localhost", 65535),
        ("[::1]:10204", "::1", 10204),
        (" :10204 ", "", 10204),
    ],
)
def test_listen_address_is_split(written: str, host: str, port: int) -> None:
    """HOST:PORT is split; without a host every address is meant."""
    assert split_listen_address(written) == (host, port)
    assert listen_address(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        ":",
        "10204",
        "localhost",
        "localhost:",
        ":65536",
        ":-1",
        ":http",
        ":1 0",
        ":1_0",
        ":١٢٣",
        "::1:10204",
        "::",
        "http://localhost:10204",
        "[::1:10204",
    ],
)
def test_what_is_no_listen_address_is_refused(written: str) -> None:
    """What is not HOST:PORT is refused with an example."""
    with pytest.raises(ValueError, match=f"^{re.escape(PAIR)}$"):
        listen_address(written)


def complaint_about(text: str, read: Callable[[str], str]) -> str:
    """What *read* has against *text*."""
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return ""


@given(st.text())
def test_any_text_is_an_address_or_a_known_error(text: str) -> None:
    """Whatever is written, it is an address or a known error, never another error."""
    assert complaint_about(text, api_url) in {"", NO_URL, EXAMPLE, TOO_MUCH, BLANK, WEBSITE}
    assert complaint_about(text, listen_address) in {"", PAIR}


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_ip_address_and_port_is_accepted(address: object, port: int) -> None:
    """Every IP address and port can be listened at, IPv6 in brackets."""
    host = str(address)
    written = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    assert split_listen_address(written) == (host, port)
