"""A GitHub App as a credential: it signs a JWT and gets a token that lasts an hour."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from exporter.clock import Clock
from exporter.errors import NOT_OFFERED, Cause, GitHubError, PayloadError, Unauthorized, Unavailable
from exporter.github.app_jwt import signed
from exporter.github.auth import clean_secret
from exporter.github.client import Client
from exporter.github.endpoint import INSTALLATION, INSTALLATIONS, ORGANIZATION_INSTALLATION, Endpoint
from exporter.github.models import timestamp
from exporter.github.observer import ApiObserver
from exporter.github.paging import PER_PAGE
from exporter.github.rate_limit import RateLimitWindow
from exporter.github.run import Run

log = structlog.get_logger()

EARLY_SECONDS = 300.0
"""A token is renewed this long before it expires, or at half its life where that comes later."""
NEW_TOKEN_SECONDS = 10.0
"""How long it may take until GitHub knows a token everywhere."""
PAUSE_SECONDS = 30.0
"""No renewal follows a failed one, or one that a 401 caused, for this long."""
MAX_RENEWAL_SECONDS = 30.0
"""Every collector waits for a renewal."""
TOLERATED_SKEW_SECONDS = 30.0


class AppKey:
    """The App's own credential, a JWT; it can do no more than find installations and get their tokens."""

    scheme: Final = "Bearer"

    def __init__(self, name: str, read_id: Callable[[], str], read_key: Callable[[], str], clock: Clock) -> None:
        self.name = name
        self._read_id = read_id
        self._read_key = read_key
        self._clock = clock
        self._skew = 0.0
        self._warned = False

    def now(self) -> float:
        """The time by GitHub's clock, as far as it is known."""
        return self._clock.time() + self._skew

    def token(self) -> str:
        """A JWT for the next request."""
        return signed(self._read_key(), self._read_id(), self.now())

    def rate_limit_key(self) -> str:
        """The App's id: its own requests count for themselves."""
        return f"app {self._read_id()}"

    def is_new(self, token: str) -> bool:
        """Never; a JWT is checked by the key that GitHub has."""
        del token
        return False

    def renew(self, rejected: str) -> bool:
        """Never: the same key signs the same claims; see `adjust_clock` for what may help."""
        del rejected
        return False

    def adjust_clock(self, answered_at: float | None) -> bool:
        """Set the time to that of an answer; return whether that makes a difference."""
        if answered_at is None or abs(answered_at - self.now()) <= TOLERATED_SKEW_SECONDS:
            return False
        self._skew = answered_at - self._clock.time()
        if not self._warned:
            self._warned = True
            seconds = round(self._skew)
            log.warning("clock skew detected, compensating", credential=self.name, seconds=seconds)
        return True


@dataclass(frozen=True, slots=True)
class KeyObserver:
    """Counts the requests of the App itself without taking its rate limit and state for the installation's."""

    installation: ApiObserver

    def attempted(self, endpoint: Endpoint, code: str, seconds: float) -> None:
        """Forward."""
        self.installation.attempted(endpoint, code, seconds)

    def retried(self, endpoint: Endpoint) -> None:
        """Forward."""
        self.installation.retried(endpoint)

    def not_modified(self, endpoint: Endpoint) -> None:
        """Forward."""
        self.installation.not_modified(endpoint)

    def answered(self, credential: str, headers: Mapping[str, str]) -> None:
        """Forward."""
        self.installation.answered(credential, headers)

    def authenticated(self, credential: str, *, accepted: bool) -> None:
        """Left to `AppCredential`: an App may be right and not installed."""

    def rate_limit(self, credential: str, window: RateLimitWindow) -> None:
        """Nothing: the App has another rate limit than its installation."""

    def token_expires(self, credential: str, at: float | None) -> None:
        """Nothing: the token renews itself."""

    def sunset(self, endpoint: Endpoint, at: float | None) -> None:
        """Forward."""
        self.installation.sunset(endpoint, at)

    def deprecated(self, endpoint: Endpoint) -> None:
        """Forward."""
        self.installation.deprecated(endpoint)


