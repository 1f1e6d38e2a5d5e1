"""Several servers whose slug is the same are distinguished by their names."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import loading
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError
from exporter.simulator.server import Simulator
from tests.support.programs import run, serving
from tests.support.tools import eventually

EAST = {"slug": "github", "name": "east", "api_url": "https://east.acme.example/api/v3", "auth": {"token": "demo"}}
WEST = EAST | {"name": "west", "api_url": "https://west.acme.example/api/v3"}


def loaded(tmp_path: Path, *enterprises: dict[str, Any]) -> Settings:
    """The settings of a file with those enterprises."""
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump({"enterprises": list(enterprises)}, allow_unicode=True), "utf-8")
    return loading.load(path)


def without_name(enterprise: dict[str, Any]) -> dict[str, Any]:
    """*enterprise* as GitHub calls it."""
    return {key: setting for key, setting in enterprise.items() if key != "name"}


def runners(text: str, enterprise: str) -> int:
    """How many runners an exposition has of *enterprise*."""
    return text.count(f'ghe_runner_online{{enterprise="{enterprise}"')


def test_name_is_the_slug_by_default(tmp_path: Path) -> None:
    """Who has one enterprise of a slug needs no name for it."""
    (github,) = loaded(tmp_path, without_name(EAST)).enterprises
    assert (github.slug, github.name) == ("github", "github")


def test_two_servers_with_one_slug_need_names(tmp_path: Path) -> None:
    """With names both are read; without, both would be one in every metric."""
    assert [enterprise.name for enterprise in loaded(tmp_path, EAST, WEST).enterprises] == ["east", "west"]
    assert [enterprise.name for enterprise in loaded(tmp_path, EAST, without_name(WEST)).enterprises][1] == "github"
    with pytest.raises(ConfigurationError, match=r"enterprises: two are called github; give each a name of its own$"):
        loaded(tmp_path, without_name(EAST), without_name(WEST))


@pytest.mark.parametrize("name", ["east", "EAST"])
def test_name_given_twice_is_refused(name: str, tmp_path: Path) -> None:
    """Also in other letters, and also where one has it from its slug."""
    with pytest.raises(ConfigurationError, match=rf"enterprises: two are called {name}; give each a name"):
        loaded(tmp_path, EAST, WEST | {"name": name})
    with pytest.raises(ConfigurationError, match=rf"enterprises: two are called {name}; give each a name"):
        loaded(tmp_path, without_name(EAST | {"slug": "east"}), WEST | {"name": name})


@pytest.mark.parametrize("slug", ["github", "GitHub"])
def test_enterprise_given_twice_is_refused_whatever_its_name(slug: str, tmp_path: Path) -> None:
    """An enterprise is its slug at the address of its API."""
    with pytest.raises(ConfigurationError, match=rf"enterprises: {slug} at https://east\S+ is listed twice"):
        loaded(tmp_path, EAST, EAST | {"name": "other", "slug": slug})


@pytest.mark.parametrize("name", ["", " east", "east\n", "e\u0007ast", "x" * 101, 7, "ghp_0123456789abcdef"])
def test_unfit_name_is_refused(name: object, tmp_path: Path) -> None:
    """A name is a label value: printable, not empty, not long, and no credential."""
    with pytest.raises(ConfigurationError, match=r"enterprises\[0\]\.name: "):
        loaded(tmp_path, EAST | {"name": name})


@pytest.mark.parametrize("name", ["East coast", "Größe", "github.east-1", "x" * 100])
def test_any_printable_name_is_accepted(name: str, tmp_path: Path) -> None:
    """It need not look like a slug."""
    assert loaded(tmp_path, EAST | {"name": name}).enterprises[0].name == name


def test_variables_are_about_the_enterprise_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GHE_EXPORTER_ENTERPRISE chooses by name where slugs do not, and leaves the slug as it is."""
    monkeypatch.setenv("GHE_EXPORTER_ENTERPRISE", "West")
    monkeypatch.setenv("GHE_EXPORTER_BILLING_PLATFORM", "legacy")
    east, west = loaded(tmp_path, EAST, WEST).enterprises
    assert (east.billing_platform, west.billing_platform, west.slug, west.name) == ("auto", "legacy", "github", "west")
    monkeypatch.setenv("GHE_EXPORTER_ENTERPRISE", "github")
    with pytest.raises(ConfigurationError, match=r"^GHE_EXPORTER_ENTERPRISE: the file has several of that slug"):
        loaded(tmp_path, EAST, WEST)


def test_name_by_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One enterprise needs no file for a name."""
    for name, text in {"ENTERPRISE": "github", "NAME": "east", "TOKEN": "demo"}.items():
        monkeypatch.setenv(f"GHE_EXPORTER_{name}", text)
    assert [enterprise.name for enterprise in loading.load().enterprises] == ["east"]


def test_metrics_state_and_check_use_the_name(tmp_path: Path) -> None:
    """Two servers with one slug are two enterprises in metrics, after a restart, and in `check`."""
    with (
        Simulator(users=30, runners=8, organizations=3) as east,
        Simulator(users=900, runners=200, organizations=3) as west,
    ):
        both = [
            {"slug": "octo-server", "name": name, "api_url": simulator.server_url, "auth": {"token": "demo"}}
            for name, simulator in (("east", east), ("west", west))
        ]
        file = tmp_path / "settings.yaml"
        file.write_text(yaml.safe_dump({"enterprises": both, "state_dir": str(tmp_path / "state")}))
        with serving("--config", str(file)) as program:
            eventually(lambda: program.answers("/-/ready"), "every collector has run")
            text = program.ask("/metrics")[1]
            assert program.end() == 0
        numbers = runners(text, "east"), runners(text, "west")
        assert 0 < numbers[0] < numbers[1]
        assert 'enterprise="octo-server"' not in text
        asked = east.requests + west.requests
        with serving("--config", str(file)) as program:
            restored = program.ask("/metrics")[1]
            assert program.end() == 0
        assert (runners(restored, "east"), runners(restored, "west")) == numbers
        assert east.requests + west.requests == asked
        done = run("check", "--config", str(file))
        assert [line.split(" at ")[0] for line in done.out.splitlines() if " at http" in line] == ["east", "west"]
