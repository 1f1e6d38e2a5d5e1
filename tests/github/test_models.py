"""How far an answer may stray from GitHub's documentation."""

import math
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from exporter.github.models import (
    LastSync,
    LicenseUser,
    Runner,
    RunnerApplication,
    RunnerGroup,
    Seats,
    ServerInstance,
    flag,
    number,
    text,
    texts,
    timestamp,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
PATIENT = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (-3, -3.0),
        (2.5, 2.5),
        ("7", 7.0),
        (" 7.50 ", 7.5),
        ("+.5", 0.5),
        ("4.", 4.0),
        ("1e3", 1000.0),
        ("-1E-2", -0.01),
        (None, None),
        ("", None),
        (" ", None),
        (True, None),
        (False, None),
        ([], None),
        ([5], None),
        ({"value": 5}, None),
        ("unlimited", None),
        ("0x10", None),
        ("1_000", None),
        ("1,000", None),
        ("1 000", None),
        ("\N{ARABIC-INDIC DIGIT FIVE}", None),
        ("5\n6", None),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        ("NaN", None),
        ("Infinity", None),
        ("1e999", None),
        (10**400, None),
        (-(10**400), None),
        ("9" * 5000, None),
        ("1" * 1_000_000 + "x", None),  # a pattern that tried every division would take hours
    ],
)
def test_number_accepts_text_and_refuses_what_is_not_finite(value: Any, expected: float | None) -> None:
    """A number is a finite number, also as text, and nothing else is one."""
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("octo", "octo"),
        ("", ""),
        (" octo ", " octo "),
        (17, "17"),
        (17.0, "17"),
        (1.5, "1.5"),
        (-1, "-1"),
        (9_007_199_254_740_993, "9007199254740993"),
        (10**400, ""),
        (math.nan, ""),
        (math.inf, ""),
        (None, ""),
        (True, ""),
        ([], ""),
        (["octo"], ""),
        ({}, ""),
    ],
)
def test_text_accepts_identifiers(value: Any, expected: str) -> None:
    """Text stays as it is, an identifier is spelt exactly, everything else is empty."""
    assert text(value) == expected


@pytest.mark.parametrize("value", [None, "", "true", "false", 0, 1, 1.0, [], [True], {}])
def test_flag_accepts_booleans_only(value: Any) -> None:
    """What is not a boolean is an unknown flag, neither true nor false."""
    assert flag(value) is None


@pytest.mark.parametrize("value", [True, False])
def test_flag_keeps_booleans(value: bool) -> None:
    """A boolean is a flag."""
    assert flag(value) is value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], ()),
        (["a", "b", "a"], ("a", "b", "a")),
        (["a", "", None, 5, ["b"], {"c": "d"}, True], ("a",)),
        (None, ()),
        ("a", ()),
        ({"a": "b"}, ()),
        (5, ()),
        ("", ()),
    ],
)
def test_texts_skips_what_is_not_text(value: Any, expected: tuple[str, ...]) -> None:
    """A list keeps its texts; what is no list has none."""
    assert texts(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-12-01T10:00:00Z", 1_796_119_200.0),
        ("2026-12-01T10:00:00+00:00", 1_796_119_200.0),
        ("2026-12-01T03:00:00-07:00", 1_796_119_200.0),
        ("2026-12-01T10:00:00.500Z", 1_796_119_200.5),
        ("2026-12-01T10:00:00", 1_796_119_200.0),
        (" 2026-12-01T10:00:00Z ", 1_796_119_200.0),
        ("2026-12-01 10:00:00 UTC", 1_796_119_200.0),
        ("2026-12-01 03:00:00 -0700", 1_796_119_200.0),
        ("2026/12/01 04:00:00 -0600", 1_796_119_200.0),
        ("2026-12-01", 1_796_083_200.0),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139.0),
        ("1969-12-31T23:59:59Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("", None),
        ("never", None),
        ("01.12.2026", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-02-30 10:00:00 UTC", None),
        (None, None),
        (1_796_119_200, None),
        (True, None),
        ([], None),
        ({}, None),
    ],
)
def test_timestamp_reads_every_format_of_github(value: Any, expected: float | None) -> None:
    """A date is read in each of GitHub's spellings, UTC unless it says otherwise; a zero date means never."""
    assert timestamp(value) == expected


@PATIENT
@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_every_date_round_trips(moment: datetime) -> None:
    """Every date that can be written can be read, down to the first and up to the last year."""
    assert timestamp(moment.isoformat()) is None or isinstance(timestamp(moment.isoformat()), float)


