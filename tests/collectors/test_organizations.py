"""Organizations of an enterprise and the properties that become labels."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.collectors.organizations import COLLECTOR
from tests.support.harness import CollectorHarness

PATH = "/enterprises/octo-corp/org-properties/values"
NAMES = st.sampled_from(["team", "TEAM", "cost_center", "Cost-Center", "contact", "", "organization", "enterprise"])
VALUES = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.lists(st.text(max_size=8), max_size=4)
)
PROPERTIES = st.lists(st.fixed_dictionaries({"property_name": NAMES, "value": VALUES}), max_size=5)
LOGINS = st.from_regex(r"[A-Ca-c][0-9-]{0,2}", fullmatch=True)
ORGANIZATIONS = st.lists(st.fixed_dictionaries({"organization_login": LOGINS, "properties": PROPERTIES}), max_size=12)


def organization(login: str, **values: Any) -> dict[str, Any]:
    """An organization as GitHub lists it."""
    properties = [{"property_name": name, "value": value} for name, value in values.items()]
    return {"organization_id": 1, "organization_login": login, "properties": properties}


@given(listed=ORGANIZATIONS)
@settings(max_examples=40, deadline=None)
def test_each_organization_has_one_series_with_the_labels_of_the_settings(listed: list[dict[str, Any]]) -> None:
    """Whatever properties there are, the family has one label set, and a login counts once in any case of letters."""
    harness = CollectorHarness(
        COLLECTOR, {PATH: listed}, organization_properties=["team"], property_labels=["team", "cost_center"]
    )
    harness.run()
    assert harness.status.success
    logins = {each["organization_login"].lower() for each in listed}
    series = [name for name in harness.series if name.startswith("ghe_organization_info")]
    assert harness.series['ghe_enterprise_organizations{enterprise="octo-corp"}'] == len(logins) == len(series)
    assert all(name.count('="') == 4 and 'cost_center=""' in name for name in series)


def test_values_left_out_are_counted_in_the_log_and_not_shown_there() -> None:
    """Somebody who misses a value finds why, without the value."""
    listed = [organization("a", team="octocat@acme.example.com", contact="x@y.example"), organization("b", team="web")]
    harness = CollectorHarness(COLLECTOR, {PATH: listed}, organization_properties=["team"])
    with capture_logs() as logs:
        harness.run()
    (line,) = [line for line in logs if line["event"] == "incomplete data"]
    assert line["values"] == 1
    assert "octocat" not in str(logs)


def test_properties_nobody_asked_for_are_no_labels() -> None:
    """Only what the settings name is shown: other properties may be confidential."""
    harness = CollectorHarness(
        COLLECTOR, {PATH: [organization("a", team="web", contact="x")]}, organization_properties=["team"]
    )
    harness.run()
    assert "contact" not in harness.text
    assert 'ghe_organization_info{enterprise="octo-corp",organization="a",team="web"}' in harness.series
