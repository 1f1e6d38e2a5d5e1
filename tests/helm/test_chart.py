"""The chart with each file of ci/: linted, valid for Kubernetes, safe, and accepted by the exporter."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from exporter import __version__
from exporter.config import loading
from exporter.config.environment import own_environment
from helm import generate
from helm.commented import values_in
from tests.support.app_keys import pem
from tests.support.chart import CHART, NAMESPACE, ROOT, Manifest, configurations, manifests

FILES = sorted(CHART.glob("ci/*-values.yaml"))
OLDEST = "1.25.0"
OPERATOR = "monitoring.coreos.com/v1"
MOUNTED = "/etc/ghe-exporter/"


def by_name(file: Path) -> str:
    """Name of a test's case."""
    return file.name.removesuffix("-values.yaml")


@pytest.fixture(params=FILES, ids=by_name)
def values(request: pytest.FixtureRequest) -> Any:
    """The values of one file."""
    return yaml.safe_load(request.param.read_text())


@pytest.fixture
def objects(values: Any) -> list[Manifest]:
    """What is rendered with them."""
    return manifests(values)


def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_helm_lint_accepts_the_chart(values: Any, version: str) -> None:
    """`helm lint --strict` has nothing to say."""
    report = helm_python.lint(CHART, values, strict=True, kube_version=f"v{version}")
    assert (report["errors"], report["messages"]) == ([], [])


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_kubernetes_accepts_it(objects: list[Manifest], version: str) -> None:
    """Every object of Kubernetes itself fulfils its strict schema, in the oldest and the newest version."""
    for manifest in objects:
        if manifest["apiVersion"] != OPERATOR:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_every_object_is_named_once(objects: list[Manifest]) -> None:
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in objects]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for _, name in names)


def test_pods_are_restricted(objects: list[Manifest]) -> None:
    """Pods fulfil the Pod Security Standard `restricted`, and have no key to the cluster."""
    for deployment in (manifest for manifest in objects if manifest["kind"] == "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
        security = pod["containers"][0]["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["privileged"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}


def test_selectors_find_their_pods(objects: list[Manifest]) -> None:
    """Services, monitors, policies and budgets select all pods; each Deployment only its own."""
    deployments = [manifest for manifest in objects if manifest["kind"] == "Deployment"]
    labels = [deployment["spec"]["template"]["metadata"]["labels"] for deployment in deployments]
    services = [manifest for manifest in objects if manifest["kind"] == "Service"]
    for manifest in objects:
        spec = manifest.get("spec", {})
        selector = spec.get("selector", spec.get("podSelector"))
        if selector is None:
            continue
        wanted = selector.get("matchLabels", selector).items()
        if manifest["kind"] == "ServiceMonitor":
            assert all(wanted <= service["metadata"]["labels"].items() for service in services)
        elif manifest["kind"] == "Deployment":
            assert [wanted <= own.items() for own in labels].count(True) == 1
        else:
            assert all(wanted <= own.items() for own in labels)


def test_mounts_have_volumes(objects: list[Manifest]) -> None:
    """Every mount has its volume, no two mounts one place, and secrets are readable by the group alone."""
    for deployment in (manifest for manifest in objects if manifest["kind"] == "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounts = pod["containers"][0]["volumeMounts"]
        assert {mount["name"] for mount in mounts} == volumes.keys()
        assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
        assert all(volume["secret"]["defaultMode"] == 0o440 for volume in volumes.values() if "secret" in volume)


def test_the_exporter_accepts_the_configuration(
    objects: list[Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exporter loads what the ConfigMaps hold, with the files that the pods would have mounted."""
    for name in own_environment():
        monkeypatch.delenv(name)
    contents = {"token": "octo-token", "app-id": "12345", "private-key.pem": pem()}
    found = dict(configurations(objects))
    assert found
    for manifest in objects:
        if manifest["kind"] != "Deployment":
            continue
        pod = manifest["spec"]["template"]["spec"]
        places = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        for volume in pod["volumes"]:
            folder = tmp_path / places[volume["name"]].lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
            for item in volume.get("secret", {}).get("items", []):
                (folder / item["path"]).write_text(contents[item["path"]])
            if volume["name"] == "authorities":
                (folder / "ca.pem").write_text("")
    for name, document in found.items():
        text = re.sub(r"(?<=: )/(etc|var)/", lambda place: f"{tmp_path}{place[0]}", yaml.safe_dump(document))
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        settings = loading.load(path)
        assert [entry.slug for entry in settings.enterprises] == [entry["slug"] for entry in document["enterprises"]]


def test_chart_needs_nothing_outside_its_folder(tmp_path: Path, values: Any, objects: list[Manifest]) -> None:
    """The chart's folder needs nothing around it, nor does the package made of it."""
    copy = shutil.copytree(CHART, tmp_path / "ghe-exporter")
    assert not [path for path in copy.rglob("*") if path.is_symlink()]
    assert manifests(values, copy) == objects
    assert manifests(values, Path(helm_python.package(copy, destination=tmp_path))) == objects


def test_chart_installs_this_version() -> None:
    """The chart installs this version of the exporter."""
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert metadata["appVersion"] == __version__
    assert metadata["name"] == CHART.name
    assert metadata["kubeVersion"] == f">={OLDEST}-0"


def test_user_is_that_of_the_image() -> None:
    """One number for image and chart."""
    (user,) = re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert yaml.safe_load((CHART / "values.yaml").read_text())["podSecurityContext"]["runAsUser"] == int(user)


def test_no_object_is_outside_the_chosen_namespaces(objects: list[Manifest]) -> None:
    """Nothing lands outside the namespaces that were asked for."""
    assert {manifest["metadata"].get("namespace", NAMESPACE) for manifest in objects} <= {
        NAMESPACE,
        "grafana",
        "prometheus",
    }


def test_schema_is_a_schema() -> None:
    """Draft 7, which every version of Helm knows."""
    program = Path(sysconfig.get_path("scripts")) / "check-jsonschema"
    command = (str(program), "--check-metaschema", str(CHART / "values.schema.json"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_value_without_description_is_an_error() -> None:
    """Nobody could know it."""
    text = "# -- Known.\na: 1\nb:\n  # -- Known as well,\n  # in two lines.\n  c: 2\n  d: {}\n"
    with pytest.raises(ValueError, match=r"values\.yaml: b\.d: no description"):
        values_in(text)
    assert [(value.name, value.description, value.default) for value in values_in(text.replace("  d: {}\n", ""))] == [
        ("a", "Known.", 1),
        ("b.c", "Known as well, in two lines.", 2),
    ]
