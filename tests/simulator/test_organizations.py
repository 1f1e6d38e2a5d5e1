"""Organizations that come and go, and their custom properties."""

from collections.abc import Callable

import requests

from exporter.simulator.company.organizations import AWAY_FROM, CYCLE_SECONDS

Get = Callable[..., requests.Response]
VALUES = "/enterprises/octo-corp/org-properties/values"


def logins(get: Get) -> list[str]:
    """Every organization that is listed."""
    return [each["organization_login"] for each in get(f"{VALUES}?per_page=100").json()]


def test_properties_have_githubs_keys_and_both_kinds_of_values(get: Get) -> None:
    """The answer is a bare array; a value is a text or a list of texts."""
    answer = get(f"{VALUES}?per_page=2")
    first = answer.json()[0]
    assert first.keys() == {"organization_id", "organization_login", "properties"}
    assert {type(each["value"]) for each in first["properties"]} == {str, list}
    assert answer.links["next"]["url"].endswith("page=2")


def test_last_organization_comes_and_goes(get: Get, moments: list[float]) -> None:
    """For two hours of two days it belongs to another enterprise, and nothing of it can be read."""
    assert logins(get) == [f"octo-org-{number}" for number in range(1, 6)]
    moments.append(moments[-1] // CYCLE_SECONDS * CYCLE_SECONDS + CYCLE_SECONDS + AWAY_FROM)
    assert logins(get) == [f"octo-org-{number}" for number in range(1, 5)]
    assert get("/orgs/octo-org-5/actions/runners").status_code == 404
    assert get("/orgs/octo-org-4/actions/runners").status_code == 200
    moments.append(moments[-1] + 2 * 3600)
    assert get("/orgs/octo-org-5/actions/runners").status_code == 200
