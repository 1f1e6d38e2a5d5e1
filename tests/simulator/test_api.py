"""What the simulated GitHub answers besides lists: status codes, headers, credentials."""

import gzip
import http.client
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from exporter.simulator import Simulator

Get = Callable[..., requests.Response]
USERS = "/enterprises/octo-corp/consumed-licenses"
SYNC = "/enterprises/octo-corp/license-sync-status"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer bad-token", "token bad"])
def test_missing_or_bad_token_is_401(get: Get, authorization: str | None) -> None:
    """Without a token, or with one that begins with bad, the answer is 401."""
    answer = get(USERS, headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["message"] == "Bad credentials"
    assert "X-RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("authorization", ["Bearer x", "token x", "bearer ghs_x", "Basic eDp5"])
def test_any_other_token_is_accepted(get: Get, authorization: str) -> None:
    """Every other token is accepted, whatever the scheme."""
    assert get(USERS, headers={"Authorization": authorization}).status_code == 200


def test_request_without_user_agent_is_403(simulator: Simulator) -> None:
    """Without a user agent the answer is 403, whoever asks."""
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
    connection.request("GET", USERS, headers={"Authorization": "Bearer x"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"User-Agent" in answer.read()
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/enterprises/acme/consumed-licenses",
        "/enterprises/octo-server/actions/runners",
        "/enterprises/octo-corp/actions/runner-groups/99/runners",
        "/enterprises/octo-corp/actions/runner-groups/x/organizations",
        "/enterprises/octo-corp/actions/runners/downloads/more",
        "/enterprises//actions/runners",
        "/orgs/acme/actions/runners",
        "/orgs/acme/actions/runner-groups",
        "/orgs/octo-org-1/actions/runner-groups/10002/repositories",
        "/api/v3/enterprises/octo-corp/actions/runners",
        "/api/v4/enterprises/octo-server/actions/runners",
    ],
)
def test_unknown_path_is_404_in_githubs_words(get: Get, path: str) -> None:
    """What is not there is 404 in GitHub's words."""
    answer = get(path)
    assert answer.status_code == 404
    assert answer.json()["message"] == "Not Found"
    assert answer.json()["documentation_url"].startswith("https://docs.github.com/")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", [USERS, "/rate_limit", "/nothing"])
def test_anything_but_reading_is_refused_and_counted(
    simulator: Simulator, session: requests.Session, method: str, path: str
) -> None:
    """Nothing but reading is ever accepted, and the attempt is counted."""
    answer = session.request(method, f"{simulator.url}{path}", json={"octo": 1}, timeout=10)
    assert answer.status_code == 404
    assert simulator.request_counts() == {f"{method} {path}": 1}


def test_head_sends_headers_without_body(simulator: Simulator, session: requests.Session, get: Get) -> None:
    """HEAD answers the headers of GET and no body, and the connection stays usable."""
    head = session.head(f"{simulator.url}{USERS}", timeout=10)
    answer = get(USERS)
    assert head.content == b""
    for name in ("ETag", "Link", "Content-Length", "Content-Type"):
        assert head.headers[name] == answer.headers[name]


def test_headers_of_an_answer(get: Get) -> None:
    """An answer carries what clients read: type, version, scopes, token expiry, request number."""
    headers = get(USERS).headers
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["X-GitHub-Api-Version-Selected"] == "2022-11-28"
    assert headers["X-GitHub-Media-Type"].startswith("github.v3")
    assert "admin:enterprise" in headers["X-OAuth-Scopes"]
    assert headers["X-Accepted-OAuth-Scopes"] == "read:enterprise"
    assert headers["github-authentication-token-expiration"] == "2027-01-02 11:03:20 UTC"
    assert headers["X-GitHub-Request-Id"] != get(USERS).headers["X-GitHub-Request-Id"]


@pytest.mark.parametrize(
    ("token", "expiration", "scopes"),
    [
        ("ghs_installation", None, False),
        ("github_pat_x", "2027-01-02 11:03:20 UTC", False),
        ("forever", None, True),
        ("expiring", "2026-11-22 11:03:20 UTC", True),
    ],
)
def test_prefix_of_token_decides_expiry_and_scopes(
    get: Get, token: str, expiration: str | None, *, scopes: bool
) -> None:
    """What a token begins with decides whether it expires and has scopes."""
    path = "/orgs/octo-org-1/actions/runners"
    headers = get(path, headers={"Authorization": f"Bearer {token}"}).headers
    assert headers.get("github-authentication-token-expiration") == expiration
    assert ("X-OAuth-Scopes" in headers) is scopes


def test_fine_grained_token_reads_organizations_only(get: Get) -> None:
    """A fine-grained token reads organizations and no enterprise."""
    answers = [
        get(path, headers={"Authorization": "Bearer github_pat_octo"})
        for path in (USERS, "/scim/v2/enterprises/octo-tenant/Users", "/orgs/octo-org-1/actions/runners")
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert answers[0].json()["message"] == "Resource not accessible by personal access token"


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        ("read:enterprise", [200, 404, 403]),
        ("manage_runners:enterprise", [404, 200, 403]),
        ("admin:enterprise,repo", [200, 200, 403]),
        ("read:enterprise,admin:org", [200, 404, 200]),
        ("", [404, 404, 403]),
    ],
)
def test_token_without_scope_finds_nothing_and_headers_say_why(get: Get, scopes: str, statuses: list[int]) -> None:
    """A token with few scopes finds nothing of an enterprise without the right one, and the headers say why."""
    paths = (USERS, "/enterprises/octo-corp/actions/runners", "/orgs/octo-org-1/actions/runners")
    answers = [get(path, headers={"Authorization": f"Bearer scopes={scopes}"}) for path in paths]
    assert [answer.status_code for answer in answers] == statuses
    assert {answer.headers["X-OAuth-Scopes"] for answer in answers} == {scopes.replace(",", ", ")}
    assert answers[1].headers["X-Accepted-OAuth-Scopes"] == "manage_runners:enterprise"


