"""A wrong environment variable ends in one line that names it, unless the file beside it is to blame."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from exporter.config import loading
from exporter.config.environment import PREFIX
from exporter.errors import ConfigurationError
from tests.support.configuration_errors import (
    APP,
    DURATION,
    ELSEWHERE,
    GOOD,
    ITSELF,
    LISTEN,
    MAPPING,
    MAX_AGE,
    NO_FILE,
    NO_TOKEN,
    ONE,
    ONE_OF,
    SLUG,
    UNKNOWN,
    URL,
    error_line,
)
from tests.support.secret_marker import CANARY, TOKEN

pytestmark = pytest.mark.usefixtures("place")

LIMITS = "GHE_EXPORTER_LIMITS"
JSON = "must be JSON; or set its parts one by one, as"
ENVIRONMENTS: list[tuple[dict[str, str], str]] = [
    ({}, "no enterprise: use --config, or set GHE_EXPORTER_ENTERPRISE and GHE_EXPORTER_TOKEN_FILE"),
    ({"GHE_EXPORTER_LISTN": ":1"}, f"GHE_EXPORTER_LISTN: {UNKNOWN}; did you mean GHE_EXPORTER_LISTEN?"),
    ({"GHE_EXPORTER_TOKENFILE": "x"}, f"GHE_EXPORTER_TOKENFILE: {UNKNOWN}; did you mean GHE_EXPORTER_TOKEN_FILE?"),
    ({"GHE_EXPORTER_ENTERPRISES": "[]"}, f"GHE_EXPORTER_ENTERPRISES: {UNKNOWN}; did you mean GHE_EXPORTER_ENTERPRISE?"),
    ({"GHE_EXPORTER_SLUGS__0": "x"}, f"GHE_EXPORTER_SLUGS__0: {UNKNOWN}"),
    ({"GHE_EXPORTER_LIMIT__MAX_PAGES": "1"}, f"GHE_EXPORTER_LIMIT__MAX_PAGES: {UNKNOWN}; did you mean {LIMITS}?"),
    ({"GHE_EXPORTER_": "x"}, f"GHE_EXPORTER_: {UNKNOWN}"),
    ({"ghe_exporter_tokn": TOKEN}, f"GHE_EXPORTER_TOKN: {UNKNOWN}; did you mean GHE_EXPORTER_TOKEN?"),
    ({"GHE_EXPORTER_TOKEN__FILE": "x"}, f"GHE_EXPORTER_TOKEN__FILE: {UNKNOWN}; did you mean GHE_EXPORTER_TOKEN?"),
    ({"GHE_EXPORTER_LISTEN__PORT": "1"}, f"GHE_EXPORTER_LISTEN__PORT: {UNKNOWN}; did you mean GHE_EXPORTER_LISTEN?"),
    (
        {**ONE, f"{LIMITS}__MAX_CONCURENCY": "4"},
        f"{LIMITS}__MAX_CONCURENCY: {UNKNOWN}; did you mean {LIMITS}__MAX_CONCURRENCY?",
    ),
    (
        {**ONE, "GHE_EXPORTER_COLLECTORS__RUNNER__INTERVAL": "60s"},
        f"GHE_EXPORTER_COLLECTORS__RUNNER__INTERVAL: {UNKNOWN}; did you mean GHE_EXPORTER_COLLECTORS__RUNNERS?",
    ),
    (
        {**ONE, "GHE_EXPORTER_COLLECTORS__RUNNERS__INTERVAL__MAX": "60s"},
        f"GHE_EXPORTER_COLLECTORS__RUNNERS__INTERVAL__MAX: {DURATION}",
    ),
    ({"GHE_EXPORTER_LISTEN": ""}, "GHE_EXPORTER_LISTEN: is empty; unset it or give it a value"),
    ({"GHE_EXPORTER_TOKEN": " \n"}, "GHE_EXPORTER_TOKEN: is empty; unset it or give it a value"),
    ({"GHE_EXPORTER_CONFIG": ""}, "GHE_EXPORTER_CONFIG: is empty; unset it or give it a value"),
    ({f"{LIMITS}__MAX_PAGES": ""}, f"{LIMITS}__MAX_PAGES: is empty; unset it or give it a value"),
    (
        {"GHE_EXPORTER_TOKEN": TOKEN},
        "GHE_EXPORTER_ENTERPRISE: is missing; it says which enterprise the other variables are about",
    ),
    ({"GHE_EXPORTER_ENTERPRISE": "acme"}, f"no credential: set GHE_EXPORTER_TOKEN_FILE or GHE_EXPORTER_TOKEN, {APP}"),
    ({**ONE, "GHE_EXPORTER_ENTERPRISE": "acme/web"}, f"GHE_EXPORTER_ENTERPRISE: {SLUG}"),
    ({**ONE, "GHE_EXPORTER_TOKEN": f"{TOKEN} {TOKEN}"}, f"GHE_EXPORTER_TOKEN: the token {NO_TOKEN}"),
    (
        {**ONE, "GHE_EXPORTER_TOKEN_FILE": "acme-token"},
        f"GHE_EXPORTER_TOKEN: {ONE_OF}",
    ),
    (
        {"GHE_EXPORTER_ENTERPRISE": "acme", "GHE_EXPORTER_TOKEN_FILE": "no-such-token"},
        f"GHE_EXPORTER_TOKEN_FILE: {NO_FILE}",
    ),
    (
        {"GHE_EXPORTER_ENTERPRISE": "acme", "GHE_EXPORTER_TOKEN_FILE": "empty-token"},
        "GHE_EXPORTER_TOKEN_FILE: the file empty-token is empty",
    ),
    (
        {"GHE_EXPORTER_ENTERPRISE": "acme", "GHE_EXPORTER_TOKEN_FILE": "binary-token"},
        "GHE_EXPORTER_TOKEN_FILE: the file binary-token is not UTF-8 text",
    ),
    (
        {"GHE_EXPORTER_ENTERPRISE": "acme", "GHE_EXPORTER_TOKEN_FILE": TOKEN},
        f"GHE_EXPORTER_TOKEN_FILE: {ITSELF}",
    ),
    ({**ONE, "GHE_EXPORTER_API_URL": "ftp://api.github.com"}, f"GHE_EXPORTER_API_URL: {URL}"),
    ({**ONE, "GHE_EXPORTER_API_URL": f"https://octo:{TOKEN}@api.github.com"}, f"GHE_EXPORTER_API_URL: {ELSEWHERE}"),
    ({**ONE, "GHE_EXPORTER_CA_FILE": "no-such.pem"}, "GHE_EXPORTER_CA_FILE: there is no file no-such.pem"),
    ({**ONE, "GHE_EXPORTER_ORGANIZATIONS": "acme-web,acme/data"}, f"GHE_EXPORTER_ORGANIZATIONS: {SLUG}"),
    (
        {**ONE, "GHE_EXPORTER_ORGANIZATIONS": "acme-web,ACME-web"},
        "GHE_EXPORTER_ORGANIZATIONS: ACME-web is listed twice",
    ),
    (
        {**ONE, "GHE_EXPORTER_BILLING_PLATFORM": "new"},
        "GHE_EXPORTER_BILLING_PLATFORM: must be 'auto', 'enhanced' or 'legacy'",
    ),
    ({**ONE, "GHE_EXPORTER_LISTEN": "localhost"}, f"GHE_EXPORTER_LISTEN: {LISTEN}"),
    (
        {**ONE, "GHE_EXPORTER_LOG_LEVEL": "INFO"},
        "GHE_EXPORTER_LOG_LEVEL: must be 'debug', 'info', 'warning' or 'error'",
    ),
    ({**ONE, "GHE_EXPORTER_LOG_FORMAT": TOKEN}, f"GHE_EXPORTER_LOG_FORMAT: {ELSEWHERE}"),
    ({**ONE, "GHE_EXPORTER_LOG_FORMAT": "text"}, "GHE_EXPORTER_LOG_FORMAT: must be 'console' or 'json'"),
    (
        {**ONE, "GHE_EXPORTER_COLLECTORS__RUNNERS__INTERVAL": "5s"},
        "GHE_EXPORTER_COLLECTORS__RUNNERS__INTERVAL: is shorter than 10s",
    ),
    (
        {**ONE, "GHE_EXPORTER_COLLECTORS__RUNNERS__INTERVAL": "60"},
        f"GHE_EXPORTER_COLLECTORS__RUNNERS__INTERVAL: {DURATION}",
    ),
    (
        {**ONE, "GHE_EXPORTER_COLLECTORS__LICENSES__MAX_AGE": "5m"},
        f"GHE_EXPORTER_COLLECTORS__LICENSES__MAX_AGE: {MAX_AGE}",
    ),
    ({**ONE, f"{LIMITS}__MAX_CONCURRENCY": "0"}, f"{LIMITS}__MAX_CONCURRENCY: must be greater than or equal to 1"),
    ({**ONE, f"{LIMITS}__MAX_PAGES": "many"}, f"{LIMITS}__MAX_PAGES: must be a whole number"),
    (
        {**ONE, "GHE_EXPORTER_WEB__ENABLE_LIFECYCLE": "maybe"},
        "GHE_EXPORTER_WEB__ENABLE_LIFECYCLE: must be true or false",
    ),
    ({**ONE, "GHE_EXPORTER_WEB": "true"}, f"GHE_EXPORTER_WEB: {MAPPING}"),
    ({**ONE, LIMITS: TOKEN}, f"{LIMITS}: {ELSEWHERE}"),
    ({**ONE, LIMITS: "5"}, f"{LIMITS}: {MAPPING}"),
    ({**ONE, LIMITS: "max"}, f"{LIMITS}: {JSON} {LIMITS}__NAME"),
    (
        {**ONE, "GHE_EXPORTER_COLLECTORS__RUNNERS": "60s"},
        f"GHE_EXPORTER_COLLECTORS__RUNNERS: {JSON} GHE_EXPORTER_COLLECTORS__RUNNERS__NAME",
    ),
    ({**ONE, LIMITS: '{"max_pages": 0}'}, f"{LIMITS}: must be greater than or equal to 1"),
    (
        {**ONE, "GHE_EXPORTER_COLLECTORS__RUNNERS": '{"interval": "1s"}'},
        "GHE_EXPORTER_COLLECTORS__RUNNERS: is shorter than 10s",
    ),
]
FILES_AND_ENVIRONMENTS: list[tuple[str, dict[str, str], str]] = [
    (
        f"enterprises: [{{slug: acme, auth: {{token: {TOKEN}}}, runner_auth: {{token_file: no-such-token}}}}]",
        {"GHE_EXPORTER_TOKEN_FILE": "acme-token"},
        f"settings.yaml: enterprises[0].runner_auth.token_file: {NO_FILE}",
    ),
    (
        f"enterprises: [{{slug: acme, auth: {{token: {TOKEN}}}}}, {{slug: globex, auth: {{token_file: empty-token}}}}]",
        {"GHE_EXPORTER_ENTERPRISE": "acme", "GHE_EXPORTER_TOKEN_FILE": "acme-token"},
        "settings.yaml: enterprises[1].auth.token_file: the file empty-token is empty",
    ),
    (
        f"enterprises: [{{slug: acme, auth: {{token: {TOKEN}}}}}, {{slug: globex, auth: {{token: {TOKEN}}}}}]",
        {"GHE_EXPORTER_ENTERPRISE": "globex", "GHE_EXPORTER_TOKEN_FILE": "empty-token"},
        "GHE_EXPORTER_TOKEN_FILE: the file empty-token is empty",
    ),
    (
        f"enterprises: [{{slug: acme, auth: {{token: {TOKEN}}}}}, {{slug: globex, auth: {{token: {TOKEN}}}}}]",
        {"GHE_EXPORTER_TOKEN_FILE": "acme-token"},
        "GHE_EXPORTER_ENTERPRISE: is missing; it says which enterprise the other variables are about",
    ),
    (
        f"{GOOD}limits: {{max_concurrency: 0}}",
        {LIMITS: '{"max_pages": 5}'},
        "settings.yaml: limits.max_concurrency: must be greater than or equal to 1",
    ),
    (
        f"{GOOD}collectors: {{runners: {{interval: 1s}}}}",
        {"GHE_EXPORTER_COLLECTORS__RUNNERS__PER_RUNNER": "false"},
        "settings.yaml: collectors.runners.interval: is shorter than 10s",
    ),
    ("enterprises: {acme: {}}", ONE, "settings.yaml: enterprises: must be a list"),
]


@pytest.mark.parametrize(("environment", "line"), ENVIRONMENTS, ids=lambda value: str(value).split(":")[0][:70])
def test_bad_variable_is_named(
    environment: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong variable ends in a line that names it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert error_line(capsys) == line


@pytest.mark.parametrize(("text", "environment", "line"), FILES_AND_ENVIRONMENTS)
def test_error_names_the_file_or_the_variable_that_has_it(
    text: str,
    environment: dict[str, str],
    line: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a file and variables, the line names the one that is to blame."""
    (place / "settings.yaml").write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert error_line(capsys, "--config", "settings.yaml") == line


@effort(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["", "__RUNNERS", "__RUNNERS__INTERVAL", "__RUNNERS__INTERVAL__X", "__X", "__RUNNERS__"]),
        st.sampled_from(["{}", "[]", "1", '"x"', "x", "null", "60s", TOKEN, json.dumps({"runners": {"interval": 1}})]),
    )
)
def test_any_environment_gives_settings_or_one_line_naming_a_variable(variables: dict[str, str]) -> None:
    """Whatever is in variables of a section, there are settings or one line that names one of them."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**ONE, **{f"{PREFIX}COLLECTORS{rest}": value for rest, value in variables.items()}}.items():
            environment.setenv(name, value)
        try:
            loading.load()
        except ConfigurationError as error:
            assert str(error).startswith("GHE_EXPORTER_COLLECTORS")  # noqa: PT017 - an error is allowed, not due
            assert CANARY not in str(error)  # noqa: PT017
