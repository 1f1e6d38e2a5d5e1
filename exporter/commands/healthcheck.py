"""`ghe-exporter healthcheck`: ask the running exporter whether it is alive; for containers without curl."""

import http.client
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

from exporter.commands.output import standard_output
from exporter.config.web_address import web_url
from exporter.redaction import one_line, redact
from exporter.url import is_loopback

SECONDS = 5.0


def run(url: str | None, config: Path | None = None, web_config: Path | None = None) -> int:
    """Return 0 if `/-/healthy` below *url* answers 200, else 1 with one line on standard error.

    Without *url*, ask where `serve` with the same settings listens.
    """
    is_own = url is None
    url = web_url(config, web_config) if url is None else url
    shown = redact(one_line(url))
    try:
        status = ask(url, is_own=is_own)
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.stderr.write(f"unhealthy: {type(error).__name__}: cannot ask {shown}\n")
        return 1
    if status != http.client.OK:
        sys.stderr.write(f"unhealthy: {shown} answered {status}\n")
        return 1
    with standard_output() as out:
        out.write("healthy\n")
    return 0


def ask(url: str, *, is_own: bool) -> int:
    """The status that `/-/healthy` answers."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http or https URL")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = tls_context(verify=not (is_own or is_loopback(parts.hostname)))
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/-/healthy")
        return connection.getresponse().status
    finally:
        connection.close()


def tls_context(*, verify: bool) -> ssl.SSLContext:
    """How to speak TLS; who answers at an address of this machine is known without a certificate."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