def test_unknown_api_version_is_refused(get: Get) -> None:
    """A known version is selected, an unknown one refused."""
    known = get("/rate_limit", headers={"X-GitHub-Api-Version": "2026-03-10"})
    unknown = get("/versions", headers={"X-GitHub-Api-Version": "2019-01-01"})
    assert known.headers["X-GitHub-Api-Version-Selected"] == "2026-03-10"
    assert "rate" not in known.json()
    assert "rate" in get("/rate_limit").json()
    assert unknown.status_code == 400
    assert unknown.json()["message"] == "'2019-01-01' is not a supported version."


def test_large_body_is_compressed_on_request(get: Get) -> None:
    """A large body is compressed when asked for, a small one never."""
    plain = get(USERS, headers={"Accept-Encoding": "identity"})
    packed = get(USERS, headers={"Accept-Encoding": "gzip"}, stream=True)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] == plain.headers["ETag"]
    assert gzip.decompress(packed.raw.read(decode_content=False)) == plain.content
    assert "Content-Encoding" not in get("/versions").headers


def test_one_connection_serves_many_requests(simulator: Simulator) -> None:
    """A client that reads its answers needs one connection only."""
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
    connection.connect()
    socket = connection.sock
    for path in (USERS, SYNC, "/nothing", USERS):
        connection.request("GET", path, headers={"Authorization": "Bearer x", "User-Agent": "octo"})
        connection.getresponse().read()
        assert connection.sock is socket
    connection.close()


