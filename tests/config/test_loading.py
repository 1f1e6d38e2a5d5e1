"""Wrong settings end in one line that names the setting as it was written, exit code 2, and no secret."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from exporter.cli import main
from exporter.config import loading
from exporter.config.environment import PREFIX, own_environment
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError
from tests.support.secret_marker import CANARY, TOKEN, furnish, the_line

BAD_FILES = Path(__file__).parent / "bad"
GOOD = f"enterprises: [{{slug: acme, auth: {{token: {TOKEN}}}}}]\n"
ONE = {"GHE_EXPORTER_ENTERPRISE": "acme", "GHE_EXPORTER_TOKEN": TOKEN}

NO_FILE = "cannot read the file no-such-token: No such file or directory"
NO_ENTERPRISE = "is missing; list them there, or set GHE_EXPORTER_ENTERPRISE and GHE_EXPORTER_TOKEN_FILE"
APP = "or GHE_EXPORTER_APP_ID with GHE_EXPORTER_PRIVATE_KEY_FILE"
NO_AUTH = f"is missing; set GHE_EXPORTER_TOKEN_FILE or GHE_EXPORTER_TOKEN, {APP}, or auth in the file"
ONE_OF = "give exactly one of token, token_file, and app_id with private_key_file"
ITSELF = "is a credential itself; it must be the path of a file"
ELSEWHERE = "holds a credential; put that into a file and name the file as token_file or private_key_file"
UNKNOWN = "there is no such setting"
COMMAS = "; write a number without commas, as 50000"
MAPPING = "must be a mapping of settings"
URL = "must be a URL such as https://api.github.com or https://HOST/api/v3"
URL_PARTS = "must not hold user names, passwords, queries or fragments"
TEXT = "must be text; quote what YAML takes for something else"
LISTEN = "must be HOST:PORT or :PORT, for instance :10204"
SLUG = "must be the name as it stands in GitHub's URLs: letters, digits, hyphens"
DURATION = "is not a duration; write it with a unit, as 60s, 15m or 6h"
NO_TOKEN = "holds something that is no token: white space, control or non-ASCII characters"
MAX_AGE = "max_age is shorter than the interval: the data would come and go"
BAD = {
    "api-url-ftp": f": enterprises[0].api_url: {URL}",
    "api-url-is-a-number": f": enterprises[0].api_url: {TEXT}",
    "api-url-of-the-website": ": enterprises[0].api_url: must be the address of the API: https://api.github.com",
    "api-url-with-bad-port": ": enterprises[0].api_url: is not a URL",
    "api-url-with-password": f": enterprises[0].api_url: {ELSEWHERE}",
    "api-url-with-query": f": enterprises[0].api_url: {ELSEWHERE}",
    "api-url-with-user": f": enterprises[0].api_url: {URL_PARTS}",
    "api-url-without-host": f": enterprises[0].api_url: {URL}",
    "auth-is-a-list": f": enterprises[0].auth[0]: {ELSEWHERE}",
    "auth-is-empty": f": enterprises[0].auth: {MAPPING}",
    "auth-is-text": f": enterprises[0].auth: {ELSEWHERE}",
    "billing-platform-unknown": ": enterprises[0].billing_platform: must be 'auto', 'enhanced' or 'legacy'",
    "binary-token-file": ": enterprises[0].auth.token_file: the file binary-token is not UTF-8 text",
    "blank-token-file": ": enterprises[0].auth.token_file: the file blank-token is empty",
    "bracket-left-open": ", line 4, column 1: not YAML: expected ',' or '}', but got '<stream end>'",
    "ca-file-is-a-folder": ": enterprises[0].ca_file: there is no file folder",
    "collector-is-text": f": collectors.runners: {MAPPING}",
    "collectors-is-a-list": f": collectors: {MAPPING}",
    "collectors-is-empty": f": collectors: {MAPPING}",
    "key-twice": ", line 6, column 3: not YAML: the key runners for the second time",
    "date-that-is-none": ": not YAML: it holds a date or a number that does not exist",
    "document-is-a-list": f": {MAPPING}",
    "document-is-text": f": {MAPPING}",
    "document-with-number-as-key": f": 1: {UNKNOWN}",
    "duplicate-organizations": ": enterprises[0].organizations: acme-web is listed twice",
    "duplicate-organizations-but-for-case": ": enterprises[0].organizations: Acme-Web is listed twice",
    "duplicate-slugs": ": enterprises: acme at https://api.github.com is listed twice",
    "duplicate-slugs-but-for-case": ": enterprises: ACME at https://api.github.com is listed twice",
    "empty-token-file": ": enterprises[0].auth.token_file: the file empty-token is empty",
    "enable-lifecycle-is-text": ": web.enable_lifecycle: must be true or false",
    "enabled-is-text": ": collectors.runners.enabled: must be true or false",
    "enterprise-is-text": f": enterprises[0]: {ELSEWHERE}",
    "enterprises-is-a-mapping": ": enterprises: must be a list",
    "enterprises-is-an-empty-list": ": enterprises: must have at least one entry",
    "enterprises-is-empty": ": enterprises: must be a list",
    "enterprises-within-themselves": f": enterprises[0]: {MAPPING}",
    "included-with-comma": f": enterprises[0].included.000: {UNKNOWN}{COMMAS}",
    "included-with-comma-as-text": f": enterprises[0].included.actions_minutes: must be a number{COMMAS}",
    "key-twice-as-number-and-text": ", line 3, column 3: not YAML: the key 1 for the second time",
    "name-with-line-end": ": enterprises[0].name: must be 1 to 100 printable characters, without spaces at the ends",
    "included-infinite": ": enterprises[0].included.storage_gigabytes: must be a finite number",
    "included-is-a-number": f": enterprises[0].included: {MAPPING}",
    "included-negative": ": enterprises[0].included.actions_minutes: must be greater than or equal to 0",
    "included-credits-as-text": ": enterprises[0].included.ai_credits: must be a number",
    "included-text": ": enterprises[0].included.packages_transfer_gigabytes: must be a number",
    "expected-label-empty": ": enterprises[0].expected_labels[1]: must be a label of 1 to 256 characters",
    "interval-as-text": f": collectors.runners.interval: {DURATION}",
    "interval-in-words": f": collectors.runners.interval: {DURATION}",
    "interval-is-a-list": f": collectors.runners.interval: {DURATION}",
    "interval-is-a-token": f": collectors.runners.interval: {ELSEWHERE}",
    "interval-just-too-short": ": collectors.runners.interval: is shorter than 10s",
    "interval-negative": f": collectors.runners.interval: {DURATION}",
    "interval-of-five-seconds": ": collectors.runners.interval: is shorter than 10s",
    "interval-with-fraction": f": collectors.runners.interval: {DURATION}",
    "interval-without-unit": f": collectors.runners.interval: {DURATION}",
    "limits-is-a-list": f": limits: {MAPPING}",
    "listen-is-a-number": f": listen: {TEXT}",
    "listen-is-a-url": f": listen: {LISTEN}",
    "listen-is-ipv6-without-brackets": f": listen: {LISTEN}",
    "listen-with-high-port": f": listen: {LISTEN}",
    "listen-without-port": f": listen: {LISTEN}",
    "log-format-unknown": ": log_format: must be 'console' or 'json'",
    "label-from-name-endless": ": collectors.runners.label_from_name: may run for ever: a part that varies is repeated",
    "label-from-name-no-pattern": ": collectors.runners.label_from_name: is no regular expression: missing ), "
    "unterminated subpattern at position 0",
    "label-from-name-without-group": ": collectors.runners.label_from_name: has no group, such as (.+), for the part "
    "of the name that is the label",
    "labels-of-another-kind": ": collectors.runners.labels: must be 'custom', 'all' or 'none'",
    "log-level-unknown": ": log_level: must be 'debug', 'info', 'warning' or 'error'",
    "max-age-below-default-interval": f": collectors.licenses: {MAX_AGE}",
    "max-age-below-interval": f": collectors.runners: {MAX_AGE}",
    "max-age-without-unit": f": collectors.runners.max_age: {DURATION}",
    "max-concurrency-is-text": ": limits.max_concurrency: must be a whole number",
    "max-concurrency-too-high": ": limits.max_concurrency: must be less than or equal to 100",
    "max-concurrency-with-fraction": ": limits.max_concurrency: must be a whole number",
    "max-concurrency-zero": ": limits.max_concurrency: must be greater than or equal to 1",
    "max-labels-negative": ": collectors.runners.max_labels: must be greater than or equal to 0",
    "max-pages-zero": ": limits.max_pages: must be greater than or equal to 1",
    "max-response-zero": ": limits.max_response_megabytes: must be greater than or equal to 1",
    "max-series-zero": ": limits.max_series_per_metric: must be greater than or equal to 1",
    "neither-token-nor-file": f": enterprises[0].auth: {ONE_OF}",
    "no-auth": f": enterprises[0].auth: {NO_AUTH}",
    "no-enterprises": f": enterprises: {NO_ENTERPRISE}",
    "no-slug": ": enterprises[0].slug: is missing",
    "no-such-ca-file": ": enterprises[0].ca_file: there is no file no-such.pem",
    "no-such-runner-token-file": f": enterprises[0].runner_auth.token_file: {NO_FILE}",
    "no-such-token-file": f": enterprises[0].auth.token_file: {NO_FILE}",
    "nothing": f": enterprises: {NO_ENTERPRISE}",
    "number-as-collector": f": collectors.1: {UNKNOWN}",
    "number-that-is-none": ": not YAML: it holds a date or a number that does not exist",
    "organization-is-a-number": f": enterprises[0].organizations[0]: {MAPPING}",
    "organization-without-token": ": enterprises[0].organizations[1].auth.token_file: the file empty-token is empty",
    "organization-with-slash": f": enterprises[0].organizations[1].name: {SLUG}",
    "organizations-is-a-mapping": f": enterprises[0].organizations.acme-web: {UNKNOWN}",
    "organizations-is-a-number": f": enterprises[0].organizations: {MAPPING}",
    "organizations-auto-in-a-list-of-a-mapping": ": enterprises[0].organizations.auto: must be true or false",
    "organizations-auto-on-a-server": ": enterprises[0].organizations: GitHub Enterprise Server has no list of "
    "organizations for auto; list them",
    "organizations-auto-without-the-collector": ": organizations of acme: auto needs the collector organizations, "
    "which collectors.organizations.enabled disables",
    "organizations-exclude-is-a-url": ": enterprises[0].organizations.exclude[0]: must be a login, with * for any "
    "characters, ? for any one and [ab] for a or b",
    "organizations-exclude-without-auto": ": enterprises[0].organizations: exclude is about organizations that are "
    "found, and needs auto: true",
    "interval-shorter-than-the-endpoint-allows": ": collectors.audit_log_streams: interval is shorter than 15m: GitHub "
    "allows few of these requests",
    "organizations-max-is-zero": ": enterprises[0].organizations.max: must be greater than or equal to 1",
    "organizations-named-twice": ": enterprises[0].organizations.named: Acme-Web is listed twice",
    "organizations-named-without-token": ": enterprises[0].organizations.named[0].auth.token_file: "
    "the file empty-token is empty",
    "organization-properties-are-six": ": enterprises[0].organization_properties: must have at most 5 items, not 6",
    "organization-property-is-a-label-of-a-target": ": enterprises[0].organization_properties[1]: would be the label "
    "job, which has a meaning of its own; give the property another name",
    "organization-property-is-a-label-of-ours": ": enterprises[0].organization_properties[0]: would be the label "
    "runner_group, which has a meaning of its own; give the property another name",
    "organization-property-is-no-name": ": enterprises[0].organization_properties[0]: must be the name of a property "
    "that begins with a letter",
    "organization-property-twice": ": enterprises[0].organization_properties: cost_center is listed twice",
    "rate-limit-reserve-negative": ": limits.rate_limit_reserve: must be greater than or equal to 0",
    "rate-limit-reserve-no-number": ": limits.rate_limit_reserve: must be less than 1",
    "rate-limit-reserve-of-all": ": limits.rate_limit_reserve: must be less than 1",
    "slug-is-a-number": f": enterprises[0].slug: {TEXT}",
    "slug-is-a-path": f": enterprises[0].slug: {SLUG}",
    "slug-is-a-url": f": enterprises[0].slug: {SLUG}",
    "slug-is-empty": f": enterprises[0].slug: {SLUG}",
    "slug-with-line-end": f": enterprises[0].slug: {SLUG}",
    "state-dir-is-a-number": ": state_dir: must be a path",
    "token-and-token-file": f": enterprises[0].auth: {ONE_OF}",
    "token-as-alias": ", line 3, column 19: not YAML: found undefined alias",
    "token-as-key": f": enterprises[0].auth.<redacted>: {UNKNOWN}",
    "token-as-tag": ", line 3, column 19: not YAML: could not determine a constructor for the tag",
    "token-as-token-file": f": enterprises[0].auth.token_file: {ITSELF}",
    "token-beyond-ascii": f": enterprises[0].auth.token: the token {NO_TOKEN}",
    "token-file-is-a-folder": ": enterprises[0].auth.token_file: cannot read the file folder: Is a directory",
    "token-file-with-bell": f": enterprises[0].auth.token_file: the file control-token {NO_TOKEN}",
    "token-file-with-two-tokens": f": enterprises[0].auth.token_file: the file two-tokens {NO_TOKEN}",
    "token-is-a-number": f": enterprises[0].auth.token: {TEXT}",
    "token-is-empty": ": enterprises[0].auth.token: the token is empty",
    "token-with-a-blank": f": enterprises[0].auth.token: the token {NO_TOKEN}",
    "two-colons": ", line 2, column 10: not YAML: mapping values are not allowed here",
    "unknown-collector": f": collectors.runner: {UNKNOWN}; did you mean runners?",
    "unknown-key": f": listn: {UNKNOWN}; did you mean listen?",
    "unknown-key-in-capitals": f": LISTEN: {UNKNOWN}; did you mean listen?",
    "unknown-key-like-an-argument": f": _env_file: {UNKNOWN}",
    "unknown-key-like-self": f": __pydantic_self__: {UNKNOWN}",
    "unknown-key-of-auth": f": enterprises[0].auth.tokenfile: {UNKNOWN}; did you mean token_file?",
    "unknown-key-of-collector": f": collectors.runners.intervall: {UNKNOWN}; did you mean interval?",
    "unknown-key-of-enterprise": f": enterprises[0].token_file: {UNKNOWN}",
    "unknown-key-of-included": f": enterprises[0].included.actions_minuts: {UNKNOWN}; did you mean actions_minutes?",
    "unknown-key-of-limits": f": limits.max_concurency: {UNKNOWN}; did you mean max_concurrency?",
    "unknown-key-of-organization": f": enterprises[0].organizations[0].token: {UNKNOWN}",
    "unknown-key-of-other-collector": f": collectors.licenses.per_runner: {UNKNOWN}",
    "unknown-key-of-runner-auth": f": enterprises[0].runner_auth.expires: {UNKNOWN}",
    "unknown-key-of-second-enterprise": f": enterprises[1].url: {UNKNOWN}; did you mean api_url?",
    "unknown-key-of-web": f": web.enable_livecycle: {UNKNOWN}; did you mean enable_lifecycle?",
    "web-is-true": f": web: {MAPPING}",
}
"""What is said about each file in settings/bad, after its name."""

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


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with secrets to work in, and none of our variables set."""
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in own_environment():
        monkeypatch.delenv(name)
    return tmp_path


