"""A GitHub App as a credential: what it signs, where it is installed, when it gets a new token."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.serialization import PrivateFormat
from structlog.testing import capture_logs

from exporter.errors import (
    Cause,
    ConfigurationError,
    GitHubError,
    PayloadError,
    RateLimited,
    ServerError,
    Stopped,
    Unauthorized,
)
from exporter.github.app_credential import NEW_TOKEN_SECONDS, PAUSE_SECONDS, AppCredential, AppKey, KeyObserver
from exporter.github.app_jwt import clean_key, signed
from exporter.github.auth import SecretFile
from exporter.github.client import Client
from exporter.github.endpoint import ACCESS_TOKENS
from exporter.github.run import ClientLimits, Run
from tests.github.conftest import API, SYNC, SYNC_URL, FakeClock, RecordingObserver
from tests.support.app_keys import pem, public_pem, wrong_keys

HOUR = 3600
ON_ENTERPRISE = "/enterprises/acme/installation"
ON_ORGANIZATION = "/orgs/acme-web/installation"
ALL = "/app/installations"
NUMBER = 77
TOKENS = f"/app/installations/{NUMBER}/access_tokens"
MISSING = (404, {"message": "Not Found"})
Reply = tuple[int, object]


@dataclass
class GitHubOfApps:
    """GitHub's part of it; replies and the difference of its clock may be changed."""

    clock: FakeClock
    ahead: float = 0.0
    replies: dict[str, Reply] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)
    issuers: set[str] = field(default_factory=set)
    made: int = 0
    key: str = field(default_factory=public_pem)
    pause: Callable[[], None] = lambda: None

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        path = str(request.url).removeprefix(API)
        self.asked.append(f"{request.method} {path.partition('?')[0]}")
        headers = {"Date": formatdate(self.now, usegmt=True), "X-RateLimit-Limit": "5000"}
        headers |= {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": str(int(self.now) + HOUR)}
        if not self._accepts(str(request.headers["Authorization"]).removeprefix("Bearer ")):
            return 401, headers, "{\"message\": \"'Expiration time' claim ('exp') is too far in the future\"}"
        if (link := self.links.get(path)) is not None:
            headers["Link"] = f'<{API}{link}>; rel="next"'
        status, value = self.replies.get(path) or self.replies.get(path.partition("?")[0]) or self._usual(request)
        return status, headers, json.dumps(value)

    @property
    def now(self) -> float:
        return self.clock.now + self.ahead

    def _accepts(self, token: str) -> bool:
        try:
            claims = jwt.decode(
                token, self.key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.PyJWTError:
            return False
        self.issuers.add(claims["iss"])
        return bool(claims["iat"] <= self.now < claims["exp"] < self.now + 600)

    def _usual(self, request: requests.PreparedRequest) -> Reply:
        if request.method == "GET":
            return 200, {"id": NUMBER, "target_type": "Enterprise"}
        self.pause()
        self.bodies.append(request.body)
        self.made += 1
        expires = datetime.fromtimestamp(self.now + HOUR, UTC)
        return 201, {"token": f"ghs_{self.made}", "expires_at": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}


@pytest.fixture
def apps(clock: FakeClock, github: responses.RequestsMock) -> GitHubOfApps:
    """GitHub, which knows the App."""
    made = GitHubOfApps(clock)
    for path in (ON_ENTERPRISE, ON_ORGANIZATION, ALL, TOKENS, TOKENS.replace(str(NUMBER), "78")):
        for method in (responses.GET, responses.POST):
            github.add_callback(method, API + path, made.answer)
    return made


Make = Callable[..., AppCredential]


@pytest.fixture
def make(clock: FakeClock, observer: RecordingObserver, stop: threading.Event) -> Iterator[Make]:
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


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
@pytest.mark.parametrize("app_id", ["12345", "Iv23liOctoOcto"])
def test_jwt_is_backdated_and_lasts_less_than_ten_minutes(app_id: str, form: PrivateFormat) -> None:
    """It is signed with either form of key, dated back a minute and ends well within GitHub's ten."""
    token = signed(clean_key(pem(form)), app_id, 1_795_000_000.9)
    claims = jwt.decode(token, public_pem(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    assert claims == {"iat": 1_794_999_940, "exp": 1_795_000_540, "iss": app_id}


@pytest.mark.parametrize("kind", wrong_keys())
def test_file_without_private_key_is_refused(tmp_path: Path, kind: str) -> None:
    """What is no private key is refused in one line that shows nothing of it."""
    path = tmp_path / "acme.pem"
    path.write_text(wrong_keys()[kind])
    with pytest.raises(ConfigurationError, match="holds no private key of a GitHub App") as caught:
        SecretFile(path, clean_key).check()
    assert str(caught.value).startswith(f"the file {path} ")
    assert "\n" not in str(caught.value)
    assert not [line for line in wrong_keys()[kind].splitlines() if line in str(caught.value)]


@pytest.mark.parametrize(("organization", "path"), [("", ON_ENTERPRISE), ("acme-web", ON_ORGANIZATION)])
@pytest.mark.parametrize("app_id", ["12345", "Iv23liOctoOcto"])
def test_installation_is_found_and_its_token_is_reused(
    make: Make, apps: GitHubOfApps, observer: RecordingObserver, app_id: str, organization: str, path: str
) -> None:
    """The installation is found by name and gives a token, which is used until it has to be renewed."""
    credential = make(app_id, organization)
    assert [credential.token() for _ in range(3)] == ["ghs_1"] * 3
    assert apps.asked == [f"GET {path}", f"POST {TOKENS}"]
    assert apps.bodies == [None]
    assert apps.issuers == {app_id}
    assert observer.codes == ["200", "201"]
    assert (observer.windows, observer.accepted, observer.expirations) == ([], [], [])


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ([[{"id": 5, "target_type": "Organization", "account": {"slug": "acme"}}]], False),
        ([[{"id": 5, "target_type": "Enterprise", "account": {"slug": "globex"}}]], False),
        ([[{"id": 5, "target_type": "Enterprise", "account": None}, None, {}]], False),
        ([[{"id": NUMBER, "target_type": "Enterprise", "account": {"slug": "Acme"}}]], True),
        ([[{"id": 5}] * 100, [{"id": NUMBER, "target_type": "Enterprise", "account": {"slug": "acme"}}]], True),
    ],
    ids=["an organization", "another enterprise", "nothing that fits", "other capitals", "second page"],
)
def test_missing_installation_endpoint_falls_back_to_the_list(
    make: Make, apps: GitHubOfApps, pages: list[list[object]], found: bool
) -> None:
    """Where an enterprise's installation cannot be asked for, it is looked for among all of the App."""
    apps.replies[ON_ENTERPRISE] = MISSING
    for number, page in enumerate(pages, 1):
        apps.replies[f"{ALL}?per_page=100&page={number}"] = (200, page)
    if found:
        assert make().token() == "ghs_1"
        assert apps.asked == [f"GET {ON_ENTERPRISE}", *[f"GET {ALL}"] * len(pages), f"POST {TOKENS}"]
    else:
        with pytest.raises(Unauthorized, match="not installed on the enterprise acme"):
            make().token()


def test_list_of_installations_follows_links(make: Make, apps: GitHubOfApps) -> None:
    """A server that gives fewer installations than asked for names the next page, which is read."""
    apps.replies[ON_ENTERPRISE] = MISSING
    first, second = (f"{ALL}?per_page=100&page={number}" for number in (1, 2))
    apps.replies[first] = (200, [{"id": 5}])
    apps.replies[second] = (200, [{"id": NUMBER, "target_type": "Enterprise", "account": {"slug": "acme"}}])
    apps.links[first] = second
    assert make().token() == "ghs_1"
    assert apps.asked == [f"GET {ON_ENTERPRISE}", f"GET {ALL}", f"GET {ALL}", f"POST {TOKENS}"]


@pytest.mark.parametrize(
    ("seconds", "token"),
    [(HOUR - 301, "ghs_1"), (HOUR - 300, "ghs_2"), (HOUR - 1, "ghs_2"), (HOUR, "ghs_2"), (30 * 24 * HOUR, "ghs_2")],
)
def test_token_is_renewed_five_minutes_before_it_expires(
    make: Make, apps: GitHubOfApps, clock: FakeClock, seconds: float, token: str
) -> None:
    """A token is renewed five minutes before it expires; the installation is not looked for again."""
    credential = make()
    credential.token()
    clock.advance(seconds)
    assert credential.token() == token
    assert apps.asked.count(f"GET {ON_ENTERPRISE}") == 1


def test_failed_renewal_keeps_the_token_until_it_expires(make: Make, apps: GitHubOfApps, clock: FakeClock) -> None:
    """While the old token is valid it stays in use, GitHub is asked now and then; afterwards the failure shows."""
    credential = make()
    credential.token()
    clock.advance(HOUR - 200)
    apps.replies[TOKENS] = (501, "")
    with capture_logs() as logs:
        assert [credential.token() for _ in range(5)] == ["ghs_1"] * 5
    assert [entry["event"] for entry in logs] == ["token renewal failed, current token still valid"]
    assert "ghs_" not in str(logs)
    assert apps.asked.count(f"POST {TOKENS}") == 2
    clock.advance(200)
    with pytest.raises(ServerError):
        credential.token()
    del apps.replies[TOKENS]
    clock.advance(PAUSE_SECONDS)
    assert credential.token() == "ghs_2"


def test_rejected_token_is_replaced_once(make: Make, apps: GitHubOfApps, clock: FakeClock) -> None:
    """A rejected token is replaced once, for all who met the 401; another 401 soon after is final."""
    credential = make()
    rejected = credential.token()
    assert [credential.renew(rejected) for _ in range(8)] == [True] * 8
    assert (credential.token(), apps.made) == ("ghs_2", 2)
    assert credential.renew("ghs_2") is False
    assert apps.made == 2
    clock.advance(PAUSE_SECONDS)
    assert credential.renew("ghs_2") is True


def test_client_replaces_an_old_token_after_401(
    make: Make,
    apps: GitHubOfApps,
    github: responses.RequestsMock,
    make_client: Callable[..., Client],
    run: Run,
    clock: FakeClock,
) -> None:
    """A client whose request is answered with 401 asks once more with a new token."""
    github.get(SYNC_URL, json={"octo": 0})
    github.get(SYNC_URL, status=401)
    github.get(SYNC_URL, json={"octo": 1})
    client = make_client(credential=make())
    client.get(SYNC, SYNC_URL, run)
    clock.advance(NEW_TOKEN_SECONDS)
    assert client.get(SYNC, SYNC_URL, run).value == {"octo": 1}
    sent = [call.request.headers["Authorization"] for call in github.calls if call.request.url == SYNC_URL]
    assert sent == ["Bearer ghs_1", "Bearer ghs_1", "Bearer ghs_2"]
    assert apps.made == 2


def test_client_gives_a_new_token_time(
    make: Make,
    apps: GitHubOfApps,
    github: responses.RequestsMock,
    make_client: Callable[..., Client],
    run: Run,
    clock: FakeClock,
    observer: RecordingObserver,
) -> None:
    """GitHub does not know a token everywhere in its first seconds: the same one is sent again."""
    for status in (401, 401):
        github.get(SYNC_URL, status=status)
    github.get(SYNC_URL, json={"octo": 1})
    client = make_client(credential=make())
    assert client.get(SYNC, SYNC_URL, run).value == {"octo": 1}
    assert (apps.made, clock.waits) == (1, [1, 2])
    assert observer.accepted == [("auth", True)]


@pytest.mark.usefixtures("apps")
def test_token_is_new_for_ten_seconds(make: Make, clock: FakeClock) -> None:
    """Only the token in use can be new."""
    credential = make()
    assert not credential.is_new("")
    token = credential.token()
    assert credential.is_new(token)
    assert not credential.is_new("ghs_other")
    clock.advance(NEW_TOKEN_SECONDS)
    assert not credential.is_new(token)
    assert credential.renew(token)
    assert credential.is_new(credential.token())
    assert not credential.is_new(token)


@pytest.mark.parametrize(
    ("lifetime", "early"), [(HOUR, 300), (660, 300), (600, 300), (480, 240), (120, 60), (40, 10), (10, -20)]
)
def test_token_is_renewed_in_time(
    make: Make, apps: GitHubOfApps, clock: FakeClock, lifetime: float, early: float
) -> None:
    """Five minutes before its end, at half its life where it is short, never with every request."""
    expires = datetime.fromtimestamp(clock.now + lifetime, UTC)
    apps.replies[TOKENS] = (201, {"token": "ghs_9", "expires_at": f"{expires:%Y-%m-%dT%H:%M:%SZ}"})
    credential = make()
    credential.token()
    del apps.replies[TOKENS]
    clock.advance(lifetime - early - 1)
    assert credential.token() == "ghs_9"
    clock.advance(1)
    assert credential.token() == "ghs_1"


@pytest.mark.parametrize("fails", [False, True])
def test_concurrent_threads_cause_one_renewal(make: Make, apps: GitHubOfApps, fails: bool) -> None:
    """Eight threads that need a token cause one POST, also when it fails."""
    together = threading.Barrier(8)
    credential = make()
    if fails:
        apps.replies[TOKENS] = (501, "")

    def ask(_: int) -> str:
        together.wait()
        try:
            return credential.token()
        except GitHubError as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(ask, range(8)))
    assert tokens == ["ServerError" if fails else "ghs_1"] * 8
    assert apps.asked == [f"GET {ON_ENTERPRISE}", f"POST {TOKENS}"]


@pytest.mark.parametrize("ahead", [-7200, -120, -65, 700, 86_400 * 400])
def test_clock_skew_is_compensated_with_one_warning(
    make: Make, apps: GitHubOfApps, clock: FakeClock, ahead: float
) -> None:
    """When the clocks differ, GitHub's is followed, with one warning."""
    apps.ahead = ahead
    credential = make()
    with capture_logs() as logs:
        assert credential.token() == "ghs_1"
        clock.advance(HOUR - 200)
        assert credential.token() == "ghs_2"
    # The resets of its rate limit make no sense to a clock that is hours off.
    warnings = [(entry["event"], entry["seconds"]) for entry in logs if "rate limit" not in entry["event"]]
    assert warnings == [("clock skew detected, compensating", ahead)]


@pytest.mark.parametrize("ahead", [-30, 0, 30, 400])
def test_small_clock_skew_is_not_compensated(make: Make, apps: GitHubOfApps, ahead: float) -> None:
    """Small differences need no correction."""
    apps.ahead = ahead
    with capture_logs() as logs:
        assert make().token() == "ghs_1"
    assert (len(apps.asked), logs) == (2, [])


def test_key_of_another_app_is_a_rejected_credential(
    make: Make, apps: GitHubOfApps, observer: RecordingObserver
) -> None:
    """A key of another App is named after one try, and reported as a credential that is not accepted."""
    with pytest.raises(Unauthorized, match="does private_key_file belong to that GitHub App"):
        make(read=lambda: pem(number=2)).token()
    assert apps.asked == [f"GET {ON_ENTERPRISE}"]
    assert observer.accepted == [("auth", False)]


@pytest.mark.parametrize(
    ("path", "reply", "error", "said"),
    [
        (ON_ENTERPRISE, (403, {"message": "no"}), Unauthorized, "not installed on the enterprise acme"),
        (TOKENS, (403, {"message": "This installation has been suspended"}), Unauthorized, "or is suspended there"),
        (TOKENS, (429, {}), RateLimited, "rate limit"),
        (TOKENS, (502, ""), ServerError, "502"),
        (TOKENS, (302, {}), PayloadError, "302"),
        (TOKENS, (200, {"token": "ghs_1", "expires_at": "2030-01-01T00:00:00Z"}), PayloadError, "200"),
        (TOKENS, (201, []), PayloadError, "no token"),
        (TOKENS, (201, {"token": "ghs_1"}), PayloadError, "no token"),
        (TOKENS, (201, {"token": "ghs_1\r\nX: 1", "expires_at": "2030-01-01T00:00:00Z"}), PayloadError, "no token"),
        (TOKENS, (201, {"token": None, "expires_at": "2030-01-01T00:00:00Z"}), PayloadError, "no token"),
        (ON_ENTERPRISE, (200, {"id": "../../user"}), PayloadError, "without a number"),
        (ON_ENTERPRISE, (200, {"id": True}), PayloadError, "without a number"),
        (ON_ENTERPRISE, (200, None), PayloadError, "without a number"),
    ],
)
def test_unusable_answer_gives_no_token(
    make: Make, apps: GitHubOfApps, path: str, reply: Reply, error: type[GitHubError], said: str
) -> None:
    """Whatever else GitHub answers is one of the usual errors, after a bounded number of tries, without a secret."""
    apps.replies[path] = reply
    with pytest.raises(error, match=said) as caught:
        make().token()
    assert len(apps.asked) <= 4
    assert "ghs_" not in str(caught.value)
    assert "eyJ" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "reply", "cause"),
    [
        (ON_ENTERPRISE, MISSING, Cause.APP_NOT_INSTALLED),
        (TOKENS, (403, {"message": "This installation has been suspended"}), Cause.APP_SUSPENDED),
        (TOKENS, (401, {"message": "A JSON web token could not be decoded"}), Cause.APP_KEY_REJECTED),
        (TOKENS, (401, {"message": "'Expiration time' claim ('exp') is too far"}), Cause.CLOCK_WRONG),
        (TOKENS, (502, ""), Cause.SERVER_ERROR),
    ],
)
def test_missing_token_has_its_cause(make: Make, apps: GitHubOfApps, path: str, reply: Reply, cause: Cause) -> None:
    """The error names what is wrong with the App."""
    apps.replies[path] = reply
    apps.replies[ALL] = (200, [])
    with pytest.raises(GitHubError) as caught:
        make().token()
    assert caught.value.cause is cause