class AppCredential:
    """The installation of a GitHub App on an enterprise, or on an organization; used by many threads.

    Args:
        key: The App.
        client: Sends as *key*.
        enterprise: Slug of the enterprise.
        organization: Login of the organization, empty when the App is installed on the enterprise itself.
        observer: Notified when GitHub does not accept the App.
        clock: For pauses and deadlines.
    """

    scheme: Final = "Bearer"

    def __init__(
        self,
        key: AppKey,
        client: Client,
        *,
        enterprise: str,
        organization: str,
        observer: ApiObserver,
        clock: Clock,
    ) -> None:
        self.name = key.name
        self._key = key
        self._client = client
        self._enterprise = enterprise
        self._organization = organization
        self._observer = observer
        self._clock = clock
        self._lock = threading.Lock()
        self._installation = ""
        self._token = ""
        self._expires = 0.0
        self._renew_at = 0.0
        self._failure: GitHubError | None = None
        self._pause_until = 0.0
        self._issued_at = float("-inf")
        self._renewed_at: float | None = None

    def token(self) -> str:
        """The token to send now; waits while another thread gets a new one.

        Raises:
            GitHubError: there is no valid one and no new one came.
            Stopped: the process is ending.
        """
        with self._lock:
            if self._key.now() < self._renew_at:
                return self._token
            try:
                self._renew()
            except GitHubError:
                if self._key.now() >= self._expires:
                    raise
            return self._token

    def rate_limit_key(self) -> str:
        """The App's id and where it is installed: each installation has a rate limit of its own."""
        return f"{self._key.rate_limit_key()} on {self._enterprise}/{self._organization}"

    def is_new(self, token: str) -> bool:
        """Whether *token* was issued so recently that GitHub may not know it everywhere yet."""
        with self._lock:
            return token == self._token and self._clock.monotonic() < self._issued_at + NEW_TOKEN_SECONDS

    def renew(self, rejected: str) -> bool:
        """Get another token than *rejected*, unless that was done already, or only just now for the same reason.

        Raises:
            GitHubError: GitHub gave none.
        """
        with self._lock:
            if self._token != rejected:
                return True
            now = self._clock.monotonic()
            if self._renewed_at is not None and now < self._renewed_at + PAUSE_SECONDS:
                return False
            self._renewed_at = now
            self._expires = self._renew_at = 0.0
            self._renew()
            return True

    def _renew(self) -> None:
        """Get a token, or fail as the last try did if that was just now: all threads were waiting for that one."""
        if self._failure is not None and self._clock.monotonic() < self._pause_until:
            raise self._failure.with_traceback(None)
        self._failure = None
        run = Run(self._clock.monotonic() + MAX_RENEWAL_SECONDS, essential=True)
        try:
            token, expires = self._with_clock_correction(run)
        except GitHubError as error:
            self._failure = self._explained(error)
            self._pause_until = self._clock.monotonic() + PAUSE_SECONDS
            if self._key.now() < self._expires:
                problem = str(self._failure)
                log.warning("token renewal failed, current token still valid", credential=self.name, problem=problem)
            raise self._failure from None
        self._token, self._expires, self._issued_at = token, expires, self._clock.monotonic()
        now = self._key.now()
        early = min(EARLY_SECONDS, (expires - now) / 2)
        # Whatever the answer says of its expiry, no token is asked for with every request.
        self._renew_at = max(expires - early, now + PAUSE_SECONDS)

    def _with_clock_correction(self, run: Run) -> tuple[str, float]:
        try:
            return self._new_token(run)
        except Unauthorized as error:
            if not self._key.adjust_clock(error.answered_at):
                raise
        return self._new_token(run)

    def _new_token(self, run: Run) -> tuple[str, float]:
        if self._installation:
            try:
                return parse_token(self._client.create_token(self._installation, run).value)
            except Unavailable:  # removed, and perhaps installed again under another number
                self._installation = ""
        self._installation = self._find(run)
        return parse_token(self._client.create_token(self._installation, run).value)

    def _find(self, run: Run) -> str:
        if self._organization:
            return self._read(ORGANIZATION_INSTALLATION, {"organization": self._organization}, run)
        try:
            return self._read(INSTALLATION, {"enterprise": self._enterprise}, run)
        except Unavailable as error:
            found = next((item for item in self._installations(run) if self._is_ours(item)), None)
            if found is None:
                raise Unavailable(str(error), status=error.status) from None
            return installation_id(found, INSTALLATIONS)

    def _read(self, endpoint: Endpoint, path: dict[str, str], run: Run) -> str:
        return installation_id(self._client.get(endpoint, self._client.url(endpoint, path, {}), run).value, endpoint)

    def _installations(self, run: Run) -> Iterator[Any]:
        for page in range(1, self._client.limits.max_pages + 1):
            url = self._client.url(INSTALLATIONS, {}, {"per_page": PER_PAGE, "page": page})
            answer = self._client.get(INSTALLATIONS, url, run)
            items = answer.value
            if not isinstance(items, list):
                raise PayloadError(f"{INSTALLATIONS}: not a list")
            yield from items
            # A server may give fewer than asked for; then its Link header says that there are more.
            if not items or (len(items) < PER_PAGE and "next" not in answer.links):
                return

    def _is_ours(self, item: Any) -> bool:
        account = item.get("account") if isinstance(item, dict) else None
        slug = account.get("slug") if isinstance(account, dict) else None
        ours = isinstance(slug, str) and slug.lower() == self._enterprise.lower()
        return ours and item.get("target_type") == "Enterprise"

    def _explained(self, error: GitHubError) -> GitHubError:
        """*error* as what it means for the credential: without an installation the App may read nothing at all."""
        if isinstance(error, NOT_OFFERED) or error.cause is Cause.APP_SUSPENDED:
            where = f"organization {self._organization}" if self._organization else f"enterprise {self._enterprise}"
            problem = f"the GitHub App is not installed on the {where}, or is suspended there ({error})"
            cause = Cause.APP_SUSPENDED if error.cause is Cause.APP_SUSPENDED else Cause.APP_NOT_INSTALLED
        elif isinstance(error, Unauthorized):
            problem = f"{error}; is app_id right, and does private_key_file belong to that GitHub App?"
            cause = Cause.CLOCK_WRONG if error.cause is Cause.CLOCK_WRONG else Cause.APP_KEY_REJECTED
        else:
            return error
        self._observer.authenticated(self.name, accepted=False)
        return Unauthorized(problem, status=error.status, cause=cause)


def installation_id(item: Any, endpoint: Endpoint) -> str:
    """The id of an installation, which is a number.

    Raises:
        PayloadError: it has none.
    """
    number = item.get("id") if isinstance(item, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise PayloadError(f"{endpoint}: an installation without a number")
    return str(number)


def parse_token(answer: Any) -> tuple[str, float]:
    """The token in an answer and when it expires.

    Raises:
        PayloadError: it holds none.
    """
    token, expires = (answer.get("token"), timestamp(answer.get("expires_at"))) if isinstance(answer, dict) else ("", 0)
    try:
        if isinstance(token, str) and expires:
            return clean_secret(token), expires
    except ValueError:
        pass  # an error must not describe a token
    raise PayloadError("POST for an access token: the answer holds no token that can be used")
