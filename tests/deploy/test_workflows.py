"""The workflows: valid, pinned, with few rights, and they run what the repository has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployment import load, read, schema_complaints, style_complaints
from tests.support.programs import ROOT

FILES = sorted(path.relative_to(ROOT) for path in (ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[Any, Any]] = {path.stem: load(path) for path in FILES}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
USES = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<pin>\S+)(?: # (?P<version>\S+))?$", re.MULTILINE)
READING = {"contents": "read"}
MAY_WRITE = {
    ("release", "pypi"): {"id-token"},
    ("release", "image"): {"packages", "id-token"},
    ("release", "chart"): {"packages", "id-token"},
    ("release", "notes"): {"contents"},
}
RELEASE = WORKFLOWS["release"]["jobs"]


def steps(workflow: str, job: str) -> list[dict[str, Any]]:
    """The steps of a job; one that calls a workflow has none."""
    found: list[dict[str, Any]] = WORKFLOWS[workflow]["jobs"][job].get("steps", [])
    return found


def scripts(job: str) -> str:
    """What a job of the release runs by itself."""
    return "\n".join(step["run"] for step in steps("release", job) if "run" in step)


def test_workflows_follow_their_schemas() -> None:
    """Workflows and Dependabot's settings follow their published schemas."""
    assert schema_complaints("vendor.github-workflows", *FILES) == ""
    assert schema_complaints("vendor.dependabot", Path(".github/dependabot.yml")) == ""


def test_issue_forms_follow_their_schemas() -> None:
    """The forms for issues follow their published schemas."""
    folder = Path(".github/ISSUE_TEMPLATE")
    assert schema_complaints("vendor.github-issue-forms", folder / "bug.yml", folder / "feature.yml") == ""
    assert schema_complaints("vendor.github-issue-config", folder / "config.yml") == ""


def test_schema_rejects_an_unknown_key(tmp_path: Path) -> None:
    """The same check does find a key that does not exist."""
    broken = tmp_path / "broken.yml"
    broken.write_text(read(FILES[0]).replace("runs-on:", "run-on:"), "utf-8")
    assert "run-on" in schema_complaints("vendor.github-workflows", broken)


def test_workflows_pass_the_yaml_linter() -> None:
    """They are in good style, with no key twice."""
    assert style_complaints([*FILES, Path(".github/dependabot.yml")]) == ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_with_their_version(file: Path) -> None:
    """Actions are pinned by commit, with the version beside it; the same action everywhere by the same one."""
    uses = list(USES.finditer(read(file)))
    assert len(uses) == read(file).count("uses: ") - read(file).count("uses: ./")
    for use in uses:
        assert re.fullmatch(r"[0-9a-f]{40}", use["pin"]), use[0]
        assert re.fullmatch(r"v\d+\.\d+\.\d+", use["version"]), use[0]


def test_action_has_one_version_in_all_workflows() -> None:
    """An action has one version in all workflows."""
    pins = {(use["action"], use["pin"], use["version"]) for file in FILES for use in USES.finditer(read(file))}
    assert len(pins) == len({action for action, *_ in pins})


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_job_has_only_the_rights_it_needs(workflow: str, job: str) -> None:
    """A job may read the repository, and write what it is there for; it ends in time and leaves no token behind."""
    found = WORKFLOWS[workflow]["jobs"][job]
    rights = found.get("permissions", WORKFLOWS[workflow]["permissions"])
    assert WORKFLOWS[workflow]["permissions"] in ({}, READING)
    assert {name for name, right in rights.items() if right == "write"} == MAY_WRITE.get((workflow, job), set())
    assert {name for name, right in rights.items() if right == "read"} <= {"contents"}
    assert "uses" in found or 0 < found["timeout-minutes"] <= 60
    for step in steps(workflow, job):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_uses_no_secret_and_no_expression_in_a_script(name: str) -> None:
    """No stored secret, no expression inside a script, no trigger that gives strangers' code a token."""
    text = read(Path(".github/workflows") / f"{name}.yml")
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert [step for job in WORKFLOWS[name]["jobs"] for step in steps(name, job) if "${{" in step.get("run", "")] == []
    assert WORKFLOWS[name]["concurrency"]["group"]


