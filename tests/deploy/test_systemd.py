"""The units for systemd: valid, confined, and their commands are the exporter's."""

import configparser
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from exporter.cli import parser
from exporter.collectors import COLLECTORS
from exporter.config import loading
from exporter.config.environment import own_environment
from exporter.simulator.server import Simulator
from tests.support.deployment import check, read, with_options
from tests.support.programs import ROOT, run
from tests.support.tools import tool

FOLDER = Path("deploy/systemd")
SERVICES = ("ghe-exporter", "ghe-exporter-textfile")
PROGRAM = "/opt/ghe-exporter/bin/ghe-exporter"
EVERY_SECONDS = 900
MOST_EXPOSED = 15
"""Of 100, as systemd reckons it."""


class Unit(configparser.RawConfigParser):
    """A unit file. A key may come several times: its values are joined by line ends."""

    def __init__(self, path: Path) -> None:
        super().__init__(delimiters=("=",), comment_prefixes=("#",), strict=False, interpolation=None)
        self.repeated: dict[str, list[str]] = {}
        for line in read(path).splitlines():
            key, separator, value = line.partition("=")
            if separator and not line.startswith("#"):
                self.repeated.setdefault(key, []).append(value)
        self.read_string(read(path))

    def optionxform(self, optionstr: str) -> str:
        """Names are written as systemd does."""
        return optionstr

    def environment(self, specifiers: Mapping[str, str]) -> dict[str, str]:
        """Its variables of ours, without their prefix."""
        found: dict[str, str] = {}
        for assignment in self.repeated["Environment"]:
            name, _, value = assignment.partition("=")
            for specifier, meant in specifiers.items():
                value = value.replace(specifier, meant)
            found[name.removeprefix("GHE_EXPORTER_")] = value
        return found

    def command(self) -> list[str]:
        """What it starts, without the program."""
        program, *arguments = shlex.split(self["Service"]["ExecStart"])
        assert program == PROGRAM
        return arguments


def unit(name: str) -> Unit:
    """One of the files."""
    return Unit(FOLDER / name)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in own_environment():
        monkeypatch.delenv(name)


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """Copies of the units that start a program which exists."""
    for path in (ROOT / FOLDER).glob("*.[st]*"):
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace(PROGRAM, "/bin/true"), "utf-8")
    return sorted(str(path) for path in tmp_path.iterdir())


def test_systemd_accepts_the_units(installed: list[str]) -> None:
    """Systemd finds nothing to say about the units."""
    assert len(installed) == 3
    said = check("systemd-analyze", "verify", "--man=no", *installed)
    assert [line for line in said.splitlines() if "ghe-exporter" in line] == []


def test_systemd_rejects_an_unknown_setting(tmp_path: Path) -> None:
    """The same command does find a setting that does not exist."""
    broken = tmp_path / "ghe-exporter.service"
    broken.write_text("[Service]\nExecStart=/bin/true\nProtectSytem=strict\n", "utf-8")
    assert "ghe-exporter.service:3: Unknown key" in check("systemd-analyze", "verify", "--man=no", str(broken))


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_a_low_exposure(name: str, installed: list[str]) -> None:
    """Systemd reckons the service to be hardly exposed."""
    (file,) = (file for file in installed if file.endswith(f"/{name}.service"))
    check("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", file)
    service = unit(f"{name}.service")["Service"]
    assert (service["DynamicUser"], service["ProtectSystem"], service["ProtectHome"]) == ("yes", "strict", "yes")
    assert service["CapabilityBoundingSet"] == ""


def test_service_restarts_unless_the_settings_are_wrong() -> None:
    """It restarts unless the settings are wrong, reloads by the signal that the exporter knows, and has time to end."""
    service = unit("ghe-exporter.service")["Service"]
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "2")
    assert service["ExecReload"].endswith("-HUP $MAINPID")
    assert int(service["TimeoutStopSec"]) > 10
    words = unit("ghe-exporter.service").command()
    assert (words[0], str(parser().parse(words).config)) == ("serve", "/etc/ghe-exporter/config.yaml")


