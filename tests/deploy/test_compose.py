"""compose.yaml and what it mounts: valid, pinned, confined, and each program accepts what it is given."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__
from exporter.cli import parser
from exporter.config import loading
from exporter.config.environment import own_environment
from tests.support.deployment import check, flags, load, read, schema_complaints, style_complaints, with_options
from tests.support.programs import ROOT

FILES = [Path("compose.yaml"), Path("deploy/compose/enterprise.yaml")]
DEMO, ENTERPRISE = (load(path) for path in FILES)
SERVICES: dict[str, dict[str, Any]] = DEMO["services"]
PROGRAMS = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
VARIABLE = re.compile(r"\$\{(\w+)")


def binds(service: dict[str, Any]) -> dict[str, Path]:
    """What of the repository a service mounts, by where it does."""
    mounts = (volume.split(":") for volume in service.get("volumes", ()))
    return {target: ROOT / source for source, target, *_ in mounts if source.startswith("./")}


def local(service: dict[str, Any], path: str) -> Path:
    """The file of the repository that a container sees as *path*."""
    target, source = max((pair for pair in binds(service).items() if path.startswith(pair[0])), key=lambda p: len(p[0]))
    return Path(str(source) + path.removeprefix(target))


def option(service: dict[str, Any], name: str) -> str:
    """The value of an option in the command of a service."""
    (value,) = (word.partition("=")[2] for word in service["command"] if word.startswith(f"--{name}="))
    return str(value)


def test_files_follow_the_compose_specification() -> None:
    """Both files follow the specification of compose files."""
    assert schema_complaints("vendor.compose-spec", *FILES) == ""


def test_yaml_files_of_the_deployment_pass_the_linter() -> None:
    """Every YAML file of the deployment is in good style, with no key twice."""
    files = [*FILES, *(path.relative_to(ROOT) for path in sorted((ROOT / "deploy").rglob("*.yaml")))]
    assert len(files) > 5
    assert style_complaints(files) == ""


def test_every_image_has_a_version() -> None:
    """Every image has a version, ours that of the package."""
    images = {name: service["image"].rpartition(":")[2].rstrip("}") for name, service in SERVICES.items()}
    assert images.pop("exporter") == __version__
    assert [tag for tag in images.values() if not re.fullmatch(r"v?\d+\.\d+\.\d+", tag)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_no_rights_beyond_its_volumes(name: str) -> None:
    """A service has no rights, writes to its volumes alone, is reached from this machine alone, and is watched."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert [port for port in service["ports"] if not re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)] == []
    assert service["healthcheck"]["test"][0] == "CMD"
    assert not {"privileged", "network_mode", "pid", "user"} & service.keys()
    assert set(service.get("depends_on", {})) <= SERVICES.keys()


@pytest.mark.parametrize(("file", "compose"), [(FILES[0], DEMO), (FILES[1], ENTERPRISE)])
def test_mounted_files_exist_and_are_read_only(file: Path, compose: dict[str, Any]) -> None:
    """What is mounted exists and cannot be changed from inside; named volumes are declared."""
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source, _, mode = str(volume).partition(":")
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{file}: {source}"
                assert mode.endswith(":ro"), volume
            else:
                assert source in compose["volumes"]
        assert set(service.get("secrets", ())) <= compose.get("secrets", {}).keys()


@pytest.mark.parametrize(("name", "program"), PROGRAMS.items())
def test_program_knows_the_options_it_is_given(name: str, program: str) -> None:
    """Prometheus and Alertmanager know the options they are given."""
    given = {word.removeprefix("--").partition("=")[0] for word in SERVICES[name]["command"]}
    assert given <= flags(program)


def test_prometheus_configuration_holds_every_rule_and_known_targets(tmp_path: Path) -> None:
    """Its configuration, with its paths as they are mounted, holds every rule and reaches services of this file."""
    service = SERVICES["prometheus"]
    file = local(service, option(service, "config.file"))
    settings = yaml.safe_load(file.read_text("utf-8"))
    (pattern,) = settings["rule_files"]
    rules = sorted(local(service, str(Path(pattern).parent)).glob(Path(pattern).name))
    assert rules == sorted((ROOT / "alerts" / "rules").glob("*.yaml"))
    settings["rule_files"] = [str(rule) for rule in rules]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    said = check("promtool", "check", "config", str(tmp_path / "prometheus.yaml"))
    assert f"{len(rules)} rule files found" in said
    managers = settings["alerting"]["alertmanagers"]
    assert targets([*settings["scrape_configs"], *managers]) == ["exporter:10204", "alertmanager:9093"]
    assert settings["scrape_configs"][0]["job_name"] == "ghe-exporter"


