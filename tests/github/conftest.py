"""A client with everything around it that a test wants to move or to look at."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pytest
import responses

from exporter.github.app_credential import AppCredential, AppKey, KeyObserver
from exporter.github.auth import Credential, PersonalAccessToken
from exporter.github.client import Client
from exporter.github.endpoint import SCIM, Endpoint
from exporter.github.rate_limit import RateLimitWindow
from exporter.github.run import ClientLimits, Run
from tests.support.app_keys import pem
from tests.support.github_apps import ALL, NUMBER, ON_ENTERPRISE, ON_ORGANIZATION, TOKENS, GitHubOfApps
from tests.support.wire import MakeWire, Script, wires

NOW = 1_795_000_000.0
API = "https://api.example.com"
TOKEN = "ghp_octoOCTOoctoOCTOoctoOCTOoctoOCTO0001"
AGENT = "ghe-exporter/test"
SYNC = Endpoint("/enterprises/{enterprise}/license-sync-status", "read:enterprise")
USERS = Endpoint("/enterprises/{enterprise}/consumed-licenses", "read:enterprise", revalidate=False)
PATH = "/enterprises/acme/license-sync-status"
SCIM_USERS = Endpoint("/scim/v2/enterprises/{enterprise}/Users", "scim:enterprise", accept=SCIM)
SCIM_URL = f"{API}/scim/v2/enterprises/acme/Users"
SYNC_URL = f"{API}/enterprises/acme/license-sync-status"
USERS_URL = f"{API}/enterprises/acme/consumed-licenses"


@dataclass
class FakeClock:
    """A clock that moves when somebody waits or the test says so."""

    now: float = NOW
    ticks: float = 1_000.0
    waits: list[float] = field(default_factory=list)
    on_wait: Callable[[], None] = lambda: None

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.advance(seconds)
        self.on_wait()
        return event.is_set()

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.ticks += seconds


@dataclass
class RecordingObserver:
    """Records everything that the client reports."""

    codes: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    accepted: list[tuple[str, bool]] = field(default_factory=list)
    windows: list[tuple[str, RateLimitWindow]] = field(default_factory=list)
    expirations: list[tuple[str, float | None]] = field(default_factory=list)
    answers: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sunsets: list[tuple[str, float | None]] = field(default_factory=list)
    deprecations: list[str] = field(default_factory=list)

    def attempted(self, endpoint: Endpoint, code: str, seconds: float) -> None:
        assert endpoint.path.startswith("/")
        self.codes.append(code)
        self.seconds.append(seconds)

    def retried(self, endpoint: Endpoint) -> None:
        self.retries.append(endpoint.path)

    def not_modified(self, endpoint: Endpoint) -> None:
        self.unchanged.append(endpoint.path)

    def answered(self, credential: str, headers: Mapping[str, str]) -> None:
        self.answers.append((credential, dict(headers)))

    def authenticated(self, credential: str, *, accepted: bool) -> None:
        self.accepted.append((credential, accepted))

    def rate_limit(self, credential: str, window: RateLimitWindow) -> None:
        self.windows.append((credential, window))

    def token_expires(self, credential: str, at: float | None) -> None:
        self.expirations.append((credential, at))

    def sunset(self, endpoint: Endpoint, at: float | None) -> None:
        self.sunsets.append((endpoint.path, at))

    def deprecated(self, endpoint: Endpoint) -> None:
        self.deprecations.append(endpoint.path)


@dataclass
class Rotating:
    """A credential whose next token is ready as soon as the present one is rejected."""

    tokens: list[str]
    name: str = "runner_auth"
    rejected: list[str] = field(default_factory=list)
    new: set[str] = field(default_factory=set)
    scheme: Literal["Bearer", "Basic"] = "Bearer"

    def token(self) -> str:
        return self.tokens[0]

    def rate_limit_key(self) -> str:
        return "octo"

    def is_new(self, token: str) -> bool:
        return token in self.new

    def renew(self, rejected: str) -> bool:
        self.rejected.append(rejected)
        if len(self.tokens) > 1:
            self.tokens.pop(0)
            return True
        return False


def quota(remaining: float, reset: float = NOW + 1800, resource: str = "core") -> dict[str, str]:
    """Headers of an answer under a primary limit of a thousand."""
    return {
        "X-RateLimit-Limit": "1000",
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(reset),
        "X-RateLimit-Resource": resource,
    }


def calls(github: responses.RequestsMock) -> int:
    """How many requests were sent."""
    return len(github.calls)


class MakeClient(Protocol):
    """How a test asks for a client."""

    def __call__(
        self,
        base_url: str = API,
        *,
        credential: Credential | None = None,
        limits: ClientLimits | None = None,
        ca_file: str | None = None,
    ) -> Client: ...


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies and certificates of the machine that runs the tests play no part in them."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still by itself."""
    return FakeClock()