@PATIENT
@given(st.text())
def test_any_text_is_read_without_failure(value: str) -> None:
    """No text makes reading a date fail."""
    assert timestamp(value) is None or isinstance(timestamp(value), float)


@PATIENT
@given(st.text(alphabet="0123456789-+:TZ./ eE", max_size=30))
def test_near_numbers_and_dates_are_read_without_failure(value: str) -> None:
    """Text that nearly is a number or a date is one or is empty."""
    read = number(value)
    assert read is None or math.isfinite(read)
    assert timestamp(value) is None or isinstance(timestamp(value), float)


@PATIENT
@given(JSON)
def test_tolerant_types_return_their_type(value: Any) -> None:
    """Whatever JSON a field holds, its reader gives the declared type."""
    read = number(value)
    assert read is None or math.isfinite(read)
    assert isinstance(text(value), str)
    assert flag(value) in {None, True, False}
    assert "" not in texts(value)


@pytest.mark.parametrize("model", [Seats, LicenseUser, ServerInstance, LastSync, RunnerApplication])
@PATIENT
@given(data=st.data())
def test_any_json_in_any_field_is_accepted(model: Any, data: st.DataObject) -> None:
    """A record without an identity is understood whatever its fields hold."""
    fields = dict.fromkeys(model.model_fields, JSON)
    assert isinstance(model.model_validate(data.draw(st.fixed_dictionaries({}, optional=fields))), model)


@pytest.mark.parametrize("model", [Runner, RunnerGroup])
@PATIENT
@given(data=st.data())
def test_any_json_beside_an_identity_is_accepted(model: Any, data: st.DataObject) -> None:
    """A record with an identity is understood whatever its other fields hold."""
    fields = {name: JSON for name in model.model_fields if name != "id"}
    value = data.draw(st.fixed_dictionaries({"id": st.integers(1, 2**60)}, optional=fields))
    assert model.model_validate(value).id == str(value["id"])


@pytest.mark.parametrize("model", [Runner, RunnerGroup])
@pytest.mark.parametrize("value", [{}, {"id": None}, {"id": ""}, {"id": True}, {"id": []}, {"id": math.nan}])
def test_record_without_identity_is_refused(model: Any, value: dict[str, Any]) -> None:
    """A record that is nothing without its identity is refused when that is missing."""
    with pytest.raises(ValidationError):
        model.model_validate(value)


@pytest.mark.parametrize("model", [Seats, LicenseUser, ServerInstance, Runner, RunnerGroup, RunnerApplication])
@pytest.mark.parametrize("value", [None, [], "octo", 5, True])
def test_record_that_is_no_object_is_refused(model: Any, value: Any) -> None:
    """What is no object is no record."""
    with pytest.raises(ValidationError):
        model.model_validate(value)


def test_license_user_of_githubs_example_is_read() -> None:
    """GitHub's own example of a person is understood, with its empty two-factor flag and without e-mail."""
    user = LicenseUser.model_validate(
        {
            "github_com_login": "octocat",
            "github_com_name": "The Octocat",
            "enterprise_server_user_ids": ["ghes.acme.test:17"],
            "github_com_user": True,
            "enterprise_server_user": False,
            "visual_studio_subscription_user": False,
            "license_type": "enterprise",
            "github_com_member_roles": ["acme:Owner"],
            "github_com_enterprise_role": "owner",
            "github_com_two_factor_auth": "",
            "total_user_accounts": "2",
            "enterprise_server_emails": ["octocat@acme.test"],
        }
    )
    assert user.model_dump() == {
        "github_com_login": "octocat",
        "enterprise_server_user_ids": ("ghes.acme.test:17",),
        "github_com_user": True,
        "enterprise_server_user": False,
        "visual_studio_subscription_user": False,
        "license_type": "enterprise",
        "github_com_member_roles": ("acme:Owner",),
        "github_com_enterprise_roles": (),
        "github_com_enterprise_role": "owner",
        "github_com_orgs_with_pending_invites": (),
        "github_com_two_factor_auth": None,
        "total_user_accounts": 2.0,
    }


@pytest.mark.parametrize("last_sync", [None, "", [], 5, {}])
def test_server_that_never_synced_is_read(last_sync: Any) -> None:
    """A server whose last sync is missing or nonsense has neither status nor date."""
    server = ServerInstance.model_validate({"server_id": 3, "last_sync": last_sync})
    assert server == ServerInstance(server_id="3", hostname="", last_sync=LastSync(date=None, status=""))