def test_root_meta_and_versions_answer_on_both_platforms(get: Get, simulator: Simulator) -> None:
    """The root, meta and versions answer on both platforms; only the server reports its version."""
    assert get("/").json()["rate_limit_url"] == f"{simulator.url}/rate_limit"
    assert get("/versions").json() == ["2022-11-28", "2026-03-10"]
    assert "installed_version" not in get("/meta").json()
    assert get("/api/v3").json()["rate_limit_url"] == f"{simulator.server_url}/rate_limit"
    assert get("/api/v3/versions").json() == ["2022-11-28"]
    assert get("/api/v3/meta").json()["installed_version"] == "3.19.2"


def test_server_has_no_licenses_and_no_rate_limit(get: Get) -> None:
    """GitHub Enterprise Server has no licenses, no rate limit, and runners without group."""
    runners = get("/api/v3/enterprises/octo-server/actions/runners?per_page=3")
    assert runners.headers["X-GitHub-Enterprise-Version"] == "3.19.2"
    assert "X-RateLimit-Limit" not in runners.headers
    assert "/api/v3/enterprises/octo-server/" in runners.links["next"]["url"]
    assert set(runners.json()["runners"][0]) == {"id", "name", "os", "status", "busy", "labels"}
    for endpoint in ("consumed-licenses", "license-sync-status"):
        assert get(f"/api/v3/enterprises/octo-server/{endpoint}").status_code == 404
    limit = get("/api/v3/rate_limit")
    assert limit.status_code == 404
    assert limit.json()["message"] == "Rate limiting is not enabled."


def test_groups_of_a_server_hold_its_runners(get: Get) -> None:
    """Where runners do not report their group, the lists of the groups add up to all of them."""
    base = "/api/v3/enterprises/octo-server/actions"
    everyone = [runner["id"] for runner in get(f"{base}/runners?per_page=100").json()["runners"]]
    groups = get(f"{base}/runner-groups").json()["runner_groups"]
    members = [
        runner["id"]
        for group in groups
        for runner in get(f"{base}/runner-groups/{group['id']}/runners?per_page=100").json()["runners"]
    ]
    assert members == everyone


def test_organization_lists_own_and_inherited_groups(get: Get) -> None:
    """An organization lists its own groups and the enterprise's it may use."""
    base = "/orgs/octo-org-1/actions"
    groups = {group["name"]: group for group in get(f"{base}/runner-groups").json()["runner_groups"]}
    own, inherited = groups["octo-org-1-web"], groups["linux-large"]
    repositories = get(f"{base}/runner-groups/{own['id']}/repositories").json()["repositories"]
    enterprise = get("/enterprises/octo-corp/actions/runner-groups/2/runners").json()
    assert (own["inherited"], inherited["inherited"]) == (False, True)
    assert repositories[0]["full_name"] == "octo-org-1/repo-1"
    assert get(f"{base}/runner-groups/{inherited['id']}/runners").json() == enterprise
    assert "linux-large" not in get("/orgs/octo-org-5/actions/runner-groups").text


@pytest.mark.parametrize("level", ["enterprises/octo-corp", "orgs/octo-org-1"])
def test_newest_application_is_offered_for_every_platform(get: Get, level: str) -> None:
    """The newest application is offered for every platform, under GitHub's file names."""
    packages = get(f"/{level}/actions/runners/downloads").json()
    assert {package["os"] for package in packages} == {"osx", "linux", "win"}
    assert packages[0]["filename"] == "actions-runner-osx-x64-2.348.0.tar.gz"
    assert packages[0]["download_url"].endswith(packages[0]["filename"])


def test_routes_of_the_former_billing_platform_announce_their_end(get: Get) -> None:
    """The headers of RFC 8594 and RFC 9745, and none where no end is planned."""
    answer = get("/enterprises/octo-legacy/settings/billing/actions")
    since = float(answer.headers["Deprecation"].removeprefix("@"))
    assert parsedate_to_datetime(answer.headers["Sunset"]).timestamp() == int(since) + 180 * 86_400
    assert not {"Sunset", "Deprecation"} & set(get(USERS).headers)