@pytest.fixture
def observer() -> RecordingObserver:
    """Records every request."""
    return RecordingObserver()


@pytest.fixture
def stop() -> threading.Event:
    """Set when the process ends."""
    return threading.Event()


@pytest.fixture
def run(clock: FakeClock) -> Run:
    """A run with five minutes left, which may not use the reserve."""
    return Run(clock.monotonic() + 300)


@pytest.fixture
def make_client(clock: FakeClock, observer: RecordingObserver, stop: threading.Event) -> Iterator[MakeClient]:
    """Make clients that are closed when the test ends."""
    made: list[Client] = []

    def make(
        base_url: str = API,
        *,
        credential: Credential | None = None,
        limits: ClientLimits | None = None,
        ca_file: str | None = None,
    ) -> Client:
        client = Client(
            base_url,
            credential or PersonalAccessToken("auth", lambda: TOKEN),
            user_agent=AGENT,
            observer=observer,
            clock=clock,
            stop=stop,
            limits=limits or ClientLimits(),
            ca_file=ca_file,
            randomness=random.Random(1),
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """A client with the usual limits."""
    return make_client()


@pytest.fixture
def github() -> Iterator[responses.RequestsMock]:
    """Answers without a socket; what is not registered cannot be reached."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


ONCE = ClientLimits(tries=1)
HASTY = ClientLimits(tries=1, read_seconds=1)
Fetch = Callable[..., Any]


@pytest.fixture
def make_wire() -> Iterator[MakeWire]:
    """Start servers that are stopped when the test ends."""
    with wires() as make:
        yield make


@pytest.fixture
def fetch(make_wire: MakeWire, make_client: MakeClient, run: Run) -> Fetch:
    """Ask a server that answers with the scripts for one value."""

    def ask(*scripts: Script, limits: ClientLimits = ONCE) -> Any:
        wire = make_wire(*scripts)
        client = make_client(wire.url, limits=limits)
        return client.get(SYNC, f"{wire.url}{PATH}", run).value

    return ask


@pytest.fixture
def apps(clock: FakeClock, github: responses.RequestsMock) -> GitHubOfApps:
    """GitHub, which knows the App."""
    made = GitHubOfApps(clock, API)
    for path in (ON_ENTERPRISE, ON_ORGANIZATION, ALL, TOKENS, TOKENS.replace(str(NUMBER), "78")):
        for method in (responses.GET, responses.POST):
            github.add_callback(method, API + path, made.answer)
    return made


MakeAppCredential = Callable[..., AppCredential]


@pytest.fixture
def make_app_credential(
    clock: FakeClock, observer: RecordingObserver, stop: threading.Event
) -> Iterator[MakeAppCredential]:
    """Make credentials of an App that is installed somewhere."""
    clients: list[Client] = []

    def made(app_id: str = "12345", organization: str = "", read: Callable[[], str] = pem) -> AppCredential:
        key = AppKey("auth", lambda: app_id, read, clock)
        client = Client(
            API,
            key,
            user_agent="test",
            observer=KeyObserver(observer),
            clock=clock,
            stop=stop,
            limits=ClientLimits(),
            randomness=random.Random(1),
        )
        clients.append(client)
        return AppCredential(key, client, enterprise="acme", organization=organization, observer=observer, clock=clock)

    yield made
    for client in clients:
        client.close()
