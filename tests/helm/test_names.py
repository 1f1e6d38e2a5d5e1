"""What the chart's objects and image are called, whatever release and values are called."""

import kubernetes_validate
import pytest
import yaml

from exporter import __version__
from tests.support.chart import CHART, NAME, ONE, container, manifests, pod, the

FULL = yaml.safe_load((CHART / "ci" / "full-values.yaml").read_text())


def test_name_is_that_of_the_release_unless_overridden() -> None:
    assert the({}, "Deployment")["metadata"]["name"] == NAME
    assert the({"nameOverride": "github"}, "Deployment")["metadata"]["name"] == "acme-github"
    assert the({"fullnameOverride": "github"}, "Deployment")["metadata"]["name"] == "github"
    long = "o" * 60
    assert all(len(item["metadata"]["name"]) <= 63 for item in manifests({"fullnameOverride": long, **FULL}))


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("acme.eu", "acme-eu-ghe-exporter"),
        ("2024", "ghe-2024-ghe-exporter"),
        ("1e3", "ghe-1e3-ghe-exporter"),
        ("o" * 20 + ".eu-acme", "o" * 20 + "-eu-acme-gh-f3ab216d"),
        ("o" * 39 + ".eu", "o" * 31 + "-2ab8abcc"),
        ("o" * 53, "o" * 31 + "-6cc50636"),
    ],
)
def test_every_name_of_a_release_will_do(release: str, name: str) -> None:
    """Services must have names that begin with a letter and have no dot; labels stay text, and the release's name."""
    objects = manifests(ONE, release=release)
    (service,) = [item for item in objects if item["kind"] == "Service"]
    assert service["metadata"]["name"] == name
    assert service["metadata"]["labels"]["app.kubernetes.io/instance"] == release
    assert [item["metadata"]["name"] for item in objects if item["kind"] == "Deployment"] == [name]


def test_long_names_that_differ_at_their_end_stay_apart() -> None:
    names = {the(ONE | {"fullnameOverride": "o" * 45 + end}, "Deployment")["metadata"]["name"] for end in "ab"}
    assert len(names) == 2
    assert {len(name) for name in names} == {40}


def test_names_that_look_like_numbers_stay_text() -> None:
    """YAML would make numbers of them, which Kubernetes refuses."""
    values = {
        "nameOverride": "2",
        "image": {"pullSecrets": ["3"]},
        "credentials": [{"enterprise": "4", "existingSecret": "5", "tokenKey": "6"}],
        "webConfig": {"existingSecret": "7", "tlsSecret": "8"},
        "serviceAccount": {"name": "9"},
        "priorityClassName": "10",
        "persistence": {"enabled": True, "storageClass": "11"},
    }
    for manifest in manifests(values):
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    assert pod(values)["spec"]["volumes"][1]["secret"]["secretName"] == "5"


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, f"ghe-exporter:{__version__}"),
        (
            {"registry": "registry.acme.example.com", "repository": "x/y"},
            f"registry.acme.example.com/x/y:{__version__}",
        ),
        ({"tag": "1.2.3"}, "ghe-exporter:1.2.3"),
        ({"tag": "1.2.3", "digest": "sha256:" + "a" * 64}, "ghe-exporter@sha256:" + "a" * 64),
    ],
)
def test_image_reference_prefers_the_digest(image: dict[str, str], reference: str) -> None:
    assert container({"image": image})["image"] == reference
