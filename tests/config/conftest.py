"""A folder with secrets to load settings in."""

from pathlib import Path

import pytest

from exporter.config.environment import own_environment
from tests.support.secret_marker import furnish


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with secrets to work in, and none of our variables set."""
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in own_environment():
        monkeypatch.delenv(name)
    return tmp_path
