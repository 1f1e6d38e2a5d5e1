"""Responses of GitHub in, exact exposition out: one folder per collector and case.

`responses.json` maps `/path` or `/path?page=2` to a body, or to `{"status", "headers", "body"}`; what is not listed is
404. `settings.json` may name organizations and options. `UPDATE_GOLDEN=1` writes `exposition.prom`; read the diff.
"""

import json
import os
from pathlib import Path

import pytest

from exporter.collectors import COLLECTORS
from tests.support.harness import CollectorHarness

FOLDER = Path(__file__).parent
BY_NAME = {collector.name: collector for collector in COLLECTORS}
CASES = sorted(path.parent.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*/responses.json"))


def expose(case: Path) -> str:
    """Run the collector of *case* once; return what it exposes and how the run ended."""
    recorded = json.loads((case / "responses.json").read_text("utf-8"))
    settings_file = case / "settings.json"
    settings = json.loads(settings_file.read_text("utf-8")) if settings_file.exists() else {}
    settings["organizations"] = tuple(settings.get("organizations", ()))
    harness = CollectorHarness(BY_NAME[case.parent.name], recorded, **settings)
    harness.run()
    status = harness.status
    ending = {
        "success": str(status.success).lower(),
        "available": str(status.available).lower(),
        "reason": status.reason.value if status.reason else "none",
        "skipped": harness.observer.skips,
        "dropped": harness.dropped or "none",
    }
    return f"{harness.text}# {', '.join(f'{name}: {value}' for name, value in ending.items())}\n"


@pytest.mark.parametrize("case", CASES)
def test_exposition_is_exactly_as_recorded(case: str) -> None:
    """What a collector exposes for recorded answers is byte for byte what `exposition.prom` holds."""
    text = expose(FOLDER / case)
    golden = FOLDER / case / "exposition.prom"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("name", BY_NAME)
def test_every_collector_reads_githubs_own_example(name: str) -> None:
    """Each collector has a case with the example answers of GitHub's API description."""
    assert f"{name}/github-example" in CASES
