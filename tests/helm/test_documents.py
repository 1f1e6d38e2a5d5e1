"""docs/kubernetes.md and the chart's README: values that render, commands that fit them."""

import re
import shlex
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.support.chart import CHART, ROOT, manifests, rendered

PAGES = [ROOT / "docs" / "kubernetes.md", CHART / "README.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WEB_CONFIG = "# web-config.yaml\n"
OTHER_FILES = (WEB_CONFIG, "# pod\n")
RELEASE = "ghe-exporter"
"""As the commands call it."""
PROGRAMS = {"helm", "kubectl", "docker"}


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of *page* in that language."""
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def values_in(page: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in blocks(page, "yaml") if not text.startswith(OTHER_FILES)]


def commands() -> list[list[str]]:
    """Every command of the pages, in words."""
    texts = [text for page in PAGES for text in blocks(page, "sh")]
    return [shlex.split(line) for text in texts for line in text.splitlines()]


EXAMPLES = [values for page in PAGES for values in values_in(page)]


@pytest.mark.parametrize("values", EXAMPLES)
def test_values_can_be_installed(values: dict[str, Any]) -> None:
    """The chart takes them, Kubernetes takes what comes of it, and no enterprise is without a credential."""
    for manifest in manifests(values):
        if manifest["apiVersion"] != "monitoring.coreos.com/v1":
            kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    (notes,) = [text for name, text in rendered(values).items() if name.endswith("NOTES.txt")]
    assert "no credential" not in notes
    assert "there is no enterprise" not in notes


def test_secrets_are_made_before_they_are_used() -> None:
    """Each secret and each key that the values name is made by a command of the pages."""
    made: dict[str, set[str]] = {}
    for words in commands():
        if "secret" not in words:
            continue
        name = words[words.index("secret") + 2]
        keys = {re.split("[=/]", word)[1] for word in words if word.startswith(("--from-file=", "--from-literal="))}
        made.setdefault(name, set()).update(keys)
    for values in EXAMPLES:
        for credential in values.get("credentials", []):
            used = {
                credential[key] for key in ("tokenKey", "appIdKey", "privateKeyKey", "passwordKey") if key in credential
            }
            assert used <= made[credential["existingSecret"]]
        if web := values.get("webConfig"):
            assert "web-config.yaml" in made[web["existingSecret"]]
            assert web["tlsSecret"] in made


def test_commands_name_what_there_is() -> None:
    """Programs, paths and names of objects are right."""
    assert {words[0] for words in commands()} == PROGRAMS
    for words in commands():
        if words[0] == "helm":
            assert ROOT / words[words.index(RELEASE) + 1] == CHART
    found = manifests(EXAMPLES[0], release=RELEASE)
    deployments = {f"deployment/{item['metadata']['name']}" for item in found if item["kind"] == "Deployment"}
    assert deployments == {word for words in commands() for word in words if word.startswith("deployment/")}


def test_web_configuration_is_where_it_is_mounted() -> None:
    """The paths in the example are the chart's."""
    (text,) = [text for text in blocks(PAGES[0], "yaml") if text.startswith(WEB_CONFIG)]
    paths = yaml.safe_load(text)["tls_server_config"].values()
    (values,) = [values for values in EXAMPLES if "webConfig" in values]
    (deployment,) = [item for item in manifests(values) if item["kind"] == "Deployment"]
    mounts = deployment["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {str(Path(path).parent) for path in paths} <= {mount["mountPath"] for mount in mounts}


def test_links_lead_somewhere() -> None:
    """Links between files of the repository."""
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), link
