"""HTTP to GitHub: the only importer of requests.

One client per credential: a session with keep-alive, a bound on requests under way, retries, rate limits and
revalidation. It sends GET, besides the one POST by which a GitHub App asks for its token, and its token goes to the
configured origin only.
"""

import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from exporter.clock import Clock
from exporter.errors import Cause, GitHubError, PayloadError, RateLimited, ServerError, Stopped, TimedOut, Unauthorized
from exporter.github import answers, bodies
from exporter.github.answers import Answer
from exporter.github.auth import Credential, bearer
from exporter.github.connections import Patience, patient
from exporter.github.endpoint import ACCESS_TOKENS, Endpoint
from exporter.github.observer import UNAUTHORIZED, ApiObserver, tell
from exporter.github.rate_limit import RateLimits, WindowUsage, read_window
from exporter.github.retries import Retries
from exporter.github.revalidation import Revalidation
from exporter.github.run import ClientLimits, Run
from exporter.github.unreachable import unreachable

log = structlog.get_logger()

NOT_MODIFIED = 304
API_VERSION = "2022-11-28"
REDIRECT_LIMIT = 5
WORTH_WAITING = 50
"""A run that has this many answers waits for a rate limit's end: begun anew, it might never get through a window."""
SPREAD_SECONDS = (0.5, 5.0)
"""What waited for one moment does not come back in step."""
WITHOUT_ANSWER: Mapping[type[requests.RequestException], Cause] = {
    requests.exceptions.SSLError: Cause.TLS_FAILED,
    requests.exceptions.ProxyError: Cause.PROXY_FAILED,
    requests.exceptions.InvalidURL: Cause.PROXY_FAILED,  # of all addresses only the proxy's was not looked at before
    requests.exceptions.InvalidSchema: Cause.PROXY_FAILED,
    requests.ConnectionError: Cause.NO_CONNECTION,
}
"""What the kind of an exception tells, from the narrow to the wide."""