@pytest.mark.parametrize("name", SERVICES)
def test_settings_and_token_of_the_unit_are_accepted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exporter accepts the configuration with the variables and the token that the unit gives."""
    (tmp_path / "token").write_text("octo-token", "utf-8")
    found = unit(f"{name}.service")
    (credential,) = found.repeated["LoadCredential"]
    assert credential == "token:/etc/ghe-exporter/token"
    for variable, value in found.environment({"%d": str(tmp_path), "%S": "/var/lib"}).items():
        monkeypatch.setenv(f"GHE_EXPORTER_{variable}", value)
    (tmp_path / "config.yaml").write_text(with_options(FOLDER / "config.yaml"), "utf-8")
    settings = loading.load(tmp_path / "config.yaml")
    assert [enterprise.auth.token_file for enterprise in settings.enterprises] == [tmp_path / "token"]
    assert settings.log_format == "json"
    if name == "ghe-exporter":
        assert settings.state_dir == Path("/var/lib") / found["Service"]["StateDirectory"]


def test_second_enterprise_needs_only_what_the_comments_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the comments say about a second enterprise is all that it needs."""
    service, text = unit("ghe-exporter.service"), read(FOLDER / "config.yaml")
    added = dict(re.findall(r"^#   (Environment|LoadCredential)=(.+)$", text, re.MULTILINE))
    for variable, value in service.environment({"%d": str(tmp_path), "%S": "/var/lib"}).items():
        monkeypatch.setenv(f"GHE_EXPORTER_{variable}", value)
    monkeypatch.setenv(*added["Environment"].split("="))
    for credential in (*service.repeated["LoadCredential"], added["LoadCredential"]):
        (tmp_path / credential.partition(":")[0]).write_text("octo-token", "utf-8")
    both = re.sub(r"^  # (- |  )", r"  \1", text, flags=re.MULTILINE)
    (tmp_path / "config.yaml").write_text(both.replace("/run/credentials/ghe-exporter.service", str(tmp_path)), "utf-8")
    settings = loading.load(tmp_path / "config.yaml")
    found = {enterprise.slug: enterprise.auth.token_file for enterprise in settings.enterprises}
    assert found == {"acme": tmp_path / "token", "globex": tmp_path / "globex"}


def test_textfile_service_writes_only_to_the_folder_of_its_output() -> None:
    """What the textfile service may write to is the folder of its output, as the snippet for tmpfiles opens it."""
    service = unit("ghe-exporter-textfile.service")
    options = parser().parse(service.command())
    assert service["Service"]["ReadWritePaths"] == str(options.output.parent)
    kind, path, mode, _, group, _ = read(FOLDER / "ghe-exporter-textfile.conf").splitlines()[-1].split()
    assert (kind, path, mode, group) == (
        "z",
        str(options.output.parent),
        "2775",
        service["Service"]["SupplementaryGroups"],
    )
    assert options.output.suffix == ".prom"


def test_timer_starts_its_service_every_quarter_of_an_hour() -> None:
    """The timer starts the service of its name, at times that systemd understands, three hours of them."""
    timer = unit("ghe-exporter-textfile.timer")["Timer"]
    assert "Unit" not in timer
    said = check(
        "systemd-analyze", "calendar", "--base-time=2026-01-01 00:00:00", "--iterations=12", timer["OnCalendar"]
    )
    assert re.search(r"Iter\. #12: Thu 2026-01-01 03:00:00", said)
    assert EVERY_SECONDS == 3 * 3600 / 12


def test_no_collector_is_due_more_often_than_the_timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No enabled collector promises to be fresher than the timer makes it."""
    (tmp_path / "token").write_text("octo-token", "utf-8")
    for variable, value in unit("ghe-exporter-textfile.service").environment({"%d": str(tmp_path)}).items():
        monkeypatch.setenv(f"GHE_EXPORTER_{variable}", value)
    settings = loading.load(ROOT / FOLDER / "config.yaml")
    chosen = [(collector, settings.options_of(collector)) for collector in COLLECTORS]
    intervals = {each.name: each.interval_with(options) for each, options in chosen if each.is_enabled(options)}
    assert [name for name, seconds in intervals.items() if seconds < EVERY_SECONDS] == []


def test_textfile_command_writes_a_readable_file_that_promtool_accepts(tmp_path: Path) -> None:
    """The command of the unit writes a file that anyone may read and promtool finds nothing against."""
    arguments = unit("ghe-exporter-textfile.service").command()
    (tmp_path / "token").write_text("octo-token", "utf-8")
    variables = unit("ghe-exporter-textfile.service").environment({"%d": str(tmp_path)})
    output = tmp_path / Path(arguments[-1]).name
    config = yaml.safe_load(read(FOLDER / "config.yaml"))
    config["enterprises"][0]["slug"] = "octo-corp"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    mapped = [str(tmp_path / Path(word).name) if word.startswith("/") else word for word in arguments]
    before = os.umask(0o077)
    try:
        with Simulator(users=30, runners=8, organizations=2) as simulator:
            done = run(*mapped, API_URL=simulator.url, **variables)
    finally:
        os.umask(before)
    assert (done.code, done.out) == (0, "")
    assert stat.S_IMODE(output.stat().st_mode) == 0o644
    text = output.read_bytes()
    assert b'ghe_license_seats_consumed{enterprise="octo-corp"}' in text
    assert b"\nprocess_" not in text
    checked = subprocess.run([tool("promtool"), "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
