"""Requests to GitHub with one credential: retries, rate limits, revalidation.

It sends GET, besides the one POST by which a GitHub App asks for its token, and its token goes to the configured
origin only.
"""

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import structlog

from exporter.clock import Clock
from exporter.errors import GitHubError, PayloadError, RateLimited, Stopped, TimedOut, Unauthorized
from exporter.github import answers, bodies
from exporter.github.answers import Answer
from exporter.github.auth import Credential, NoCredential
from exporter.github.connections import ReadDeadline
from exporter.github.downloads import allowed_link, error_of_download
from exporter.github.endpoint import ACCESS_TOKENS, DEFAULT_API_VERSION, Endpoint
from exporter.github.observer import NOT_MODIFIED, UNAUTHORIZED, ApiObserver, report_credential, report_lifecycle
from exporter.github.rate_limit import RateLimits, SharedRateLimits, read_window
from exporter.github.retries import Retries
from exporter.github.revalidation import Revalidation
from exporter.github.run import ClientLimits, Run
from exporter.github.transport import Response, Transport

log = structlog.get_logger()

NO_CONTENT = 204
VERSION_HEADER = "X-GitHub-Api-Version"
MAX_REDIRECTS = 5
MIN_ANSWERS_TO_WAIT = 50
"""A run with this many answers waits for a rate limit to reset; started over, it might never fit into a window."""
SPREAD_SECONDS = (0.5, 5.0)
"""Added to a wait, so that everything that waits for the same moment does not come back in step."""


