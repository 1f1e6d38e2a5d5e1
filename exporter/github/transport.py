"""HTTP below the client: one session, what it trusts, and what its exceptions mean.

The only importer of requests and urllib3, with `exporter.github.certificates`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from exporter.errors import Cause, PayloadError, ServerError, TimedOut
from exporter.github.answers import transient
from exporter.github.certificates import TrustedCertificates
from exporter.github.connections import ReadDeadline, with_allowed_addresses, with_deadline
from exporter.github.endpoint import Endpoint
from exporter.github.unreachable import unreachable

Response = requests.Response
DEFAULT_PORTS = {"http": 80, "https": 443}

WITHOUT_ANSWER: Mapping[type[requests.RequestException], Cause] = {
    requests.exceptions.SSLError: Cause.TLS_FAILED,
    requests.exceptions.ProxyError: Cause.PROXY_FAILED,
    requests.exceptions.InvalidURL: Cause.PROXY_FAILED,  # of all addresses only the proxy's was not checked before
    requests.exceptions.InvalidSchema: Cause.PROXY_FAILED,
    requests.ConnectionError: Cause.NO_CONNECTION,
}
"""The cause that the type of an exception implies, from the narrow to the wide."""


class Transport:
    """A session with keep-alive, used by many threads; it follows no redirect and keeps no cookie.

    Args:
        headers: Sent with every request.
        connections: How many are kept open.
        deadline: Until when the current thread reads an answer.
        ca_file: File of certificate authorities that are trusted in place of the system's, and of those that
            `REQUESTS_CA_BUNDLE` names.
        allows: Which addresses may be connected to; all if None.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        connections: int,
        deadline: ReadDeadline,
        ca_file: str | None,
        allows: Callable[[str], bool] | None = None,
    ) -> None:
        self._ca_file = ca_file
        self._session = _Session()
        self._session.headers.update({"Accept-Encoding": "gzip, deflate", **headers})
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(deadline, allows, pool_connections=1, pool_maxsize=connections, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    @contextmanager
    def send(
        self,
        endpoint: Endpoint,
        url: str,
        *,
        headers: Mapping[str, str | None],
        authorization: str,
        timeout: tuple[float, float],
    ) -> Iterator[Response]:
        """Send one request and yield its answer, whose body has not been read yet.

        Raises:
            GitHubError: there was no answer, or it broke off while the caller read it.
        """
        send = self._session.post if endpoint.method == "POST" else self._session.get
        # With each request, because REQUESTS_CA_BUNDLE would win over a setting of the session.
        options: dict[str, Any] = {
            "verify": self._ca_file,
            "stream": True,
            "allow_redirects": False,
            "timeout": timeout,
        }
        with (
            _as_github_errors(str(endpoint), _host_and_port(url)),
            send(url, headers=headers, auth=_authorization(authorization), **options) as response,
        ):
            yield response


class _Session(requests.Session):
    """Leaves redirects alone; to prepare the next request, requests would read a body of any size."""

    def get_redirect_target(self, resp: Response) -> None:
        """Nowhere."""


class _Adapter(HTTPAdapter):
    """Its connections obey the deadline and trust what the client trusts; also those through a proxy."""

    def __init__(self, deadline: ReadDeadline, allows: Callable[[str], bool] | None, **options: Any) -> None:
        super().__init__(**options)
        self._deadline = deadline
        self._allows = allows
        self._certificates = TrustedCertificates()
        self._ca_file: str | None = None

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> ConnectionPool:
        """The pool for a request."""
        pool = super().get_connection_with_tls_context(*args, **options)
        if self._allows is not None:
            pool = with_allowed_addresses(pool, self._allows)
        return with_deadline(pool, self._deadline)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """The key of a pool: new certificates make a new one."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        self._ca_file = verify if isinstance(verify, str) else None  # the same for all requests of a client
        return host, {"ssl_context": self._certificates.context(self._ca_file)} if host["scheme"] == "https" else {}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The pools of *proxy*, which may itself be reached by TLS."""
        if proxy.lower().startswith("https:"):
            options["proxy_ssl_context"] = self._certificates.context(self._ca_file)
        return super().proxy_manager_for(proxy, **options)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing; requests would add the certificates that it ships."""


def _authorization(value: str) -> Callable[[Any], Any]:
    """Puts *value*, if there is one, into a request's header.

    Without such a thing requests would look for a password in ~/.netrc, and send it to whomever is asked.
    """

    def sign(request: Any) -> Any:
        if value:
            request.headers["Authorization"] = value
        return request

    return sign


def _host_and_port(url: str) -> str:
    """Where a request to *url* connects to."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


@contextmanager
def _as_github_errors(context: str, address: str) -> Iterator[None]:
    """Turn what requests and, while a body is read, urllib3 raise into the error tree; their messages may hold URLs."""
    try:
        yield
    except requests.Timeout:
        raise transient(TimedOut(f"{context}: no answer in time")) from None
    except DecodeError:
        raise PayloadError(f"{context}: the body is not compressed as its header says") from None
    except ReadTimeoutError:
        raise transient(TimedOut(f"{context}: the answer stopped arriving")) from None
    except HTTPError:
        raise transient(ServerError(f"{context}: the answer broke off")) from None
    except requests.RequestException as error:
        cause = next((cause for kind, cause in WITHOUT_ANSWER.items() if isinstance(error, kind)), None)
        if cause is None:
            raise PayloadError(f"{context}: {type(error).__name__}") from None
        raise unreachable(context, address, error, cause) from None
    except OSError as error:
        raise unreachable(context, address, error, Cause.CA_FILE_UNUSABLE) from None
