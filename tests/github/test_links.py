"""Where a `Link` header leads: to a page of the same list on the configured origin, or nowhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.github.answers import is_same_origin
from exporter.github.links import ListAddress
from tests.github.conftest import API

OTHER = "https://internal.example"
PATH = "/enterprises/acme/list"


@pytest.mark.parametrize(
    ("base_url", "path", "link", "expected"),
    [
        (
            f"{API}/api/v3",
            "/orgs/acme/x",
            f"{OTHER}/api/v3/organizations/5/x?page=2",
            "/organizations/5/x?page=2",
        ),
        (f"{API}/api/v3", "/orgs/acme/x", f"{OTHER}/orgs/ACME/x?page=2", "/orgs/ACME/x?page=2"),
        (f"{API}/github/api/v3", "/orgs/acme/x", f"{API}/api/v3/orgs/acme/x?page=2", "/orgs/acme/x?page=2"),
        (
            API,
            "/scim/v2/enterprises/acme/Users",
            "http://a/scim/v2/enterprises/acme/Users",
            "/scim/v2/enterprises/acme/Users",
        ),
        (API, "/enterprises/acme/x", f"{OTHER}/organizations/5/x", None),
        (API, "/orgs/acme/x", f"{OTHER}/organizations/acme/x", None),
        (API, "/app/installations", f"{OTHER}/app/installations?page=2", "/app/installations?page=2"),
        (API, "/enterprises/a.c/x", f"{OTHER}/enterprises/abc/x", None),
        (API, "/enterprises/acme/x", f"{OTHER}/enterprises/acme%2Fx", "/enterprises/acme%2Fx"),
    ],
)
def test_path_of_a_link_is_that_of_the_list(base_url: str, path: str, link: str, expected: str | None) -> None:
    """By name or number, in any case, with or without the prefix of a server; everything else is another list."""
    followed = ListAddress(base_url, path).follow(f"{base_url}{path}", link)
    assert followed == (None if expected is None else base_url + expected)


url_texts = st.text(alphabet="htps:/\\@[].?#%&=aceintrs019 \x07", max_size=60)


@settings(deadline=None)
@given(st.one_of(st.text(), url_texts, st.builds("{}{}{}".format, url_texts, st.sampled_from(["", PATH]), url_texts)))
def test_any_link_stays_on_the_configured_origin(link: str) -> None:
    """Whatever a header holds, it leads to the configured scheme, host and port, or nowhere."""
    followed = ListAddress(API, PATH).follow(f"{API}{PATH}?page=1", link)
    assert followed is None or (followed.startswith((f"{API}/", f"{API}?")) or followed == API)
    assert followed is None or is_same_origin(followed, API)
