"""`ghe-exporter healthcheck`: ask the running exporter whether it is alive; for containers without curl."""

import http.client
import ipaddress
import ssl
import sys
from urllib.parse import urlsplit

SECONDS = 5.0


def run(url: str) -> int:
    """Return 0 if `/-/healthy` below *url* answers 200, else 1 with one line on standard error."""
    try:
        status = ask(url)
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.stderr.write(f"unhealthy: {type(error).__name__}: cannot ask {url}\n")
        return 1
    if status != http.client.OK:
        sys.stderr.write(f"unhealthy: {url} answered {status}\n")
        return 1
    sys.stdout.write("healthy\n")
    return 0


def ask(url: str) -> int:
    """The status that `/-/healthy` answers."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http or https URL")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = tls_context(parts.hostname)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/-/healthy")
        return connection.getresponse().status
    finally:
        connection.close()


def tls_context(host: str) -> ssl.SSLContext:
    """How to speak TLS with *host*; who answers at a loopback address is known without a certificate."""
    context = ssl.create_default_context()
    if is_loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine, by its address or as `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