class Client:
    """Requests for one credential of one enterprise; used by many threads at once."""

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        *,
        user_agent: str,
        observer: ApiObserver,
        clock: Clock,
        stop: threading.Event,
        limits: ClientLimits,
        ca_file: str | None = None,
        randomness: random.Random | None = None,
    ) -> None:
        self.limits = limits
        self._base_url = base_url.rstrip("/")
        self._credential = credential
        self._observer = observer
        self._clock = clock
        self._stop = stop
        self._random = randomness or random.Random()  # noqa: S311 - jitter, not cryptography
        self._slots = threading.BoundedSemaphore(limits.max_concurrency)
        self._rates = RateLimits(limits.rate_limit_reserve)
        self._kept = Revalidation()
        self._patience = Patience(clock)
        self._session = _session(user_agent, limits.max_concurrency, self._patience)
        self._ca_file = ca_file

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def rate_limits(self) -> Mapping[str, WindowUsage]:
        """The window in force of each resource of the rate limit, and who used it."""
        return self._rates.in_force(self._clock.time())

    def url(self, endpoint: Endpoint, path: Mapping[str, str], query: Mapping[str, str | int]) -> str:
        """The URL of *endpoint* with its path parameters and query filled in."""
        return self._base_url + endpoint.filled(path, query)

    def get(self, endpoint: Endpoint, url: str, run: Run) -> Answer:
        """GET *url*, an address of *endpoint*, with retries.

        Raises:
            GitHubError: what was asked for did not come; see `exporter.errors`.
            Stopped: the process is ending.
        """
        if endpoint.method != "GET":
            raise ValueError(f"{endpoint} is not to be read")
        return self._request(endpoint, url, run)

    def create_token(self, installation: str, run: Run) -> Answer:
        """POST for a token of an *installation*; the only request that is no GET, and it changes nothing.

        Raises:
            GitHubError: no token came.
            Stopped: the process is ending.
        """
        return self._request(ACCESS_TOKENS, self.url(ACCESS_TOKENS, {"installation": installation}, {}), run)

    def _request(self, endpoint: Endpoint, url: str, run: Run) -> Answer:
        while True:
            try:
                return self._tried(endpoint, url, run)
            except RateLimited as limit:
                self._sit_out(endpoint, limit, run)

    def _sit_out(self, endpoint: Endpoint, limit: RateLimited, run: Run) -> None:
        seconds = limit.retry_at - self._clock.time() + self._random.uniform(*SPREAD_SECONDS)
        if run.answered < WORTH_WAITING or seconds >= self._seconds_left(endpoint, run):
            raise limit
        log.info("long run waits for the rate limit", endpoint=endpoint.path, seconds=round(seconds))
        self._clock.wait(self._stop, seconds)

    def _tried(self, endpoint: Endpoint, url: str, run: Run) -> Answer:
        retries = Retries(self.limits, self._clock, self._random)
        renewed = False
        while True:
            self._admit(endpoint, run)
            token = self._credential.token()
            try:
                return self._attempt(endpoint, url, run, token)
            except Unauthorized:
                if renewed or not self._credential.renew(token):
                    raise
                renewed = True
            except GitHubError as error:
                if self._stop.is_set():  # what is given up has not failed
                    raise Stopped from None
                wait = retries.wait_after(error)
                if wait is None:
                    raise
                self._observer.retried(endpoint)
                self._clock.wait(self._stop, wait)

    def _admit(self, endpoint: Endpoint, run: Run) -> None:
        self._go_on(endpoint, run)
        retry_at = self._rates.wait_until(endpoint.path, self._clock.time(), essential=run.essential)
        if retry_at is not None:
            raise RateLimited(f"{endpoint} not sent: rate limit or reserve reached", retry_at=retry_at)

    def _seconds_left(self, endpoint: Endpoint, run: Run) -> float:
        left = run.deadline - self._clock.monotonic()
        if left <= 0:
            raise TimedOut(f"{endpoint}: the run reached its deadline")
        return left

    def _attempt(self, endpoint: Endpoint, url: str, run: Run, token: str) -> Answer:
        if not self._slots.acquire(timeout=self._seconds_left(endpoint, run)):
            raise TimedOut(f"{endpoint}: no free connection before the run's deadline")
        try:
            self._admit(endpoint, run)  # a limit may have been reached while this waited
            for _ in range(REDIRECT_LIMIT + 1):
                answer = self._exchange(endpoint, answers.own(url, self._base_url, endpoint), run, token)
                if isinstance(answer, Answer):
                    return answer
                url = answers.resolve(url, answer)
            raise PayloadError(f"{endpoint}: redirected more than {REDIRECT_LIMIT} times")
        finally:
            self._slots.release()

    def _exchange(self, endpoint: Endpoint, url: str, run: Run, token: str) -> Answer | str:
        """Send one request; return the answer or the address it redirects to."""
        headers = {"Accept": endpoint.accept}
        if endpoint.revalidate and run.revalidate:
            headers |= self._kept.conditions(url)
        timeout = (self.limits.connect_seconds, min(self.limits.read_seconds, self._seconds_left(endpoint, run)))
        reads = endpoint.method == "GET"
        send = self._session.get if reads else self._session.post
        code = ""
        started = self._clock.monotonic()
        self._patience.until = min(run.deadline, started + sum(timeout))
        try:
            with (
                _mapped(str(endpoint)),
                send(
                    url,
                    headers=headers,
                    auth=bearer(token),
                    stream=True,
                    allow_redirects=False,
                    timeout=timeout,
                    verify=self._ca_file,  # with each request: REQUESTS_CA_BUNDLE would win over the session's
                ) as response,
            ):
                self._patience.until = run.deadline
                code = str(response.status_code)
                self._note_rate_limit(endpoint, response.status_code, response.headers)
                if reads and response.status_code in answers.REDIRECTS and "location" in response.headers:
                    return response.headers["location"]
                refused = response.status_code != endpoint.success
                body = bodies.read(response.raw, self.limits, endpoint, partial(self._go_on, endpoint, run), refused)
        finally:
            self._observer.attempted(endpoint, code, self._clock.monotonic() - started)
        answer = self._judge(endpoint, url, response, body)
        run.answered += 1
        return answer

    def _go_on(self, endpoint: Endpoint, run: Run) -> None:
        if self._stop.is_set():
            raise Stopped
        self._seconds_left(endpoint, run)

    def _judge(self, endpoint: Endpoint, url: str, response: requests.Response, body: bytes) -> Answer:
        context = str(endpoint)
        status, headers = response.status_code, response.headers
        tell(self._observer, self._credential.name, status, headers, is_page=answers.is_page(body))
        if status == NOT_MODIFIED:
            self._observer.not_modified(endpoint)
            kept = self._kept.confirmed(url)
            if kept is None:
                raise PayloadError(f"{context}: 304 for something never seen")
            return answers.decode(kept.body, url, kept.links, context)
        if status == endpoint.success:
            links = {rel: link["url"] for rel, link in response.links.items()}
            answer = answers.decode(body, url, links, context)
            self._observer.authenticated(self._credential.name, accepted=True)
            answers.refuse_partial(headers, context)
            if endpoint.revalidate:
                self._kept.keep(url, headers.get("etag", ""), body, links)
            return answer
        error = answers.error_for(status, headers, body, self._clock.time(), context)
        if isinstance(error, RateLimited) and error.secondary:
            self._rates.pause(error.retry_at)
        raise error

    def _note_rate_limit(self, endpoint: Endpoint, status: int, headers: Mapping[str, str]) -> None:
        """Note what the head of an answer reports, whatever becomes of its body: GitHub has counted the request."""
        window = read_window(headers)
        if window is not None and status != UNAUTHORIZED:  # that one reports the limit of anonymous requests
            counts = status != NOT_MODIFIED
            in_force = self._rates.note(endpoint.path, window, self._clock.time(), counts=counts)
            self._observer.rate_limit(self._credential.name, in_force)


