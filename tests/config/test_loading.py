"""Which settings file is read, and what becomes of one that cannot be."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from exporter.config import loading
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError
from tests.support.configuration_errors import error_line
from tests.support.secret_marker import CANARY, TOKEN

pytestmark = pytest.mark.usefixtures("place")


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
