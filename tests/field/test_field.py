"""Run every case of cases/*.yaml; README.md says what they are and how to add one."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli import main
from tests.field.github import github
from tests.field.judging import judge
from tests.field.running import clean, collected, commanded, furnish, settings_of
from tests.field.shipped import alerted, charted, files, scraped
from tests.support.programs import serving
from tests.support.tools import eventually

SHIPPED = {"chart", "series", "documents"}
CASES = Path(__file__).parent / "cases"
SOURCE = re.compile(r"[\w.-]+/[\w.-]+#\d+|docs\.github\.com, .+|found here")
KEYS = {
    "case",
    "source",
    "report",
    "expect",
    "steps",
    "collectors",
    "enterprise",
    "settings",
    "settings_text",
    "environment",
    "files",
    "answers",
    "host",
    "api_path",
    "command",
    "process",
    "scrape",
    "release",
}
EXPECTED = {
    "metrics",
    "absent",
    "fails",
    "unavailable",
    "says",
    "never_says",
    "logs",
    "lines",
    "exit",
    "requests",
    "sends",
    "matches",
    "never_matches",
    "objects",
    "refused",
    "firing",
}


@cache
def every_case() -> list[Any]:
    """Each case with its name."""
    return [
        pytest.param(case, id=f"{path.stem}:{case['case']}")
        for path in sorted(CASES.glob("*.yaml"))
        for case in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]


def test_every_case_is_well_formed() -> None:
    """A misspelled key would make a case that cannot fail."""
    cases = [case.values[0] for case in every_case()]
    assert len({case["case"] for case in cases}) == len(cases)
    for case in cases:
        assert case.keys() <= KEYS | SHIPPED, case["case"]
        assert SOURCE.fullmatch(case["source"]), case["source"]
        assert case["report"]
        steps = case.get("steps", [case])
        assert all(step["expect"] and step["expect"].keys() <= EXPECTED for step in steps), case["case"]
        assert all(step.keys() <= {"after", "answers", "files", "expect"} for step in case.get("steps", []))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An exporter to be scraped, which has read one thing."""
    folder = tmp_path_factory.mktemp("served")
    case = {"collectors": ["licenses"], "settings": {"web": {"enable_lifecycle": False}}}
    furnish(folder, case)
    with github() as state:
        state.answers = {"/enterprises/acme/consumed-licenses": {"body": {"total_seats_consumed": 5}}}
        (folder / "config.yaml").write_text(yaml.safe_dump(settings_of(case, state.url, folder)), encoding="utf-8")
        with serving("--config", str(folder / "config.yaml")) as program:
            eventually(lambda: program.answers("/-/ready"), "the exporter is ready")
            yield program.url


@pytest.mark.parametrize("case", [case for case in every_case() if "scrape" in case.values[0]])
def test_scrape(case: Mapping[str, Any], url: str) -> None:
    """The right answer to one scraper of the field."""
    scraped(case, url)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(*case.values, id=case.id, marks=pytest.mark.slow if "series" in case.values[0] else ())
        for case in every_case()
        if case.values[0].keys() & SHIPPED
    ],
)
def test_shipped(case: Mapping[str, Any], tmp_path: Path) -> None:
    """The right result of one report about a chart, a rule or a dashboard."""
    if "chart" in case:
        charted(case)
    elif "series" in case:
        alerted(case, tmp_path)
    else:
        files(case)


@pytest.mark.parametrize("case", [case for case in every_case() if not case.values[0].keys() & {"scrape", *SHIPPED}])
def test_case(
    case: Mapping[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right result of one report from the field."""
    furnish(tmp_path, case)
    monkeypatch.chdir(tmp_path)

    def set_environment(variables: Mapping[str, str]) -> None:
        for name in os.environ.keys() - clean(os.environ).keys():
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    if "command" in case:

        def run(arguments: list[str], variables: Mapping[str, str]) -> tuple[int, str]:
            set_environment(variables)
            try:
                code = main(arguments)
            except SystemExit as end:  # wrong arguments
                code = int(end.code or 0)
            return code, "".join(capfd.readouterr())

        judge(case["expect"], commanded(case, tmp_path, run))
        return
    set_environment(case.get("environment", {}))
    for expect, step in collected(case, tmp_path):
        step.out = "".join(capfd.readouterr())
        judge(expect, step)