def error_line(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the program says about its settings; were they right, it would complain of the folder of --output."""
    code = main(["collect", *arguments, "--output", "no-such-folder/metrics"])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    return the_line(err)


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_one_line(name: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong file ends in the line that belongs to it."""
    shutil.copy(BAD_FILES / f"{name}.yaml", place / "settings.yaml")
    assert error_line(capsys, "--config", "settings.yaml") == f"settings.yaml{BAD[name]}"


def test_every_bad_file_has_its_line() -> None:
    """No file in settings/bad is forgotten, and none is missing."""
    assert {path.stem for path in BAD_FILES.iterdir()} == BAD.keys()


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


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            f"{GOOD}\tlisten: x\n".encode(),
            ", line 2, column 1: not YAML: found character '\\t' that cannot start any token",
        ),
        (f"{GOOD}listen: ".encode() + b"\xff\n", ": not YAML: it is not UTF-8 text"),
        (GOOD.encode("utf-16"), ": not YAML: it is not UTF-8 text"),
        (f"{GOOD}listen: \x01\n".encode(), ", line 2, column 9: not YAML: special characters are not allowed"),
        (f"{GOOD}listen: {'[' * 5000}".encode(), ": not YAML: it is nested too deeply"),
        (f"{GOOD}a\x85b: 1\n".encode(), ", line 3, column 1: not YAML: could not find expected ':'"),
        (f'{GOOD}"a\\nb": 1\n'.encode(), f": <redacted>: {UNKNOWN}"),
        (f'{GOOD}limits: {{"a\\u2028b": 1}}\n'.encode(), f": limits.<redacted>: {UNKNOWN}"),
    ],
)
def test_bad_bytes_are_one_line_with_their_place(
    content: bytes, line: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What no editor should make of a file still ends in one line, with its place where there is one."""
    (place / "settings.yaml").write_bytes(content)
    assert error_line(capsys, "--config", "settings.yaml") == f"settings.yaml{line}"


@pytest.mark.parametrize(
    ("owner", "written", "meant"),
    [
        ("enterprises[0]", "organizations".replace("z", "s"), "organizations"),
        ("enterprises[0]", "billing", "billing_platform"),
        ("enterprises[0].included", "action_minutes", "actions_minutes"),
        ("enterprises[0]", "zebra", ""),
    ],
)
def test_unknown_key_suggests_the_closest(
    owner: str, written: str, meant: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What resembles no setting gets no suggestion."""
    enterprise: dict[str, object] = {"slug": "acme", "auth": {"token": "demo"}}
    enterprise |= {"included": {written: 1}} if owner.endswith("included") else {written: 1}
    (place / "settings.yaml").write_text(yaml.safe_dump({"enterprises": [enterprise]}))
    hint = f"; did you mean {meant}?" if meant else ""
    assert error_line(capsys, "--config", "settings.yaml") == f"settings.yaml: {owner}.{written}: {UNKNOWN}{hint}"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("no-such.yaml", "cannot read the configuration no-such.yaml: No such file or directory"),
        ("folder", "cannot read the configuration folder: Is a directory"),
        ("", "cannot read the configuration .: Is a directory"),
        ("no\nsuch.yaml", "cannot read the configuration no such.yaml: No such file or directory"),
    ],
)
def test_unreadable_file_is_named_with_the_reason(path: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read is named together with the reason."""
    assert error_line(capsys, "--config", path) == line


def test_file_of_the_option_comes_before_that_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of GHE_EXPORTER_CONFIG is read, unless the command line names another."""
    monkeypatch.setenv("GHE_EXPORTER_CONFIG", "one.yaml")
    assert error_line(capsys) == "cannot read the configuration one.yaml: No such file or directory"
    line = error_line(capsys, "--config", "two.yaml")
    assert line == "cannot read the configuration two.yaml: No such file or directory"


@pytest.mark.parametrize("command", ["serve", "collect"])
def test_real_program_exits_with_2_and_one_line(command: str, place: Path) -> None:
    """The real program exits with 2 and one line, without a traceback, before it does anything."""
    shutil.copy(BAD_FILES / "neither-token-nor-file.yaml", place / "settings.yaml")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "exporter", command, "--config", str(place / "settings.yaml")],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert the_line(done.stderr).endswith(f"enterprises[0].auth: {ONE_OF}")


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([TOKEN, "acme", "60s", "acme-token"])
KNOWN_KEYS = ["slug", "auth", "token", "token_file", "organizations", "name", "runners", "interval", "max_pages"]
KEYS = st.sampled_from([*KNOWN_KEYS, *Settings.model_fields, TOKEN])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@effort(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES))
def test_any_document_gives_settings_or_one_line_without_the_token(place: Path, document: dict[str, object]) -> None:
    """Whatever the file says, there are settings or one line, and a token is in neither."""
    (place / "any.yaml").write_text(yaml.safe_dump(document))
    try:
        said = repr(loading.load(Path("any.yaml")))
    except ConfigurationError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    assert CANARY not in said


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