class _Session(requests.Session):
    """Leaves redirects alone; to prepare the next request, requests would read a body of any size."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class _Adapter(HTTPAdapter):
    """Its connections end an answer that drips past the deadline; also those through a proxy."""

    def __init__(self, patience: Patience, **options: Any) -> None:
        super().__init__(**options)
        self._patience = patience

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> ConnectionPool:
        """The pool for a request."""
        return patient(super().get_connection_with_tls_context(*args, **options), self._patience)


def _session(user_agent: str, connections: int, patience: Patience) -> requests.Session:
    session = _Session()
    session.headers.update(
        {"User-Agent": user_agent, "X-GitHub-Api-Version": API_VERSION, "Accept-Encoding": "gzip, deflate"}
    )
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(patience, pool_connections=1, pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


@contextmanager
def _mapped(context: str) -> Iterator[None]:
    """Turn what requests and, while a body is read, urllib3 raise into the error tree; their messages may hold URLs."""
    try:
        yield
    except requests.Timeout:
        raise answers.transient(TimedOut(f"{context}: no answer in time")) from None
    except DecodeError:
        raise PayloadError(f"{context}: the body is not compressed as its header says") from None
    except ReadTimeoutError:
        raise answers.transient(TimedOut(f"{context}: the answer stopped arriving")) from None
    except HTTPError:
        raise answers.transient(ServerError(f"{context}: the answer broke off")) from None
    except requests.RequestException as error:
        cause = next((cause for kind, cause in WITHOUT_ANSWER.items() if isinstance(error, kind)), None)
        if cause is None:
            raise PayloadError(f"{context}: {type(error).__name__}") from None
        raise unreachable(context, error, cause) from None
    except OSError as error:
        raise unreachable(context, error, Cause.CA_FILE_UNUSABLE) from None