class Client:
    """Requests for one credential of one enterprise; used by many threads.

    Args:
        base_url: The settings' api_url.
        credential: What is sent.
        user_agent: Who asks.
        observer: Notified of every attempt and of what answers report about the credential.
        clock: For waits, deadlines and rate limits.
        stop: Set when the process ends.
        limits: Bounds of requests and answers.
        ca_file: File of certificate authorities that are trusted in place of the system's.
        api_version: Version of the REST API to ask for.
        rate_limits: Those of the other clients, with some of which this one may share its own.
        randomness: For the jitter of waits.
    """

    def __init__(  # noqa: PLR0913 - everything that surrounds it
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
        api_version: str = DEFAULT_API_VERSION,
        rate_limits: SharedRateLimits | None = None,
        randomness: random.Random | None = None,
    ) -> None:
        self.limits = limits
        self.base_url = base_url.rstrip("/")
        self._credential = credential
        self._observer = observer
        self._clock = clock
        self._stop = stop
        self._random = randomness or random.Random()  # noqa: S311 - jitter, not cryptography
        self._slots = threading.BoundedSemaphore(limits.max_concurrency)
        self._host = urlsplit(self.base_url).netloc.lower()
        self._shared = rate_limits or SharedRateLimits()
        self._rate_limits = self._find_rate_limits()
        self._revalidation = Revalidation()
        self._read_deadline = ReadDeadline(clock)
        self._user_agent, self._ca_file = user_agent, ca_file
        headers = {"User-Agent": user_agent, VERSION_HEADER: api_version}
        self._transport = Transport(
            headers, limits.max_concurrency, self._read_deadline, ca_file, limits.allows_address
        )

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    @property
    def rate_limits(self) -> RateLimits:
        """The rate limits that its requests count against, which are others when its token was replaced."""
        self._rate_limits = self._find_rate_limits()
        return self._rate_limits

    def _find_rate_limits(self) -> RateLimits:
        return self._shared.of(self._host, self._credential.rate_limit_key(), self.limits.rate_limit_reserve)

    def resource_of(self, endpoint: Endpoint) -> str:
        """The resource of the rate limit that *endpoint* counts against."""
        return self.rate_limits.resource_of(endpoint.path)

    def url(self, endpoint: Endpoint, path: Mapping[str, str], query: Mapping[str, str | int]) -> str:
        """The URL of *endpoint* with its path parameters and query filled in."""
        return self.base_url + endpoint.filled(path, query)

    def get(self, endpoint: Endpoint, url: str, run: Run) -> Answer:
        """GET *url*, an address of *endpoint*, with retries.

        Raises:
            GitHubError: there is no such answer; see `exporter.errors`.
            Stopped: the process is ending.
        """
        if endpoint.method != "GET":
            raise ValueError(f"{endpoint} is not to be read")
        return self._request(endpoint, url, run)

    def download(self, endpoint: Endpoint, url: str, hosts: Sequence[str], run: Run) -> Answer:
        """GET the file that the link *url* in an answer leads to, without the credential.

        Raises:
            GitHubError: there is no such file, or *hosts* do not allow its host; see `exporter.github.downloads`.
            Stopped: the process is ending.
        """
        link = allowed_link(url, hosts, self.base_url, endpoint)
        other = Client(
            link.origin,
            NoCredential(),
            user_agent=self._user_agent,
            observer=self._observer,
            clock=self._clock,
            stop=self._stop,
            limits=replace(self.limits, allows_address=link.allows),
            ca_file=self._ca_file,
            randomness=self._random,
        )
        try:
            return other.get(endpoint, url, run)
        except GitHubError as error:
            raise error_of_download(error, endpoint) from None
        finally:
            other.close()

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
                return self._with_retries(endpoint, url, run)
            except RateLimited as limit:
                self._wait_for_reset(endpoint, limit, run)

    def _wait_for_reset(self, endpoint: Endpoint, limit: RateLimited, run: Run) -> None:
        seconds = limit.retry_at - self._clock.time() + self._random.uniform(*SPREAD_SECONDS)
        if run.answered < MIN_ANSWERS_TO_WAIT or seconds >= self._seconds_left(endpoint, run):
            raise limit
        log.info("waiting for rate limit reset", path=endpoint.path, seconds=round(seconds))
        self._clock.wait(self._stop, seconds)

    def _with_retries(self, endpoint: Endpoint, url: str, run: Run) -> Answer:
        retries = Retries(self.limits, self._clock, self._random)
        while True:
            self._check_rate_limit(endpoint, run)
            token = self._credential.token()
            try:
                return self._attempt(endpoint, url, run, token)
            except GitHubError as error:
                if self._stop.is_set():  # what is given up has not failed
                    raise Stopped from None
                wait = retries.wait_after(error, is_new_token=self._credential.is_new(token))
                if wait is None:
                    self._reject(error, token, retries)
                    continue
                self._observer.retried(endpoint)
                self._clock.wait(self._stop, wait)

    def _reject(self, error: GitHubError, token: str, retries: Retries) -> None:
        """Raise *error*, unless it is a 401 and there is another token, which may be tried once.

        Raises:
            GitHubError: there is no other.
        """
        if isinstance(error, Unauthorized):
            self._observer.authenticated(self._credential.name, accepted=False)
            if retries.may_renew() and self._credential.renew(token):
                return
        raise error

    def _check_rate_limit(self, endpoint: Endpoint, run: Run) -> None:
        self._check_deadline(endpoint, run)
        now = self._clock.time()
        self._raise_limited(endpoint, self.rate_limits.wait_until(endpoint.path, now, essential=run.essential))

    @staticmethod
    def _raise_limited(endpoint: Endpoint, retry_at: float | None) -> None:
        if retry_at is not None:
            raise RateLimited(f"{endpoint} not sent: rate limit or reserve reached", retry_at=retry_at)

    def _check_deadline(self, endpoint: Endpoint, run: Run) -> None:
        if self._stop.is_set():
            raise Stopped
        self._seconds_left(endpoint, run)

    def _seconds_left(self, endpoint: Endpoint, run: Run) -> float:
        left = run.deadline - self._clock.monotonic()
        if left <= 0:
            raise TimedOut(f"{endpoint}: the run reached its deadline")
        return left

    def _attempt(self, endpoint: Endpoint, url: str, run: Run, token: str) -> Answer:
        if not self._slots.acquire(timeout=self._seconds_left(endpoint, run)):
            raise TimedOut(f"{endpoint}: no free connection before the run's deadline")
        try:
            for _ in range(MAX_REDIRECTS + 1):
                answer = self._exchange(endpoint, answers.require_same_origin(url, self.base_url, endpoint), run, token)
                if isinstance(answer, Answer):
                    return answer
                url = answers.resolve(url, answer)
            raise PayloadError(f"{endpoint}: redirected more than {MAX_REDIRECTS} times")
        finally:
            self._slots.release()

    def _exchange(self, endpoint: Endpoint, url: str, run: Run, token: str) -> Answer | str:
        """Send one request; return the answer or the address it redirects to."""
        self._check_deadline(endpoint, run)
        rate_limits = self.rate_limits
        # A limit may have been reached while this waited for a connection.
        retry_at = rate_limits.begin(endpoint.path, self._clock.time(), essential=run.essential)
        self._raise_limited(endpoint, retry_at)
        headers = self._headers(endpoint, url, run)
        timeout = (self.limits.connect_seconds, min(self.limits.read_seconds, self._seconds_left(endpoint, run)))
        code, noted = "", False
        started = self._clock.monotonic()
        self._read_deadline.at = min(run.deadline, started + sum(timeout))
        try:
            authorization = f"{self._credential.scheme} {token}" if token else ""
            with self._transport.send(
                endpoint, url, headers=headers, authorization=authorization, timeout=timeout
            ) as response:
                self._read_deadline.at = run.deadline
                code = str(response.status_code)
                noted = self._note_rate_limit(rate_limits, endpoint, response, run)
                if (location := _redirect(endpoint, response)) is not None:
                    return location
                refused = response.status_code != endpoint.success
                check_deadline = partial(self._check_deadline, endpoint, run)
                body = bodies.read(response.raw, self.limits, endpoint, check_deadline, refused=refused)
        finally:
            if not noted:
                rate_limits.abandon(endpoint.path)
            run.count_request()
            self._observer.attempted(endpoint, code, self._clock.monotonic() - started)
        answer = self._interpret(endpoint, url, response, body)
        run.count_answer()
        return answer

    def _headers(self, endpoint: Endpoint, url: str, run: Run) -> dict[str, str | None]:
        """What a request sends beside the headers of the session; None removes one of those."""
        headers: dict[str, str | None] = {"Accept": endpoint.accept}
        if not endpoint.versioned:
            headers[VERSION_HEADER] = None
        if endpoint.revalidate and run.revalidate:
            headers |= self._revalidation.conditions(url)
        return headers

    def _note_rate_limit(self, rate_limits: RateLimits, endpoint: Endpoint, response: Response, run: Run) -> bool:
        """Note what the head of an answer reports, whatever becomes of its body: GitHub has counted the request.

        Returns whether there is a rate limit.
        """
        if response.status_code == UNAUTHORIZED:  # which reports the limit of anonymous requests
            return False
        window, now = read_window(response.headers), self._clock.time()
        counts = response.status_code != NOT_MODIFIED and not endpoint.anonymous
        if counts:
            run.count_charge(window.resource if window is not None else rate_limits.resource_of(endpoint.path))
        if window is None:
            return False
        if window.contradicts(now) and rate_limits.doubt():
            log.warning(
                "rate limit headers make no sense, ignored",
                credential=self._credential.name,
                path=endpoint.path,
                limit=window.limit,
                remaining=window.remaining,
                seconds_to_reset=round(window.reset - now),
            )
        self._observer.rate_limit(self._credential.name, rate_limits.note(endpoint.path, window, now, counts=counts))
        return True

    def _interpret(self, endpoint: Endpoint, url: str, response: Response, body: bytes) -> Answer:
        context = str(endpoint)
        status, headers = response.status_code, response.headers
        is_page = answers.is_page(body)
        report_credential(self._observer, self._credential.name, status, headers, is_page=is_page)
        if not is_page:
            report_lifecycle(self._observer, endpoint, headers, is_complete=status == endpoint.success)
        if status == NOT_MODIFIED:
            self._observer.not_modified(endpoint)
            stored = self._revalidation.confirmed(url)
            if stored is None:
                raise PayloadError(f"{context}: 304 for something never seen")
            return answers.decode(stored.body, url, stored.links, context)
        if status == NO_CONTENT:
            self._observer.authenticated(self._credential.name, accepted=True)
            return Answer(None, url, {})
        if status == endpoint.success:
            links = {rel: link["url"] for rel, link in response.links.items()}
            decode = answers.decode_lines if endpoint.lines else answers.decode
            answer = decode(body, url, links, context)
            self._observer.authenticated(self._credential.name, accepted=True)
            answers.refuse_partial(headers, context)
            if endpoint.revalidate:
                self._revalidation.store(url, headers.get("etag", ""), body, links)
            return answer
        error = answers.error_for(status, headers, body, self._clock.time(), context)
        if isinstance(error, RateLimited) and error.secondary:
            self.rate_limits.pause(error.retry_at)
        raise error


def _redirect(endpoint: Endpoint, response: Response) -> str | None:
    """The address that an answer redirects to; a POST is never sent again."""
    is_redirect = endpoint.method == "GET" and response.status_code in answers.REDIRECTS
    return response.headers.get("location") if is_redirect else None