def test_called_workflow_does_not_wait_for_its_caller() -> None:
    """In a called workflow `github.workflow` is the caller's name: with one group for both, neither would go on."""
    called, caller = (WORKFLOWS[name]["concurrency"]["group"] for name in ("test", "release"))
    assert "workflow_call" in WORKFLOWS["test"][True]  # YAML 1.1 reads `on` so
    assert called.replace("${{ github.workflow }}", WORKFLOWS["release"]["name"]) != caller


def test_test_job_runs_the_script_of_the_repository() -> None:
    """The tests are those of .ci/run."""
    assert [step["run"] for step in steps("test", "test") if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_compose_job_asks_ports_and_dashboards_that_exist() -> None:
    """What is asked of the running stack is where compose.yaml puts it, and a dashboard that exists."""
    ran = "\n".join(step["run"] for step in steps("test", "compose") if "run" in step)
    assert "docker compose up --detach --build --wait" in ran
    published = {
        port.rpartition(":")[0] for service in load("compose.yaml")["services"].values() for port in service["ports"]
    }
    asked = set(re.findall(r"http://([\d.]+:\d+)", ran))
    assert asked
    assert asked <= published
    uids = {json.loads(read(path))["uid"] for path in (ROOT / "dashboards").glob("*.json")}
    assert set(re.findall(r"/dashboards/uid/([\w-]+)", ran)) <= uids


def test_nothing_is_published_untested() -> None:
    """Whatever leaves the repository waits for the tests, and these for the check of the tag."""

    def waits_for(job: str) -> set[str]:
        needed = RELEASE[job].get("needs", [])
        direct = {needed} if isinstance(needed, str) else set(needed)
        return direct.union(*(waits_for(other) for other in direct))

    for job in ("package", "pypi", "image", "chart", "notes"):
        assert {"test", "verify"} <= waits_for(job)
    assert waits_for("test") == {"verify"}


def test_scripts_and_make_targets_of_workflows_exist() -> None:
    """The scripts and make targets that workflows call are there, under these names."""
    text = "\n".join(read(file) for file in FILES)
    targets = re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE)
    assert set(re.findall(r"run: make (\w+)", text)) == {"build", "audit"} <= set(targets)
    assert set(re.findall(r"python3 (scripts/\S+ \w+)", text)) == {f"scripts/release.py {c}" for c in COMMANDS}
    assert (ROOT / "scripts" / "release.py").is_file()


COMMANDS = ("check", "notes", "stamp")


def test_image_is_built_for_two_platforms_and_signed_by_digest() -> None:
    """The image is built for two platforms with bill of materials and provenance, and signed by digest."""
    (build,) = (step for step in steps("release", "image") if step.get("id") == "build")
    given = build["with"]
    assert given["platforms"] == "linux/amd64,linux/arm64"
    assert (given["sbom"], given["provenance"], given["push"]) == (True, "mode=max", True)
    assert "latest" not in given["tags"]
    assert "cosign sign --yes --recursive" in scripts("image")
    (sign,) = (step for step in steps("release", "image") if "cosign sign" in step.get("run", ""))
    assert sign["env"]["IMAGE"].endswith("@${{ steps.build.outputs.digest }}")


def test_chart_is_pushed_and_signed_by_digest() -> None:
    """The chart of the repository is pushed and signed by digest."""
    assert "helm package helm/ghe-exporter" in scripts("chart")
    assert 'cosign sign --yes "$charts/ghe-exporter@$' in scripts("chart")


def test_package_is_published_without_a_token() -> None:
    """The package is published without a token, from an environment that can ask for approval."""
    publish = steps("release", "pypi")[-1]
    assert publish["uses"].startswith("pypa/gh-action-pypi-publish@")
    assert "with" not in publish
    assert RELEASE["pypi"]["environment"] == "pypi"


def test_dockerfile_declares_the_arguments_of_the_build() -> None:
    """The Dockerfile declares the arguments that the image is built with."""
    (build,) = (step for step in steps("release", "image") if step.get("id") == "build")
    given = set(re.findall(r"^(\w+)=", build["with"]["build-args"], re.MULTILINE))
    assert given <= set(re.findall(r"^ARG (\w+)", read("Dockerfile"), re.MULTILINE))
