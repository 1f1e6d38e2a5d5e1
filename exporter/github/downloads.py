"""Links in GitHub's answers to files on other hosts.

They are pre-signed: whoever has one can read the file, so none is logged, shown or kept, and no token is sent along.
An answer that somebody forged must not lead the exporter to a service of the network that it runs in.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from exporter.errors import (
    Cause,
    CredentialBlocked,
    Forbidden,
    GitHubError,
    PayloadError,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from exporter.url import is_address, is_loopback, is_public_address, is_public_name

REFUSALS = (Unavailable, Forbidden, CredentialBlocked, Unauthorized)
"""What these mean of an API they do not mean of a file: it is offered, but not by this link."""
_NAMEABLE = re.compile(r"[a-z0-9.:-]{1,253}")


@dataclass(frozen=True, slots=True)
class AllowedLink:
    """Where a link leads, and which addresses may be connected to for it."""

    origin: str
    allows: Callable[[str], bool]


def allowed_link(url: str, hosts: Sequence[str], api_url: str, context: object) -> AllowedLink:
    """Check where *url* leads before anything is sent.

    It must be https on a public host that *hosts*, a list of patterns, allow. Only where *api_url* is this machine, a
    simulator, the link may lead there too.

    Raises:
        PayloadError: it leads elsewhere; the message names the host at most.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused(context, "is no link") from None
    host = (parts.hostname or "").lower().rstrip(".")
    if not host or "@" in parts.netloc or not url.isprintable() or port == 0:
        raise _refused(context, "is no link")
    origin = f"{parts.scheme}://{parts.netloc}"
    if is_loopback(host) and is_loopback(urlsplit(api_url).hostname or ""):
        if parts.scheme not in {"http", "https"}:
            raise _refused(context, "is no link")
        return AllowedLink(origin, is_loopback)
    if parts.scheme != "https":
        raise _refused(context, "does not begin with https")
    if not (is_public_address(host) and host in hosts if is_address(host) else is_public_name(host)):
        raise _refused(context, "leads to a private host", host)
    if not any(fnmatchcase(host, pattern.lower()) for pattern in hosts):
        raise _refused(context, "leads to a host that download_hosts does not allow", host)
    return AllowedLink(origin, is_public_address)


def error_of_download(error: GitHubError, context: object) -> GitHubError:
    """*error* of a download in its own words: a refusal says nothing of what GitHub offers."""
    if isinstance(error, REFUSALS):
        said = f"{context} answered {error.status}: the host of the download refuses it"
        return PayloadError(said, status=error.status, cause=Cause.DOWNLOAD_REFUSED)
    if error.cause is Cause.WRONG_ADDRESS:
        said = f"{context}: a web page instead of the file; is a proxy in between?"
        return PayloadError(said, status=error.status, cause=Cause.DOWNLOAD_REFUSED)
    if isinstance(error, Unreachable):
        error.cause = Cause.DOWNLOAD_UNREACHABLE
    return error


def _refused(context: object, why: str, host: str = "") -> PayloadError:
    named = f": {host}" if _NAMEABLE.fullmatch(host) else ""
    return PayloadError(f"{context}: the download {why}{named}", cause=Cause.DOWNLOAD_HOST_REFUSED)
