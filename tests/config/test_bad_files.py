"""A wrong settings file ends in one line that names the setting as it was written, and no secret."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.configuration_errors import (
    COMMAS,
    DURATION,
    ELSEWHERE,
    GOOD,
    ITSELF,
    LISTEN,
    MAPPING,
    MAX_AGE,
    NO_AUTH,
    NO_ENTERPRISE,
    NO_FILE,
    NO_TOKEN,
    ONE_OF,
    SLUG,
    TEXT,
    UNKNOWN,
    URL,
    URL_PARTS,
    error_line,
)
from tests.support.secret_marker import the_line

pytestmark = pytest.mark.usefixtures("place")

BAD_FILES = Path(__file__).parent / "bad"
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


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_one_line(name: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong file ends in the line that belongs to it."""
    shutil.copy(BAD_FILES / f"{name}.yaml", place / "settings.yaml")
    assert error_line(capsys, "--config", "settings.yaml") == f"settings.yaml{BAD[name]}"


def test_every_bad_file_has_its_line() -> None:
    """No file in settings/bad is forgotten, and none is missing."""
    assert {path.stem for path in BAD_FILES.iterdir()} == BAD.keys()


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