def test_removed_installation_is_looked_up_again(make: Make, apps: GitHubOfApps, clock: FakeClock) -> None:
    """An installation that has gone is looked for again."""
    credential = make()
    credential.token()
    clock.advance(HOUR)
    apps.replies[TOKENS] = MISSING
    apps.replies[ON_ENTERPRISE] = (200, {"id": 78})
    assert credential.token() == "ghs_2"


def test_expired_token_is_not_renewed_with_every_request(make: Make, apps: GitHubOfApps, clock: FakeClock) -> None:
    """A token that has expired when it comes does not cause a POST with every request."""
    apps.replies[TOKENS] = (201, {"token": "ghs_9", "expires_at": "2020-01-01T00:00:00Z"})
    credential = make()
    assert [credential.token() for _ in range(3)] == ["ghs_9"] * 3
    assert apps.asked.count(f"POST {TOKENS}") == 1
    clock.advance(PAUSE_SECONDS)
    credential.token()
    assert apps.asked.count(f"POST {TOKENS}") == 2


def test_replaced_key_file_is_used(make: Make, apps: GitHubOfApps, clock: FakeClock, tmp_path: Path) -> None:
    """The key file is read again when it changes."""
    path = tmp_path / "acme.pem"
    path.write_text(pem())
    file = SecretFile(path, clean_key)
    file.check()
    credential = make(read=file.read)
    credential.token()
    path.write_text(pem(PrivateFormat.PKCS8, number=2))
    apps.key = public_pem(2)
    clock.advance(HOUR)
    assert credential.token() == "ghs_2"