def targets(jobs: list[dict[str, Any]]) -> list[str]:
    """The targets of *jobs*, each a port of a service."""
    found = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    for target in found:
        assert is_service(target)
    return found


def is_service(address: str) -> bool:
    """Whether *address* is a port of a service of this file."""
    host, _, port = address.partition(":")
    return list(SERVICES[host]["ports"]) == [f"127.0.0.1:{port}:{port}"]


def test_alertmanager_configuration_loads() -> None:
    """Its configuration loads."""
    service = SERVICES["alertmanager"]
    check("amtool", "check-config", str(local(service, option(service, "config.file"))))


def test_grafana_has_one_data_source_and_all_dashboards() -> None:
    """One default data source, which is Prometheus, and a provider of the folder with all dashboards."""
    service = SERVICES["grafana"]
    provisioning = local(service, "/etc/grafana/provisioning")
    (sources,) = (yaml.safe_load(path.read_text("utf-8")) for path in provisioning.glob("datasources/*.yaml"))
    (source,) = sources["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert is_service(source["url"].removeprefix("http://"))
    (providers,) = (yaml.safe_load(path.read_text("utf-8")) for path in provisioning.glob("dashboards/*.yaml"))
    (provider,) = providers["providers"]
    shown = local(service, provider["options"]["path"])
    assert sorted(shown.glob("*.json")) == sorted((ROOT / "dashboards").glob("*.json"))
    assert local(service, service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
    assert providers["apiVersion"] == sources["apiVersion"] == 1


@pytest.mark.parametrize("compose", [DEMO, ENTERPRISE], ids=["demo", "enterprise"])
def test_exporter_knows_its_command_and_listens_at_the_published_port(compose: dict[str, Any]) -> None:
    """The exporter knows the command it is given, and listens where its port is published."""
    words = compose["services"]["exporter"]["command"]
    options = parser().parse(words)
    assert words[0] == ("demo" if compose is DEMO else "serve")
    assert "environment" not in compose["services"]["exporter"]
    if compose is DEMO:
        assert options.listen == ":10204"
    # Without a URL it asks where the settings of the service say that it listens.
    assert parser().parse(SERVICES["exporter"]["healthcheck"]["test"][2:]).url is None


def test_mounted_settings_of_an_enterprise_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter accepts the settings that are mounted for a real enterprise, with the token where they say."""
    for name in own_environment():
        monkeypatch.delenv(name)
    service = ENTERPRISE["services"]["exporter"]
    path = parser().parse(service["command"]).config
    text = with_options(local(service, str(path)))
    (name,) = service["secrets"]
    assert text.count(f"/run/secrets/{name}") == 1
    (tmp_path / name).write_text("octo-token", "utf-8")
    file = tmp_path / "config.yaml"
    file.write_text(text.replace("/run/secrets", str(tmp_path)), "utf-8")
    settings = loading.load(file)
    assert [enterprise.slug for enterprise in settings.enterprises] == ["acme"]
    assert settings.listen == ":10204"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_variables_are_explained(file: Path) -> None:
    """What may be set is said at the top of the file that uses it."""
    head, text = read(file).split("services:", 1)
    used = {*VARIABLE.findall(text), *(SERVICES["exporter"]["build"]["args"] if file == FILES[0] else ())}
    assert used
    assert [name for name in used if not re.search(rf"\b{name}\b", head)] == []


def test_image_is_built_with_arguments_of_the_dockerfile() -> None:
    """The image is built with the arguments that the Dockerfile has."""
    build = SERVICES["exporter"]["build"]
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / build["context"] / "Dockerfile").read_text("utf-8"), re.MULTILINE))
    assert set(build["args"]) <= declared
