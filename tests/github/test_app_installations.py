"""Where a GitHub App is installed: found by name or in the list, looked up again, counted apart."""

import pytest

from exporter.errors import (
    Unauthorized,
)
from tests.github.conftest import FakeClock, MakeAppCredential, RecordingObserver
from tests.support.github_apps import ALL, HOUR, MISSING, NUMBER, ON_ENTERPRISE, ON_ORGANIZATION, TOKENS, GitHubOfApps


@pytest.mark.parametrize(("organization", "path"), [("", ON_ENTERPRISE), ("acme-web", ON_ORGANIZATION)])
@pytest.mark.parametrize("app_id", ["12345", "Iv23liOctoOcto"])
def test_installation_is_found_and_its_token_is_reused(
    make_app_credential: MakeAppCredential,
    apps: GitHubOfApps,
    observer: RecordingObserver,
    app_id: str,
    organization: str,
    path: str,
) -> None:
    """The installation is found by name and gives a token, which is used until it has to be renewed."""
    credential = make_app_credential(app_id, organization)
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
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, pages: list[list[object]], found: bool
) -> None:
    """Where an enterprise's installation cannot be asked for, it is looked for among all of the App."""
    apps.replies[ON_ENTERPRISE] = MISSING
    for number, page in enumerate(pages, 1):
        apps.replies[f"{ALL}?per_page=100&page={number}"] = (200, page)
    if found:
        assert make_app_credential().token() == "ghs_1"
        assert apps.asked == [f"GET {ON_ENTERPRISE}", *[f"GET {ALL}"] * len(pages), f"POST {TOKENS}"]
    else:
        with pytest.raises(Unauthorized, match="not installed on the enterprise acme"):
            make_app_credential().token()


def test_list_of_installations_follows_links(make_app_credential: MakeAppCredential, apps: GitHubOfApps) -> None:
    """A server that gives fewer installations than asked for names the next page, which is read."""
    apps.replies[ON_ENTERPRISE] = MISSING
    first, second = (f"{ALL}?per_page=100&page={number}" for number in (1, 2))
    apps.replies[first] = (200, [{"id": 5}])
    apps.replies[second] = (200, [{"id": NUMBER, "target_type": "Enterprise", "account": {"slug": "acme"}}])
    apps.links[first] = second
    assert make_app_credential().token() == "ghs_1"
    assert apps.asked == [f"GET {ON_ENTERPRISE}", f"GET {ALL}", f"GET {ALL}", f"POST {TOKENS}"]


def test_removed_installation_is_looked_up_again(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock
) -> None:
    """An installation that has gone is looked for again."""
    credential = make_app_credential()
    credential.token()
    clock.advance(HOUR)
    apps.replies[TOKENS] = MISSING
    apps.replies[ON_ENTERPRISE] = (200, {"id": 78})
    assert credential.token() == "ghs_2"


def test_each_installation_has_a_rate_limit_of_its_own(make_app_credential: MakeAppCredential) -> None:
    """An App on the enterprise and on an organization, and another App, are counted for themselves."""
    keys = {
        make_app_credential().rate_limit_key(),
        make_app_credential(organization="acme-web").rate_limit_key(),
        make_app_credential("17").rate_limit_key(),
    }
    assert len(keys) == 3
    assert make_app_credential().rate_limit_key() in keys
