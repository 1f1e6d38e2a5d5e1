"""The worked example of CONTRIBUTING.md works as it stands."""

import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.collector import Collector
from exporter.collectors import COLLECTORS
from exporter.reference.pages import collectors_table, metrics_page
from tests.support.harness import CollectorHarness

PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")


def block(language: str) -> str:
    """The first fenced block of *language*, without its indentation in the list."""
    match = re.search(rf"^   ```{language}\n(.*?)^   ```$", PAGE, re.DOTALL | re.MULTILINE)
    assert match is not None
    return re.sub(r"^   ", "", match[1], flags=re.MULTILINE)


@pytest.fixture
def collector() -> Iterator[Collector[Any]]:
    module = types.ModuleType("example_collector")
    sys.modules[module.__name__] = module  # pydantic looks a model's module up by its name
    exec(compile(block("python"), "CONTRIBUTING.md", "exec"), module.__dict__)
    yield module.COLLECTOR
    del sys.modules[module.__name__]


def test_the_example_collector_exposes_what_the_example_fixture_says(collector: Collector[Any]) -> None:
    """The code block, run against the JSON block, gives the sample one expects."""
    harness = CollectorHarness(collector, json.loads(block("json")))
    harness.run()
    assert harness.series == {'ghe_teams{enterprise="octo-corp",notification_setting="notifications_enabled"}': 1}
    assert harness.status.success


def test_the_example_collector_is_documented_without_further_work(collector: Collector[Any]) -> None:
    """One more line in the tuple is enough for it to appear in the generated pages."""
    collectors = (*COLLECTORS, collector)
    assert "`ghe_teams`" in metrics_page(collectors)
    assert "`/enterprises/{enterprise}/teams`" in metrics_page(collectors)
    assert "[`teams`]" in collectors_table(collectors)


def test_the_example_name_is_free() -> None:
    """The example is not a collector that exists already."""
    assert "teams" not in {collector.name for collector in COLLECTORS}
