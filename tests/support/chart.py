"""The chart as Helm renders it."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "ghe-exporter"
RELEASE, NAMESPACE = "acme", "monitoring"
NAME = "acme-ghe-exporter"
SLUGS = ("acme", "globex", "octo")
CREDENTIALS = [{"enterprise": slug, "existingSecret": f"{slug}-github", "tokenKey": "token"} for slug in SLUGS]
ONE = {"credentials": CREDENTIALS[:1]}

Manifest = dict[str, Any]


def rendered(values: Mapping[str, Any], chart: Path = CHART, release: str = RELEASE) -> dict[str, str]:
    """The text of every template.

    Raises:
        HelmError: the values are refused.
    """
    # Installing validates first; so do we.
    loaded(chart).validate_schema(dict(values))
    return loaded(chart).render(dict(values), name=release, namespace=NAMESPACE)


@cache
def loaded(chart: Path) -> helm_python.Chart:
    """The chart, read once."""
    return helm_python.Chart.load(chart)


def manifests(values: Mapping[str, Any], chart: Path = CHART, release: str = RELEASE) -> list[Manifest]:
    """Every object."""
    texts = [text for name, text in rendered(values, chart, release).items() if not name.endswith("NOTES.txt")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest is not None]


def of_kind(values: Mapping[str, Any], kind: str) -> list[Manifest]:
    """Every object of that kind."""
    return [manifest for manifest in manifests(values) if manifest["kind"] == kind]


def the(values: Mapping[str, Any], kind: str) -> Manifest:
    """The one object of that kind."""
    (manifest,) = of_kind(values, kind)
    return manifest


def pod(values: Mapping[str, Any]) -> Manifest:
    """The template of the one Deployment's pods."""
    template: Manifest = the(values, "Deployment")["spec"]["template"]
    return template


def container(values: Mapping[str, Any]) -> Manifest:
    """The exporter's container."""
    found: Manifest = pod(values)["spec"]["containers"][0]
    return found


def configurations(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Name and content of each configuration for the exporter."""
    for manifest in objects:
        if manifest["kind"] == "ConfigMap" and "config.yaml" in manifest.get("data", {}):
            yield manifest["metadata"]["name"], yaml.safe_load(manifest["data"]["config.yaml"])