def test_stopped_process_sends_nothing(make: Make, apps: GitHubOfApps, stop: threading.Event) -> None:
    """When the process ends nothing is sent, and nothing has failed."""
    stop.set()
    with pytest.raises(Stopped):
        make().token()
    assert apps.asked == []


def test_get_refuses_the_endpoint_of_the_post(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """The address of a POST is never a caller's choice."""
    with pytest.raises(ValueError, match="is not to be read"):
        client.get(ACCESS_TOKENS, f"{API}/enterprises/acme", run)
    assert len(github.calls) == 0


def test_post_follows_no_redirect(client: Client, run: Run, github: responses.RequestsMock) -> None:
    """A POST is not repeated anywhere else, not even on the same host."""
    github.post(API + TOKENS, status=307, headers={"Location": f"{API}/enterprises/acme"})
    with pytest.raises(PayloadError, match=r"^POST /app/installations/.*/access_tokens answered 307"):
        client.create_token(str(NUMBER), run)
    assert len(github.calls) == 1


def test_each_installation_has_a_rate_limit_of_its_own(make: Make) -> None:
    """An App on the enterprise and on an organization, and another App, are counted for themselves."""
    keys = {make().rate_limit_key(), make(organization="acme-web").rate_limit_key(), make("17").rate_limit_key()}
    assert len(keys) == 3
    assert make().rate_limit_key() in keys
