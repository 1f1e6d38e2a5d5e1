"""What the program prints about settings that it cannot use."""

import pytest

from exporter.cli import main
from tests.support.secret_marker import TOKEN, the_line

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


def error_line(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the program says about its settings; were they right, it would complain of the folder of --output."""
    code = main(["collect", *arguments, "--output", "no-such-folder/metrics"])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    return the_line(err)
